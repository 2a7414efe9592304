"""What can be done with a checkout: ask, show it to a buyer, have it paid, charge a payment code, close, run out."""

from typing import Any

from msgspec import Struct, msgpack
from msgspec.structs import replace

from handfast.core.errors import Conflict, Declined, NotFound
from handfast.core.ids import Id
from handfast.core.money import check_amount, exponent
from handfast.core.states import move
from handfast.domain import payments
from handfast.domain.apps import ALIASES, Alias, alias_id
from handfast.domain.checkouts.model import CHECKOUT_STATES, CODE_LIFE, Checkout, PaymentCode
from handfast.domain.checkouts.tables import CHECKOUTS, ORDER, PAYMENT_CODES
from handfast.domain.parties import active_parties, must_belong
from handfast.domain.payments import PAYMENTS, CreatePayment, EndPayment, NewLine, Payment, PayPayment
from handfast.store.verb import Tx, verb


class AskCheckout(Struct, frozen=True):
    """Ask for `amount` minor units under a number of the app's; see Checkout for the fields.

    It can be paid until `due` (market time), by `buyer` alone where one is named. `kind` is the number's. Where it is
    not to be asked `anew`, the number names this one request for ever, also once it is closed.
    """

    gateway: str
    app: Id
    number: str
    digest: bytes
    merchant: Id
    currency: str
    amount: int
    due: int
    buyer: Id | None = None
    capture: str = "automatic"
    lines: tuple[NewLine, ...] = ()
    notify_url: str = ""
    return_url: str = ""
    asked: bytes = b""
    quote: Id | None = None
    refundable: int = 0
    anew: bool = True
    kind: str = ORDER


class PresentCheckout(Struct, frozen=True):
    """A buyer looked at a checkout (None: somebody did): from now on there is an open payment, for that buyer alone."""

    checkout: Id
    buyer: Id | None = None


class PayCheckout(Struct, frozen=True):
    """The buyer's own act: pay a checkout that was presented to it, in the currency of a quote if one is named."""

    buyer: Id
    checkout: Id
    quote: Id | None = None


class ChargeCheckout(Struct, frozen=True):
    """Ask, and charge whoever showed the payment code (`code_id`).

    Above `ceiling` minor units the buyer has to confirm: then it is presented to it.
    """

    ask: AskCheckout
    code: Id
    ceiling: int


class EndCheckout(Struct, frozen=True):
    """Close a checkout that was not paid."""

    by: Id
    checkout: Id


class DueCheckout(Struct, frozen=True):
    """The checkout's time has run out; `version` is the one whose clock it was."""

    checkout: Id
    version: int


class IssueCode(Struct, frozen=True):
    """A buyer shows a payment code, of which `code` is the digest (`code_id`); see PaymentCode."""

    buyer: Id
    code: Id
    confirm: bool = False


async def load(tx: Tx, key: Id) -> Checkout:
    """The checkout. Raises NotFound."""
    checkout = await tx.get(CHECKOUTS, key)
    if checkout is None:
        raise NotFound("object_not_found", "no such checkout", "checkout")
    return checkout


def keep(tx: Tx, checkout: Checkout, **changes: Any) -> Checkout:
    """Stage the checkout's next version, with these fields changed. Its payment has the events."""
    changed = replace(checkout, version=checkout.version + 1, **changes)
    tx.put(CHECKOUTS, changed)
    return changed


@verb("checkouts.ask")
async def ask(tx: Tx, command: AskCheckout) -> Checkout:
    """Ask a buyer for money, or ask anew what nobody has looked at. An equal request finds what it made.

    Raises Invalid, NotFound, Forbidden, Conflict(number_reused).
    """
    return await _ask(tx, command)


@verb("checkouts.open")
async def open_at_once(tx: Tx, command: AskCheckout) -> Payment:
    """Ask, and open the payment before anybody looks. Raises Invalid, NotFound, Forbidden, Conflict(number_reused)."""
    checkout = await _ask(tx, command)
    return await _present(tx, checkout, command.buyer)


