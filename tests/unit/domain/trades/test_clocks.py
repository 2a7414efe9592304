"""The clock of a trade: each step's end to the microsecond, extensions and their limits, and how it stands still."""

import pytest
from msgspec import Struct
from msgspec.structs import replace
from tests.unit.domain.conftest import START, VERBS, Market
from tests.unit.domain.policy_books import days, policy, reserve, step
from tests.unit.domain.shop import Shop

from handfast.core.clocks import DAY, HOUR
from handfast.core.ids import Id
from handfast.domain.policies import Extension, Period
from handfast.domain.trades import (
    ConfirmTrade,
    DeliverTrade,
    DueTrade,
    ExtendTrade,
    ReleasePart,
    ShipTrade,
    Trade,
    go_on,
    keep,
    load,
    silent_step,
    step_end,
    stop_clock,
)
from handfast.store.verb import Tx, verb

CLAIM, DISPUTE = b"claim".ljust(16, b"\0"), b"dispute".ljust(16, b"\0")


def to_the_last_microsecond(shop: Shop, key: Id) -> None:
    due = shop.trade(key).due
    assert due is not None
    shop.market.now = due - 1


class Stop(Struct, frozen=True):
    """Stop the trade's clock by a claim or a dispute, or, by neither, let it go on."""

    trade: Id
    claim: Id | None = None
    dispute: Id | None = None


@verb("test.stop", about="trade")
async def stop(tx: Tx, command: Stop) -> Trade:
    """What the rooms of claims and disputes do."""
    trade = await load(tx, command.trade)
    if command.claim is None and command.dispute is None:
        return keep(tx, go_on(tx, trade), "trade.resumed")
    return keep(tx, stop_clock(tx, trade, claim=command.claim, dispute=command.dispute), "trade.claimed")


def stopped(shop: Shop, key: Id, **by: Id) -> Trade:
    shop.market.desk.verbs = VERBS | {stop.name: stop}
    return shop.done(Stop(key, **by), stop.name)


def test_each_step_begins_its_own_clock(market: Market) -> None:
    shop = Shop(market, policy(confirm_delivered=days(2)))
    key = shop.sell()
    assert shop.trade(key).due == START + 5 * DAY
    market.wait(1)
    shipped = shop.ship(key, "SF1234567890")
    assert (shipped.due, shipped.shipped_at, shipped.tracking) == (START + 11 * DAY, START + DAY, "SF1234567890")
    market.wait(3)
    delivered = shop.deliver(key, market.now - HOUR)
    assert (delivered.due, delivered.delivered_at) == (START + 6 * DAY, START + 4 * DAY - HOUR)
    released = shop.confirm(key)
    assert (released.due, released.released_at) == (START + 364 * DAY, START + 4 * DAY)
    assert shop.wait_out(key).state == "finished"
    assert shop.trade(key).due is None


def test_the_last_microsecond_is_in_time_and_the_next_is_not(market: Market) -> None:
    shop = Shop(market)
    shipped_in_time, too_late = shop.sell(), shop.sell()
    to_the_last_microsecond(shop, too_late)
    assert shop.ship(shipped_in_time).state == "shipped"
    market.now += 1
    market.refused("state_conflict", ShipTrade(shop.seller, too_late))
    market.refused("state_conflict", ReleasePart(shop.buyer, too_late, 1))
    market.refused("state_conflict", ExtendTrade(shop.buyer, too_late))
    market.refused("state_conflict", shop.refunding(too_late))
    assert shop.wait_out(too_late).state == "refunded"
    to_the_last_microsecond(shop, shipped_in_time)
    assert shop.extend(shipped_in_time).due == market.now + 1 + 3 * DAY
    to_the_last_microsecond(shop, shipped_in_time)
    assert shop.deliver(shipped_in_time).state == "delivered"
    assert shop.confirm(shipped_in_time).state == "released"


def test_a_server_that_was_down_over_a_due_time_does_what_silence_meant(market: Market) -> None:
    shop = Shop(market, policy(ship=step(5, "extend", 1, "refund")))
    key = shop.sell()
    market.wait(40)
    market.refused("state_conflict", ShipTrade(shop.seller, key))
    market.desk.call(shop.silence(key))
    assert shop.trade(key).due == market.now + 5 * DAY, "nobody could act meanwhile"
    assert shop.ship(key).state == "shipped"


def test_a_day_of_23_hours_is_a_day(market: Market) -> None:
    """The clocks of New York go forward on 8 March 2015, at 2 in the morning."""
    market.now = START + 129 * DAY + 17 * HOUR  # 6 March, noon there
    shop = Shop(market, replace(policy(ship=step(2, "refund")), zone="America/New_York"))
    assert shop.trade(shop.sell()).due == market.now + 2 * DAY - HOUR


def test_hours_are_hours_and_business_days_leave_the_weekend_out(market: Market) -> None:
    """It is Tuesday, 28 October 2014."""
    shop = Shop(
        market,
        policy("hours", ship=replace(step(1, "refund"), within=Period(36, "hours"))),
        policy(
            "business", ship=replace(step(1, "refund"), within=Period(4, "business_days")), holidays=("2014-10-30",)
        ),
    )
    assert shop.trade(shop.sell(category="hours")).due == START + 36 * HOUR
    assert shop.trade(shop.sell(category="business")).due == START + 7 * DAY, "29, 31 October, 3, 4 November"


