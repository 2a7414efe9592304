"""What can be done with notifications: endpoints, the queues of deliveries to them, and sending again.

Deliveries of the native gateway move on wall time, which verbs do not have: it comes in the commands as `at` (µs).
"""

import re
from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from handfast.core.errors import Conflict, Invalid, NotFound
from handfast.core.ids import Id, owner_of
from handfast.core.states import move
from handfast.domain.notifications.model import (
    DELIVERY_STATES,
    ENDPOINT_STATES,
    GATEWAY_TYPES,
    LEASE,
    OVERLAP,
    SHOWN,
    Attempt,
    Delivery,
    Endpoint,
    Mark,
    is_owed,
    wants,
)
from handfast.domain.notifications.tables import (
    ATTEMPTS,
    DELIVERIES,
    ENDPOINTS,
    FANNED_OUT,
    MARKS,
    attempt_id,
    delivery_id,
    gateway_endpoint,
    queue,
)
from handfast.domain.notifications.targets import parse_url
from handfast.domain.parties import active_parties, must_belong
from handfast.store.rows import EVENTS, Event
from handfast.store.verb import Tx, verb

MAX_PATTERNS = 32
MAX_REPLAY = 1000
_PATTERN = re.compile(r"\*|[a-z_]{1,40}(?:\.[a-z_]{1,40}){0,3}(?:\.\*)?", re.ASCII)
_OPEN = ("waiting", "due", "leased")


class CreateEndpoint(Struct, frozen=True):
    """A new endpoint; the caller made the secret and hands it over sealed. For `private`, a setting, see parse_url."""

    party: Id
    url: str
    secret: bytes
    types: tuple[str, ...] = ("*",)
    private: bool = False


class MoveEndpoint(Struct, frozen=True):
    """Disable or enable an endpoint. What is queued for a disabled one stays; what happens meanwhile is not queued."""

    by: Id
    endpoint: Id
    step: str


class RotateSecret(Struct, frozen=True):
    """Give an endpoint a new sealed secret; a second rotation within a day ends the secret before the former one."""

    by: Id
    endpoint: Id
    secret: bytes
    at: int


class FanOut(Struct, frozen=True):
    """Queue the events after one place among all up to another, each as event, endpoint and URL."""

    after: int
    until: int
    owed: tuple[tuple[Id, Id, str], ...]
    at: int


class Claim(Struct, frozen=True):
    """Take a due delivery for one try."""

    delivery: Id
    at: int


class Settle(Struct, frozen=True):
    """What came of try number `tries`: an HTTP status, or 0 and the code of what went wrong; what was answered.

    `delivered` is whether its gateway takes that for a receipt. If not, it is tried again after `pause` µs, or never.
    """

    delivery: Id
    tries: int
    status: int
    error: str
    answer: str
    delivered: bool
    pause: int | None
    at: int


class Replay(Struct, frozen=True):
    """Send one delivery again."""

    by: Id
    delivery: Id
    at: int


class ReplayEvents(Struct, frozen=True):
    """Send events to an endpoint, whether they were sent to it before or not."""

    by: Id
    endpoint: Id
    events: tuple[Id, ...]
    at: int


async def _endpoint(tx: Tx, key: Id) -> Endpoint:
    endpoint = await tx.get(ENDPOINTS, key)
    if endpoint is None:
        raise NotFound("object_not_found", "no such webhook endpoint", "endpoint")
    return endpoint


async def _delivery(tx: Tx, key: Id) -> Delivery:
    delivery = await tx.get(DELIVERIES, key)
    if delivery is None:
        raise NotFound("object_not_found", "no such delivery", "delivery")
    return delivery


def _must_be_active(endpoint: Endpoint) -> None:
    if endpoint.state != "active":
        raise Conflict("state_conflict", f"the endpoint is {endpoint.state}", "endpoint")


@verb("notifications.create_endpoint", about="party")
async def create_endpoint(tx: Tx, command: CreateEndpoint) -> Endpoint:
    """Take an endpoint in. Raises Invalid(url_invalid, field_invalid), NotFound, Forbidden(party_suspended)."""
    parse_url(command.url, private=command.private)
    if not 1 <= len(command.types) <= MAX_PATTERNS or not all(map(_PATTERN.fullmatch, command.types)):
        raise Invalid("field_invalid", f"types are 1 to {MAX_PATTERNS} of *, trade.*, trade.released …", "types")
    if not command.secret:
        raise Invalid("field_invalid", "an endpoint has a sealed secret", "secret")
    await active_parties(tx, party=command.party)
    endpoint = Endpoint(
        id=tx.new_id(),
        party=command.party,
        gateway="native",
        url=command.url,
        types=" ".join(command.types),
        secret=command.secret,
        former_secret=b"",
        former_until=0,
        state="active",
        version=1,
        created=tx.now,
    )
    tx.put(ENDPOINTS, endpoint)
    return endpoint


