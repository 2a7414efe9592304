"""What can be done with a payment: ask for it, pay it, authorise and capture it in parts, void it, let it run out."""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct, msgpack
from msgspec.structs import replace

from handfast.core.clocks import DAY
from handfast.core.errors import Conflict, Declined, Invalid, NotFound, Refusal
from handfast.core.ids import Id
from handfast.core.money import check_amount, exponent
from handfast.core.states import move
from handfast.domain import exchange
from handfast.domain.exchange import QUOTES, Quote
from handfast.domain.parties import PARTIES, Party, active, active_parties, must_belong
from handfast.domain.payments import postings
from handfast.domain.payments.cart import (
    CreatePayment,
    check_lines,
    chosen,
    concerned,
    freeze_lines,
    must_differ,
    named_in,
    open_trade,
    pay_by,
    payees_of,
    policies_by_id,
    price,
    reprice,
    sellers_of,
)
from handfast.domain.payments.consents import check_consent
from handfast.domain.payments.model import PAYMENT_STATES, Line, Payment
from handfast.domain.payments.tables import PAYMENTS, lines_of
from handfast.domain.policies import BookRow, Policy
from handfast.domain.trades import Move, hold, keep, post_moves
from handfast.ledger import Entry
from handfast.store.verb import Tx, verb

STAYS_AUTHORISED = 7 * DAY


class PayPayment(Struct, frozen=True):
    """The payer's own act: pay an open payment, in the currency of a quote if one is named."""

    payer: Id
    payment: Id
    quote: Id | None = None


class CapturePayment(Struct, frozen=True):
    """Take an authorised part: `amount` of a direct payment, or the lines that become `trades`; nothing named is all.

    `final` frees what is left.
    """

    by: Id
    payment: Id
    amount: int | None = None
    trades: tuple[Id, ...] = ()
    final: bool = False


class FreePayment(Struct, frozen=True):
    """Free `amount` of what is authorised and not captured: the payer can spend it again."""

    by: Id
    payment: Id
    amount: int


class EndPayment(Struct, frozen=True):
    """Void an authorised payment or cancel an open one."""

    by: Id
    payment: Id


class DuePayment(Struct, frozen=True):
    """The payment's time has run out; `version` is the one whose clock it was."""

    payment: Id
    version: int


async def load(tx: Tx, key: Id) -> Payment:
    """The payment. Raises NotFound."""
    payment = await tx.get(PAYMENTS, key)
    if payment is None:
        raise NotFound("object_not_found", "no such payment", "payment")
    return payment


def keep_payment(tx: Tx, payment: Payment, event: str, **changes: Any) -> Payment:
    """Stage the payment's next version, with these fields changed, and its event, owed to the merchant."""
    changed = replace(payment, version=payment.version + 1, **changes)
    tx.put(PAYMENTS, changed)
    tx.event(event, changed, owner=changed.merchant)
    return changed


def _in_time(tx: Tx, payment: Payment) -> Payment:
    if payment.due is not None and tx.now >= payment.due:
        raise Conflict("state_conflict", f"the time for a payment that is {payment.state} has run out", "state")
    return payment


@verb("payments.create")
async def create(tx: Tx, command: CreatePayment) -> Payment:
    """Ask for a payment.

    Raises Invalid, NotFound, Forbidden, Declined(consent_missing, balance_insufficient), Conflict.
    """
    return await begin(tx, command)


async def begin(
    tx: Tx,
    command: CreatePayment,
    *,
    key: Id | None = None,
    until: int | None = None,
    consented: bool = False,
    attempt: int = 0,
) -> Payment:
    """Ask for a payment under the given id, open until then at most (market time); `consented`: the payer just did.

    No entry of this `attempt` may have been posted under that id, since one that was refused stays refused.
    With a payer the entry is posted here, so that nothing may follow. Raises what `create` does.
    """
    exponent(command.currency)
    if command.capture not in ("automatic", "manual"):
        raise Invalid("field_invalid", 'capture is "automatic" or "manual"', "capture")
    amount = check_lines(command.lines) if command.lines else check_amount(command.amount)
    if command.lines and command.amount != amount:
        raise Invalid("lines_invalid", f"the lines add up to {amount}", "amount")
    must_differ(command.payer, command.merchant, command.lines)
    named = named_in(command.lines, command.merchant) if command.lines else {}
    found = iter(await tx.get_all(*concerned(command, named)))
    merchant = active(next(found), "merchant")
    payer, consent = (None, None) if command.payer is None else (next(found), next(found))
    quote: Quote | None = None if command.quote is None else next(found)
    book: BookRow | None = next(found) if command.lines else None
    sellers = sellers_of(command.lines, merchant, named, found) if command.lines else {}
    if command.quote is not None and quote is None:
        raise NotFound("object_not_found", "no such quote", "quote")
    lines: tuple[Line, ...] = ()
    frozen: Mapping[Id, Policy] = {}
    if command.lines:
        policies, frozen = await chosen(tx, book, command.lines)
        lines = freeze_lines(tx, command.lines, policies, sellers, command.currency, quote)
    payment = replace(price(tx, command, amount, quote, merchant, lines, key), attempt=attempt)
    if quote is not None:
        owners = (command.merchant,) if command.payer is None else (command.merchant, command.payer)
        exchange.use(tx, quote, owners, command.currency)
    if command.payer is None:
        due = pay_by(tx, frozen.values()) if until is None else until
        return keep_payment(tx, replace(payment, due=due), "payment.created")
    active(payer, "payer")
    if not consented:
        check_consent(consent, payment.pay_currency, payment.pay_amount)
    charged, entry = _charge(tx, payment, frozen, merchant)
    await tx.post(entry)
    return charged