def test_a_proof_of_delivery_only_shortens(market: Market) -> None:
    shop = Shop(market, policy(confirm_delivered=days(9)), policy("untracked"))
    key, other = shop.sell(), shop.sell(category="untracked")
    for trade in (key, other):
        shop.ship(trade)
    market.wait(4)
    assert shop.deliver(key).due == START + 10 * DAY
    assert shop.deliver(other).due == START + 10 * DAY, "its policy knows no proof"


def test_goods_arrive_after_dispatch_and_not_in_the_future(market: Market) -> None:
    shop = Shop(market)
    key = shop.sell()
    market.wait(1)
    shop.ship(key)
    market.wait(1)
    for at in (market.now + 1, START + DAY - 1):
        market.refused("field_invalid", DeliverTrade(shop.seller, key, at))
    assert shop.deliver(key, START + DAY).delivered_at == START + DAY


BOTH = (
    Extension("ship", "buyer", days(2), 2),
    Extension("ship", "seller", days(1), 1),
    Extension("confirm", "buyer", days(3), 1),
)


def test_each_side_extends_as_often_as_the_policy_lets_it(market: Market) -> None:
    shop = Shop(market, policy(extensions=BOTH))
    key = shop.sell()
    assert shop.extend(key).due == START + 7 * DAY
    assert shop.extend(key, shop.seller).due == START + 8 * DAY
    market.refused("extension_spent", ExtendTrade(shop.seller, key))
    extended = shop.extend(key)
    assert (extended.due, extended.extended_by_buyer, extended.extended_by_seller) == (START + 10 * DAY, 2, 1)
    market.refused("extension_spent", ExtendTrade(shop.buyer, key))
    assert shop.ship(key).extended_by_buyer == 0, "the next step counts anew"
    market.refused("extension_spent", ExtendTrade(shop.seller, key))
    assert shop.extend(key).due == START + 13 * DAY
    shop.deliver(key)
    market.refused("extension_spent", ExtendTrade(shop.buyer, key))


def test_silence_extends_so_often_and_then_means_something_else(market: Market) -> None:
    shop = Shop(market, policy(ship=step(5, "extend", 2, "refund"), confirm=step(10, "extend", 1, "release")))
    unshipped, shipped = shop.sell(), shop.sell()
    assert [shop.wait_out(unshipped).due for _ in range(2)] == [START + 10 * DAY, START + 15 * DAY]
    assert (shop.wait_out(unshipped).state, market.now) == ("refunded", START + 15 * DAY)
    market.now = START
    shop.ship(shipped)
    assert shop.wait_out(shipped).due == START + 20 * DAY
    assert shop.wait_out(shipped).state == "released"


def test_silence_after_dispatch_may_give_the_money_back(market: Market) -> None:
    shop = Shop(market, policy(confirm=step(10, "refund")))
    key = shop.sell(pay="CNY")
    paid = 1_000_000 - market.wallet(shop.buyer, "CNY")
    shop.ship(key)
    market.now = START + 10 * DAY
    refund = market.desk.call(shop.silence(key))
    assert (refund.amount, refund.pay_amount, refund.reason) == (10_000, paid, "not confirmed in time")
    assert (shop.trade(key).state, market.wallet(shop.buyer, "CNY")) == ("refunded", 1_000_000)


def test_a_claim_stops_the_clock_and_what_was_left_goes_on(market: Market) -> None:
    shop = Shop(market, policy(extensions=BOTH))
    key = shop.sell()
    shop.ship(key)
    market.wait(4)
    trade = stopped(shop, key, claim=CLAIM)
    assert (trade.due, trade.paused, trade.claim) == (None, 6 * DAY, CLAIM)
    for command in (
        ConfirmTrade(shop.buyer, key),
        ReleasePart(shop.buyer, key, 1),
        DeliverTrade(shop.seller, key, market.now),
        shop.refunding(key),
    ):
        market.refused("claim_open", command)
    market.wait(30)
    assert shop.extend(key).paused == 9 * DAY, "an extension counts when the clock goes on"
    trade = stopped(shop, key, dispute=DISPUTE)
    assert (trade.paused, trade.claim, trade.dispute) == (9 * DAY, CLAIM, DISPUTE), "both stop the same clock"
    trade = stopped(shop, key)
    assert (trade.due, trade.paused, trade.claim, trade.dispute) == (START + 43 * DAY, None, None, None)
    to_the_last_microsecond(shop, key)
    assert shop.confirm(key).state == "released"


def test_the_unshipped_wait_for_their_claim_too(market: Market) -> None:
    shop = Shop(market)
    key = shop.sell()
    stopped(shop, key, claim=CLAIM)
    market.refused("claim_open", ShipTrade(shop.seller, key))
    market.wait(100)
    market.refused("state_conflict", DueTrade(key, shop.trade(key).version), "payments.close_unshipped")


@pytest.mark.parametrize(("state", "reserved", "means"), [("released", 5, "free_reserve"), ("released", 0, "finish")])
def test_what_waits_after_the_release(market: Market, state: str, reserved: int, means: str) -> None:
    shop = Shop(market)
    trade = replace(shop.trade(shop.sell()), state=state, reserved=reserved, released_at=START)
    agreed = policy(reserve=reserve(1_000, 30))
    assert silent_step(agreed, trade) == means
    end = START + (30 if reserved else 360) * DAY
    assert step_end(agreed, trade, START) == end
    assert step_end(agreed, trade, end + 7) == end + 7, "never before now"
