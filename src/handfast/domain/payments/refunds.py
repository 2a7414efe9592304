"""Refunds: money that goes back, of a direct payment or of a trade, wholly or in parts, at the rate that was paid."""

from msgspec import Struct

from handfast.core.errors import Conflict, Declined, Invalid, NotFound
from handfast.core.ids import Id
from handfast.core.money import check_amount, share
from handfast.core.states import move
from handfast.domain.parties import must_belong
from handfast.domain.payments import postings
from handfast.domain.payments.model import PAYMENT_STATES, Payment, Refund
from handfast.domain.payments.tables import PAYMENTS, REFUNDS
from handfast.domain.payments.verbs import keep_payment, post_moves
from handfast.domain.trades import TRADES, DueTrade, Move, Trade, in_time, stage_refund
from handfast.store.verb import Tx, verb


class RefundPayment(Struct, frozen=True):
    """Give back `amount` (None.

    All that is left) of a payment without lines, or of one trade of a payment with lines.
    """

    by: Id
    payment: Id
    trade: Id | None = None
    amount: int | None = None
    reason: str = ""


@verb("payments.refund", about="payment")
async def refund(tx: Tx, command: RefundPayment) -> Refund:
    """Give money back. Raises NotFound, Declined(refund_exceeds_captured, balance_insufficient), Conflict, Invalid."""
    if command.amount is not None:
        check_amount(command.amount)
    payment = await tx.get(PAYMENTS, command.payment)
    if payment is None:
        raise NotFound("object_not_found", "no such payment", "payment")
    trade = None if command.trade is None else await tx.get(TRADES, command.trade)
    if trade is not None and trade.payment != payment.id:
        trade = None
    must_belong(command.by, "payment", payment.merchant, trade.seller if trade else None)
    if command.trade is None:
        return await _refund_direct(tx, payment, command)
    if trade is None:
        raise NotFound("object_not_found", "no such trade", "trade")
    return await _refund_trade(tx, payment, in_time(tx, trade), command.amount, command.reason, "refund_rest")


@verb("payments.close_unshipped", about="trade")
async def close_unshipped(tx: Tx, command: DueTrade) -> Refund:
    """Silence before dispatch: the buyer has all of it back. Raises NotFound, Conflict where nothing is due."""
    trade = await tx.get(TRADES, command.trade)
    if trade is None:
        raise NotFound("object_not_found", "no such trade", "trade")
    if trade.version != command.version or trade.due is None or tx.now < trade.due:
        raise Conflict("state_conflict", "nothing is due", "state")
    payment = await tx.get(PAYMENTS, trade.payment)
    assert payment is not None
    return await _refund_trade(tx, payment, trade, None, "not shipped in time", "ship_by_passed")


async def _refund_direct(tx: Tx, payment: Payment, command: RefundPayment) -> Refund:
    if payment.lines:
        raise Invalid("field_missing", "a payment with lines is refunded trade by trade", "trade")
    if not payment.captured:
        move(PAYMENT_STATES, payment.state, "refund")
    left = payment.captured - payment.refunded
    amount = left if command.amount is None else command.amount
    if not 0 < amount <= left:
        raise Declined("refund_exceeds_captured", f"{left} minor units are left to refund", "amount")
    moves = postings.to_payer(payment, amount)
    return await _keep(tx, payment, None, amount, command.reason, moves)


async def _refund_trade(tx: Tx, payment: Payment, trade: Trade, amount: int | None, reason: str, step: str) -> Refund:
    _, amount, moves = stage_refund(tx, trade, amount, step)
    return await _keep(tx, payment, trade, amount, reason, moves)


async def _keep(tx: Tx, payment: Payment, trade: Trade | None, amount: int, reason: str, moves: list[Move]) -> Refund:
    terms = payment if trade is None else trade
    before = trade.refunded + trade.returned if trade is not None else payment.refunded
    paid_back = share(terms.pay_amount, before + amount, terms.amount) - share(terms.pay_amount, before, terms.amount)
    kept = Refund(
        id=tx.new_id(),
        payment=payment.id,
        trade=None if trade is None else trade.id,
        merchant=payment.merchant,
        state="done",
        currency=payment.currency,
        amount=amount,
        pay_currency=payment.pay_currency,
        pay_amount=paid_back,
        reason=reason,
        version=1,
        created=tx.now,
    )
    tx.put(REFUNDS, kept)
    tx.event("refund.created", kept, owner=payment.merchant)
    keep_payment(tx, payment, "payment.refunded", refunded=payment.refunded + amount)
    await post_moves(tx, postings.refund(kept, moves))
    return kept
