"""One timeline for both sides of a trade: the same moments in the same order, each with what its reader may see."""

from typing import Any

from msgspec import Struct, msgpack

from handfast.core.ids import Id, event_id, owner_of
from handfast.domain.claims import Claim, claims_of
from handfast.domain.disputes.deciding import restore_first, undecided
from handfast.domain.disputes.model import Dispute, Evidence
from handfast.domain.disputes.tables import disputes_of, evidence_of
from handfast.domain.payments import REFUNDS, Refund
from handfast.domain.trades import Trade
from handfast.store.reader import Reader, find
from handfast.store.rows import EVENTS

_LAST = 2**24 - 1


class Moment(Struct, frozen=True):
    """Something that happened: when (market time), the event's type and object, and the object as it was then.

    `row` is None where the reader may know only that it happened.
    """

    at: int
    kind: str
    object: Id
    row: Trade | Claim | Dispute | Refund | Evidence | None


def visible(evidence: Evidence, side: str) -> bool:
    """Whether "buyer", "seller" or "operator" may read what was shown; that it was shown, all of them see."""
    return not evidence.confidential or side in (evidence.side, "operator")


def as_seen(dispute: Dispute, side: str) -> Dispute:
    """The dispute as a side may see it: what is only proposed, no party does."""
    if side == "operator" or dispute.state not in ("proposed", "proposed_again"):
        return dispute
    return restore_first(dispute) if dispute.appealed_by else undecided(dispute)


def timeline(reader: Reader, trade: Trade, side: str) -> list[Moment]:
    """What happened to a trade, its claims, disputes, evidence and refunds, oldest first, for a reader's side."""
    with reader.snapshot():
        disputes = disputes_of(reader, trade.id)
        types: dict[Id, Any] = {trade.id: Trade}
        types |= {claim.id: Claim for claim in claims_of(reader, trade.id)}
        types |= {dispute.id: Dispute for dispute in disputes}
        types |= {shown.id: Evidence for dispute in disputes for shown in evidence_of(reader, dispute.id)}
        refunds = find(reader, REFUNDS, "payment = ? ORDER BY id", trade.payment)
        types |= {refund.id: Refund for refund in refunds if refund.trade == trade.id}
        events = [
            event
            for key in types
            for event in find(reader, EVENTS, "id >= ? AND id <= ?", event_id(key, 0), event_id(key, _LAST))
        ]
    moments = []
    for event in sorted(events, key=lambda event: event.seq):
        key = owner_of(event.id)
        row = _as_seen(msgpack.decode(event.body, type=types[key]), side)
        moments.append(Moment(event.at, event.type, key, row))
    return moments


def _as_seen(row: Any, side: str) -> Any:
    match row:
        case Dispute():
            return as_seen(row, side)
        case Evidence() if not visible(row, side):
            return None
    return row
