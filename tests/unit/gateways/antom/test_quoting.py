"""Rates: quotes that a payment is asked for at, and what both its sides are told of the exchange."""

from decimal import Decimal
from typing import Any

from tests.unit.gateways.antom.desk import AntomDesk

from handfast.core.clocks import HOUR
from handfast.domain.exchange import rate
from handfast.gateways.antom.quoting import price_of

PAIR = {"sellCurrency": "CNY", "buyCurrency": "USD"}


def test_rates_between_major_units() -> None:
    assert price_of("USD", "CNY", 61_234, 10_000) == "6.1234"
    assert price_of("USD", "JPY", 107, 100) == "107"  # 1.07 yen for a cent
    assert price_of("JPY", "USD", 100, 107) == "0.00934579439252"


def test_a_locked_rate_is_what_the_buyer_pays_at(desk: AntomDesk) -> None:
    rates = desk.ok("payments/inquireExchangeRate", {"currencyPairs": [PAIR], "productCode": "CASHIER_PAYMENT"})
    (quote,), (usable,) = rates["quotes"], rates["paymentQuotes"]
    numerator, denominator, _ = rate("USD", "CNY", desk.now)
    assert (quote["quoteCurrencyPair"], quote["guaranteed"]) == ("USD/CNY", "true")
    assert abs(Decimal(quote["quotePrice"]) - Decimal(numerator) / denominator) < Decimal("1e-9")
    assert (usable["quoteId"], usable["exchangeRate"]) == (quote["quoteId"], quote["quotePrice"])
    before = desk.wallet(desk.fang, "CNY")
    payment = desk.sold(currency="USD", value="10000", paymentQuote={"quoteId": quote["quoteId"]})
    paid = before - desk.wallet(desk.fang, "CNY")
    assert paid == -(-10_000 * numerator // denominator)
    found = desk.ok("payments/inquiryPayment", {"paymentId": payment})
    assert found["paymentQuote"]["quoteId"] == quote["quoteId"]
    assert found["customsDeclarationAmount"] == {"currency": "CNY", "value": str(paid)}
    repeat = desk.order(currency="USD", value="10000", paymentQuote={"quoteId": quote["quoteId"]})
    assert desk.ok("payments/pay", repeat)["paymentId"] == payment
    again = desk.order("p_2", currency="USD", paymentQuote={"quoteId": quote["quoteId"]})
    assert desk.no("payments/pay", again) == "PARAM_ILLEGAL"


def test_a_quote_is_its_merchants_own_and_ends(desk: AntomDesk) -> None:
    (quote,) = desk.ok("payments/inquireExchangeRate", PAIR)["quotes"]
    named: dict[str, Any] = {"paymentQuote": {"quoteId": quote["quoteId"]}}
    assert desk.no("payments/pay", desk.order(currency="USD", **named), "EXPORT") == "PARAM_ILLEGAL"
    assert desk.no("payments/pay", desk.order(currency="CNY", **named)) == "CURRENCY_NOT_SUPPORT"
    desk.now += HOUR
    assert desk.no("payments/pay", desk.order(currency="USD", **named)) == "PARAM_ILLEGAL"


def test_the_merchant_settles_in_its_own_currency(desk: AntomDesk) -> None:
    payment = desk.sold(
        client="EXPORT", currency="USD", value="10000", settlementStrategy={"settlementCurrency": "EUR"}
    )
    numerator, denominator, source = rate("USD", "EUR", desk.now)
    found = desk.ok("payments/inquiryPayment", {"paymentId": payment}, "EXPORT")
    assert found["grossSettlementAmount"] == {"currency": "EUR", "value": str(10_000 * numerator // denominator)}
    assert found["grossSettlementAmount"]["value"] == str(desk.wallet(desk.exporter, "EUR"))
    assert found["settlementQuote"]["quoteCurrencyPair"] == "USD/EUR"
    assert found["settlementQuote"]["quoteId"] == f"{source.replace(' ', '-')}-USD-EUR"
    given = {"refundRequestId": "f_1", "paymentId": payment, "refundAmount": {"currency": "USD", "value": "10000"}}
    assert desk.ok("payments/refund", given, "EXPORT")["grossSettlementAmount"] == found["grossSettlementAmount"]


def test_a_buyers_own_quote_is_told(desk: AntomDesk) -> None:
    payment = desk.asked(currency="USD", value="5000")
    desk.pays(payment, "CNY")
    assert desk.ok("payments/pay", desk.order(currency="USD", value="5000"))["paymentQuote"]["guaranteed"] == "true"


def test_rates_for_reading_lock_nothing(desk: AntomDesk) -> None:
    given = {"paymentCurrency": "CNY", "rateType": "REFERENCE"}
    told = desk.ok("payments/inquireExchangeRate", given, "EXPORT")
    assert [(quote["quoteCurrencyPair"], quote["guaranteed"]) for quote in told["quotes"]] == [("EUR/CNY", "false")]
    assert told["paymentQuotes"] == []
    assert desk.count("quotes") == 0
    assert desk.no("payments/inquireExchangeRate", given) == "PARAM_ILLEGAL"
    assert desk.ok("payments/inquireExchangeRate", {"sellCurrency": "XXX", "buyCurrency": "USD"})["quotes"] == []
