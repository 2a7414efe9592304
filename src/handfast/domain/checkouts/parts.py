"""Authorised checkouts: a part taken, as a checkout of its own, or freed; each once under the merchant's number."""

from msgspec import Struct
from msgspec.structs import replace

from handfast.core.errors import Conflict, Declined, Invalid, NotFound
from handfast.core.ids import Id, event_id
from handfast.domain import payments
from handfast.domain.apps import ALIASES, Alias, alias_id, give_number
from handfast.domain.checkouts.model import Checkout, Part, RefundNumber
from handfast.domain.checkouts.tables import CHECKOUTS, ORDER, PARTS, REFUND_NUMBERS
from handfast.domain.checkouts.verbs import AskCheckout, keep, load
from handfast.domain.parties import must_belong
from handfast.domain.payments import PAYMENTS, CapturePayment, FreePayment, Payment
from handfast.store.verb import Tx, verb


class PayPart(Struct, frozen=True):
    """Take what `ask` says out of an authorised checkout; `complete` frees the rest."""

    by: Id
    checkout: Id
    ask: AskCheckout
    complete: bool = False


class FreePart(Struct, frozen=True):
    """Free a part of an authorised checkout, under a `number`; `digest` is of the request."""

    by: Id
    checkout: Id
    number: str
    digest: bytes
    amount: int
    note: str = ""


def free_number(checkout: Checkout, number: str) -> Id:
    """The key of the alias by which a freed part of that checkout is found."""
    return alias_id(checkout.app, f"free/{checkout.id.hex()}", number)


def as_paid(payment: Payment, part: Part) -> Payment:
    """A part that was taken as the payment of its own that it is to the merchant."""
    return replace(
        payment,
        id=part.id,
        state="captured",
        amount=part.amount,
        captured=part.amount,
        refunded=part.refunded,
        reference=part.number,
        paid=part.created,
        created=part.created,
    )


def refund_part(tx: Tx, part: Part, amount: int | None) -> int:
    """Stage that so much (None: all that is left) of a part goes back. Raises Declined(refund_exceeds_captured)."""
    left = part.amount - part.refunded
    back = left if amount is None else amount
    if not 0 < back <= left:
        raise Declined("refund_exceeds_captured", f"{left} minor units are left to refund", "amount")
    tx.put(PARTS, replace(part, refunded=part.refunded + back))
    return back


async def _authorised(tx: Tx, by: Id, key: Id) -> tuple[Checkout, Payment]:
    checkout = await load(tx, key)
    must_belong(by, "checkout", checkout.merchant)
    payment = await tx.get(PAYMENTS, checkout.payment) if checkout.payment else None
    if payment is None or checkout.capture != "manual":
        raise Conflict("state_conflict", "nothing is authorised here", "state")
    return checkout, payment


@verb("checkouts.pay_part", about="checkout")
async def pay_part(tx: Tx, command: PayPart) -> Part:
    """Take a part once for each number. The buyer agreed to that when it authorised.

    Raises NotFound, Conflict(number_reused, state_conflict), Declined(capture_exceeds_authorised), Invalid.
    """
    asked = command.ask
    checkout, payment = await _authorised(tx, command.by, command.checkout)
    if asked.currency != checkout.currency:
        raise Invalid("currency_mismatch", f"what is authorised is in {checkout.currency}", "currency")
    key = alias_id(asked.app, ORDER, asked.number)
    alias = await tx.get(ALIASES, key)
    if alias is not None:
        known, part = await tx.get(CHECKOUTS, alias.object), await tx.get(PARTS, alias.object)
        if known is None or part is None or known.digest != asked.digest or part.checkout != checkout.id:
            raise Conflict("number_reused", "this number names something else", "number")
        return part
    part = Part(tx.new_id(), checkout.id, "pay", asked.number, asked.amount, 0, "", tx.now)
    taken = replace(
        checkout,
        id=part.id,
        number=asked.number,
        digest=asked.digest,
        buyer=payment.payer,
        amount=asked.amount,
        capture="automatic",
        notify_url=asked.notify_url,
        asked=asked.asked,
        due=None,
        version=0,
        created=tx.now,
    )
    tx.put(ALIASES, Alias(key, part.id, b""))
    tx.put(PARTS, part)
    keep(tx, taken)
    await payments.capture.run(tx, CapturePayment(command.by, payment.id, amount=asked.amount, final=command.complete))
    return part


@verb("checkouts.free_part", about="checkout")
async def free_part(tx: Tx, command: FreePart) -> Part:
    """Free a part once for each number.

    Raises NotFound, Conflict(number_reused, state_conflict), Declined(capture_exceeds_authorised), Invalid.
    """
    checkout, payment = await _authorised(tx, command.by, command.checkout)
    part = Part(tx.new_id(), checkout.id, "free", command.number, command.amount, 0, command.note, tx.now)
    known = await give_number(tx, free_number(checkout, command.number), part.id, command.digest)
    if known is not None:
        made = await tx.get(PARTS, known)
        assert made is not None, "the number was given with the part"
        return made
    tx.put(PARTS, part)
    await payments.free.run(tx, FreePayment(command.by, payment.id, command.amount))
    return part


class CaptureCheckout(Struct, frozen=True):
    """Take `amount` of what is authorised, under a `number` that no other capture of the app has.

    `final` frees what is left. What has lines is taken as a whole. `digest` is of the request.
    """

    by: Id
    checkout: Id
    number: str
    digest: bytes
    amount: int
    final: bool = False


class Captured(Struct, frozen=True):
    """A capture, named by the id of the payment's event that tells of it, and the payment as it is by now."""

    capture: Id
    payment: Payment


def capture_number(app: Id, number: str) -> Id:
    """The key of the alias by which a capture is found."""
    return alias_id(app, "capture", number)


@verb("checkouts.capture", about="checkout")
async def capture(tx: Tx, command: CaptureCheckout) -> Captured:
    """Take money once for each number.

    Raises NotFound, Conflict(number_reused, state_conflict), Declined(capture_exceeds_authorised), Invalid.
    """
    checkout = await load(tx, command.checkout)
    must_belong(command.by, "checkout", checkout.merchant)
    payment = await tx.get(PAYMENTS, checkout.payment) if checkout.payment else None
    if payment is None:
        raise NotFound("object_not_found", "nobody has looked at this yet", "checkout")
    key = event_id(payment.id, payment.version + 1)
    known = await give_number(tx, capture_number(checkout.app, command.number), key, command.digest)
    if known is not None:
        return Captured(known, payment)
    tx.put(REFUND_NUMBERS, RefundNumber(key, command.number))
    whole = bool(payment.lines) and command.amount == payment.amount - payment.captured
    amount = None if whole else command.amount
    taken = await payments.capture.run(tx, CapturePayment(command.by, payment.id, amount, final=command.final))
    return Captured(key, taken)


VERBS = (pay_part, free_part, capture)
