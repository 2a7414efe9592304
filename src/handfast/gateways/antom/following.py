"""What follows an order: see how it stands, undo it, take what was set aside, refund it, see what became of that."""

from typing import Any

from msgspec import Struct

from handfast.core.errors import Refusal
from handfast.core.ids import Id, digest_id
from handfast.domain import checkouts
from handfast.domain.apps import ALIASES
from handfast.domain.checkouts import (
    CHECKOUTS,
    REFUND_NUMBERS,
    CaptureCheckout,
    Captured,
    RefundCheckout,
    Refunded,
    UndoCheckout,
    app_refund_number,
)
from handfast.domain.payments import PAYMENTS, REFUNDS, Payment, Refund
from handfast.gateways.antom.calls import Call, endpoint
from handfast.gateways.antom.paying import paid_at
from handfast.gateways.antom.quoting import QuoteTold, Settling, settling
from handfast.gateways.antom.results import RESULTS, Refused
from handfast.gateways.antom.signing import iso_time
from handfast.gateways.antom.standing import CANCELLED, PROCESSING, SUCCESS, Sale, find, told_by_status
from handfast.gateways.antom.wire import Given, Money, RequestId, Text64, Text256, Told, read_id, show_id
from handfast.store.reader import Reader, get
from handfast.store.rows import EVENTS


class Named(Given, frozen=True, kw_only=True):
    """A payment by either number; paymentId wins."""

    payment_request_id: Text64 = ""
    payment_id: Text64 = ""


class Standing(Told, frozen=True, kw_only=True):
    """How a payment stands; the call's own result only says that it was found."""

    payment_status: str
    payment_result_code: str
    payment_result_message: str
    payment_request_id: str
    payment_id: str
    payment_amount: Money
    payment_create_time: str
    payment_time: str | None = None
    auth_expiry_time: str | None = None
    payment_method_type: str | None = None
    payment_quote: QuoteTold | None = None
    gross_settlement_amount: Money | None = None
    settlement_quote: QuoteTold | None = None
    customs_declaration_amount: Money | None = None


class Cancelled(Told, frozen=True, kw_only=True):
    """The payment that is as if it had never been."""

    payment_id: str
    payment_request_id: str
    cancel_time: str


class CaptureOf(Given, frozen=True, kw_only=True):
    """A part of what was set aside, or all of it."""

    capture_request_id: RequestId
    payment_id: Text64
    capture_amount: Money
    is_last_capture: bool = False


class CaptureTold(Told, frozen=True, kw_only=True):
    """What was taken."""

    capture_request_id: str
    capture_id: str
    payment_id: str
    capture_amount: Money
    capture_time: str


class RefundOf(Given, frozen=True, kw_only=True):
    """A part of what was paid, or all of it."""

    refund_request_id: RequestId
    payment_id: Text64
    refund_amount: Money
    reference_refund_id: Text64 = ""
    refund_reason: Text256 = ""


class RefundMade(Told, frozen=True, kw_only=True):
    """What went back."""

    refund_request_id: str
    refund_id: str
    payment_id: str
    refund_amount: Money
    refund_time: str
    gross_settlement_amount: Money | None = None
    settlement_quote: QuoteTold | None = None


class RefundNamed(Given, frozen=True, kw_only=True):
    """A refund by either number; refundId wins."""

    refund_request_id: Text64 = ""
    refund_id: Text64 = ""


class RefundFound(Told, frozen=True, kw_only=True):
    """What became of a refund."""

    refund_status: str
    refund_request_id: str | None = None
    refund_id: str
    refund_amount: Money
    refund_time: str
    gross_settlement_amount: Money | None = None
    settlement_quote: QuoteTold | None = None


_RESULT_OF = {SUCCESS: "SUCCESS", PROCESSING: "PAYMENT_IN_PROCESS", CANCELLED: "ORDER_IS_CLOSED"}


@endpoint("payments/inquiryPayment", "pay")
async def inquiry_payment(call: Call[Named]) -> Standing:
    """See how a payment stands."""
    sale = await find(call, call.given.payment_request_id, call.given.payment_id)
    checkout, payment = sale.checkout, sale.payment
    paid = payment is not None and sale.status == SUCCESS
    code = _RESULT_OF[sale.status]
    kept = call.unseal(checkout.asked, dict) or {}
    rates = await settling(call, payment, payment.amount) if payment is not None and paid else Settling()
    return Standing(
        payment_status=sale.status,
        payment_result_code=code,
        payment_result_message=RESULTS[code][1],
        payment_request_id=checkout.number,
        payment_id=sale.payment_id,
        payment_amount=Money(checkout.amount, checkout.currency),
        payment_create_time=iso_time(checkout.created),
        payment_time=paid_at(payment) if paid else None,
        auth_expiry_time=iso_time(payment.due) if payment and payment.state == "authorised" and payment.due else None,
        payment_method_type=kept.get("paymentMethodType") or None,
        payment_quote=rates.paid,
        gross_settlement_amount=rates.gross,
        settlement_quote=rates.settled,
        customs_declaration_amount=_declarable(payment) if paid else None,
    )


def _declarable(payment: Payment | None) -> Money | None:
    """What may be declared to China's customs: what was paid in CNY."""
    if payment is None or payment.pay_currency != "CNY":
        return None
    return Money(payment.pay_amount, payment.pay_currency)


