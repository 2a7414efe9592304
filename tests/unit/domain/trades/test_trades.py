"""Guaranteed trades: held, shipped, confirmed, released by the clock, refunded before and after release."""

import pytest
from tests.unit.domain.conftest import Market

from handfast.core.clocks import DAY
from handfast.core.ids import Id
from handfast.core.money import share
from handfast.domain.exchange import CreateQuote
from handfast.domain.payments import CreatePayment, NewLine, PayPayment, RefundPayment, lines_of
from handfast.domain.trades import ConfirmTrade, DueTrade, ShipTrade
from handfast.ledger import Purpose


@pytest.fixture
def shop(market: Market) -> Id:
    return market.party("merchant", commission_bps=350)


@pytest.fixture
def buyer(market: Market) -> Id:
    buyer = market.party("customer")
    market.fund(buyer, "CNY", 1_000_000)
    return buyer


def buy(market: Market, buyer: Id, *lines: NewLine) -> list[Id]:
    """The trades of a cart that is priced in USD and paid in CNY."""
    payment = market.do(CreatePayment(lines[0].seller, "USD", sum(line.amount for line in lines), lines=lines))
    quote = market.do(CreateQuote(buyer, "USD", "CNY"))
    return [line.trade for line in lines_of(market.do(PayPayment(buyer, payment.id, quote.id)))]


def test_confirmed_goods_pay_seller_operator_and_tax(market: Market, shop: Id, buyer: Id) -> None:
    (trade,) = buy(market, buyer, NewLine(shop, 10_000, tax=800))
    assert market.balance(trade, Purpose.HELD, "USD") == 10_000
    assert market.wallet(shop, "USD") == 0
    market.do(ShipTrade(shop, trade, "SF1234567890"))
    released = market.do(ConfirmTrade(buyer, trade))
    assert (released.state, released.due) == ("released", market.now + 360 * DAY)
    assert market.balance(trade, Purpose.HELD, "USD") == 0
    assert market.wallet(shop, "USD") == 8_850
    assert market.house(Purpose.COMMISSION, "USD") == 350
    assert market.house(Purpose.TAX, "USD") == 800
    market.refused("state_conflict", ConfirmTrade(buyer, trade))


def test_silence_after_dispatch_releases_and_not_a_moment_before(market: Market, shop: Id, buyer: Id) -> None:
    (trade,) = buy(market, buyer, NewLine(shop, 10_000, delivery="express"))
    shipped = market.do(ShipTrade(shop, trade))
    market.wait(10)
    market.now -= 1
    market.refused("state_conflict", DueTrade(trade, shipped.version), "trades.release_due")
    market.now += 1
    market.refused("state_conflict", ConfirmTrade(buyer, trade))
    market.refused("state_conflict", DueTrade(trade, shipped.version - 1), "trades.release_due")
    assert market.do(DueTrade(trade, shipped.version), "trades.release_due").state == "released"
    assert market.wallet(shop, "USD") == 9_650


def test_silence_before_dispatch_gives_the_buyer_everything_back(market: Market, shop: Id, buyer: Id) -> None:
    (trade,) = buy(market, buyer, NewLine(shop, 10_000))
    assert market.wallet(buyer, "CNY") == 1_000_000 - 61_136
    market.wait(5)
    market.refused("state_conflict", ShipTrade(shop, trade))
    refund = market.do(DueTrade(trade, 1), "payments.close_unshipped")
    assert (refund.amount, refund.pay_amount) == (10_000, 61_136)
    assert market.wallet(buyer, "CNY") == 1_000_000
    for purpose in (Purpose.POSITION, Purpose.ROUNDING):
        assert market.house(purpose, "USD") == market.house(purpose, "CNY") == 0


def test_a_part_goes_back_at_the_rate_that_was_paid(market: Market, shop: Id, buyer: Id) -> None:
    (trade,) = buy(market, buyer, NewLine(shop, 10_000))
    shipped = market.do(ShipTrade(shop, trade))
    market.wait(3)
    refund = market.do(RefundPayment(shop, shipped.payment, trade, 5_000))
    assert refund.pay_amount == 30_568
    market.do(ConfirmTrade(buyer, trade))
    assert market.wallet(shop, "USD") == 4_825
    assert market.wallet(buyer, "CNY") == 1_000_000 - 61_136 + 30_568


