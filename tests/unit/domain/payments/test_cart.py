"""Carts: what is frozen at the sale, by which policy, with whose shares; and refunds that release the rest."""

from typing import Any

import pytest
from msgspec import Struct
from tests.unit.domain.conftest import START, VERBS, Market
from tests.unit.domain.policy_books import policy, publish, reserve, step
from tests.unit.domain.shop import Shop, freight

from handfast.core.clocks import DAY
from handfast.core.errors import Refusal
from handfast.core.ids import Id
from handfast.domain.parties import HOUSE, MoveParty
from handfast.domain.payments import (
    CapturePayment,
    CreatePayment,
    DuePayment,
    GiveConsent,
    NewLine,
    PayPayment,
    Refund,
    lines_of,
    refund_trade,
)
from handfast.domain.policies import digest_of
from handfast.domain.trades import Share, load, shares_of
from handfast.ledger import Purpose
from handfast.store.verb import Tx, verb


class Decide(Struct, frozen=True):
    """Give back so much, and perhaps release the rest."""

    trade: Id
    amount: int | None
    release_rest: bool = True


@verb("test.decide", about="trade")
async def decide(tx: Tx, command: Decide) -> Refund | None:
    trade = await load(tx, command.trade)
    return await refund_trade(
        tx, trade, command.amount, reason="decided", advance=True, release_rest=command.release_rest
    )


@pytest.fixture
def shop(market: Market) -> Shop:
    market.desk.verbs = VERBS | {decide.name: decide}
    return Shop(market)


def settle(shop: Shop, key: Id, amount: int | None, *, release_rest: bool = True) -> Any:
    return shop.market.do(Decide(key, amount, release_rest), decide.name)


def test_a_line_freezes_policy_shares_and_commission(shop: Shop, market: Market) -> None:
    """Of 100.00: tax 8.00, freight 5.00, affiliate 2.00; at 3.5 % and 0.05 a listing 3.55; 81.45 are left."""
    seller = market.party("merchant", commission_bps=350, listing_fee=5, commission_currency="USD")
    carrier, friend = market.party("customer"), market.party("merchant")
    shares = (freight(carrier, 500), Share("affiliate", friend, 200))
    cart = (NewLine(seller, 10_000, tax=800, shares=shares, title="a pot"), NewLine(seller, 100))
    payment = market.do(CreatePayment(seller, "USD", 10_100, lines=cart))
    first, second = lines_of(payment)
    assert (first.policy, first.shares, first.commission) == (digest_of(policy()), shares, 355)
    assert (second.commission, payment.commission) == (9, 364), "3.5, the even one, and the fee"
    market.do(PayPayment(shop.buyer, payment.id))
    trade = shop.trade(first.trade)
    assert (trade.policy, shares_of(trade), trade.reserve_bps) == (first.policy, shares, 0)
    shop.release(trade.id, 10_000)
    assert [market.wallet(party, "USD") for party in (seller, carrier, friend)] == [8_145, 500, 200]
    assert shop.house()["USD"] == (355, 800, 0, 0)


def test_what_is_sold_keeps_its_policy_when_another_book_is_in_force(shop: Shop, market: Market) -> None:
    lines = (NewLine(shop.seller, 1_000),)
    asked = market.do(CreatePayment(shop.seller, "USD", 1_000, lines=lines))
    strict = policy("strict", ship=step(1, "refund"), reserve=reserve(500, 10))
    publish(market, strict)
    market.do(PayPayment(shop.buyer, asked.id))
    assert shop.trade(lines_of(asked)[0].trade).due == START + 5 * DAY
    trade = shop.trade(shop.sell())
    assert (trade.policy, trade.due, trade.reserve_bps) == (digest_of(strict), START + DAY, 500)


def test_the_shortest_time_to_pay_counts(shop: Shop, market: Market) -> None:
    publish(market, policy("slow", pay=step(9, "close")), policy("quick", pay=step(2, "close")))
    cart = tuple(NewLine(shop.seller, 50, category=name) for name in ("slow", "quick"))
    assert market.do(CreatePayment(shop.seller, "USD", 50, lines=cart[:1])).due == START + 9 * DAY
    asked = market.do(CreatePayment(shop.seller, "USD", 100, lines=cart))
    assert asked.due == START + 2 * DAY
    market.now = asked.due - 1
    market.refused("state_conflict", DuePayment(asked.id, asked.version))
    market.now += 1
    market.refused("state_conflict", PayPayment(shop.buyer, asked.id))
    assert market.do(DuePayment(asked.id, asked.version)).state == "cancelled"
    assert market.do(CreatePayment(shop.seller, "USD", 100)).due == market.now + 5 * DAY, "no policy, 1688's period"


def test_captured_later_the_time_to_ship_begins_then(shop: Shop, market: Market) -> None:
    market.do(GiveConsent(shop.buyer, shop.seller, "USD", 10_000))
    lines = (NewLine(shop.seller, 1_000),)
    payment = market.do(CreatePayment(shop.seller, "USD", 1_000, shop.buyer, "manual", lines=lines))
    market.wait(3)
    market.do(CapturePayment(shop.seller, payment.id))
    assert shop.trade(lines_of(payment)[0].trade).due == START + 8 * DAY


