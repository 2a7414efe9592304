"""Asking for money: at the cashier, by the code that a buyer shows in a store, in a session of the merchant's page."""

import re
from base64 import b64encode
from typing import Any

from msgspec import json
from msgspec.structs import replace

from handfast.core.clocks import DAY
from handfast.core.errors import Refusal
from handfast.core.ids import OBJECT, Id
from handfast.core.money import exponent
from handfast.domain import checkouts
from handfast.domain.apps import ALIASES, alias_id
from handfast.domain.checkouts import ORDER, ChargeCheckout, Checkout, code_id
from handfast.domain.exchange import rate
from handfast.domain.payments import Payment
from handfast.gateways.antom.calls import Call, Pending, endpoint
from handfast.gateways.antom.orders import Asked, Factor, Method, Strategy, asking, check_method
from handfast.gateways.antom.quoting import QuoteTold, check_settlement, settling
from handfast.gateways.antom.results import Refused
from handfast.gateways.antom.signing import iso_time
from handfast.gateways.antom.standing import CANCELLED, SUCCESS, Sale, sale_of, told_by_status
from handfast.gateways.antom.wire import Given, Money, Text64, Told, show_id
from handfast.store.reader import get

CASHIER = "/checkout/"
"""Where buyers pay: this and the checkout's id in hexadecimal digits."""

CEILING = 1_000
"""The largest amount (major units) that a payment code pays without the buyer's confirmation."""

AUTHORISED_FOR = 7 * DAY
"""How long the merchant may capture what was set aside."""

CASHIER_PAYMENT, IN_STORE_PAYMENT, AGREEMENT_PAYMENT = "CASHIER_PAYMENT", "IN_STORE_PAYMENT", "AGREEMENT_PAYMENT"
WALLET = "ALIPAY_CN"
"""The wallet that consult offers; any other wallet's name is as good."""

ASKED = ("BUSINESS_NOT_SUPPORT", "SETTLE_CONTRACT_NOT_MATCH")
"""What every asking call may answer, beside what it shares with all calls."""

_CODE = re.compile(r"[0-9]{16,24}", re.ASCII)


class Pay(Asked, frozen=True, kw_only=True):
    """A payment, by the product that the merchant uses."""

    product_code: Text64


class Session(Asked, frozen=True, kw_only=True):
    """A payment that the merchant's own page begins."""

    payment_session_expiry_time: Text64 = ""


class Consult(Given, frozen=True, kw_only=True):
    """A payment that may be asked for."""

    payment_amount: Money
    product_code: Text64 = ""
    payment_factor: Factor = Factor()
    settlement_strategy: Strategy = Strategy()
    payment_method: Method = Method()


class Form(Told, frozen=True, kw_only=True):
    """Where a browser goes."""

    action_form_type: str = ""
    method: str
    redirect_url: str


class Paid(Told, frozen=True, kw_only=True):
    """The payment as it stands."""

    payment_request_id: str
    payment_id: str
    payment_amount: Money
    payment_create_time: str
    payment_time: str | None = None
    auth_expiry_time: str | None = None
    normal_url: str | None = None
    redirect_action_form: Form | None = None
    payment_quote: QuoteTold | None = None
    gross_settlement_amount: Money | None = None
    settlement_quote: QuoteTold | None = None


class SessionTold(Told, frozen=True, kw_only=True):
    """The session; its data are for the merchant's page, which opens the address in them."""

    payment_session_id: str
    payment_session_data: str
    payment_session_expiry_time: str
    normal_url: str


class Option(Told, frozen=True, kw_only=True):
    """A way to pay."""

    payment_method_type: str
    payment_method_category: str
    enabled: bool
    preferred: bool
    supported_currencies: list[str] | None = None


class Options(Told, frozen=True, kw_only=True):
    """The ways to pay."""

    payment_options: list[Option]


@endpoint("payments/pay", "pay", also=("PAYMENT_IN_PROCESS", "ORDER_IS_CLOSED", *ASKED))
async def pay(call: Call[Pay]) -> Paid | Pending:
    """Ask for money at the cashier (CASHIER_PAYMENT), or charge the code that a buyer shows (IN_STORE_PAYMENT)."""
    match call.given.product_code:
        case "CASHIER_PAYMENT":
            checkout = await _ask(call, call.given)
        case "IN_STORE_PAYMENT":
            checkout = await _charge(call, call.given)
        case "AGREEMENT_PAYMENT":
            raise Refused("BUSINESS_NOT_SUPPORT", "Payments by agreement are not supported: no authorizations are.")
        case _:
            raise Refused("PARAM_ILLEGAL", "productCode is CASHIER_PAYMENT or IN_STORE_PAYMENT")
    sale = await call.look(lambda reader: sale_of(reader, checkout))
    if sale.status == CANCELLED:
        raise Refused("ORDER_IS_CLOSED")
    told = await paid_told(call, sale)
    return told if sale.status == SUCCESS else Pending(told)


