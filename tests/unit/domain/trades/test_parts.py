"""A trade released in parts: by milestones, by the buyer beforehand, with refunds in between, and its reserve."""

from tests.unit.domain.conftest import START, Market
from tests.unit.domain.policy_books import policy, reserve, step
from tests.unit.domain.shop import Shop, freight

from handfast.core.clocks import DAY
from handfast.domain.trades import ReleasePart
from handfast.ledger import Purpose

THIRDS = policy("thirds", milestones=(3_000, 3_000, 4_000))


def test_each_milestone_is_shipped_and_confirmed_by_itself(market: Market) -> None:
    """Of 100.00 the seller has 28.95, 57.90 and 96.50 after 3.5 % of commission."""
    shop = Shop(market, THIRDS)
    key = shop.sell()
    market.wait(1)
    shop.ship(key, "first draft")
    shop.deliver(key)
    first = shop.confirm(key)
    assert (first.state, first.milestone, first.released) == ("held", 1, 3_000)
    assert (first.due, first.tracking, first.shipped_at, first.delivered_at) == (START + 6 * DAY, "", None, None)
    assert market.wallet(shop.seller, "USD") == 2_895
    shop.ship(key)
    second = shop.wait_out(key)
    assert (second.state, second.milestone, second.released) == ("held", 2, 6_000), "silence counts as content"
    assert market.wallet(shop.seller, "USD") == 5_790
    shop.ship(key)
    last = shop.confirm(key)
    assert (last.state, last.milestone, last.released) == ("released", 2, 10_000)
    assert market.wallet(shop.seller, "USD") == 9_650
    assert shop.house()["USD"] == (350, 0, 0, 0)


def test_refunds_between_milestones_make_the_later_parts_smaller(market: Market) -> None:
    """99.99, of which 19.99 goes back: milestones of 80.00 then. 30 % is 24.00, 60 % is 48.00."""
    shop = Shop(market, THIRDS)
    key = shop.sell(9_999, pay="CNY")
    shop.refund(key, 1_999)
    shop.ship(key)
    assert shop.confirm(key).released == 2_400
    shop.refund(key, 1_000)
    shop.ship(key)
    assert shop.confirm(key).released == 4_200, "60 % of 70.00"
    shop.ship(key)
    assert shop.confirm(key).released == 7_000
    shop.refund(key)
    assert shop.trade(key).state == "refunded"
    assert shop.has(shop.seller) == (0, 0, 0)
    assert market.wallet(shop.buyer, "CNY") == 1_000_000
    assert shop.house("USD", "CNY") == {"USD": (0, 0, 0, 0), "CNY": (0, 0, 0, 0)}


def test_what_the_buyer_released_beforehand_counts_for_the_milestones(market: Market) -> None:
    shop = Shop(market, THIRDS)
    key = shop.sell()
    assert shop.release(key, 4_500).state == "held"
    shop.ship(key)
    unmoved = market.all_balances()
    assert (shop.confirm(key).released, shop.trade(key).milestone) == (4_500, 1), "30 % are out already"
    assert market.all_balances() == unmoved
    shop.ship(key)
    assert shop.confirm(key).released == 6_000


def test_a_milestone_after_which_nothing_is_held_is_the_last(market: Market) -> None:
    """60 % of one cent is a cent."""
    shop = Shop(market, policy(milestones=(6_000, 4_000)), commission_bps=0)
    key = shop.sell(1)
    shop.ship(key)
    assert (shop.confirm(key).state, market.wallet(shop.seller, "USD")) == ("released", 1)


def test_a_milestone_that_is_never_shipped_gives_back_only_what_is_held(market: Market) -> None:
    shop = Shop(market, THIRDS)
    key = shop.sell()
    shop.ship(key)
    shop.confirm(key)
    ended = shop.wait_out(key)
    assert (ended.state, ended.refunded, ended.released) == ("released", 7_000, 3_000)
    assert (market.wallet(shop.buyer, "USD"), market.wallet(shop.seller, "USD")) == (997_000, 2_895)
    assert shop.refund(key, by=shop.seller).state == "refunded", "until the time for refunds is over"