async def open_gateway(tx: Tx, party: Id, gateway: str) -> None:
    """Stage that a party is told in a gateway's protocol too, from now on, of what that protocol tells."""
    key = gateway_endpoint(party, gateway)
    if gateway not in GATEWAY_TYPES or await tx.get(ENDPOINTS, key) is not None:
        return
    endpoint = Endpoint(
        id=key,
        party=party,
        gateway=gateway,
        url="",
        types=GATEWAY_TYPES[gateway],
        secret=b"",
        former_secret=b"",
        former_until=0,
        state="active",
        version=1,
        created=tx.now,
    )
    tx.put(ENDPOINTS, endpoint)


@verb("notifications.move_endpoint", about="endpoint")
async def move_endpoint(tx: Tx, command: MoveEndpoint) -> Endpoint:
    """Disable or enable. Raises NotFound, Conflict(state_conflict)."""
    endpoint = await _endpoint(tx, command.endpoint)
    must_belong(command.by, "endpoint", endpoint.party)
    state = move(ENDPOINT_STATES, endpoint.state, command.step)
    changed = replace(endpoint, state=state, version=endpoint.version + 1)
    tx.put(ENDPOINTS, changed)
    return changed


@verb("notifications.rotate_secret", about="endpoint")
async def rotate_secret(tx: Tx, command: RotateSecret) -> Endpoint:
    """Put a new secret in the place of the old one, which signs beside it for a day. Raises Invalid, NotFound."""
    endpoint = await _endpoint(tx, command.endpoint)
    must_belong(command.by, "endpoint", endpoint.party)
    if endpoint.gateway != "native":
        raise Invalid("field_invalid", "this gateway signs with keys of its own", "endpoint")
    if not command.secret:
        raise Invalid("field_invalid", "an endpoint has a sealed secret", "secret")
    changed = replace(
        endpoint,
        secret=command.secret,
        former_secret=endpoint.secret,
        former_until=command.at + OVERLAP,
        version=endpoint.version + 1,
    )
    tx.put(ENDPOINTS, changed)
    return changed


@verb("notifications.fan_out", quiet=True)
async def fan_out(tx: Tx, command: FanOut) -> Mark:
    """Queue deliveries and move the mark, both or neither. Raises Conflict(state_conflict) if the mark is elsewhere."""
    mark = await tx.get(MARKS, FANNED_OUT) or Mark(FANNED_OUT, 0)
    if mark.value != command.after or command.until <= command.after:
        raise Conflict("state_conflict", f"events are fanned out up to {mark.value}", "after")
    events = await tx.get_all(*((EVENTS, event) for event, _, _ in command.owed))
    endpoints = await tx.get_all(*((ENDPOINTS, endpoint) for _, endpoint, _ in command.owed))
    owed = [
        (endpoint, event, url)
        for endpoint, event, (_, _, url) in zip(endpoints, events, command.owed, strict=True)
        if endpoint and event and command.after < event.seq <= command.until and is_owed(endpoint, event)
    ]
    await _enqueue(tx, owed, command.at)
    moved = Mark(FANNED_OUT, command.until)
    tx.put(MARKS, moved)
    return moved


def _now(tx: Tx, endpoint: Endpoint, wall: int) -> int:
    """What the endpoint's clock shows."""
    return wall if endpoint.gateway == "native" else tx.now


async def _enqueue(tx: Tx, owed: Sequence[tuple[Endpoint, Event, str]], wall: int) -> list[Delivery]:
    """Put each event at the end of its queue: due at once where it waits for none before it."""
    keys = [queue(endpoint.id, owner_of(event.id)) for endpoint, event, _ in owed]
    queues = dict(zip(keys, owed, strict=True))
    marks = await tx.get_all(*((MARKS, key) for key in queues))
    length = {key: mark.value if mark else 0 for key, mark in zip(queues, marks, strict=True)}
    lasts = await tx.get_all(
        *(
            (DELIVERIES, delivery_id(endpoint.id, owner_of(event.id), length[key]))
            for key, (endpoint, event, _) in queues.items()
        )
    )
    busy = {key: last is not None and last.state in _OPEN for key, last in zip(queues, lasts, strict=True)}
    made = []
    for key, (endpoint, event, url) in zip(keys, owed, strict=True):
        about, now = owner_of(event.id), _now(tx, endpoint, wall)
        waits = busy[key] and endpoint.gateway == "native"
        length[key] += 1
        delivery = Delivery(
            id=delivery_id(endpoint.id, about, length[key]),
            endpoint=endpoint.id,
            event=event.id,
            object=about,
            url=url,
            seq=event.seq,
            place=length[key],
            state="waiting" if waits else "due",
            tries=0,
            due=None if waits else now,
            last_try=None,
            last_status=0,
            last_error="",
            created=now,
        )
        busy[key] = True
        tx.put(DELIVERIES, delivery)
        made.append(delivery)
    for key, value in length.items():
        tx.put(MARKS, Mark(key, value))
    return made


