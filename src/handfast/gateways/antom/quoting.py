"""Exchange as merchants see it: quotes, the rates of a payment on both its sides, and what it settles at."""

from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Annotated, Any

from msgspec import Meta

from handfast.core.errors import Invalid
from handfast.core.ids import Id
from handfast.core.money import exponent
from handfast.domain import exchange
from handfast.domain.exchange import QUOTES, CreateQuote, Quote, rate
from handfast.domain.payments import Payment, lines_of
from handfast.domain.trades import converted_down
from handfast.gateways.antom.calls import Call, endpoint
from handfast.gateways.antom.results import Refused
from handfast.gateways.antom.signing import iso_time
from handfast.gateways.antom.wire import Given, Money, Text64, Told, show_id
from handfast.store.reader import get

TRADE = "TRADE"
"""The kind of rate that is locked; any other is for reading only."""

_DIGITS = Context(prec=12, rounding=ROUND_HALF_EVEN)


class Pair(Given, frozen=True, kw_only=True):
    """The buyer pays in one currency what is priced in the other."""

    sell_currency: Text64
    buy_currency: Text64


class Inquire(Given, frozen=True, kw_only=True):
    """Which rates: pairs, one pair, or the buyer's currency against the merchant's own."""

    product_code: Text64 = ""
    payment_currency: Text64 = ""
    sell_currency: Text64 = ""
    buy_currency: Text64 = ""
    rate_type: Text64 = TRADE
    currency_pairs: Annotated[tuple[Pair, ...], Meta(max_length=100)] = ()


class QuoteTold(Told, frozen=True, kw_only=True):
    """A rate: one major unit of the pair's first currency in major units of its second."""

    quote_id: str
    quote_currency_pair: str
    quote_price: str
    quote_start_time: str | None = None
    quote_expiry_time: str | None = None
    guaranteed: str


class PaymentQuoteTold(Told, frozen=True, kw_only=True):
    """A rate that a payment can be asked for at (`paymentQuote.quoteId`)."""

    quote_id: str
    sell_currency: str
    buy_currency: str
    exchange_rate: str


class Rates(Told, frozen=True, kw_only=True):
    """What rates there are; a pair without one is left out."""

    quotes: list[QuoteTold]
    payment_quotes: list[PaymentQuoteTold]


class Settling(Told, frozen=True, kw_only=True):
    """How a payment converts: `paid` for the buyer, `settled` and `gross` for the merchant."""

    paid: QuoteTold | None = None
    settled: QuoteTold | None = None
    gross: Money | None = None


def price_of(first: str, second: str, numerator: int, denominator: int) -> str:
    """A rate between minor units as a decimal between major units, to twelve digits."""
    shift = exponent(first) - exponent(second)
    found = _DIGITS.divide(Decimal(numerator).scaleb(shift), Decimal(denominator))
    return format(found.normalize(_DIGITS), "f")


def quote_told(quote: Quote) -> QuoteTold:
    """A locked quote."""
    first, second = quote.price_currency, quote.pay_currency
    return QuoteTold(
        quote_id=show_id(quote.id),
        quote_currency_pair=f"{first}/{second}",
        quote_price=price_of(first, second, quote.numerator, quote.denominator),
        quote_start_time=iso_time(quote.created),
        quote_expiry_time=iso_time(quote.expires),
        guaranteed="true",
    )


def _reference(first: str, second: str, at: int, guaranteed: str) -> tuple[QuoteTold, int, int]:
    """The day's rate as a quote, and as a ratio. Raises Invalid(rate_unknown, currency_unknown)."""
    numerator, denominator, source = rate(first, second, at)
    told = QuoteTold(
        quote_id=f"{source.replace(' ', '-')}-{first}-{second}",
        quote_currency_pair=f"{first}/{second}",
        quote_price=price_of(first, second, numerator, denominator),
        guaranteed=guaranteed,
    )
    return told, numerator, denominator


async def settling(call: Call[Any], payment: Payment, amount: int) -> Settling:
    """How a part of a payment converts, at the rates that were frozen with it."""
    key = payment.quote
    quote = await call.look(lambda reader: get(reader, QUOTES, key)) if key is not None else None
    paid = None if quote is None else quote_told(quote)
    lines = lines_of(payment)
    first, second = payment.currency, lines[0].settle_currency if lines else payment.settle_currency
    if second == first:
        return Settling(paid=paid, gross=Money(amount, first))
    told, numerator, denominator = _reference(first, second, payment.created, "true")
    return Settling(paid=paid, settled=told, gross=Money(converted_down(amount, numerator, denominator), second))


def check_settlement(call: Call[Any], wanted: str, currency: str) -> None:
    """Raises Refused where the merchant does not settle payments of that currency as it asked for."""
    settles = call.caller.party.settle_currency or currency
    if wanted not in ("", settles):
        raise Refused("SETTLE_CONTRACT_NOT_MATCH", f"The merchant settles in {settles}.")


async def usable_quote(call: Call[Any], quote: Id | None, currency: str) -> Quote:
    """The merchant's open quote for prices in that currency. Raises Refused."""
    found = await call.look(lambda reader: get(reader, QUOTES, quote)) if quote is not None else None
    if found is None or found.owner != call.party:
        raise Refused("PARAM_ILLEGAL", "paymentQuote.quoteId is none that inquireExchangeRate gave out")
    if found.state != "open" or call.services.market() >= found.expires:
        raise Refused("PARAM_ILLEGAL", "paymentQuote.quoteId was used, or has expired")
    if found.price_currency != currency:
        raise Refused("CURRENCY_NOT_SUPPORT", f"paymentQuote.quoteId is for prices in {found.price_currency}")
    return found


@endpoint("payments/inquireExchangeRate", "pay")
async def inquire_exchange_rate(call: Call[Inquire]) -> Rates:
    """See rates; those of the type TRADE are locked for half an hour, and a payment can be asked for at them."""
    quotes: list[QuoteTold] = []
    usable: list[PaymentQuoteTold] = []
    for pair in _pairs(call):
        try:
            if call.given.rate_type == TRADE:
                command = CreateQuote(call.party, pair.buy_currency, pair.sell_currency)
                locked: Quote = await call.another(exchange.create, command)
                told = quote_told(locked)
                usable.append(
                    PaymentQuoteTold(
                        quote_id=told.quote_id,
                        sell_currency=pair.sell_currency,
                        buy_currency=pair.buy_currency,
                        exchange_rate=told.quote_price,
                    )
                )
            else:
                told, _, _ = _reference(pair.buy_currency, pair.sell_currency, call.services.market(), "false")
        except Invalid as no:
            if no.code not in ("rate_unknown", "currency_unknown"):
                raise
        else:
            quotes.append(told)
    return Rates(quotes=quotes, payment_quotes=usable)


def _pairs(call: Call[Inquire]) -> tuple[Pair, ...]:
    """The pairs that are asked for. Raises Refused."""
    given = call.given
    if given.currency_pairs:
        return given.currency_pairs
    sell = given.sell_currency or given.payment_currency
    buy = given.buy_currency or call.caller.party.settle_currency
    if not sell or not buy:
        raise Refused("PARAM_ILLEGAL", "currencyPairs, or sellCurrency and buyCurrency, or paymentCurrency is needed")
    return (Pair(sell_currency=sell, buy_currency=buy),)


ENDPOINTS = (inquire_exchange_rate,)