def test_shares_that_cannot_be(shop: Shop, market: Market) -> None:
    """Of 10.00 with 1.00 tax at most 9.00 are somebody's share; nobody pays itself one."""
    carrier = market.party("customer")
    market.do(GiveConsent(shop.buyer, shop.seller, "USD", 10_000))
    cases: list[tuple[str, tuple[Share, ...]]] = [
        ("lines_invalid", (Share("gift", carrier, 1),)),
        ("lines_invalid", (freight(shop.seller, 1),)),
        ("lines_invalid", (freight(HOUSE, 1),)),
        ("lines_invalid", (freight(carrier, 1),) * 11),
        ("lines_invalid", (freight(carrier, 901),)),
        ("lines_invalid", (freight(carrier, 500), freight(carrier, 401))),
        ("amount_invalid", (freight(carrier, 0),)),
        ("object_not_found", (freight(bytes(16), 1),)),
        ("field_invalid", (freight(shop.buyer, 1),)),
    ]
    for code, shares in cases:
        line = NewLine(shop.seller, 1_000, tax=100, shares=shares)
        market.refused(code, CreatePayment(shop.seller, "USD", 1_000, shop.buyer, lines=(line,)))


def test_all_may_be_tax_and_shares(shop: Shop, market: Market) -> None:
    """Then neither the operator nor the seller has anything."""
    carrier = market.party("customer")
    key = shop.sell(1_000, tax=100, shares=(freight(carrier, 900),))
    assert shop.trade(key).commission == 0
    shop.release(key, 1_000)
    assert (market.wallet(carrier, "USD"), shop.has(shop.seller)) == (900, (0, 0, 0))


def test_whoever_has_a_share_is_active_when_it_is_paid(shop: Shop, market: Market) -> None:
    carrier = market.party("customer")
    lines = (NewLine(shop.seller, 1_000, shares=(freight(carrier, 100),)),)
    payment = market.do(CreatePayment(shop.seller, "USD", 1_000, lines=lines))
    market.do(MoveParty(carrier, "suspend"))
    market.refused("party_suspended", PayPayment(shop.buyer, payment.id))
    market.refused("party_suspended", CreatePayment(shop.seller, "USD", 1_000, lines=lines))
    market.refused("field_invalid", PayPayment(carrier, payment.id))


def test_without_a_book_nothing_is_sold_on_trust(shop: Shop, market: Market) -> None:
    market.tamper("DELETE FROM policy_books")
    lines = (NewLine(shop.seller, 1_000),)
    market.refused("lines_invalid", CreatePayment(shop.seller, "USD", 1_000, lines=lines))
    assert market.do(CreatePayment(shop.seller, "USD", 1_000)).state == "open"


def test_a_part_goes_back_and_the_rest_to_the_seller_in_one_entry(shop: Shop, market: Market) -> None:
    key = shop.sell(pay="CNY")
    paid = 1_000_000 - market.wallet(shop.buyer, "CNY")
    shop.ship(key)
    entries = len(market.store.connection.execute("SELECT id FROM entries").fetchall())
    refund = settle(shop, key, 4_000)
    trade = shop.trade(key)
    assert (refund.amount, trade.state, trade.refunded, trade.released) == (4_000, "released", 4_000, 6_000)
    assert (trade.released_at, trade.due) == (START, START + 360 * DAY)
    assert len(market.store.connection.execute("SELECT id FROM entries").fetchall()) == entries + 1
    assert shop.has(shop.seller) == (5_790, 0, 0)
    assert market.wallet(shop.buyer, "CNY") == 1_000_000 - paid + refund.pay_amount
    assert market.balance(key, Purpose.HELD, "USD") == 0


def test_nothing_goes_back_and_the_rest_is_released(shop: Shop) -> None:
    key = shop.sell()
    assert settle(shop, key, 0) is None
    assert shop.trade(key).state == "released"
    assert shop.has(shop.seller) == (9_650, 0, 0)
    with pytest.raises(Refusal, match="refund_exceeds_captured"):
        settle(shop, key, 0, release_rest=False)


def test_more_than_is_held_comes_out_of_what_was_released(shop: Shop) -> None:
    """60.00 of 100.00 are the seller's already; 80.00 go back: the 40.00 that are held, and 40.00 of the seller's."""
    key = shop.sell()
    shop.release(key, 6_000)
    settle(shop, key, 8_000, release_rest=False)
    trade = shop.trade(key)
    assert (trade.state, trade.refunded, trade.released, trade.returned) == ("released", 4_000, 6_000, 4_000)
    assert shop.has(shop.seller) == (5_790 - 3_860, 0, 0)
    settle(shop, key, None, release_rest=False)
    assert shop.trade(key).state == "refunded"
    assert (shop.has(shop.seller), shop.has(shop.buyer)[0]) == ((0, 0, 0), 1_000_000)
    assert shop.house()["USD"] == (0, 0, 0, 0)