def test_a_refund_after_release_unwinds_every_share(market: Market, shop: Id, buyer: Id) -> None:
    (trade,) = buy(market, buyer, NewLine(shop, 9_999, tax=77))
    market.do(ShipTrade(shop, trade))
    payment = market.do(ConfirmTrade(buyer, trade)).payment
    for amount in (1, 1, 4_000, 333):
        market.do(RefundPayment(shop, payment, trade, amount))
    refunded = market.do(RefundPayment(shop, payment, trade))
    assert refunded.amount == 9_999 - 4_335
    assert market.wallet(buyer, "CNY") == 1_000_000
    assert market.wallet(shop, "USD") == 0
    for purpose in (Purpose.COMMISSION, Purpose.TAX, Purpose.ROUNDING, Purpose.POSITION):
        assert market.house(purpose, "USD") == market.house(purpose, "CNY") == 0


def test_parts_before_and_after_release_add_up_at_each_step(market: Market, buyer: Id) -> None:
    shop = market.party("merchant", commission_bps=350, settle_currency="JPY")
    (trade,) = buy(market, buyer, NewLine(shop, 9_999, tax=77))
    shipped = market.do(ShipTrade(shop, trade))
    paid, back = shipped.pay_amount, 0
    for amount in (1, 3, 4, 1, 1_111, 5, 3_333, 1):
        if amount == 4:
            market.do(ConfirmTrade(buyer, trade))
        market.do(RefundPayment(shop, shipped.payment, trade, amount))
        back += amount
        assert market.wallet(buyer, "CNY") == 1_000_000 - paid + share(paid, back, 9_999)
    market.do(RefundPayment(shop, shipped.payment, trade))
    assert (market.wallet(buyer, "CNY"), market.wallet(shop, "JPY")) == (1_000_000, 0)
    for currency in ("USD", "CNY", "JPY"):
        assert market.house(Purpose.POSITION, currency) == market.house(Purpose.ROUNDING, currency) == 0


def test_a_seller_is_settled_in_its_own_currency(market: Market, buyer: Id) -> None:
    shop = market.party("merchant", settle_currency="EUR")
    (trade,) = buy(market, buyer, NewLine(shop, 10_000))
    market.do(ShipTrade(shop, trade))
    released = market.do(ConfirmTrade(buyer, trade))
    assert market.wallet(shop, "EUR") == released.settle_amount == 7_844  # 100 / 1.2748 = 78.443
    assert market.wallet(shop, "USD") == 0
    market.do(RefundPayment(shop, released.payment, trade))
    assert market.wallet(shop, "EUR") == 0
    assert market.wallet(buyer, "CNY") == 1_000_000
    for currency in ("USD", "CNY", "EUR"):
        assert market.house(Purpose.POSITION, currency) == market.house(Purpose.ROUNDING, currency) == 0


def test_each_line_has_its_own_money_and_clock(market: Market, shop: Id, buyer: Id) -> None:
    other = market.party("merchant")
    first, second = buy(market, buyer, NewLine(shop, 3_333, delivery="virtual"), NewLine(other, 3_334))
    assert market.wallet(buyer, "CNY") == 1_000_000 - 40_759  # 66.67 USD at 6.11351, rounded up once
    market.do(ShipTrade(shop, first))
    market.refused("object_not_found", ShipTrade(market.party("merchant"), second))
    market.do(ConfirmTrade(buyer, first))
    assert market.balance(second, Purpose.HELD, "USD") == 3_334
    market.refused("object_not_found", ConfirmTrade(market.party("customer"), second))


def test_no_more_than_is_held_can_go_back(market: Market, shop: Id, buyer: Id) -> None:
    (trade,) = buy(market, buyer, NewLine(shop, 10_000))
    payment = market.do(ShipTrade(shop, trade)).payment
    market.refused("refund_exceeds_captured", RefundPayment(shop, payment, trade, 10_001))
    market.do(RefundPayment(shop, payment, trade, 9_999))
    market.refused("refund_exceeds_captured", RefundPayment(shop, payment, trade, 2))
    assert market.do(RefundPayment(shop, payment, trade, 1)).amount == 1
    market.refused("state_conflict", ConfirmTrade(buyer, trade))
    assert market.wallet(buyer, "CNY") == 1_000_000


def test_confirm_and_clock_in_one_batch_release_once(market: Market, shop: Id, buyer: Id) -> None:
    (trade,) = buy(market, buyer, NewLine(shop, 10_000))
    market.do(ShipTrade(shop, trade))
    answers = market.desk.run([market.request(ConfirmTrade(buyer, trade)) for _ in range(5)])
    assert [answer.refusal and answer.refusal.code for answer in answers] == [None, *["state_conflict"] * 4]
    assert market.wallet(shop, "USD") == 9_650
