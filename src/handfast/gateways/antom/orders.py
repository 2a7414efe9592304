"""An order as the asking calls take it: its members, their checks, and what checkouts are asked."""

from datetime import datetime
from typing import Any

from msgspec import Struct, json

from handfast.core.clocks import DAY, MINUTE, SECOND
from handfast.core.ids import digest_id
from handfast.domain.apps import ALIASES, alias_id
from handfast.domain.checkouts import ORDER, AskCheckout
from handfast.domain.notifications import parse_url
from handfast.domain.payments import NewLine
from handfast.gateways.antom.callers import GATEWAY
from handfast.gateways.antom.calls import Call
from handfast.gateways.antom.quoting import check_settlement, usable_quote
from handfast.gateways.antom.results import Refused
from handfast.gateways.antom.wire import Given, Money, RequestId, Text64, Text256, Text2048, read_id
from handfast.store.reader import get

REFUNDABLE = 365 * DAY
"""For how long after payment a merchant may refund."""

STAYS_OPEN = 14 * MINUTE
"""Until when an order may be paid that does not say."""

LONGEST = 15 * DAY

GUARANTEED = "guaranteed"
"""The permission by which all that a client sells is a guaranteed trade: held for the buyer, open to dispute."""

NO_WALLETS = ("CARD", "APPLEPAY", "GOOGLEPAY", "ONLINEBANKING", "BANKTRANSFER", "DIRECTDEBIT")
"""How the payment methods begin that are no wallets, and so not to be had here."""


class Order(Given, frozen=True, kw_only=True):
    """What is bought."""

    reference_order_id: Text64 = ""
    order_description: Text256 = ""
    order_amount: Money | None = None


class Method(Given, frozen=True, kw_only=True):
    """How the buyer wants to pay; in a store `payment_method_id` is the code that it shows."""

    payment_method_type: Text64 = ""
    payment_method_id: Text2048 = ""


class Factor(Given, frozen=True, kw_only=True):
    """Circumstances of a payment."""

    is_authorization: bool = False
    capture_mode: Text64 = ""
    in_store_payment_scenario: Text64 = ""


class Strategy(Given, frozen=True, kw_only=True):
    """In which currency the merchant is to be paid."""

    settlement_currency: Text64 = ""


class QuoteNamed(Given, frozen=True, kw_only=True):
    """A rate that inquireExchangeRate gave out."""

    quote_id: Text64 = ""


class Asked(Given, frozen=True, kw_only=True):
    """What every asking call takes; calls add their own members."""

    payment_request_id: RequestId
    payment_amount: Money
    product_code: Text64 = ""
    order: Order = Order()
    payment_method: Method = Method()
    payment_factor: Factor = Factor()
    settlement_strategy: Strategy = Strategy()
    payment_quote: QuoteNamed = QuoteNamed()
    payment_expiry_time: Text64 = ""
    payment_redirect_url: Text2048 = ""
    payment_notify_url: Text2048 = ""
    is_authorization: bool = False


class Kept(Struct, frozen=True, rename="camel"):
    """What is kept of an order beside its amount, sealed."""

    order_description: str
    reference_order_id: str
    product_code: str
    payment_method_type: str


async def asking(call: Call[Any], given: Asked) -> AskCheckout:
    """What checkouts are asked for an order. Raises Refused, Invalid(url_invalid)."""
    amount, currency = given.payment_amount.amount, given.payment_amount.currency
    check_method(given.payment_method.payment_method_type)
    check_settlement(call, given.settlement_strategy.settlement_currency, currency)
    for url in (given.payment_notify_url, given.payment_redirect_url):
        if url:
            parse_url(url, private=True)
    number = alias_id(call.caller.app.id, ORDER, given.payment_request_id)
    known = await call.look(lambda reader: get(reader, ALIASES, number))
    due, quote = call.services.market(), None  # of a repeat only the digest counts: its time and its rate may be over
    if known is None:
        due = pay_until(given, due)
    if known is None and given.payment_quote.quote_id:
        usable = await usable_quote(call, read_id(given.payment_quote.quote_id), currency)
        quote, due = usable.id, min(due, usable.expires)
    kept = Kept(
        given.order.order_description,
        given.order.reference_order_id,
        given.product_code,
        given.payment_method.payment_method_type,
    )
    return AskCheckout(
        gateway=GATEWAY,
        app=call.caller.app.id,
        number=given.payment_request_id,
        digest=digest_of(given, kept),
        merchant=call.party,
        currency=currency,
        amount=amount,
        due=due,
        capture="manual" if manual(given) else "automatic",
        lines=lines_of(call, amount, kept),
        notify_url=given.payment_notify_url,
        return_url=given.payment_redirect_url,
        asked=call.seal(kept),
        quote=quote,
        refundable=REFUNDABLE,
        anew=False,
    )


def lines_of(call: Call[Any], amount: int, kept: Kept) -> tuple[NewLine, ...]:
    """The order as one guaranteed trade, where all that the client sells is."""
    if GUARANTEED not in call.caller.products:
        return ()
    return (NewLine(call.party, amount, title=" ".join((kept.order_description or kept.reference_order_id).split())),)


def manual(given: Asked) -> bool:
    """Whether the money is only set aside, for the merchant to capture."""
    mode = given.payment_factor.capture_mode
    if mode not in ("", "AUTOMATIC", "MANUAL"):
        raise Refused("PARAM_ILLEGAL", "paymentFactor.captureMode is AUTOMATIC or MANUAL")
    return mode == "MANUAL" or (mode == "" and (given.payment_factor.is_authorization or given.is_authorization))


def check_method(kind: str) -> None:
    """Raises Refused for a way to pay that is no wallet."""
    if kind.replace("_", "").upper().startswith(NO_WALLETS):
        raise Refused("BUSINESS_NOT_SUPPORT", "Buyers pay from a wallet here, not by card or bank.")


def digest_of(given: Asked, kept: Kept) -> bytes:
    """What must be equal for two requests to be the same one."""
    money = given.payment_amount
    parts = (money.currency, money.amount, manual(given), given.payment_quote.quote_id, kept)
    return digest_id(b"antom order", json.encode(parts))


def pay_until(given: Asked, now: int) -> int:
    """Until when (market time, µs) the order may be paid. Raises Refused."""
    if not given.payment_expiry_time:
        return now + STAYS_OPEN
    until = read_time(given.payment_expiry_time)
    if until is None:
        raise Refused("PARAM_ILLEGAL", "paymentExpiryTime is a moment with its zone, as 2019-11-27T12:01:01+08:00")
    if until <= now:
        raise Refused("PARAM_ILLEGAL", "paymentExpiryTime is over")
    return min(until, now + LONGEST)


def read_time(text: str) -> int | None:
    """A moment (µs) in ISO 8601 with its zone, to the second; None for what is none."""
    try:
        read = datetime.fromisoformat(text)
        return int(read.timestamp()) * SECOND if read.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None
