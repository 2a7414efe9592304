"""What a merchant says of an order that was paid: to customs, never more than was paid; and what else it reports."""

from msgspec import Struct

from handfast.core.errors import Conflict, Declined, Invalid, NotFound
from handfast.core.ids import Id, digest_id
from handfast.core.money import check_amount, share
from handfast.domain.apps import alias_id, give_number
from handfast.domain.checkouts import PARTS, Checkout, keep, load
from handfast.domain.declarations.model import Declaration, Report
from handfast.domain.declarations.tables import DECLARATIONS, REPORTS
from handfast.domain.parties import must_belong
from handfast.domain.payments import PAYMENTS, Payment
from handfast.store.verb import Tx, verb


class DeclareCheckout(Struct, frozen=True):
    """Declare `amount` of what the buyer gave, under a `number` that no other declaration of the app has.

    `order_number` is what customs are told, `customs` the office's code; `declared` has the rest, sealed under the
    merchant's key. `digest` is of the request.
    """

    by: Id
    checkout: Id
    number: str
    digest: bytes
    currency: str
    amount: int
    customs: str
    order_number: str
    declared: bytes = b""


def declaration_number(app: Id, number: str) -> Id:
    """The key of the alias by which a declaration is found."""
    return alias_id(app, "declaration", number)


@verb("declarations.declare", about="checkout")
async def declare(tx: Tx, command: DeclareCheckout) -> Declaration:
    """Keep a declaration, once for each number.

    Raises NotFound, Conflict(number_reused, state_conflict), Invalid(currency_mismatch),
    Declined(declaration_exceeded).
    """
    checkout = await load(tx, command.checkout)
    must_belong(command.by, "checkout", checkout.merchant)
    payment = await tx.get(PAYMENTS, checkout.payment) if checkout.payment else None
    if payment is None:
        raise NotFound("object_not_found", "nobody has looked at this yet", "checkout")
    key = tx.new_id()
    known = await give_number(tx, declaration_number(checkout.app, command.number), key, command.digest)
    if known is not None:
        made = await tx.get(DECLARATIONS, known)
        assert made is not None, "the number was given with the declaration"
        return made
    if payment.state != "captured":
        raise Conflict("state_conflict", "what is declared has been paid", "state")
    if payment.pay_currency != command.currency:
        raise Invalid("currency_mismatch", f"the buyer paid in {payment.pay_currency}", "currency")
    total = checkout.declared + check_amount(command.amount)
    paid = await _paid(tx, checkout, payment)
    if total > paid:
        left = paid - checkout.declared
        raise Declined("declaration_exceeded", f"{left} minor units are left to declare", "amount")
    keep(tx, checkout, declared=total)
    made = Declaration(
        id=key,
        checkout=checkout.id,
        merchant=checkout.merchant,
        number=command.number,
        currency=command.currency,
        amount=command.amount,
        customs=command.customs,
        order_number=command.order_number,
        declared=command.declared,
        version=1,
        created=tx.now,
    )
    tx.put(DECLARATIONS, made)
    return made


async def _paid(tx: Tx, checkout: Checkout, payment: Payment) -> int:
    """What the buyer gave for this checkout: of what was authorised, the part that it took."""
    part = None if payment.id == checkout.id else await tx.get(PARTS, checkout.id)
    return payment.pay_amount if part is None else share(payment.pay_amount, part.amount, payment.amount)


class ReportOrder(Struct, frozen=True):
    """Say something of an order, under a `number` that is one of the order's own; see Report for the fields."""

    by: Id
    checkout: Id
    number: str
    kind: str
    said: bytes
    digest: bytes


@verb("declarations.report", about="checkout")
async def report(tx: Tx, command: ReportOrder) -> Report:
    """Keep what is said, once for each number. Raises NotFound, Conflict(number_reused)."""
    checkout = await load(tx, command.checkout)
    must_belong(command.by, "checkout", checkout.merchant)
    key = digest_id(b"report", checkout.id, command.number.encode())
    known = await tx.get(REPORTS, key)
    if known is None:
        known = Report(key, checkout.id, command.number, command.kind, command.said, command.digest, tx.now)
        tx.put(REPORTS, known)
    elif known.digest != command.digest:
        raise Conflict("number_reused", "this number names something else", "number")
    return known


VERBS = (declare, report)
