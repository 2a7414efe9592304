"""Events owed to merchants: where each protocol sends them, the delivery of each event, and every try at it."""

from collections.abc import Mapping

from msgspec import Struct

from handfast.core.clocks import DAY, MINUTE
from handfast.core.ids import Id
from handfast.domain.parties import HOUSE
from handfast.store.rows import Event

ENDPOINT_STATES = {"active": {"disable": "disabled"}, "disabled": {"enable": "active"}}
DELIVERY_STATES = {
    "waiting": {"wake": "due"},
    "due": {"claim": "leased"},
    "leased": {"claim": "leased", "succeed": "delivered", "fail": "due", "give_up": "parked"},
    "delivered": {},
    "parked": {},
}

GATEWAYS = ("native", "alipay", "antom")
"""The protocols in which a party may be told. The native one is told on wall time, the others on market time."""

GATEWAY_TYPES = {"alipay": "payment.*", "antom": "payment.* dispute.*"}
"""What parties are told of in protocols that are not the native one (see Endpoint.types)."""

SHOWN = 200
"""How many characters of an answer are kept."""

LEASE = MINUTE
"""How long a claimed delivery is left to who claimed it; then it may be claimed again."""

OVERLAP = DAY
"""For how long after a rotation what is sent is signed with the former secret too."""


class Endpoint(Struct, frozen=True, gc=False):
    """Where a party wants its events, from its creation on; the operator's endpoints get everybody's.

    Of the gateways but the native one a party has one endpoint each, without URL and secret: there the object that an
    event is about says where the notification goes.

    `types` is a space-separated list of patterns ("*", "trade.*"). Secrets are sealed under the party's key; the former
    one signs beside the new one until `former_until` (wall time, µs).
    """

    id: Id
    party: Id
    gateway: str
    url: str
    types: str
    secret: bytes
    former_secret: bytes
    former_until: int
    state: str
    version: int
    created: int


class Delivery(Struct, frozen=True, gc=False):
    """One event on its way to one endpoint, at `url`. Its times (µs) are of its gateway's clock.

    What goes to one endpoint about one object has a `place` 1, 2, 3 …, and the id derives from these. On the native
    gateway that is a queue: a delivery is "waiting" until the one before it is delivered or parked. `due` says when it
    may be claimed: at its next try, or when its lease ends. `seq` is the event's place among all events. `last_status`
    is the HTTP status of the last answer, or 0 and `last_error` where there was none.
    """

    id: Id
    endpoint: Id
    event: Id
    object: Id
    url: str
    seq: int
    place: int
    state: str
    tries: int
    due: int | None
    last_try: int | None
    last_status: int
    last_error: str
    created: int


class Attempt(Struct, frozen=True, gc=False):
    """One try of a delivery, at a time of its gateway's clock, and the beginning of what was answered."""

    id: Id
    delivery: Id
    number: int
    at: int
    status: int
    error: str
    answer: str


class Notice(Struct, frozen=True):
    """A notification as it is sent: an HTTP POST. `error` says why it cannot be; `once`, that it is tried only once."""

    headers: Mapping[str, str]
    body: bytes
    error: str = ""
    once: bool = False


class Parcel(Struct, frozen=True):
    """All that one try needs; `wrapped_key` opens what is sealed for the endpoint's party."""

    delivery: Delivery
    endpoint: Endpoint
    event: Event
    wrapped_key: bytes


class Mark(Struct, frozen=True, gc=False):
    """A number by name: how far events were fanned out, how long a queue is, how far the market clock is ahead."""

    id: Id
    value: int


def wants(endpoint: Endpoint, event: Event) -> bool:
    """Whether an endpoint is owed an event: it is its party's, or the house asks, and a pattern names its type."""
    return endpoint.party in (event.owner, HOUSE) and any(
        pattern in ("*", event.type) or (pattern.endswith(".*") and event.type.startswith(pattern[:-1]))
        for pattern in endpoint.types.split()
    )


def is_owed(endpoint: Endpoint, event: Event) -> bool:
    """Whether an event goes to an endpoint of itself: it wants it, and was there when it happened."""
    return endpoint.state == "active" and endpoint.created <= event.at and wants(endpoint, event)
