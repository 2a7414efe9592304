"""Payments at the edges: parts worth less than a minor unit, amounts beyond bounds, parties who are one another."""

import pytest
from tests.unit.domain.conftest import Market

from handfast.core.ids import Id
from handfast.domain.exchange import CreateQuote
from handfast.domain.parties import MoveParty
from handfast.domain.payments import (
    CapturePayment,
    CreatePayment,
    DuePayment,
    EndPayment,
    GiveConsent,
    NewLine,
    Payment,
    PayPayment,
    RefundPayment,
    lines_of,
)
from handfast.domain.trades import ConfirmTrade, ShipTrade
from handfast.ledger import Purpose


@pytest.fixture
def shop(market: Market) -> Id:
    return market.party("merchant", settle_currency="USD")


@pytest.fixture
def buyer(market: Market) -> Id:
    buyer = market.party("customer")
    market.fund(buyer, "USD", 100_000)
    return buyer


def authorised(market: Market, shop: Id, buyer: Id, *lines: NewLine) -> Payment:
    """100,000 rupiah minor units (1,000 IDR), paid with 9 US cents: one cent is some 12,000 of them."""
    payment = market.do(CreatePayment(shop, "IDR", 100_000, capture="manual", lines=lines))
    quote = market.do(CreateQuote(buyer, "IDR", "USD"))
    paid: Payment = market.do(PayPayment(buyer, payment.id, quote.id))
    assert (paid.state, paid.pay_amount, market.wallet(buyer, "USD")) == ("authorised", 9, 99_991)
    return paid


def test_a_rest_worth_nothing_can_be_captured(market: Market, shop: Id, buyer: Id) -> None:
    payment = authorised(market, shop, buyer)
    payment = market.do(CapturePayment(shop, payment.id, 99_999))
    assert (payment.state, payment.pending, market.wallet(buyer, "USD")) == ("authorised", None, 99_991)
    assert market.do(CapturePayment(shop, payment.id)).state == "captured"
    assert (market.wallet(buyer, "USD"), market.wallet(shop, "USD")) == (99_991, 8)


def test_a_rest_worth_nothing_is_voided_and_runs_out(market: Market, shop: Id, buyer: Id) -> None:
    voided, due = authorised(market, shop, buyer).id, market.party("customer")
    market.do(CapturePayment(shop, voided, 99_999))
    assert market.do(EndPayment(shop, voided), "payments.void").state == "captured"
    market.fund(due, "USD", 100_000)
    payment = market.do(CapturePayment(shop, authorised(market, shop, due).id, 99_999))
    market.wait(7)
    assert market.do(DuePayment(payment.id, payment.version)).state == "captured"


def test_a_line_worth_nothing_is_voided(market: Market, shop: Id, buyer: Id) -> None:
    payment = authorised(market, shop, buyer, NewLine(shop, 99_999), NewLine(shop, 1))
    large, small = lines_of(payment)
    assert (large.pay_amount, small.pay_amount) == (9, 0)
    market.do(CapturePayment(shop, payment.id, trades=(large.trade,)))
    assert market.do(EndPayment(shop, payment.id), "payments.void").state == "captured"
    assert market.do(RefundPayment(shop, payment.id, large.trade)).pay_amount == 9
    assert market.wallet(buyer, "USD") == 100_000


def test_parts_worth_nothing_are_captured_and_refunded_and_add_up(market: Market, shop: Id, buyer: Id) -> None:
    before = market.owed()
    payment = authorised(market, shop, buyer)
    for amount in (1, 1, 99_997):
        market.do(CapturePayment(shop, payment.id, amount))
    assert market.do(CapturePayment(shop, payment.id)).state == "captured"
    assert market.wallet(buyer, "USD") == 99_991
    assert market.do(RefundPayment(shop, payment.id, amount=1)).pay_amount == 0
    assert market.wallet(buyer, "USD") == 99_991
    assert market.do(RefundPayment(shop, payment.id)).pay_amount == 9
    assert market.owed() == before


def test_an_amount_too_large_in_the_other_currency_is_named(market: Market, buyer: Id) -> None:
    shop, abroad = market.party("merchant"), market.party("merchant", settle_currency="IDR")
    market.refused("amount_too_large", CreatePayment(abroad, "USD", 10**15))
    market.refused("amount_too_large", CreatePayment(shop, "USD", 10**15, lines=(NewLine(abroad, 10**15),)))
    payment = market.do(CreatePayment(shop, "USD", 10**15))
    quote = market.do(CreateQuote(buyer, "USD", "IDR"))
    market.refused("amount_too_large", PayPayment(buyer, payment.id, quote.id))
    lines = (NewLine(shop, 10**15),)
    merchants_quote = market.do(CreateQuote(shop, "USD", "IDR")).id
    market.refused("amount_too_large", CreatePayment(shop, "USD", 10**15, lines=lines, quote=merchants_quote))


