"""Payments: given balances, when paid, captured, voided or refunded, then balances."""

import pytest
from tests.unit.domain.conftest import Market

from handfast.core.ids import Id
from handfast.domain.exchange import CreateQuote
from handfast.domain.payments import (
    CapturePayment,
    CreatePayment,
    DuePayment,
    EndPayment,
    GiveConsent,
    NewLine,
    PayPayment,
    RefundPayment,
    WithdrawConsent,
    lines_of,
)
from handfast.ledger import Purpose


@pytest.fixture
def shop(market: Market) -> Id:
    return market.party("merchant", commission_bps=350, commission_cap=5000, commission_currency="USD")


@pytest.fixture
def buyer(market: Market, shop: Id) -> Id:
    buyer = market.party("customer")
    market.fund(buyer, "USD", 100_000)
    market.fund(buyer, "CNY", 1_000_000)
    market.do(GiveConsent(buyer, shop, "USD", 50_000))
    return buyer


def test_a_direct_payment_pays_the_merchant_less_the_commission(market: Market, shop: Id, buyer: Id) -> None:
    payment = market.do(CreatePayment(shop, "USD", 10_000, payer=buyer))
    assert payment.state == "captured"
    assert market.wallet(buyer, "USD") == 90_000
    assert market.wallet(shop, "USD") == 9_650
    assert market.house(Purpose.COMMISSION, "USD") == 350


def test_the_commission_ends_at_its_cap(market: Market, shop: Id, buyer: Id) -> None:
    market.fund(buyer, "USD", 900_000)
    market.do(GiveConsent(buyer, shop, "USD", 900_000))
    market.do(CreatePayment(shop, "USD", 200_000, payer=buyer))
    assert market.house(Purpose.COMMISSION, "USD") == 5_000


def test_a_charge_needs_consent_within_its_ceiling(market: Market, shop: Id, buyer: Id) -> None:
    market.refused("consent_exceeded", CreatePayment(shop, "USD", 50_001, payer=buyer))
    market.refused("consent_missing", CreatePayment(shop, "EUR", 100, payer=buyer))
    market.do(WithdrawConsent(buyer, shop))
    market.refused("consent_missing", CreatePayment(shop, "USD", 100, payer=buyer))


def test_a_wallet_cannot_give_more_than_it_has(market: Market, shop: Id, buyer: Id) -> None:
    payment = market.do(CreatePayment(shop, "USD", 100_001))
    market.refused("balance_insufficient", PayPayment(buyer, payment.id))
    market.fund(buyer, "USD", 1)
    assert market.do(PayPayment(buyer, payment.id)).state == "captured"
    assert market.wallet(buyer, "USD") == 0


def test_authorised_money_is_captured_in_parts_and_the_rest_is_freed(market: Market, shop: Id, buyer: Id) -> None:
    payment = market.do(CreatePayment(shop, "USD", 10_000, payer=buyer, capture="manual"))
    assert (payment.state, market.wallet(buyer, "USD"), market.wallet(shop, "USD")) == ("authorised", 90_000, 0)
    market.refused("capture_exceeds_authorised", CapturePayment(shop, payment.id, 10_001))
    market.do(CapturePayment(shop, payment.id, 2_000))
    market.do(CapturePayment(shop, payment.id, 3_000))
    assert (market.wallet(buyer, "USD"), market.wallet(shop, "USD")) == (90_000, 4_825)
    payment = market.do(EndPayment(shop, payment.id), "payments.void")
    assert (payment.state, payment.captured) == ("captured", 5_000)
    assert (market.wallet(buyer, "USD"), market.wallet(shop, "USD")) == (95_000, 4_825)
    assert market.house(Purpose.COMMISSION, "USD") == 175
    market.refused("state_conflict", CapturePayment(shop, payment.id, 1))


def test_capturing_all_parts_ends_the_payment(market: Market, shop: Id, buyer: Id) -> None:
    payment = market.do(CreatePayment(shop, "USD", 1_000, payer=buyer, capture="manual"))
    market.do(CapturePayment(shop, payment.id, 999))
    payment = market.do(CapturePayment(shop, payment.id))
    assert (payment.state, payment.captured, payment.due) == ("captured", 1_000, None)
    assert market.wallet(buyer, "USD") == 99_000


def test_an_authorisation_runs_out(market: Market, shop: Id, buyer: Id) -> None:
    payment = market.do(CreatePayment(shop, "USD", 10_000, payer=buyer, capture="manual"))
    market.refused("state_conflict", DuePayment(payment.id, payment.version))
    market.wait(7)
    market.refused("state_conflict", CapturePayment(shop, payment.id))
    assert market.do(DuePayment(payment.id, payment.version)).state == "voided"
    assert market.wallet(buyer, "USD") == 100_000


def test_an_open_payment_waits_five_days(market: Market, shop: Id, buyer: Id) -> None:
    payment = market.do(CreatePayment(shop, "USD", 10_000))
    market.wait(5)
    market.refused("state_conflict", PayPayment(buyer, payment.id))
    assert market.do(DuePayment(payment.id, payment.version)).state == "cancelled"