@verb("payments.pay", about="payment")
async def pay(tx: Tx, command: PayPayment) -> Payment:
    """Pay an open payment from one's wallet.

    Raises NotFound, Forbidden, Declined(balance_insufficient), Conflict, Invalid.
    """
    known = await load(tx, command.payment)
    if known.payer is not None:
        must_belong(command.payer, "payment", known.payer)
    move(PAYMENT_STATES, _in_time(tx, known).state, "pay")
    lines = lines_of(known)
    must_differ(command.payer, known.merchant, lines)
    named = {f"lines[{n}].seller": line.seller for n, line in enumerate(lines)}
    named |= {
        f"lines[{n}].shares[{m}].payee": key for n, line in enumerate(lines) for m, key in enumerate(payees_of(line))
    }
    parties = await active_parties(tx, payer=command.payer, merchant=known.merchant, **named)
    policies = await policies_by_id(tx, (line.policy for line in lines))
    payment = replace(known, payer=command.payer, due=None)
    if command.quote is not None:
        quote = await tx.get(QUOTES, command.quote)
        if quote is None:
            raise NotFound("object_not_found", "no such quote", "quote")
        if known.quote is not None:
            raise Conflict("quote_used", "the merchant has fixed the rate of this payment", "quote")
        payment = reprice(payment, quote)
        exchange.use(tx, quote, (command.payer,), payment.currency)
    charged, entry = _charge(tx, payment, policies, parties["merchant"])
    try:
        await tx.post(entry)
    except Refusal:
        keep_payment(tx, known, "payment.declined", attempt=known.attempt + 1)
        raise
    return charged


def _charge(tx: Tx, payment: Payment, policies: Mapping[Id, Policy], merchant: Party) -> tuple[Payment, Entry]:
    """Stage that the money is set aside, or taken at once, with the entry that is then the last thing that can fail."""
    if payment.capture == "manual":
        entry = postings.authorise(payment)
        state = move(PAYMENT_STATES, payment.state, "authorise")
        due = tx.now + STAYS_AUTHORISED
        kept = keep_payment(tx, payment, "payment.authorised", state=state, pending=entry.id, due=due)
    else:
        state = move(PAYMENT_STATES, payment.state, "pay")
        payer = postings.wallet(payment)
        lines = lines_of(payment)
        if lines:
            moves = _open_trades(tx, payment, lines, policies, payer)
            taken = msgpack.encode(tuple(replace(line, captured=True) for line in lines))
        else:
            moves = postings.to_merchant(payment, payer, payment.amount, debtor=merchant.debtor)
            taken = payment.lines
        entry = postings.pay(payment, moves)
        kept = keep_payment(
            tx, payment, "payment.captured", state=state, captured=payment.amount, lines=taken, paid=tx.now
        )
    return kept, entry


def _open_trades(
    tx: Tx, payment: Payment, lines: tuple[Line, ...], policies: Mapping[Id, Policy], payer: Id
) -> list[Move]:
    moves: list[Move] = []
    for line in lines:
        trade = open_trade(payment, line, policies[line.policy], tx.now)
        moves.extend(hold(trade, payer))
        keep(tx, trade, "trade.held")
    return moves


def still_pending(payment: Payment) -> int:
    """What is still set aside of an authorised payment, in the payer's minor units."""
    lines = lines_of(payment)
    if lines:
        return sum(line.pay_amount for line in lines if not line.captured)
    return postings.captured_share(payment, payment.amount - payment.freed - payment.captured)


@verb("payments.capture", about="payment")
async def capture(tx: Tx, command: CapturePayment) -> Payment:
    """Take a part or all of what is authorised.

    Raises NotFound, Declined(capture_exceeds_authorised), Conflict, Invalid.
    """
    payment = await load(tx, command.payment)
    must_belong(command.by, "payment", payment.merchant)
    _in_time(tx, payment)
    move(PAYMENT_STATES, payment.state, "capture")
    pending, aside = still_pending(payment), postings.set_aside(payment)
    if payment.lines:
        lines = _chosen(payment, command)
        policies = await policies_by_id(tx, (line.policy for line in lines))
        moves = _open_trades(tx, payment, lines, policies, aside)
        chosen = {line.trade for line in lines}
        amount = sum(line.amount for line in lines)
        pay_amount = sum(line.pay_amount for line in lines)
        kept = tuple(replace(line, captured=line.captured or line.trade in chosen) for line in lines_of(payment))
        taken = msgpack.encode(kept)
    else:
        amount = _chosen_amount(payment, command)
        merchant = await tx.get(PARTIES, payment.merchant)
        assert merchant is not None
        moves = postings.to_merchant(payment, aside, amount, debtor=merchant.debtor)
        pay_amount = postings.captured_share(payment, amount)
        taken = payment.lines
    final = command.final or payment.captured + payment.freed + amount == payment.amount
    entry = postings.capture(payment, moves, pay_amount, pending, final=final)
    state = move(PAYMENT_STATES, payment.state, "capture_final" if final else "capture")
    changed = keep_payment(
        tx,
        payment,
        "payment.captured",
        state=state,
        captured=payment.captured + amount,
        lines=taken,
        pending=None if final or pay_amount == pending else entry.id if pay_amount else payment.pending,
        due=None if final else payment.due,
        paid=payment.paid or tx.now,
    )
    await post_moves(tx, entry)
    return changed


