"""Refunds: money that goes back, of a direct payment or of a trade, wholly or in parts, at the rate that was paid."""

from msgspec import Struct

from handfast.core.errors import Conflict, Declined, Invalid, NotFound
from handfast.core.ids import Id
from handfast.core.money import check_amount, share
from handfast.core.states import move
from handfast.domain import trades
from handfast.domain.parties import must_belong, note_debtors
from handfast.domain.payments import postings
from handfast.domain.payments.model import PAYMENT_STATES, Payment, Refund
from handfast.domain.payments.tables import PAYMENTS, REFUNDS
from handfast.domain.payments.verbs import keep_payment
from handfast.domain.policies import effective
from handfast.domain.trades import TRADES, AgreeProposal, DueTrade, Trade, held_left, in_time, undisputed
from handfast.store.verb import Tx, verb


class RefundPayment(Struct, frozen=True):
    """Give back `amount` (None: all that is left) of a payment without lines, or of one trade of one with lines.

    `refund` is the id that the refund gets, where its maker chose one.
    """

    by: Id
    payment: Id
    trade: Id | None = None
    amount: int | None = None
    reason: str = ""
    refund: Id | None = None


@verb("payments.refund", about="payment")
async def refund(tx: Tx, command: RefundPayment) -> Refund:
    """Give money back, of a trade as long as no claim on it is open.

    Raises NotFound, Declined(refund_exceeds_captured, balance_insufficient), Conflict(state_conflict, claim_open),
    Invalid.
    """
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
    _, made = await _refund_trade(
        tx, undisputed(in_time(tx, trade)), command.amount, command.reason, "refund_rest", key=command.refund
    )
    assert made is not None
    return made


@verb("payments.close_unshipped", about="trade")
async def close_unshipped(tx: Tx, command: DueTrade) -> Refund:
    """Silence before dispatch that refunds: the buyer has back what is held. Raises NotFound, Conflict."""
    return await _close(tx, command, shipped=False)


@verb("payments.close_unconfirmed", about="trade")
async def close_unconfirmed(tx: Tx, command: DueTrade) -> Refund:
    """Silence after dispatch that refunds: the buyer has back what is held. Raises NotFound, Conflict."""
    return await _close(tx, command, shipped=True)


@verb("trades.agree", about="trade")
async def agree(tx: Tx, command: AgreeProposal) -> Trade:
    """Agree to the other side's proposal: all that is held goes back, or the trade is amended.

    Raises NotFound, Invalid, Conflict(no_proposal, state_conflict, claim_open).
    """
    trade = undisputed(in_time(tx, await trades.load(tx, command.trade)))
    proposal = trades.agreed(trade, command)
    if proposal.kind == "amend":
        return await trades.amend(tx, trade, proposal)
    cancelled, _ = await _refund_trade(tx, trade, held_left(trade), "cancelled by both sides", "cancel")
    return cancelled


async def refund_trade(
    tx: Tx,
    trade: Trade,
    amount: int | None,
    *,
    reason: str,
    step: str = "refund_rest",
    advance: bool = False,
    release_rest: bool = False,
) -> Refund | None:
    """Give back `amount` (None: all that is left) of a trade, first what is held, then what was released, in one entry.

    With `advance` the operator advances what the seller cannot give of what was released. With `release_rest` what is
    then held goes to the parties; the amount may be 0, and there is no refund. The trade, as the caller changed it, is
    staged here; the entry is posted here, so that nothing may follow. Raises Declined(refund_exceeds_captured,
    balance_insufficient), Conflict(state_conflict).
    """
    _, made = await _refund_trade(tx, trade, amount, reason, step, advance=advance, release_rest=release_rest)
    return made


async def _close(tx: Tx, command: DueTrade, *, shipped: bool) -> Refund:
    trade, _, step = await trades.load_due(tx, command.trade, command.version, "silent_refund")
    if (trade.state != "held") != shipped:
        raise Conflict("state_conflict", f"another timer refunds a trade that is {trade.state}", "state")
    reason = "not confirmed in time" if shipped else "not shipped in time"
    _, made = await _refund_trade(tx, trade, held_left(trade), reason, step)
    assert made is not None
    return made


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
    made = _keep(tx, payment, None, amount, command.reason, command.refund)
    await trades.post_moves(tx, postings.refund(made, moves))
    return made


async def _refund_trade(
    tx: Tx,
    trade: Trade,
    amount: int | None,
    reason: str,
    step: str,
    *,
    advance: bool = False,
    release_rest: bool = False,
    key: Id | None = None,
) -> tuple[Trade, Refund | None]:
    policy = await effective(tx, trade.policy)
    payment = await tx.get(PAYMENTS, trade.payment)
    assert payment is not None
    if amount is None:
        amount = trade.amount - trade.refunded - trade.returned
    kept, moves = trades.stage_refund(tx, policy, trade, amount, step, advance=advance, release_rest=release_rest)
    await note_debtors(tx, trades.debtors(moves))
    if not amount:
        await trades.post_moves(tx, trades.release_entry(trade, moves))
        return kept, None
    made = _keep(tx, payment, trade, amount, reason, key)
    await trades.post_moves(tx, postings.refund(made, moves))
    return kept, made


def _keep(tx: Tx, payment: Payment, trade: Trade | None, amount: int, reason: str, key: Id | None) -> Refund:
    """Stage the refund and the payment's next version; the trade is as it was before."""
    terms = payment if trade is None else trade
    before = trade.refunded + trade.returned if trade is not None else payment.refunded
    paid_back = share(terms.pay_amount, before + amount, terms.amount) - share(terms.pay_amount, before, terms.amount)
    made = Refund(
        id=key or tx.new_id(),
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
    tx.put(REFUNDS, made)
    tx.event("refund.created", made, owner=payment.merchant)
    keep_payment(tx, payment, "payment.refunded", refunded=payment.refunded + amount)
    return made