@endpoint("payments/cancel", "pay", instead={"balance_insufficient": "MERCHANT_BALANCE_NOT_ENOUGH"})
async def cancel(call: Call[Named]) -> Cancelled:
    """Undo a payment, whatever became of it: it is closed, or freed, or refunded in full."""
    sale = await find(call, call.given.payment_request_id, call.given.payment_id)
    await call.do(checkouts.undo, UndoCheckout(call.party, sale.checkout.id))
    return Cancelled(
        payment_id=sale.payment_id,
        payment_request_id=sale.checkout.number,
        cancel_time=iso_time(call.services.market()),
    )


@endpoint("payments/capture", "pay", also=("ORDER_IS_CLOSED",))
async def capture(call: Call[CaptureOf]) -> CaptureTold:
    """Take a part or all of what the buyer set aside, once for each captureRequestId."""
    given = call.given
    sale = await find(call, "", given.payment_id)
    amount = _amount_of(sale, given.capture_amount, "captureAmount")
    digest = digest_id(b"capture", sale.checkout.id, str(amount).encode(), bytes((given.is_last_capture,)))
    number, final = given.capture_request_id, given.is_last_capture
    command = CaptureCheckout(call.party, sale.checkout.id, number, digest, amount, final)
    try:
        taken: Captured = await call.do(checkouts.capture, command)
    except Refusal as no:
        raise _not_yet(sale) or await told_by_status(call, no, sale.checkout.id) from no
    event = await call.look(lambda reader: get(reader, EVENTS, taken.capture))
    return CaptureTold(
        capture_request_id=given.capture_request_id,
        capture_id=taken.capture.hex(),
        payment_id=sale.payment_id,
        capture_amount=given.capture_amount,
        capture_time=iso_time(event.at if event else call.services.market()),
    )


def _amount_of(sale: Sale, wanted: Money, param: str) -> int:
    """The amount, if it is in the payment's currency. Raises Refused."""
    if wanted.currency != sale.checkout.currency:
        raise Refused("CURRENCY_NOT_SUPPORT", f"{param}.currency is not the payment's ({sale.checkout.currency})")
    return wanted.amount


def _not_yet(sale: Sale) -> Refused | None:
    """The refusal for an order that nobody has looked at."""
    if sale.payment is not None:
        return None
    return Refused("ORDER_IS_CLOSED" if sale.status == CANCELLED else "ORDER_STATUS_INVALID")


@endpoint(
    "payments/refund",
    "pay",
    also=("ORDER_IS_CLOSED", "REFUND_WINDOW_EXCEED"),
    instead={"balance_insufficient": "MERCHANT_BALANCE_NOT_ENOUGH"},
)
async def refund(call: Call[RefundOf]) -> RefundMade:
    """Give a part or all of a payment back, once for each refundRequestId."""
    given = call.given
    sale = await find(call, "", given.payment_id)
    amount = _amount_of(sale, given.refund_amount, "refundAmount")
    digest = digest_id(b"refund", sale.checkout.id, str(amount).encode())
    number, reason = given.refund_request_id, given.refund_reason
    command = RefundCheckout(call.party, sale.checkout.id, number, digest, amount, reason=reason, apps=True)
    try:
        refunded: Refunded = await call.do(checkouts.refund, command)
    except Refusal as no:
        if no.code == "state_conflict" and sale.checkout.state == "finished":
            raise Refused("REFUND_WINDOW_EXCEED") from no
        raise _not_yet(sale) or await told_by_status(call, no, sale.checkout.id) from no
    made, payment = refunded.refund, sale.payment
    rates = await settling(call, payment, made.amount) if payment else Settling()
    return RefundMade(
        refund_request_id=given.refund_request_id,
        refund_id=show_id(made.id),
        payment_id=sale.payment_id,
        refund_amount=Money(made.amount, made.currency),
        refund_time=iso_time(made.created),
        gross_settlement_amount=rates.gross,
        settlement_quote=rates.settled,
    )


class _Found(Struct, frozen=True):
    refund: Refund
    payment: Payment
    number: str | None


@endpoint("payments/inquiryRefund", "pay", also=("REFUND_NOT_EXIST",))
async def inquiry_refund(call: Call[RefundNamed]) -> RefundFound:
    """See what became of a refund."""
    given = call.given
    if not given.refund_request_id and not given.refund_id:
        raise Refused("PARAM_ILLEGAL", "one of refundId and refundRequestId is needed")
    found = await call.look(lambda reader: _find_refund(reader, call, given))
    if found is None:
        raise Refused("REFUND_NOT_EXIST")
    made = found.refund
    rates = await settling(call, found.payment, made.amount)
    return RefundFound(
        refund_status="SUCCESS",
        refund_request_id=found.number,
        refund_id=show_id(made.id),
        refund_amount=Money(made.amount, made.currency),
        refund_time=iso_time(made.created),
        gross_settlement_amount=rates.gross,
        settlement_quote=rates.settled,
    )


def _find_refund(reader: Reader, call: Call[Any], given: RefundNamed) -> _Found | None:
    key: Id | None
    if given.refund_id:
        key = read_id(given.refund_id)
    else:
        alias = get(reader, ALIASES, app_refund_number(call.caller.app.id, given.refund_request_id))
        key = alias.object if alias else None
    made = get(reader, REFUNDS, key) if key else None
    checkout = get(reader, CHECKOUTS, made.payment) if made else None
    payment = get(reader, PAYMENTS, made.payment) if made else None
    if made is None or checkout is None or payment is None or made.merchant != call.party:
        return None
    number = get(reader, REFUND_NUMBERS, made.id)
    return _Found(made, payment, number.number if number else None)


ENDPOINTS = (inquiry_payment, cancel, capture, refund, inquiry_refund)