def _chosen(payment: Payment, command: CapturePayment) -> tuple[Line, ...]:
    if command.amount is not None:
        raise Invalid("field_invalid", "a payment with lines is captured by its trades", "amount")
    open_lines = {line.trade: line for line in lines_of(payment) if not line.captured}
    wanted = tuple(dict.fromkeys(command.trades)) or tuple(open_lines)
    if not all(trade in open_lines for trade in wanted):
        raise Declined("capture_exceeds_authorised", "not an uncaptured line of this payment", "trades")
    return tuple(open_lines[trade] for trade in wanted)


def _chosen_amount(payment: Payment, command: CapturePayment) -> int:
    if command.trades:
        raise Invalid("field_invalid", "a payment without lines is captured by amount", "trades")
    left = payment.amount - payment.captured - payment.freed
    amount = left if command.amount is None else check_amount(command.amount)
    if amount > left:
        raise Declined("capture_exceeds_authorised", f"{left} minor units are left to capture", "amount")
    return amount


@verb("payments.free", about="payment")
async def free(tx: Tx, command: FreePayment) -> Payment:
    """Free a part or all of what is authorised.

    Raises NotFound, Declined(capture_exceeds_authorised), Conflict(state_conflict), Invalid.
    """
    payment = await load(tx, command.payment)
    must_belong(command.by, "payment", payment.merchant)
    state = move(PAYMENT_STATES, _in_time(tx, payment).state, "free")
    amount = _chosen_amount(payment, CapturePayment(command.by, payment.id, command.amount))
    if payment.lines:
        raise Invalid("field_invalid", "a payment with lines is freed as a whole", "amount")
    freed = payment.freed + amount
    if payment.captured + freed == payment.amount:
        return await _void(tx, payment, "void", freed=freed)
    pending, rest = still_pending(payment), still_pending(replace(payment, freed=freed))
    entry = postings.free(payment, pending, rest)
    changes: dict[str, Any] = {} if rest == pending else {"pending": entry.id if rest else None}
    changed = keep_payment(tx, payment, "payment.freed", state=state, freed=freed, **changes)
    if rest != pending:
        await tx.post(entry)
    return changed


@verb("payments.void", about="payment")
async def void(tx: Tx, command: EndPayment) -> Payment:
    """Free what is authorised and not captured. Raises NotFound, Conflict(state_conflict)."""
    payment = await load(tx, command.payment)
    must_belong(command.by, "payment", payment.merchant)
    return await _void(tx, _in_time(tx, payment), "void")


@verb("payments.cancel", about="payment")
async def cancel(tx: Tx, command: EndPayment) -> Payment:
    """Ask no longer for an open payment. Raises NotFound, Conflict(state_conflict)."""
    payment = await load(tx, command.payment)
    must_belong(command.by, "payment", payment.merchant)
    state = move(PAYMENT_STATES, _in_time(tx, payment).state, "cancel")
    return keep_payment(tx, payment, "payment.cancelled", state=state, due=None)


@verb("payments.expire", about="payment")
async def expire(tx: Tx, command: DuePayment) -> Payment:
    """Silence: what is open is cancelled, what is authorised is voided.

    Raises NotFound, Conflict where nothing is due.
    """
    payment = await load(tx, command.payment)
    if payment.version != command.version or payment.due is None or tx.now < payment.due:
        raise Conflict("state_conflict", "nothing is due", "state")
    if payment.state == "authorised":
        return await _void(tx, payment, "expire")
    state = move(PAYMENT_STATES, payment.state, "expire")
    return keep_payment(tx, payment, "payment.cancelled", state=state, due=None)


def finish(tx: Tx, payment: Payment) -> Payment:
    """Tell that the time in which the merchant may refund a payment is over; who asked for it keeps that time."""
    return keep_payment(tx, payment, "payment.finished")


async def _void(tx: Tx, payment: Payment, step: str, **changes: Any) -> Payment:
    state = "captured" if payment.captured else move(PAYMENT_STATES, payment.state, step)
    move(PAYMENT_STATES, payment.state, step)
    entry = postings.void(payment, still_pending(payment))
    changed = keep_payment(tx, payment, "payment.voided", state=state, pending=None, due=None, **changes)
    await post_moves(tx, entry)
    return changed


VERBS = (create, pay, capture, free, void, cancel, expire)
