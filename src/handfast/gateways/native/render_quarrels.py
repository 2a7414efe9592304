"""From rows of claims, disputes and evidence to the objects that clients see."""

from msgspec import Struct
from msgspec.structs import replace

from handfast.core.ids import Id
from handfast.domain import claims, disputes
from handfast.gateways.native import quarrels
from handfast.gateways.native.agreed import Agreed
from handfast.gateways.native.clocks import claim_clock, dispute_clock
from handfast.gateways.native.prefixes import show, show_some
from handfast.gateways.native.render import SECOND


class Said(Struct, frozen=True):
    """What buyer and seller said in a claim, opened; None where it was not, or can no longer be."""

    words: str | None = None
    answer: str | None = None


_NOTHING = Said()


def claim(row: claims.Claim, agreed: Agreed, said: Said = _NOTHING) -> quarrels.Claim:
    """A claim; with what was said where it was opened for the caller."""
    return quarrels.Claim(
        id=show("claim", row.id),
        object="claim",
        trade=show("trade", row.trade),
        payment=show("payment", row.payment),
        merchant=show("party", row.merchant),
        seller=show("party", row.seller),
        buyer=show("party", row.buyer),
        state=row.state,
        reason=row.reason,
        goods=row.goods,
        currency=row.currency,
        amount=row.amount,
        offer=quarrels.Offer(row.offered, row.offered_goods) if row.offered else None,
        words=said.words,
        answer=said.answer,
        tracking=row.tracking,
        changes_left=claims.MOST_CHANGES - row.changes,
        clock=claim_clock(row, agreed.of_trade[row.trade]),
        version=row.version,
        created=row.created // SECOND,
    )


def dispute(row: disputes.Dispute, agreed: Agreed, *, inner: bool = True) -> quarrels.Dispute:
    """A dispute; `inner` with who decided, and with a decision that is only proposed."""
    if not inner:
        row = disputes.as_seen(row, "buyer")
        row = replace(row, handler=None, second=None, first_handler=None, first_second=None)
    return quarrels.Dispute(
        id=show("dispute", row.id),
        object="dispute",
        trade=show("trade", row.trade),
        claim=show_some("claim", row.claim),
        payment=show("payment", row.payment),
        merchant=show("party", row.merchant),
        seller=show("party", row.seller),
        buyer=show("party", row.buyer),
        state=row.state,
        opened_by=row.opened_by,
        currency=row.currency,
        asked=row.asked,
        decision=_decision(row.outcome, row.amount, row.reasons, row.handler, row.second),
        appealed_by=row.appealed_by or None,
        first_decision=_decision(
            row.first_outcome, row.first_amount, row.first_reasons, row.first_handler, row.first_second
        ),
        rested=row.rested or None,
        evidence=quarrels.EvidenceCount(row.evidence_buyer, row.evidence_seller, row.evidence_operator),
        evidence_until=row.evidence_until // SECOND,
        clock=dispute_clock(row, agreed.of_trade[row.trade]),
        version=row.version,
        created=row.created // SECOND,
    )


def _decision(
    outcome: str, amount: int, reasons: str, handler: Id | None, second: Id | None
) -> quarrels.Decision | None:
    if not outcome:
        return None
    return quarrels.Decision(outcome, amount, reasons, show_some("client", handler), show_some("client", second))


def evidence(row: disputes.Evidence, *, readable: bool = True, text: str | None = None) -> quarrels.Evidence:
    """Something shown; with its text where it was opened for the caller."""
    file = readable and row.kind == "file"
    return quarrels.Evidence(
        id=show("evidence", row.id),
        object="evidence",
        dispute=show("dispute", row.dispute),
        trade=show("trade", row.trade),
        side=row.side,
        kind=row.kind,
        confidential=bool(row.confidential),
        readable=readable,
        text=text,
        media_type=row.media_type if file else None,
        size=row.size if file else None,
        digest=row.digest.hex() if file else None,
        version=row.version,
        created=row.created // SECOND,
    )
