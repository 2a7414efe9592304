"""Deeds that arrive together: one batch, whatever the order, does what they would do one after the other."""

from itertools import permutations

import pytest
from tests.unit.domain.conftest import START, Market
from tests.unit.domain.policy_books import policy, reserve
from tests.unit.domain.shop import Shop

from handfast.core.clocks import DAY
from handfast.core.ids import Id
from handfast.domain.trades import (
    AgreeProposal,
    ConfirmTrade,
    DropProposal,
    ExtendTrade,
    ProposeChange,
    ReleasePart,
    ShipTrade,
)
from handfast.ledger import Purpose
from handfast.store.verb import Request


def codes(shop: Shop, *requests: Request) -> list[str | None]:
    return [answer.refusal.code if answer.refusal else None for answer in shop.market.desk.run(requests)]


@pytest.fixture
def shop(market: Market) -> Shop:
    return Shop(market)


@pytest.fixture
def shipped(shop: Shop) -> Id:
    key = shop.sell()
    shop.ship(key)
    return key


@pytest.mark.parametrize("first", ["confirm", "clock"])
@pytest.mark.parametrize(("early", "won"), [(1, "confirm"), (0, "clock")])
def test_confirm_against_the_clock(shop: Shop, shipped: Id, first: str, early: int, won: str) -> None:
    """A microsecond before its end the step is the buyer's, and then the clock's: it is released once."""
    shop.market.now = START + 10 * DAY - early
    requests = {"confirm": shop.market.request(ConfirmTrade(shop.buyer, shipped)), "clock": shop.silence(shipped)}
    order = sorted(requests, key=lambda name: name != first)
    answers = dict(zip(order, codes(shop, *(requests[name] for name in order)), strict=True))
    assert answers == {name: None if name == won else "state_conflict" for name in requests}
    assert shop.has(shop.seller) == (9_650, 0, 0)


@pytest.mark.parametrize("refund_first", [True, False])
def test_a_refund_against_the_release(shop: Shop, shipped: Id, refund_first: bool) -> None:
    """33.33 of 100.00 go back before the release or after it: the sums are the same."""
    requests = [shop.market.request(ConfirmTrade(shop.buyer, shipped))]
    requests.insert(not refund_first, shop.market.request(shop.refunding(shipped, 3_333)))
    assert codes(shop, *requests) == [None, None]
    trade = shop.trade(shipped)
    assert (trade.state, trade.refunded, trade.returned) == (
        ("released", 3_333, 0) if refund_first else ("released", 0, 3_333)
    )
    assert shop.has(shop.seller)[0] + shop.house()["USD"][0] + shop.house()["USD"][2] == 6_667
    assert shop.has(shop.buyer)[0] == 1_000_000 - 6_667


def test_whole_refunds_and_a_release_of_the_same_money(shop: Shop, shipped: Id) -> None:
    """Two refunds of everything, a release of everything, a confirmation: the money moves once."""
    commands = [
        shop.refunding(shipped),
        shop.refunding(shipped),
        ReleasePart(shop.buyer, shipped, 10_000),
        ConfirmTrade(shop.buyer, shipped),
    ]
    answers = codes(shop, *(shop.market.request(command) for command in commands))
    assert answers == [None, "state_conflict", "state_conflict", "state_conflict"]
    assert shop.has(shop.buyer)[0] == 1_000_000
    assert shop.market.balance(shipped, Purpose.HELD, "USD") == 0


def test_parts_in_one_batch_never_exceed_what_is_held(shop: Shop, shipped: Id) -> None:
    requests = [shop.market.request(ReleasePart(shop.buyer, shipped, 3_000)) for _ in range(5)]
    assert codes(shop, *requests) == [None, None, None, "held_exceeded", "held_exceeded"]
    assert shop.trade(shipped).released == 9_000


def test_the_last_extension_is_given_once(shop: Shop, shipped: Id) -> None:
    requests = [shop.market.request(ExtendTrade(shop.buyer, shipped)) for _ in range(3)]
    assert codes(shop, *requests) == [None, "extension_spent", "extension_spent"]
    assert shop.trade(shipped).due == START + 13 * DAY


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_agreeing_dropping_and_shipping_at_once(shop: Shop, order: tuple[int, ...]) -> None:
    key = shop.sell()
    shop.done(ProposeChange(shop.seller, key, "cancel"))
    commands = (
        AgreeProposal(shop.buyer, key, "cancel"),
        DropProposal(shop.seller, key),
        ShipTrade(shop.seller, key),
    )
    answers = codes(shop, *(shop.market.request(commands[n]) for n in order))
    agreed = answers[order.index(0)] is None
    assert agreed == (order[0] == 0), "it is agreed to only while it stands"
    assert shop.trade(key).state == ("refunded" if agreed else "shipped")


def test_a_reserve_is_freed_once(market: Market) -> None:
    shop = Shop(market, policy(reserve=reserve(1_000, 30)))
    key = shop.sell()
    shop.release(key, 10_000)
    market.wait(30)
    assert codes(shop, *(shop.silence(key) for _ in range(3))) == [None, "state_conflict", "state_conflict"]
    assert shop.has(shop.seller) == (9_650, 0, 0)