def test_nobody_pays_itself(market: Market, shop: Id, buyer: Id) -> None:
    seller = market.party("merchant")
    market.fund(seller, "USD", 1_000)
    market.do(GiveConsent(seller, shop, "USD", 1_000))
    lines = (NewLine(shop, 60), NewLine(seller, 40))
    market.refused("field_invalid", CreatePayment(shop, "USD", 100, payer=seller, lines=lines))
    payment = market.do(CreatePayment(shop, "USD", 100, lines=lines))
    for payer in (seller, shop):
        market.refused("field_invalid", PayPayment(payer, payment.id))
    assert market.do(PayPayment(buyer, payment.id)).state == "captured"


@pytest.mark.parametrize("guilty", ["merchant", "seller", "payer"])
def test_nobody_pays_whom_the_market_has_suspended(market: Market, shop: Id, buyer: Id, guilty: str) -> None:
    seller = market.party("merchant")
    payment = market.do(CreatePayment(shop, "USD", 100, lines=(NewLine(seller, 100),)))
    party = {"merchant": shop, "seller": seller, "payer": buyer}[guilty]
    market.do(MoveParty(party, "suspend"))
    market.refused("party_suspended", PayPayment(buyer, payment.id))
    market.do(MoveParty(party, "resume"))
    assert market.do(PayPayment(buyer, payment.id)).state == "captured"


def test_money_finds_its_way_without_the_suspended(market: Market, shop: Id, buyer: Id) -> None:
    payment = market.do(CreatePayment(shop, "USD", 300, lines=(NewLine(shop, 100), NewLine(shop, 200))))
    first, second = (line.trade for line in lines_of(market.do(PayPayment(buyer, payment.id))))
    for party in (shop, buyer):
        market.do(MoveParty(party, "suspend"))
    market.do(ShipTrade(shop, first))
    market.do(ConfirmTrade(buyer, first))
    market.do(RefundPayment(shop, payment.id, second))
    market.do(RefundPayment(shop, payment.id, first, 30))
    assert (market.wallet(buyer, "USD"), market.wallet(shop, "USD")) == (99_930, 70)


def test_money_is_never_stuck_however_often_its_object_changed(market: Market, shop: Id, buyer: Id) -> None:
    payment = market.do(CreatePayment(shop, "USD", 100, capture="manual"))
    market.do(PayPayment(buyer, payment.id))
    market.do(CapturePayment(shop, payment.id, 40))
    market.tamper("UPDATE payments SET version = 65536")
    market.refused("state_conflict", CapturePayment(shop, payment.id))
    assert market.do(EndPayment(shop, payment.id), "payments.void").captured == 40
    cart = market.do(CreatePayment(shop, "USD", 100, lines=(NewLine(shop, 100),)))
    (line,) = lines_of(market.do(PayPayment(buyer, cart.id)))
    market.do(ShipTrade(shop, line.trade))
    market.tamper("UPDATE trades SET version = 65536")
    assert market.do(ConfirmTrade(buyer, line.trade)).state == "released"
    assert market.balance(line.trade, Purpose.HELD, "USD") == 0
    assert (market.wallet(buyer, "USD"), market.wallet(shop, "USD")) == (99_860, 140)


def test_a_payment_that_was_tried_too_often_says_so(market: Market, shop: Id, buyer: Id) -> None:
    payment = market.do(CreatePayment(shop, "USD", 100))
    market.tamper("UPDATE payments SET attempt = 65536, version = 65537")
    market.refused("state_conflict", PayPayment(buyer, payment.id))
    assert market.do(EndPayment(shop, payment.id), "payments.cancel").state == "cancelled"


def test_a_market_without_a_rate_of_its_own_sells_for_shops(market: Market) -> None:
    host, shop = market.party("merchant", settle_currency="KWD"), market.party("merchant")
    market.refused("rate_unknown", CreatePayment(host, "USD", 100))
    assert market.do(CreatePayment(host, "USD", 100, lines=(NewLine(shop, 100),))).settle_amount == 0
