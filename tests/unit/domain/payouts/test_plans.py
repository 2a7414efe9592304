"""Payout plans as calendars and accounting examples: when the day comes, and what it finds."""

from datetime import UTC, datetime

import pytest
from tests.unit.domain.bank_side import kept, open_custody, said_of
from tests.unit.domain.conftest import START, Market

from handfast.core.clocks import DAY, HOUR, SECOND
from handfast.core.ids import Id, account_id, entry_id
from handfast.domain.parties import HOUSE, ChangeDetails, MoveParty
from handfast.domain.payouts import (
    PAYOUT_PLANS,
    PAYOUTS,
    PayoutPlan,
    RequestPayout,
    SetPlan,
    TurnPlan,
    next_due,
    plan_id,
)
from handfast.domain.transfers import CreateTransfer
from handfast.ledger import Entry, Posting, Purpose


def at(text: str) -> int:
    return int(datetime.fromisoformat(f"{text}+00:00").replace(tzinfo=UTC).timestamp()) * SECOND


def day_of(moment: int | None) -> str:
    assert moment is not None
    assert moment % DAY == 0, "a day begins at midnight"
    return datetime.fromtimestamp(moment // SECOND, UTC).date().isoformat()


@pytest.mark.parametrize(
    ("every", "day", "after", "due"),
    [
        ("day", 0, "2014-10-28T00:00:00", "2014-10-29"),
        ("day", 0, "2014-10-28T23:59:59", "2014-10-29"),
        ("day", 0, "2016-02-28T12:00:00", "2016-02-29"),
        ("day", 0, "2014-12-31T12:00:00", "2015-01-01"),
        ("week", 5, "2014-10-28T12:00:00", "2014-10-31"),
        ("week", 5, "2014-10-30T23:59:59", "2014-10-31"),
        ("week", 5, "2014-10-31T00:00:00", "2014-11-07"),
        ("week", 1, "2014-10-27T12:00:00", "2014-11-03"),
        ("week", 7, "2014-10-27T12:00:00", "2014-11-02"),
        ("month", 1, "2014-10-28T12:00:00", "2014-11-01"),
        ("month", 28, "2014-10-28T00:00:00", "2014-11-28"),
        ("month", 29, "2014-10-28T00:00:00", "2014-10-29"),
        ("month", 31, "2014-10-31T00:00:00", "2014-11-30"),
        ("month", 31, "2014-11-30T00:00:00", "2014-12-31"),
        ("month", 30, "2015-01-30T00:00:00", "2015-02-28"),
        ("month", 30, "2015-02-28T00:00:00", "2015-03-30"),
        ("month", 30, "2016-01-31T08:00:00", "2016-02-29"),
        ("month", 29, "2016-02-28T23:59:59", "2016-02-29"),
        ("month", 31, "2016-02-29T00:00:00", "2016-03-31"),
        ("month", 29, "2100-02-01T00:00:00", "2100-02-28"),
        ("month", 31, "2014-12-31T00:00:00", "2015-01-31"),
    ],
)
def test_the_next_day_of_a_plan(every: str, day: int, after: str, due: str) -> None:
    assert day_of(next_due(every, day, at(after))) == due


def test_by_hand_no_day_comes() -> None:
    assert next_due("manual", 0, START) is None


@pytest.fixture
def shop(market: Market) -> Id:
    """A shop with 1,000 in its wallet."""
    open_custody(market, "USD", "EUR")
    shop = market.party("merchant")
    market.fund(shop, "USD", 1_000)
    return shop


def planned(market: Market, shop: Id, every: str = "day", day: int = 0, minimum: int = 0) -> PayoutPlan:
    plan: PayoutPlan = market.do(SetPlan(shop, shop, "USD", every, day, minimum))
    return plan


def turn(market: Market, plan: PayoutPlan, amount: int) -> PayoutPlan:
    """The plan's day comes, and so much was seen to be payable."""
    assert plan.due is not None
    market.now = max(market.now, plan.due)
    turned: PayoutPlan = market.do(TurnPlan(plan.id, plan.version, amount))
    return turned


def test_a_wallet_pays_itself_out_every_friday(market: Market, shop: Id) -> None:
    plan = planned(market, shop, "week", 5)
    assert day_of(plan.due) == "2014-10-31"
    turned = turn(market, plan, 1_000)
    assert (day_of(turned.due), turned.outcome) == ("2014-11-07", "asked")
    assert turned.payout is not None
    payout = kept(market, PAYOUTS, turned.payout)
    assert (payout.party, payout.amount, payout.state) == (shop, 1_000, "requested")
    assert market.wallet(shop, "USD") == 0
    assert said_of(market, plan.id) == ["payout_plan.set", "payout_plan.turned"]


def test_too_little_waits_for_the_next_time(market: Market, shop: Id) -> None:
    plan = planned(market, shop, minimum=1_001)
    turned = turn(market, plan, 1_000)
    assert (turned.payout, turned.outcome, day_of(turned.due)) == (None, "too_little", "2014-10-30")
    market.fund(shop, "USD", 1)
    assert turn(market, turned, 1_001).outcome == "asked"
    empty = planned(market, shop)
    assert turn(market, empty, 0).outcome == "too_little"


def test_a_balance_that_moved_since_it_was_seen_waits_for_the_next_time(market: Market, shop: Id) -> None:
    plan = planned(market, shop)
    market.do(CreateTransfer(shop, market.party("customer"), "USD", 1))
    turned = turn(market, plan, 1_000)
    assert (turned.payout, turned.outcome, day_of(turned.due)) == (None, "balance_insufficient", "2014-10-30")
    assert (turned.version, market.wallet(shop, "USD")) == (plan.version + 1, 999)
    assert market.balance(shop, Purpose.PAYOUT, "USD") == 0
    assert turn(market, turned, 999).outcome == "asked"


def test_a_debt_that_came_since_the_look_is_paid_no_payout(market: Market, shop: Id) -> None:
    plan = planned(market, shop)
    owed, operator = account_id(shop, Purpose.RECEIVABLE, "USD"), account_id(HOUSE, Purpose.OPERATOR, "USD")
    entry = Entry(entry_id(market.ids(market.now), 1), "test.owe", (Posting(owed, operator, 10),))
    market.store.begin()
    market.ledger.post([entry], market.now)
    market.store.commit()
    turned = turn(market, plan, 1_000)
    assert turned.outcome == "balance_insufficient"
    assert (market.wallet(shop, "USD"), market.balance(shop, Purpose.RECEIVABLE, "USD")) == (1_000, -10)
    assert turn(market, turned, 990).outcome == "asked"
    assert (market.wallet(shop, "USD"), market.balance(shop, Purpose.RECEIVABLE, "USD")) == (0, 0)


def test_an_account_that_is_not_accepted_makes_the_plan_wait(market: Market) -> None:
    open_custody(market, "USD")
    shop = market.party("merchant", payee_check="no_match")
    market.fund(shop, "USD", 5)
    turned = turn(market, planned(market, shop), 5)
    assert (turned.payout, turned.outcome) == (None, "payee_unchecked")
    market.do(ChangeDetails(shop, shop, shop, b"sealed anew", "match"))
    assert turn(market, turned, 5).outcome == "asked"


def test_a_party_that_may_not_act_is_not_paid(market: Market, shop: Id) -> None:
    plan = planned(market, shop)
    market.do(MoveParty(shop, "suspend"))
    turned = turn(market, plan, 1_000)
    assert (turned.payout, turned.outcome) == (None, "party_suspended")
    market.do(MoveParty(shop, "erase"))
    assert turn(market, turned, 1_000).due is None, "nobody is left to be paid"


def test_a_desk_that_was_down_for_days_pays_once(market: Market, shop: Id) -> None:
    plan = planned(market, shop)
    market.now = START + 5 * DAY + 7 * HOUR
    turned = turn(market, plan, 1_000)
    assert day_of(turned.due) == "2014-11-03"


def test_a_days_turn_counts_once_and_not_early(market: Market, shop: Id) -> None:
    plan = planned(market, shop)
    market.refused("state_conflict", TurnPlan(plan.id, plan.version, 1_000))
    turned = turn(market, plan, 600)
    market.refused("state_conflict", TurnPlan(plan.id, plan.version, 400))
    market.refused("state_conflict", TurnPlan(turned.id, turned.version, 400))
    market.refused("object_not_found", TurnPlan(shop, 1, 400))
    assert market.wallet(shop, "USD") == 400


def test_a_plan_is_changed_and_ended(market: Market, shop: Id) -> None:
    turned = turn(market, planned(market, shop), 100)
    changed = planned(market, shop, "month", 31, 500)
    assert (changed.id, changed.version, day_of(changed.due)) == (turned.id, 3, "2014-10-31")
    market.refused("state_conflict", TurnPlan(turned.id, turned.version, 100))
    ended = planned(market, shop, "manual")
    assert (ended.due, ended.payout) == (None, turned.payout)
    assert kept(market, PAYOUT_PLANS, plan_id(shop, "USD")) == ended
    market.do(RequestPayout(shop, "USD", 900))


@pytest.mark.parametrize(
    ("every", "day", "minimum", "code"),
    [
        ("year", 0, 0, "field_invalid"),
        ("day", 1, 0, "field_invalid"),
        ("manual", 1, 0, "field_invalid"),
        ("week", 0, 0, "field_invalid"),
        ("week", 8, 0, "field_invalid"),
        ("month", 0, 0, "field_invalid"),
        ("month", 32, 0, "field_invalid"),
        ("day", 0, -1, "amount_invalid"),
        ("day", 0, 10**16, "amount_too_large"),
    ],
)
def test_what_is_no_plan(market: Market, shop: Id, every: str, day: int, minimum: int, code: str) -> None:
    market.refused(code, SetPlan(shop, shop, "USD", every, day, minimum))


def test_who_may_plan(market: Market, shop: Id) -> None:
    stranger = market.party("merchant")
    market.refused("object_not_found", SetPlan(stranger, shop, "USD", "day"))
    market.refused("currency_unknown", SetPlan(shop, shop, "JPY", "day"))
    market.refused("object_not_found", SetPlan(HOUSE, plan_id(shop, "USD"), "USD", "day"))
    assert market.do(SetPlan(HOUSE, shop, "USD", "day")).party == shop
    market.do(MoveParty(stranger, "suspend"))
    market.refused("party_suspended", SetPlan(stranger, stranger, "USD", "day"))
