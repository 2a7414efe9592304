"""Disputes: what buyer and seller cannot settle goes to a case handler, with evidence, deadlines and one appeal."""

from msgspec import Struct

from handfast.core.ids import Id

DISPUTE_STATES = {
    "open": {
        "close_evidence": "review",
        "silent_review": "review",
        "concede": "final",
        "withdraw": "withdrawn",
    },
    "review": {"decide": "decided", "propose": "proposed", "silent_final": "final", "concede": "final"},
    "proposed": {"approve": "decided", "reject": "review", "silent_final": "final"},
    "decided": {"appeal": "appealed", "accept": "final", "silent_final": "final"},
    "appealed": {"decide": "final", "propose": "proposed_again", "silent_final": "final"},
    "proposed_again": {"approve": "final", "reject": "appealed", "silent_final": "final"},
    "final": {},
    "withdrawn": {},
}
"""State table: state → {move → next state}. Money moves on the way into "final", in one entry, and nowhere else.

`silent_final`: the decision that stands takes effect (a first decision when the appeal is not decided in time), or, if
nobody decided, what the policy says.
"""

OUTCOMES = ("refund", "part", "split", "release", "dismiss")
"""What a decision does: all of what is left goes back; a part goes back and the trade goes on; a part goes back and the
rest to the seller; all to the seller; nothing, and the trade goes on."""

EVIDENCE_KINDS = ("file", "tracking", "message")


class Dispute(Struct, frozen=True, gc=False):
    """A dispute on a trade. Of what was `asked`, `amount` goes back to the buyer by the decision (price currency).

    `opened_by` is "buyer", "seller" or "clock". `handler` made the decision that stands or is proposed, `second`
    approved it: API clients of the operator, and two persons. `first_*` keeps the first decision on appeal. `reasons`
    is the handler's text for both sides. `rested` names the sides that have nothing more to say: no evidence, or no
    appeal. Each side may show evidence until `evidence_until` (market time); `evidence_*` counts what it showed.
    """

    id: Id
    trade: Id
    claim: Id | None
    payment: Id
    merchant: Id
    seller: Id
    buyer: Id
    state: str
    opened_by: str
    currency: str
    asked: int
    outcome: str
    amount: int
    reasons: str
    handler: Id | None
    second: Id | None
    appealed_by: str
    first_outcome: str
    first_amount: int
    first_reasons: str
    first_handler: Id | None
    first_second: Id | None
    rested: str
    evidence_buyer: int
    evidence_seller: int
    evidence_operator: int
    evidence_until: int
    due: int | None
    version: int
    created: int


class Evidence(Struct, frozen=True, gc=False):
    """Something shown in a dispute: a file, a tracking number or a message, sealed under the key of who showed it.

    A file's bytes lie outside the database, sealed, under their SHA-256 (`digest`); `media_type` was checked against
    them. What is `confidential` (1) only its author and the case handler may read; that it exists, both sides see.
    """

    id: Id
    dispute: Id
    trade: Id
    party: Id
    side: str
    kind: str
    confidential: int
    media_type: str
    size: int
    digest: bytes
    sealed: bytes
    version: int
    created: int