async def _ask(call: Call[Any], given: Asked) -> Checkout:
    asked: Checkout = await call.do(checkouts.ask, await asking(call, given))
    return asked


async def _charge(call: Call[Any], given: Asked) -> Checkout:
    """Charge the buyer whose code was scanned. Raises Refused, and refusals."""
    scenario = given.payment_factor.in_store_payment_scenario.replace("_", "").upper()
    if scenario not in ("", "PAYMENTCODE"):
        raise Refused("BUSINESS_NOT_SUPPORT", "In a store the buyer's code is scanned (PaymentCode).")
    code = given.payment_method.payment_method_id
    if _CODE.fullmatch(code) is None:
        raise Refused("PARAM_ILLEGAL", "paymentMethod.paymentMethodId is the payment code: 16 to 24 digits")
    ask = await asking(call, given)
    ceiling = CEILING * 10 ** exponent(ask.currency)
    try:
        charged: Payment = await call.do(checkouts.charge, ChargeCheckout(ask, code_id(code), ceiling))
    except Refusal as no:
        known = await call.look(lambda reader: get(reader, ALIASES, alias_id(ask.app, ORDER, ask.number)))
        raise await told_by_status(call, no, known.object if known else b"") from no
    return await _checkout(call, charged.id)


async def _checkout(call: Call[Any], key: Id) -> Checkout:
    found = await call.look(lambda reader: get(reader, checkouts.CHECKOUTS, key))
    assert found is not None, "it was just made"
    return found


async def paid_told(call: Call[Any], sale: Sale) -> Paid:
    """The payment as the asking calls tell of it."""
    checkout, payment = sale.checkout, sale.payment
    paid = payment is not None and sale.status == SUCCESS
    address = cashier(call.base_url, checkout.id)
    rates = await settling(call, payment, payment.amount) if payment is not None and paid else None
    return Paid(
        payment_request_id=checkout.number,
        payment_id=sale.payment_id,
        payment_amount=Money(checkout.amount, checkout.currency),
        payment_create_time=iso_time(checkout.created),
        payment_time=paid_at(payment) if paid else None,
        auth_expiry_time=iso_time(payment.due) if payment and payment.state == "authorised" and payment.due else None,
        normal_url=None if paid else address,
        redirect_action_form=None if paid else Form(method="GET", redirect_url=address),
        payment_quote=rates.paid if rates else None,
        gross_settlement_amount=rates.gross if rates else None,
        settlement_quote=rates.settled if rates else None,
    )


def paid_at(payment: Payment | None) -> str | None:
    """When the buyer paid; of what is set aside, when that was done."""
    if payment is None:
        return None
    if payment.paid is not None:
        return iso_time(payment.paid)
    return iso_time(payment.due - AUTHORISED_FOR) if payment.state == "authorised" and payment.due else None


def cashier(base_url: str, checkout: Id) -> str:
    """The address of the cashier for a checkout."""
    return f"{base_url}{CASHIER}{checkout[:OBJECT].hex()}"


@endpoint("payments/createPaymentSession", "pay", also=("ORDER_IS_CLOSED", *ASKED))
async def create_payment_session(call: Call[Session]) -> SessionTold:
    """Ask for money from the merchant's own page, which opens the cashier."""
    given = call.given
    if given.product_code not in ("", CASHIER_PAYMENT):
        raise Refused("BUSINESS_NOT_SUPPORT", "A session is for CASHIER_PAYMENT.")
    until = given.payment_session_expiry_time or given.payment_expiry_time
    checkout = await _ask(call, replace(given, payment_expiry_time=until))
    sale = await call.look(lambda reader: sale_of(reader, checkout))
    if sale.status == CANCELLED:
        raise Refused("ORDER_IS_CLOSED")
    address = cashier(call.base_url, checkout.id)
    data = {"paymentSessionId": sale.payment_id, "normalUrl": address}
    due = checkout.due or (sale.payment.due if sale.payment else None) or call.services.market()
    return SessionTold(
        payment_session_id=show_id(checkout.id),
        payment_session_data=b64encode(json.encode(data)).decode(),
        payment_session_expiry_time=iso_time(due),
        normal_url=address,
    )


@endpoint("payments/consult", "pay", also=ASKED)
async def consult(call: Call[Consult]) -> Options:
    """See how a buyer could pay: from a wallet."""
    given = call.given
    if given.product_code not in ("", CASHIER_PAYMENT, IN_STORE_PAYMENT):
        raise Refused("BUSINESS_NOT_SUPPORT")
    check_method(given.payment_method.payment_method_type)
    currency = given.payment_amount.currency
    check_settlement(call, given.settlement_strategy.settlement_currency, currency)
    rate(currency, call.caller.party.settle_currency or currency, call.services.market())
    return Options(
        payment_options=[
            Option(
                payment_method_type=WALLET,
                payment_method_category="WALLET",
                enabled=True,
                preferred=True,
                supported_currencies=[currency],
            )
        ]
    )


ENDPOINTS = (pay, create_payment_session, consult)