async def _ask(tx: Tx, command: AskCheckout) -> Checkout:
    exponent(command.currency)
    check_amount(command.amount)
    named = {"merchant": command.merchant} | ({"buyer": command.buyer} if command.buyer else {})
    await active_parties(tx, **named)
    key = alias_id(command.app, command.kind, command.number)
    alias = await tx.get(ALIASES, key)
    known = None if alias is None else await load(tx, alias.object)
    stands = known is not None and (known.payment or _open_until(known) > tx.now or not command.anew)
    if known is not None and known.digest == command.digest and stands:
        return known
    if known is not None and (known.payment is not None or not command.anew):
        raise Conflict("number_reused", "this number names something else", "number")
    asked = Checkout(
        id=tx.new_id() if known is None else known.id,
        gateway=command.gateway,
        app=command.app,
        number=command.number,
        digest=command.digest,
        merchant=command.merchant,
        buyer=command.buyer,
        state="asked" if known is None else move(CHECKOUT_STATES, known.state, "ask"),
        currency=command.currency,
        amount=command.amount,
        capture=command.capture,
        lines=msgpack.encode(command.lines) if command.lines else b"",
        notify_url=command.notify_url,
        return_url=command.return_url,
        asked=command.asked,
        quote=command.quote,
        payment=None,
        refundable=command.refundable,
        declared=0,
        due=command.due,
        version=0 if known is None else known.version,
        created=tx.now,
    )
    if alias is None:
        tx.put(ALIASES, Alias(key, asked.id, b""))
    return keep(tx, asked)


def _open_until(checkout: Checkout) -> int:
    """Until when an asked checkout can be presented; 0 for one that is closed."""
    return checkout.due or 0


@verb("checkouts.present", about="checkout")
async def present(tx: Tx, command: PresentCheckout) -> Payment:
    """Open the payment; presenting again to the same buyer changes nothing.

    Raises NotFound, Forbidden, Conflict(state_conflict).
    """
    return await _present(tx, await load(tx, command.checkout), command.buyer)


async def _present(tx: Tx, checkout: Checkout, buyer: Id | None) -> Payment:
    must_be_for(checkout, buyer)
    if checkout.payment is not None:
        payment = await tx.get(PAYMENTS, checkout.payment)
        assert payment is not None, "a checkout's payment was made with it"
        if buyer is not None and checkout.buyer is None and payment.state == "open":
            keep(tx, checkout, buyer=buyer)
        return payment
    state = move(CHECKOUT_STATES, checkout.state, "present")
    until, key = _open_until(checkout), checkout.id
    if tx.now >= until:
        raise Conflict("state_conflict", "the time for this has run out", "state")
    keep(tx, checkout, state=state, buyer=buyer or checkout.buyer, payment=key, due=None)
    return await payments.begin(tx, asked_payment(checkout), key=key, until=until, attempt=_attempt(checkout))


def _attempt(checkout: Checkout) -> int:
    """Which try to pay this is: each that was refused has left a new version."""
    return checkout.version - 1


def must_be_for(checkout: Checkout, buyer: Id | None) -> None:
    """Raises Conflict(state_conflict) where it is for another buyer."""
    if buyer is not None and checkout.buyer not in (None, buyer):
        raise Conflict("state_conflict", "another buyer is to pay this", "buyer")


def asked_payment(checkout: Checkout, payer: Id | None = None) -> CreatePayment:
    """What payments are asked for a checkout."""
    return CreatePayment(
        merchant=checkout.merchant,
        currency=checkout.currency,
        amount=checkout.amount,
        payer=payer,
        capture=checkout.capture,
        quote=checkout.quote,
        lines=msgpack.decode(checkout.lines, type=tuple[NewLine, ...]) if checkout.lines else (),
        reference=checkout.number,
    )


@verb("checkouts.pay", about="checkout")
async def pay(tx: Tx, command: PayCheckout) -> Payment:
    """Pay from the buyer's wallet.

    Raises NotFound, Forbidden, Declined(balance_insufficient), Conflict(state_conflict), Invalid.
    """
    checkout = await load(tx, command.checkout)
    must_be_for(checkout, command.buyer)
    if checkout.payment is None:
        raise Conflict("state_conflict", f"a checkout that is {checkout.state} cannot be paid", "state")
    keep(tx, checkout, buyer=command.buyer, due=refundable_until(tx, checkout))
    paid: Payment = await payments.pay.run(tx, PayPayment(command.buyer, checkout.payment, command.quote))
    return paid


