"""Money back under the merchant's own number, and the undoing of a sale of which the merchant heard nothing."""

from msgspec import Struct

from handfast.core.errors import Conflict, NotFound
from handfast.core.ids import Id, digest_id
from handfast.core.states import move
from handfast.domain import payments
from handfast.domain.apps import alias_id, give_number
from handfast.domain.checkouts.model import CHECKOUT_STATES, Checkout, Part, RefundNumber
from handfast.domain.checkouts.parts import refund_part
from handfast.domain.checkouts.tables import PARTS, REFUND_NUMBERS
from handfast.domain.checkouts.verbs import keep, load
from handfast.domain.parties import must_belong
from handfast.domain.payments import PAYMENTS, REFUNDS, EndPayment, Payment, Refund, RefundPayment, lines_of
from handfast.store.verb import Tx, verb

UNDONE = "\0undone"
"""The number of the refund that undoes a sale: no merchant's number holds this character."""


class RefundCheckout(Struct, frozen=True):
    """Give back `amount` (None: all that is left) of a paid checkout, under a `number` that is one of its refunds' own.

    Where numbers are the `apps`, no other refund of the app has this one. `trade` is the line's, where the checkout has
    lines; it may be left out where there is one. `digest` is of the request.
    """

    by: Id
    checkout: Id
    number: str
    digest: bytes
    amount: int | None = None
    trade: Id | None = None
    reason: str = ""
    apps: bool = False


class UndoCheckout(Struct, frozen=True):
    """Whatever became of a checkout, it is to be as if nobody had paid; `untaken`, only where nothing was taken yet."""

    by: Id
    checkout: Id
    untaken: bool = False


class Refunded(Struct, frozen=True):
    """A refund, and all that was refunded of its payment by now; `fresh` unless an equal request had made it before."""

    refund: Refund
    total: int
    fresh: bool


class Undone(Struct, frozen=True):
    """What an undoing did (`step`): close, refund, or nothing, since it was undone before."""

    checkout: Checkout
    step: str


def refund_number(checkout: Checkout, number: str) -> Id:
    """The key of the alias by which a refund of that checkout is found."""
    return alias_id(checkout.app, f"refund/{checkout.id.hex()}", number)


def app_refund_number(app: Id, number: str) -> Id:
    """The key of the alias by which a refund is found whose number is the app's (RefundCheckout.apps)."""
    return alias_id(app, "refund", number)


@verb("checkouts.refund", about="checkout")
async def refund(tx: Tx, command: RefundCheckout) -> Refunded:
    """Give money back once for each number.

    Raises NotFound, Conflict(number_reused, state_conflict, claim_open), Declined(refund_exceeds_captured,
    balance_insufficient), Invalid.
    """
    checkout = await load(tx, command.checkout)
    must_belong(command.by, "checkout", checkout.merchant)
    return await _refund(tx, checkout, command)


async def _refund(tx: Tx, checkout: Checkout, command: RefundCheckout) -> Refunded:
    payment = await tx.get(PAYMENTS, checkout.payment) if checkout.payment else None
    if payment is None:
        raise NotFound("object_not_found", "nobody has looked at this yet", "checkout")
    key = tx.new_id()
    number = command.number
    alias = app_refund_number(checkout.app, number) if command.apps else refund_number(checkout, number)
    known = await give_number(tx, alias, key, command.digest)
    if known is not None:
        made = await tx.get(REFUNDS, known)
        assert made is not None, "the number was given with the refund"
        part = await _part(tx, checkout)
        return Refunded(made, part.refunded if part else payment.refunded, fresh=False)
    if command.number != UNDONE:
        tx.put(REFUND_NUMBERS, RefundNumber(key, command.number))
    if checkout.state == "finished":
        raise Conflict("state_conflict", "the time for refunds is over", "state")
    part = await _part(tx, checkout)
    amount = refund_part(tx, part, command.amount) if part else command.amount
    trade = command.trade or only_trade(payment)
    refunding = RefundPayment(command.by, payment.id, trade, amount, command.reason, key)
    made = await payments.refund.run(tx, refunding)
    return Refunded(made, (part or payment).refunded + made.amount, fresh=True)


async def _part(tx: Tx, checkout: Checkout) -> Part | None:
    """What a checkout took of an authorised one, if it did."""
    return None if checkout.payment == checkout.id else await tx.get(PARTS, checkout.id)


def only_trade(payment: Payment) -> Id | None:
    """The trade of a payment that has one line."""
    lines = lines_of(payment)
    return lines[0].trade if len(lines) == 1 else None


@verb("checkouts.undo", about="checkout")
async def undo(tx: Tx, command: UndoCheckout) -> Undone:
    """Close what was not paid, void or refund what was. Raises NotFound, Conflict, Declined(balance_insufficient)."""
    checkout = await load(tx, command.checkout)
    must_belong(command.by, "checkout", checkout.merchant)
    if checkout.payment is None:
        if checkout.state == "closed":
            return Undone(checkout, "")
        closed = keep(tx, checkout, state=move(CHECKOUT_STATES, checkout.state, "close"), due=None)
        return Undone(closed, "close")
    payment = await tx.get(PAYMENTS, checkout.payment)
    assert payment is not None, "a checkout's payment was made with it"
    if payment.state == "open":
        await payments.cancel.run(tx, EndPayment(command.by, payment.id))
        return Undone(checkout, "close")
    if command.untaken and (payment.captured or payment.freed):
        raise Conflict("state_conflict", "a part of it was taken or freed", "state")
    part = await _part(tx, checkout)
    if payment.state == "authorised" and part is None and not payment.captured:
        await payments.void.run(tx, EndPayment(command.by, payment.id))
        return Undone(checkout, "close")
    if part is None and (payment.state != "captured" or payment.refunded == payment.captured):
        return Undone(checkout, "")
    if part is not None and part.refunded == part.amount:
        return Undone(checkout, "")
    digest = digest_id(b"undo", checkout.id)
    await _refund(tx, checkout, RefundCheckout(command.by, checkout.id, UNDONE, digest))
    return Undone(checkout, "refund")


VERBS = (refund, undo)