def test_a_payment_in_another_currency_is_rounded_up_once(market: Market, shop: Id, buyer: Id) -> None:
    quote = market.do(CreateQuote(buyer, "USD", "CNY"))
    payment = market.do(CreatePayment(shop, "USD", 9_999))
    paid = market.do(PayPayment(buyer, payment.id, quote.id))
    exact = 9_999 * quote.numerator / quote.denominator
    assert paid.pay_amount - 1 < exact <= paid.pay_amount
    assert market.wallet(buyer, "CNY") == 1_000_000 - paid.pay_amount
    assert market.house(Purpose.POSITION, "USD") == -9_999
    assert market.house(Purpose.POSITION, "CNY") + market.house(Purpose.ROUNDING, "CNY") == paid.pay_amount
    market.refused("quote_used", CreatePayment(shop, "USD", 5, payer=buyer, quote=quote.id))


def test_the_reference_rate_of_the_day(market: Market, shop: Id, buyer: Id) -> None:
    quote = market.do(CreateQuote(buyer, "USD", "CNY"))
    payment = market.do(CreatePayment(shop, "USD", 10_000))
    assert quote.source == "ECB 2014-10-28"
    assert market.do(PayPayment(buyer, payment.id, quote.id)).pay_amount == 61_136  # 611.35 and a rounded-up fen


def test_quotes_stand_for_half_an_hour_and_for_their_owner(market: Market, shop: Id, buyer: Id) -> None:
    payment = market.do(CreatePayment(shop, "USD", 10_000))
    others = market.do(CreateQuote(market.party("customer"), "USD", "CNY"))
    market.refused("object_not_found", PayPayment(buyer, payment.id, others.id))
    quote = market.do(CreateQuote(buyer, "USD", "CNY"))
    market.wait(0.5 / 24)
    market.refused("quote_expired", PayPayment(buyer, payment.id, quote.id))
    euro = market.do(CreateQuote(buyer, "EUR", "CNY"))
    market.refused("quote_mismatch", PayPayment(buyer, payment.id, euro.id))


def test_refunds_in_parts_leave_everyone_as_before(market: Market, shop: Id, buyer: Id) -> None:
    before = market.owed()
    payment = market.do(CreatePayment(shop, "USD", 9_999, payer=buyer))
    for amount in (1, 3_333, 17, 1):
        market.do(RefundPayment(shop, payment.id, amount=amount))
    market.refused("refund_exceeds_captured", RefundPayment(shop, payment.id, amount=9_999))
    last = market.do(RefundPayment(shop, payment.id))
    assert last.amount == 9_999 - 3_352
    assert market.owed() == before
    market.refused("refund_exceeds_captured", RefundPayment(shop, payment.id))


def test_a_refund_needs_the_merchants_money(market: Market, shop: Id, buyer: Id) -> None:
    payment = market.do(CreatePayment(shop, "USD", 10_000, payer=buyer))
    thief = market.party("merchant")
    market.do(CreatePayment(thief, "USD", 1))
    spent = market.do(CreatePayment(thief, "USD", 9_650))
    market.do(PayPayment(shop, spent.id))
    market.refused("balance_insufficient", RefundPayment(shop, payment.id))


def test_strangers_do_not_see_a_payment(market: Market, shop: Id, buyer: Id) -> None:
    stranger = market.party("merchant")
    payment = market.do(CreatePayment(shop, "USD", 10_000, payer=buyer, capture="manual"))
    market.refused("object_not_found", CapturePayment(stranger, payment.id))
    market.refused("object_not_found", EndPayment(stranger, payment.id), "payments.void")
    market.refused("object_not_found", RefundPayment(stranger, payment.id))


def test_lines_must_add_up(market: Market, shop: Id, buyer: Id) -> None:
    lines = (NewLine(shop, 600), NewLine(shop, 400))
    market.refused("lines_invalid", CreatePayment(shop, "USD", 999, lines=lines))
    market.refused("lines_invalid", CreatePayment(shop, "USD", 100, lines=(NewLine(shop, 100, tax=101),)))
    market.refused("lines_invalid", CreatePayment(shop, "USD", 100, lines=(NewLine(shop, 100, delivery="owl"),)))
    assert market.do(CreatePayment(shop, "USD", 100, lines=(NewLine(shop, 100, tax=97),))).commission == 3
    assert market.do(CreatePayment(shop, "USD", 1_000, lines=lines)).amount == 1_000


def test_lines_are_captured_one_by_one(market: Market, shop: Id, buyer: Id) -> None:
    lines = (NewLine(shop, 600), NewLine(shop, 400))
    payment = market.do(CreatePayment(shop, "USD", 1_000, payer=buyer, capture="manual", lines=lines))
    first, second = (line.trade for line in lines_of(payment))
    market.refused("field_invalid", CapturePayment(shop, payment.id, amount=600))
    payment = market.do(CapturePayment(shop, payment.id, trades=(first,)))
    assert market.balance(first, Purpose.HELD, "USD") == 600
    assert market.wallet(buyer, "USD") == 99_000
    market.refused("capture_exceeds_authorised", CapturePayment(shop, payment.id, trades=(first,)))
    assert market.do(CapturePayment(shop, payment.id)).state == "captured"
    assert market.balance(second, Purpose.HELD, "USD") == 400
