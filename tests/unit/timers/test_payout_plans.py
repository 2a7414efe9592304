"""Payout plans under the market clock: each day at its own moment, what was there then, and never twice."""

from collections.abc import Iterator

import pytest
from tests.conftest import Engine
from tests.unit.domain.bank_side import kept, open_custody
from tests.unit.timers.test_expire import WALL, Town, run

from handfast.app import database
from handfast.core.clocks import DAY, HOUR
from handfast.core.ids import Id
from handfast.domain.payouts import PAYOUT_PLANS, PAYOUTS, Payout, PayoutPlan, RequestPayout, SetPlan
from handfast.domain.transfers import CreateTransfer
from handfast.store.reader import find
from handfast.timers.expire import due


@pytest.fixture
def town(engine: Engine) -> Iterator[Town]:
    reader = database(engine.url).read()
    town = Town(engine, reader)
    open_custody(town.market, "USD")
    yield town
    reader.close()


def planned(town: Town, every: str = "day", day: int = 0, minimum: int = 0) -> Id:
    plan: PayoutPlan = town.market.do(SetPlan(town.shop, town.shop, "USD", every, day, minimum))
    return plan.id


def payouts(town: Town) -> list[tuple[int, int]]:
    """Days since the wall clock's, and amounts, of all payouts."""
    found: list[Payout] = find(town.reader, PAYOUTS, "1 = 1 ORDER BY created, id")
    return [((payout.created - WALL) // DAY, payout.amount) for payout in found]


def test_a_plan_pays_what_the_days_before_released(town: Town) -> None:
    plan = planned(town, "week", 5)  # the wall clock stands at the beginning of a Friday
    town.trade("express", shipped=True)  # released after ten days: 10.00 less 3.5 % are 9.65
    town.trade("virtual", shipped=True)  # after three
    run(town.advancer.advance(WALL + 22 * DAY))
    assert payouts(town) == [(7, 965), (14, 965)]
    found = kept(town.market, PAYOUT_PLANS, plan)
    assert (found.due, found.outcome, found.version) == (WALL + 28 * DAY, "too_little", 4)
    assert town.market.wallet(town.shop, "USD") == 0


def test_after_a_standstill_a_plan_pays_what_was_released_before_its_day(town: Town) -> None:
    """On Monday a trade is released, on Friday the plan's day comes, on Monday another is released; it is Tuesday."""
    plan = planned(town, "week", 5)
    town.trade("virtual", shipped=True)
    town.trade("express", shipped=True)
    town.clock.advance_to(WALL + 11 * DAY)
    assert run(town.expirer.fire(town.clock())) == 3
    assert payouts(town) == [(11, 965)]
    assert kept(town.market, PAYOUT_PLANS, plan).due == WALL + 14 * DAY
    assert town.market.wallet(town.shop, "USD") == 965


def test_month_ends_are_stepped_through(town: Town) -> None:
    planned(town, "month", 31)
    for _ in range(5):
        town.market.fund(town.shop, "USD", 100)
        run(town.advancer.advance(town.clock() + 29 * DAY))
    assert payouts(town) == [(30, 200), (61, 100), (92, 100), (120, 100)], (
        "30 November, 31 December, January, 28 February"
    )


def test_a_minimum_is_waited_for(town: Town) -> None:
    planned(town, minimum=150)
    for _ in range(3):
        town.market.fund(town.shop, "USD", 100)
        run(town.advancer.advance(town.clock() + DAY))
    assert payouts(town) == [(2, 200)]


def test_a_balance_that_moved_after_the_look_is_paid_the_next_time(town: Town) -> None:
    plan = planned(town)
    town.market.fund(town.shop, "USD", 100)
    town.clock.advance_to(WALL + DAY)
    (item,) = due(town.reader, town.clock(), 10)
    town.market.do(CreateTransfer(town.shop, town.buyer, "USD", 30))
    (answer,) = town.market.desk.run([item.request])
    assert answer.refusal is None
    assert answer.result.outcome == "balance_insufficient"
    assert due(town.reader, town.clock(), 10) == []
    run(town.advancer.advance(WALL + 2 * DAY))
    assert payouts(town) == [(2, 70)]
    assert kept(town.market, PAYOUT_PLANS, plan).outcome == "asked"


def test_two_who_look_at_once_pay_once(town: Town) -> None:
    planned(town)
    town.market.fund(town.shop, "USD", 100)
    town.clock.advance_to(WALL + DAY)
    looks = [due(town.reader, town.clock(), 10)[0].request for _ in range(2)]
    first, second = town.market.desk.run(looks)
    assert second.replayed
    assert first.result == second.result
    town.market.fund(town.shop, "USD", 7)
    assert town.market.desk.run([looks[0]])[0].replayed
    assert payouts(town) == [(1, 100)]


def test_a_plan_changed_after_the_look_pays_by_its_new_day(town: Town) -> None:
    planned(town)
    town.market.fund(town.shop, "USD", 100)
    town.clock.advance_to(WALL + DAY)
    (item,) = due(town.reader, town.clock(), 10)
    planned(town, "week", 1)
    assert run(town.expirer.fire(town.clock())) == 0
    (answer,) = town.market.desk.run([item.request])
    assert answer.refusal is not None
    assert answer.refusal.code == "state_conflict"
    run(town.advancer.advance(WALL + 4 * DAY))
    assert payouts(town) == [(3, 100)]


def test_a_desk_that_was_away_for_days_pays_once(town: Town) -> None:
    planned(town)
    town.market.fund(town.shop, "USD", 100)
    town.clock.advance_to(WALL + 3 * DAY + HOUR)
    assert run(town.expirer.fire(town.clock())) == 1
    assert payouts(town) == [(3, 100)]
    town.market.fund(town.shop, "USD", 50)
    assert run(town.expirer.fire(town.clock())) == 0
    town.market.do(RequestPayout(town.shop, "USD", 50))
