"""From rows of payments, refunds and trades to the objects that clients see."""

from msgspec import Raw

from handfast.core.money import share
from handfast.domain import payments, trades
from handfast.domain.policies import Policy
from handfast.gateways.native import sales
from handfast.gateways.native.agreed import Agreed
from handfast.gateways.native.clocks import trade_clock
from handfast.gateways.native.prefixes import show, show_some
from handfast.gateways.native.render import SECOND, seconds
from handfast.gateways.native.wording import commission, money, percent, period


def payment(row: payments.Payment, agreed: Agreed, *, inner: bool = True) -> sales.Payment:
    """A payment; `inner` with what is between the merchant and the operator."""
    return sales.Payment(
        id=show("payment", row.id),
        object="payment",
        merchant=show("party", row.merchant),
        payer=show_some("party", row.payer),
        state=row.state,
        capture=row.capture,
        currency=row.currency,
        amount=row.amount,
        captured=row.captured,
        refunded=row.refunded,
        tax=row.tax,
        pay_currency=row.pay_currency,
        pay_amount=row.pay_amount,
        commission=row.commission if inner else None,
        settle_currency=row.settle_currency if inner else None,
        settle_amount=row.settle_amount if inner else None,
        quote=show_some("quote", row.quote),
        reference=row.reference,
        description=row.description,
        metadata=Raw(row.metadata),
        lines=[_line(line, row.currency, agreed, inner=inner) for line in payments.lines_of(row)],
        due=seconds(row.due),
        version=row.version,
        created=row.created // SECOND,
    )


def _line(line: payments.Line, currency: str, agreed: Agreed, *, inner: bool) -> sales.PaymentLine:
    most = line.amount - line.tax - sum(part.amount for part in line.shares)
    seller = agreed.sellers[line.seller]
    return sales.PaymentLine(
        trade=show("trade", line.trade),
        seller=show("party", line.seller),
        title=line.title,
        category=line.category,
        delivery=line.delivery,
        policy=show("policy", line.policy),
        amount=line.amount,
        tax=line.tax,
        captured=line.captured,
        pay_amount=line.pay_amount,
        commission=line.commission if inner else None,
        commission_formula=commission(seller, currency, line.amount, most, line.commission) if inner else None,
        shares=[_share(part) for part in line.shares] if inner else None,
        settle_currency=line.settle_currency if inner else None,
        settle_amount=line.settle_amount if inner else None,
    )


def _share(part: trades.Share) -> sales.Share:
    return sales.Share(part.kind, show("party", part.payee), part.amount)


def trade(row: trades.Trade, agreed: Agreed, *, inner: bool = True) -> sales.Trade:
    """A trade; `inner` with what is between the seller and the operator."""
    policy, shares = agreed.policies[row.policy], trades.shares_of(row)
    most = trades.earnings(row, shares) + row.commission
    seller = agreed.sellers[row.seller]
    return sales.Trade(
        id=show("trade", row.id),
        object="trade",
        payment=show("payment", row.payment),
        merchant=show("party", row.merchant),
        seller=show("party", row.seller),
        buyer=show("party", row.buyer),
        state=row.state,
        title=row.title,
        category=row.category,
        delivery=row.delivery,
        policy=sales.FrozenPolicy(show("policy", row.policy), policy.name, policy.version),
        currency=row.currency,
        amount=row.amount,
        tax=row.tax,
        held=trades.held_left(row),
        refunded=row.refunded,
        released=row.released,
        returned=row.returned,
        pay_currency=row.pay_currency,
        pay_amount=row.pay_amount,
        commission=row.commission if inner else None,
        commission_formula=commission(seller, row.currency, row.amount, most, row.commission) if inner else None,
        shares=[_share(part) for part in shares] if inner else None,
        settle_currency=row.settle_currency if inner else None,
        settle_amount=row.settle_amount if inner else None,
        reserve=_reserve(row, policy) if inner else None,
        clock=trade_clock(row, policy),
        milestones=_milestones(row, policy),
        extensions=_extensions(row, policy),
        claim=show_some("claim", row.claim),
        dispute=show_some("dispute", row.dispute),
        proposal=_proposal(trades.proposal_of(row)),
        tracking=row.tracking,
        shipped_at=seconds(row.shipped_at),
        delivered_at=seconds(row.delivered_at),
        released_at=seconds(row.released_at),
        version=row.version,
        created=row.created // SECOND,
    )


def _reserve(row: trades.Trade, policy: Policy) -> sales.ReserveKept | None:
    if policy.reserve is None or not row.reserve_bps:
        return None
    got = share(row.settle_amount, row.released, row.amount)
    formula = f"{percent(row.reserve_bps)} of the {money(got, row.settle_currency)} released so far"
    until = row.due if row.state == "released" and row.reserved else None
    return sales.ReserveKept(
        currency=row.settle_currency,
        amount=row.reserved,
        until=seconds(until),
        formula=f"{formula}, for {period(policy.reserve.period)} from the release",
    )


def _milestones(row: trades.Trade, policy: Policy) -> sales.MilestoneCount | None:
    if not policy.milestones:
        return None
    return sales.MilestoneCount(row.milestone, len(policy.milestones), trades.next_part(policy, row))


def _extensions(row: trades.Trade, policy: Policy) -> list[sales.ExtensionsLeft]:
    step = {"held": "ship", "shipped": "confirm", "delivered": "confirm"}.get(row.state)
    used = {"buyer": row.extended_by_buyer, "seller": row.extended_by_seller}
    return [
        sales.ExtensionsLeft(each.by, period(each.period), used[each.by], max(0, each.times - used[each.by]))
        for each in policy.extensions
        if each.step == step
    ]


def _proposal(found: trades.Proposal | None) -> sales.OpenProposal | None:
    if found is None:
        return None
    return sales.OpenProposal(found.by, found.kind, show_some("policy", found.policy), seconds(found.due))


def refund(row: payments.Refund) -> sales.Refund:
    """A refund."""
    return sales.Refund(
        id=show("refund", row.id),
        object="refund",
        payment=show("payment", row.payment),
        trade=show_some("trade", row.trade),
        merchant=show("party", row.merchant),
        state=row.state,
        currency=row.currency,
        amount=row.amount,
        pay_currency=row.pay_currency,
        pay_amount=row.pay_amount,
        reason=row.reason,
        version=row.version,
        created=row.created // SECOND,
    )
