"""Money back under the merchant's own number, and the undoing of a sale of which the merchant heard nothing."""

from msgspec import Struct

from handfast.core.errors import Conflict, NotFound
from handfast.core.ids import Id, digest_id
from handfast.core.states import move
from handfast.domain import payments
from handfast.domain.apps import alias_id, give_number
from handfast.domain.checkouts.model import CHECKOUT_STATES, Checkout, RefundNumber
from handfast.domain.checkouts.tables import REFUND_NUMBERS
from handfast.domain.checkouts.verbs import keep, load
from handfast.domain.parties import must_belong
from handfast.domain.payments import PAYMENTS, REFUNDS, EndPayment, Refund, RefundPayment
from handfast.store.verb import Tx, verb

UNDONE = "\0undone"
"""The number of the refund that undoes a sale: no merchant's number holds this character."""


class RefundCheckout(Struct, frozen=True):
    """Give back `amount` (None: all that is left) of a paid checkout, under a `number` that is one of its refunds' own.

    `trade` is the line's, where the checkout has lines. `digest` is of the request.
    """

    by: Id
    checkout: Id
    number: str
    digest: bytes
    amount: int | None = None
    trade: Id | None = None
    reason: str = ""


class UndoCheckout(Struct, frozen=True):
    """Whatever became of a checkout, it is to be as if nobody had paid."""

    by: Id
    checkout: Id


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
    known = await give_number(tx, refund_number(checkout, command.number), key, command.digest)
    if known is not None:
        made = await tx.get(REFUNDS, known)
        assert made is not None, "the number was given with the refund"
        return Refunded(made, payment.refunded, fresh=False)
    if command.number != UNDONE:
        tx.put(REFUND_NUMBERS, RefundNumber(key, command.number))
    if checkout.state == "finished":
        raise Conflict("state_conflict", "the time for refunds is over", "state")
    made = await payments.refund.run(
        tx, RefundPayment(command.by, payment.id, command.trade, command.amount, command.reason, key)
    )
    return Refunded(made, payment.refunded + made.amount, fresh=True)


@verb("checkouts.undo", about="checkout")
async def undo(tx: Tx, command: UndoCheckout) -> Undone:
    """Close what was not paid, refund what was. Raises NotFound, Conflict, Declined(balance_insufficient)."""
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
    if payment.state != "captured" or payment.refunded == payment.captured:
        return Undone(checkout, "")
    digest = digest_id(b"undo", checkout.id)
    await _refund(tx, checkout, RefundCheckout(command.by, checkout.id, UNDONE, digest))
    return Undone(checkout, "refund")


VERBS = (refund, undo)