def refundable_until(tx: Tx, checkout: Checkout) -> int | None:
    """When the merchant may refund no more what is paid now."""
    return tx.now + checkout.refundable if checkout.refundable else None


@verb("checkouts.charge")
async def charge(tx: Tx, command: ChargeCheckout) -> Payment:
    """Charge the payment code's buyer, or present it to the buyer, who has to confirm.

    An equal request finds what it made. Raises Invalid, NotFound, Forbidden, Declined(code_invalid,
    balance_insufficient), Conflict(number_reused, state_conflict).
    """
    code = await tx.get(PAYMENT_CODES, command.code)
    if code is None:
        raise Declined("code_invalid", "there is no such payment code", "code")
    known = await tx.get(ALIASES, alias_id(command.ask.app, command.ask.kind, command.ask.number))
    checkout = await _ask(tx, command.ask)
    if checkout.payment is not None:
        must_be_for(checkout, code.buyer)
        if code.used != checkout.id:
            raise Conflict("state_conflict", "this was asked of somebody before", "state")
        payment = await tx.get(PAYMENTS, checkout.payment)
        assert payment is not None, "a checkout's payment was made with it"
        return payment
    if code.used is not None or tx.now >= code.expires:
        raise Declined("code_invalid", "this payment code was used, or has expired", "code")
    must_be_for(checkout, code.buyer)
    tx.put(PAYMENT_CODES, replace(code, used=checkout.id))
    if code.confirm or checkout.amount > command.ceiling:
        return await _present(tx, checkout, code.buyer)
    state = move(CHECKOUT_STATES, checkout.state, "present")
    due = refundable_until(tx, checkout)
    keep(tx, checkout, state=state, buyer=code.buyer, payment=checkout.id, due=due)
    asked, attempt = asked_payment(checkout, code.buyer), _attempt(checkout)
    try:
        return await payments.begin(tx, asked, key=checkout.id, consented=True, attempt=attempt)
    except Declined:
        if known is not None:
            keep(tx, checkout)
        raise


@verb("checkouts.close", about="checkout")
async def close(tx: Tx, command: EndCheckout) -> Checkout:
    """Ask no longer; an open payment is cancelled. Raises NotFound, Conflict(state_conflict)."""
    checkout = await load(tx, command.checkout)
    must_belong(command.by, "checkout", checkout.merchant)
    if checkout.payment is None:
        return keep(tx, checkout, state=move(CHECKOUT_STATES, checkout.state, "close"), due=None)
    await payments.cancel.run(tx, EndPayment(command.by, checkout.payment))
    return checkout


@verb("checkouts.expire", about="checkout")
async def expire(tx: Tx, command: DueCheckout) -> Checkout:
    """Silence: what nobody looked at is closed; of what was paid the time for refunds is over.

    Raises NotFound, Conflict where nothing is due.
    """
    checkout = await load(tx, command.checkout)
    if checkout.version != command.version or checkout.due is None or tx.now < checkout.due:
        raise Conflict("state_conflict", "nothing is due", "state")
    if checkout.payment is None:
        return keep(tx, checkout, state=move(CHECKOUT_STATES, checkout.state, "expire"), due=None)
    payment = await tx.get(PAYMENTS, checkout.payment)
    assert payment is not None, "a checkout's payment was made with it"
    if payment.refunded < payment.captured:
        payments.finish(tx, payment)
    return keep(tx, checkout, state=move(CHECKOUT_STATES, checkout.state, "finish"), due=None)


@verb("checkouts.issue_code", about="buyer")
async def issue_code(tx: Tx, command: IssueCode) -> PaymentCode:
    """Make a buyer's payment code. Raises NotFound, Forbidden, Conflict(object_exists)."""
    await active_parties(tx, buyer=command.buyer)
    if await tx.get(PAYMENT_CODES, command.code) is not None:
        raise Conflict("object_exists", "this payment code was given out before", "code")
    code = PaymentCode(command.code, command.buyer, int(command.confirm), tx.now + CODE_LIFE, None, tx.now)
    tx.put(PAYMENT_CODES, code)
    return code


VERBS = (ask, open_at_once, present, pay, charge, close, expire, issue_code)
