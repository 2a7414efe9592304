"""What clients get to see of claims, disputes, their evidence and a trade's timeline; written like objects.py."""

from typing import Any, Literal

from msgspec import Struct

from handfast.gateways.native.objects import Seconds
from handfast.gateways.native.sales import Clock


class Offer(Struct, frozen=True):
    """What the seller would give instead of what is asked for."""

    amount: int
    goods: str


class Claim(Struct, frozen=True):
    """A buyer's request for money back, in the price's currency, with the goods returned or kept.

    `words` are the buyer's and `answer` the seller's, sealed under their keys: lists and events leave them out (null),
    and so does everything once their author was erased.
    """

    id: str
    object: Literal["claim"]
    trade: str
    payment: str
    merchant: str
    seller: str
    buyer: str
    state: str
    reason: str
    goods: str
    currency: str
    amount: int
    offer: Offer | None
    words: str | None
    answer: str | None
    tracking: str
    changes_left: int
    clock: Clock
    version: int
    created: Seconds


class Decision(Struct, frozen=True):
    """What a case handler decided, and why: so much goes back to the buyer.

    `handler` decided and `second` agreed: API keys of two of the operator's persons, for the operator to see.
    """

    outcome: str
    amount: int
    reasons: str
    handler: str | None
    second: str | None


class EvidenceCount(Struct, frozen=True):
    """How much each side has shown."""

    buyer: int
    seller: int
    operator: int


class Dispute(Struct, frozen=True):
    """What buyer and seller could not settle, for a case handler to decide: of `asked`, how much goes back.

    `rested` is the side that has said already that it has nothing more to say. On appeal `first_decision` is the one
    that was appealed. A decision that is only proposed the operator sees alone.
    """

    id: str
    object: Literal["dispute"]
    trade: str
    claim: str | None
    payment: str
    merchant: str
    seller: str
    buyer: str
    state: str
    opened_by: str
    currency: str
    asked: int
    decision: Decision | None
    appealed_by: str | None
    first_decision: Decision | None
    rested: str | None
    evidence: EvidenceCount
    evidence_until: Seconds
    clock: Clock
    version: int
    created: Seconds


class Evidence(Struct, frozen=True):
    """Something shown in a dispute by a side: a file, a tracking number or a message.

    `text` is the message, the number or the file's name; events leave it out (null). `digest` is the SHA-256 of a
    file's bytes as they are kept, sealed; its content is at /v1/evidence/{id}/content. Of what is confidential, the
    other side sees that it was shown, and no more: `readable` is false then.
    """

    id: str
    object: Literal["evidence"]
    dispute: str
    trade: str
    side: str
    kind: str
    confidential: bool
    readable: bool
    text: str | None
    media_type: str | None
    size: int | None
    digest: str | None
    version: int
    created: Seconds


class TimelineMoment(Struct, frozen=True):
    """Something that happened, in one sentence; `data` is the object then, null where one may know no more of it."""

    at: Seconds
    type: str
    object: str
    says: str
    data: Any


class Timeline(Struct, frozen=True):
    """What happened to a trade, oldest first: for both sides the same moments, with what each of them may read."""

    object: Literal["timeline"]
    trade: str
    data: list[TimelineMoment]
