"""The entries of payments: paid at once, set aside and captured in parts, freed, given back."""

from collections.abc import Sequence

from handfast.core.ids import Id, account_id, entry_id
from handfast.core.money import share
from handfast.domain.payments.model import Payment, Refund
from handfast.domain.trades import Move, disburse, netted, pay_in, posted, reverse
from handfast.ledger import Entry, Mode, Posting, Purpose

PAY = 1
AUTHORISE = 2
CAPTURE = 3
VOID = 4
FREE = 5
REFUND = 1


def wallet(payment: Payment) -> Id:
    """The payer's wallet in the currency that it pays in."""
    assert payment.payer is not None
    return account_id(payment.payer, Purpose.WALLET, payment.pay_currency)


def set_aside(payment: Payment) -> Id:
    """The payment's own account, through which authorised money passes."""
    return account_id(payment.id, Purpose.HELD, payment.pay_currency)


def to_merchant(payment: Payment, payer: Id, amount: int, *, debtor: int) -> list[Move]:
    """Given the payer's account, when a part is paid directly, then the merchant has it, less commission and debts."""
    before = payment.captured
    source, moves = pay_in(payment, payer, before, before + amount)
    given = disburse(payment, payment.merchant, source, before, before + amount)
    return [*moves, *given, *netted(given)] if debtor else moves + given


def pay(payment: Payment, moves: Sequence[Move]) -> Entry:
    """Given a wallet with the amount, when it is paid at once, then the moves of all its parts happen together."""
    return Entry(entry_id(payment.id, PAY, payment.attempt), "payment.pay", posted(moves))


def authorise(payment: Payment) -> Entry:
    """Given a wallet with the amount, when it is authorised, then the amount is pending and cannot be spent twice."""
    posting = Posting(wallet(payment), set_aside(payment), payment.pay_amount, Mode.PENDING)
    return Entry(entry_id(payment.id, AUTHORISE, payment.attempt), "payment.authorise", (posting,))


def capture(payment: Payment, moves: Sequence[Move], pay_amount: int, pending: int, *, final: bool) -> Entry:
    """Given `pending` set aside, when `pay_amount` is captured, then the rest is pended anew or freed.

    Either may be zero: a part of a price can be worth less than half of the payer's minor unit.
    """
    payer, aside = wallet(payment), set_aside(payment)
    postings: list[Posting] = []
    if pay_amount:
        postings.append(Posting(payer, aside, pay_amount, Mode.POST, payment.pending))
    elif final and pending:
        postings.append(Posting(payer, aside, pending, Mode.VOID, payment.pending))
    postings.extend(posted(moves))
    if pay_amount and not final and pending > pay_amount:
        postings.append(Posting(payer, aside, pending - pay_amount, Mode.PENDING))
    return Entry(entry_id(payment.id, CAPTURE, payment.version), "payment.capture", tuple(postings))


def void(payment: Payment, pending: int) -> Entry:
    """Given money set aside, when the payment is voided, then the payer can spend it again."""
    posting = Posting(wallet(payment), set_aside(payment), pending, Mode.VOID, payment.pending)
    return Entry(entry_id(payment.id, VOID), "payment.void", (posting,) if pending else ())


def to_payer(payment: Payment, amount: int) -> list[Move]:
    """Given a direct payment, when a part goes back, then merchant and operator give their parts of it."""
    before = payment.refunded
    target, moves = pay_in(payment, wallet(payment), before, before + amount)
    taken = disburse(payment, payment.merchant, target, before, before + amount)
    return [*reverse(taken), *reverse(moves)]


def refund(refund: Refund, moves: Sequence[Move]) -> Entry:
    """Given money held or paid out, when a refund is made, then the moves of all who give happen together."""
    return Entry(entry_id(refund.id, REFUND), "payment.refund", posted(moves))


def free(payment: Payment, pending: int, rest: int) -> Entry:
    """Given `pending` set aside, when all but a rest is freed, then that rest is pended anew."""
    payer, aside = wallet(payment), set_aside(payment)
    freed = Posting(payer, aside, pending, Mode.VOID, payment.pending)
    return Entry(
        entry_id(payment.id, FREE, payment.version),
        "payment.free",
        (freed, Posting(payer, aside, rest, Mode.PENDING)) if rest else (freed,),
    )


def captured_share(payment: Payment, amount: int) -> int:
    """What the payer gives, in its own currency, for a direct capture of `amount` more."""
    after = share(payment.pay_amount, payment.captured + amount, payment.amount)
    return after - share(payment.pay_amount, payment.captured, payment.amount)