@verb("notifications.claim", quiet=True)
async def claim(tx: Tx, command: Claim) -> Delivery:
    """Lease a delivery for one try. Raises NotFound, Conflict(state_conflict) where it is not due or not to be sent."""
    delivery = await _delivery(tx, command.delivery)
    endpoint = await _endpoint(tx, delivery.endpoint)
    _must_be_active(endpoint)
    now = _now(tx, endpoint, command.at)
    if delivery.due is None or delivery.due > now:
        raise Conflict("state_conflict", f"the delivery is {delivery.state} and not due", "delivery")
    state = move(DELIVERY_STATES, delivery.state, "claim")
    claimed = replace(delivery, state=state, tries=delivery.tries + 1, due=now + LEASE)
    tx.put(DELIVERIES, claimed)
    return claimed


@verb("notifications.settle", quiet=True)
async def settle(tx: Tx, command: Settle) -> Delivery:
    """Close a try: delivered, else due again later, at last parked; closing wakes the next in the queue.

    Raises NotFound, Conflict(state_conflict) where the delivery was claimed anew or settled since.
    """
    delivery = await _delivery(tx, command.delivery)
    if delivery.state != "leased" or delivery.tries != command.tries:
        raise Conflict("state_conflict", f"try {command.tries} is over", "tries")
    now = _now(tx, await _endpoint(tx, delivery.endpoint), command.at)
    if command.delivered:
        step, due = "succeed", None
    elif command.pause is not None:
        step, due = "fail", now + command.pause
    else:
        step, due = "give_up", None
    settled = replace(
        delivery,
        state=move(DELIVERY_STATES, delivery.state, step),
        due=due,
        last_try=now,
        last_status=command.status,
        last_error=command.error,
    )
    tx.put(DELIVERIES, settled)
    number, said = delivery.tries, command.answer[:SHOWN]
    key = attempt_id(delivery.id, number)
    tx.put(ATTEMPTS, Attempt(key, delivery.id, number, now, command.status, command.error, said))
    if due is None:
        following = await tx.get(DELIVERIES, delivery_id(delivery.endpoint, delivery.object, delivery.place + 1))
        if following is not None and following.state == "waiting":
            state = move(DELIVERY_STATES, following.state, "wake")
            tx.put(DELIVERIES, replace(following, state=state, due=now))
    return settled


@verb("notifications.replay", about="delivery")
async def replay(tx: Tx, command: Replay) -> Delivery:
    """Send a closed delivery's event again, at the end of its queue; one that is to be tried again is tried now.

    One that waits or is under way stays as it is. Raises NotFound, Conflict(state_conflict) for a disabled endpoint.
    """
    delivery = await _delivery(tx, command.delivery)
    endpoint = await _endpoint(tx, delivery.endpoint)
    must_belong(command.by, "delivery", endpoint.party)
    _must_be_active(endpoint)
    if delivery.state == "due":
        hastened = replace(delivery, due=_now(tx, endpoint, command.at))
        tx.put(DELIVERIES, hastened)
        return hastened
    if delivery.state in _OPEN:
        return delivery
    event = await tx.get(EVENTS, delivery.event)
    assert event is not None
    return (await _enqueue(tx, [(endpoint, event, delivery.url)], command.at))[0]


@verb("notifications.replay_events", about="endpoint")
async def replay_events(tx: Tx, command: ReplayEvents) -> int:
    """Queue those of the events that the endpoint may have, in order; how many. Raises Invalid, NotFound, Conflict."""
    if len(command.events) > MAX_REPLAY:
        raise Invalid("field_invalid", f"at most {MAX_REPLAY} events are sent again at once", "events")
    endpoint = await _endpoint(tx, command.endpoint)
    must_belong(command.by, "endpoint", endpoint.party)
    _must_be_active(endpoint)
    if endpoint.gateway != "native":
        raise Invalid("field_invalid", "a gateway's deliveries are sent again one by one", "endpoint")
    events = await tx.get_all(*((EVENTS, event) for event in command.events))
    owed = sorted((event for event in events if event and wants(endpoint, event)), key=lambda event: event.seq)
    await _enqueue(tx, [(endpoint, event, endpoint.url) for event in owed], command.at)
    return len(owed)


VERBS = (
    create_endpoint,
    move_endpoint,
    rotate_secret,
    fan_out,
    claim,
    settle,
    replay,
    replay_events,
)