def test_a_part_beforehand_then_refunds_then_silence_add_up(market: Market) -> None:
    """Of 99.99, 0.77 are tax, 5.00 freight, 3.50 commission, 90.72 earned; 33.33 are released, 22.22 go back."""
    shop = Shop(market)
    carrier = market.party("customer")
    key = shop.sell(9_999, tax=77, shares=(freight(carrier, 500),), pay="CNY")
    paid = 1_000_000 - market.wallet(shop.buyer, "CNY")
    shop.release(key, 3_333)
    assert (market.wallet(shop.seller, "USD"), market.wallet(carrier, "USD")) == (3_024, 167)
    assert shop.house()["USD"] == (117, 26, -1, -9_999), "30.24 + 1.67 + 1.17 + 0.26 = 33.34"
    shop.refund(key, 1_111)
    shop.refund(key, 1_111)
    shop.ship(key)
    assert shop.wait_out(key).state == "released"
    assert (market.wallet(shop.seller, "USD"), market.wallet(carrier, "USD")) == (7_056, 389)
    assert shop.house()["USD"] == (272, 60, 0, -7_777)
    assert market.wallet(shop.buyer, "CNY") == 1_000_000 - paid + 13_584, "2222 / 9999 of CNY 611.29"
    assert market.balance(key, Purpose.HELD, "USD") == 0


def test_no_more_than_is_held_is_released(market: Market) -> None:
    shop = Shop(market)
    key = shop.sell()
    market.refused("held_exceeded", ReleasePart(shop.buyer, key, 10_001))
    market.refused("amount_invalid", ReleasePart(shop.buyer, key, 0))
    shop.refund(key, 4_000)
    market.refused("held_exceeded", ReleasePart(shop.buyer, key, 6_001))
    assert shop.release(key, 6_000).state == "released", "shipped or not"


def test_a_reserve_is_kept_of_what_the_seller_earns_and_freed_in_its_time(market: Market) -> None:
    """96.50 earned; a tenth, 9.65, is kept for 30 days."""
    shop = Shop(market, policy(reserve=reserve(1_000, 30)))
    key = shop.sell()
    shop.ship(key)
    released = shop.confirm(key)
    assert (released.reserved, released.due) == (965, START + 30 * DAY)
    assert shop.has(shop.seller) == (8_685, 965, 0)
    freed = shop.wait_out(key)
    assert (freed.state, freed.reserved, freed.due) == ("released", 0, START + 360 * DAY)
    assert shop.has(shop.seller) == (9_650, 0, 0)
    assert shop.wait_out(key).state == "finished"


def test_the_reserve_grows_with_each_part_as_with_the_whole(market: Market) -> None:
    """In the seller's own currency: EUR 75.69 (of 75.698), a third of which is kept, is 25.23."""
    shop = Shop(market, policy(reserve=reserve(3_333, 30)), settle_currency="EUR")
    key = shop.sell()
    kept = [shop.release(key, part).reserved for part in (1, 1, 3_331, 1, 3_333)]
    assert kept == [0, 1, 841, 841, 1_682]
    assert shop.release_all(key).reserved == 2_523
    assert shop.has(shop.seller, "EUR") == (7_569 - 2_523, 2_523, 0)


def test_two_trades_reserves_are_one_balance_and_each_frees_its_own(market: Market) -> None:
    shop = Shop(market, policy(reserve=reserve(1_000, 30)))
    first = shop.sell()
    shop.release(first, 10_000)
    market.wait(2)
    second = shop.sell(20_000)
    shop.release(second, 20_000)
    assert shop.has(shop.seller) == (26_055, 2_895, 0)
    shop.wait_out(first)
    assert shop.has(shop.seller) == (27_020, 1_930, 0)
    shop.wait_out(second)
    assert shop.has(shop.seller) == (28_950, 0, 0)


def test_a_whole_refund_frees_the_reserve_for_it(market: Market) -> None:
    shop = Shop(market, policy(reserve=reserve(1_000, 30)))
    key = shop.sell()
    shop.release(key, 10_000)
    refunded = shop.refund(key)
    assert (refunded.state, refunded.reserved) == ("refunded", 0)
    assert shop.has(shop.seller) == (0, 0, 0)
    assert shop.house()["USD"] == (0, 0, 0, 0)


def test_a_part_comes_out_of_the_balance_and_not_out_of_the_reserve(market: Market) -> None:
    shop = Shop(market, policy(reserve=reserve(1_000, 30)), commission_bps=0)
    key = shop.sell()
    shop.release(key, 10_000)
    market.refused("balance_insufficient", shop.refunding(key, 9_500))
    assert shop.refund(key, 9_000).state == "released"
    assert shop.has(shop.seller) == (0, 1_000, 0)
    assert shop.refund(key).state == "refunded"


def test_silence_extends_between_milestones(market: Market) -> None:
    shop = Shop(market, policy(milestones=(5_000, 5_000), ship=step(5, "extend", 1, "refund")))
    key = shop.sell()
    assert shop.wait_out(key).extended_by_silence == 1
    shop.ship(key)
    assert shop.confirm(key).extended_by_silence == 0
    assert shop.wait_out(key).extended_by_silence == 1
    assert shop.wait_out(key).state == "released"
