"""Time-outs fire once each, in the order in which they fall due, however far the market clock is moved at a time."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator, Sequence
from typing import Any

import pytest
from tests.conftest import Engine
from tests.unit.domain.conftest import START, VERBS, Market
from tests.unit.domain.policy_books import policy, publish, reserve, step

from handfast.app import database
from handfast.core.clocks import DAY, HOUR, MarketClock
from handfast.core.errors import Refusal, Unavailable
from handfast.core.ids import Id
from handfast.core.settings import Settings
from handfast.domain.parties import Vault
from handfast.domain.payments import PAYMENTS, CreatePayment, NewLine, PayPayment, lines_of
from handfast.domain.trades import TRADES, ShipTrade
from handfast.services import Services, Value
from handfast.store.desk import Desk
from handfast.store.reader import Reader, find, get
from handfast.store.rows import EVENTS, OPERATIONS
from handfast.store.verb import Answer, Request
from handfast.timers import clock as clock_room
from handfast.timers import expire as expire_module
from handfast.timers.clock import FURTHEST, Advancer, read_offset
from handfast.timers.expire import Expirer

WALL = START + 3 * DAY


class Town:
    """A market whose clock is ahead of a wall clock that stands still; stands for the hand and the readers."""

    def __init__(self, engine: Engine, reader: Reader) -> None:
        self.reader = reader
        self.away = False
        self.asked: list[str] = []
        self.market = Market(engine)
        self.clock = MarketClock(lambda: WALL)
        verbs = VERBS | {verb.name: verb for verb in clock_room.VERBS}
        self.market.desk = Desk(engine.store, self.market._post, verbs, self.clock, self.market.ids)
        self.shop = self.market.party("merchant", commission_bps=350)
        self.buyer = self.market.party("customer")
        self.market.fund(self.buyer, "USD", 1_000_000)
        settings = Settings(market="sandbox")
        self.services = Services(self, self, Vault(bytes(32)), settings, lambda: WALL, self.clock, self.market.ids)
        self.expirer = Expirer(self.services)
        self.advancer = Advancer(self.services, self.clock, self.expirer)

    async def call(self, request: Request) -> Answer:
        return (await self.call_many([request]))[0]

    async def call_many(self, requests: Sequence[Request]) -> list[Answer]:
        if self.away:
            return [Answer(b"", None, Unavailable("desk_unreachable", "away")) for _ in requests]
        self.asked += [request.verb for request in requests]
        return self.market.desk.run(requests)

    async def control(self, name: str, *arguments: Any) -> Any:
        raise NotImplementedError

    async def short(self, query: Callable[[Reader], Value]) -> Value:
        return query(self.reader)

    async def long(self, query: Callable[[Reader], Value]) -> Value:
        raise NotImplementedError

    def trade(self, delivery: str = "express", *, shipped: bool = False) -> Id:
        """A trade that is held, or shipped."""
        lines = (NewLine(self.shop, 1_000, delivery=delivery),)
        payment = self.market.do(CreatePayment(self.shop, "USD", 1_000, lines=lines))
        (line,) = lines_of(self.market.do(PayPayment(self.buyer, payment.id)))
        if shipped:
            self.market.do(ShipTrade(self.shop, line.trade))
        return line.trade

    def state(self, trade: Id) -> str:
        found = get(self.reader, TRADES, trade)
        assert found is not None
        return found.state


@pytest.fixture
def town(engine: Engine) -> Iterator[Town]:
    reader = database(engine.url).read()
    yield Town(engine, reader)
    reader.close()


def run(what: Coroutine[Any, Any, Value]) -> Value:
    return asyncio.run(what)


def test_what_is_due_fires_once(town: Town) -> None:
    held, shipped = town.trade(), town.trade(shipped=True)
    open_payment = town.market.do(CreatePayment(town.shop, "USD", 500))
    assert run(town.expirer.fire(town.clock())) == 0
    town.clock.advance_to(WALL + 5 * DAY)
    assert run(town.expirer.fire(town.clock())) == 2, "five days to ship, five days to pay"
    assert town.state(held) == "refunded"
    assert town.state(shipped) == "shipped"
    cancelled = get(town.reader, PAYMENTS, open_payment.id)
    assert cancelled is not None
    assert cancelled.state == "cancelled"
    town.clock.advance_to(WALL + 10 * DAY)
    assert run(town.expirer.fire(town.clock())) == 1
    assert town.state(shipped) == "released"
    assert run(town.expirer.fire(town.clock())) == 0
    assert town.asked == ["payments.close_unshipped", "payments.expire", "trades.release_due"]
    assert {row.actor for row in find(town.reader, OPERATIONS, "verb = 'trades.release_due'")} == {"timers"}


def test_a_backlog_is_worked_off_page_by_page(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(expire_module, "PAGE", 3)
    trades = [town.trade() for _ in range(7)]
    town.clock.advance_to(WALL + 6 * DAY)
    assert run(town.expirer.fire(town.clock())) == 7
    assert {town.state(trade) for trade in trades} == {"refunded"}


def test_while_the_desk_is_away_nothing_is_lost(town: Town) -> None:
    trade = town.trade()
    town.clock.advance_to(WALL + 6 * DAY)
    town.away = True
    with pytest.raises(Unavailable):
        run(town.expirer.fire(town.clock()))
    town.away = False
    assert run(town.expirer.fire(town.clock())) == 1
    assert town.state(trade) == "refunded"


def test_one_that_is_refused_holds_nobody_up(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(expire_module, "PAGE", 1)
    stuck = town.trade()
    # The machine's clock was set back between look and verb: the desk has the last word, and its refusal stays a while.
    assert run(town.expirer.fire(WALL + 6 * DAY)) == 0
    other = town.trade()
    town.clock.advance_to(WALL + 6 * DAY)
    assert run(town.expirer.fire(town.clock())) == 1
    assert (town.state(stuck), town.state(other)) == ("held", "refunded")
    assert run(Expirer(town.services).fire(town.clock())) == 0, "after a restart, too"
    town.clock.advance_to(WALL + 6 * DAY + HOUR)
    assert run(town.expirer.fire(town.clock())) == 1, "asked again after an hour, it is late and not lost"
    assert town.state(stuck) == "refunded"


def test_the_clock_moves_through_every_due_time_in_order(town: Town) -> None:
    express, virtual = town.trade("express", shipped=True), town.trade("virtual", shipped=True)
    late = town.trade("surface")
    assert run(town.advancer.advance(WALL + 45 * DAY)) == 3
    assert town.clock() == WALL + 45 * DAY
    ended = {
        row.id[:13]: (row.at, row.type)
        for row in find(town.reader, EVENTS, "type IN ('trade.released', 'trade.refunded') ORDER BY seq")
    }
    assert list(ended.values()) == [
        (WALL + 3 * DAY, "trade.released"),
        (WALL + 5 * DAY, "trade.refunded"),
        (WALL + 10 * DAY, "trade.released"),
    ], "each at its own moment"
    assert list(ended) == [virtual[:13], late[:13], express[:13]]


def test_silence_does_what_the_policy_says_until_all_is_over(town: Town) -> None:
    """Ships within 5 days and 5 more, confirms within 10 or it goes back; another one keeps a reserve for 30 days."""
    agreed = policy(ship=step(5, "extend", 1, "refund"), confirm=step(10, "refund"))
    publish(town.market, agreed, policy("kept", reserve=reserve(1_000, 30)), surface="kept")
    unshipped, unconfirmed, kept = town.trade(), town.trade(shipped=True), town.trade("surface", shipped=True)
    assert run(town.advancer.advance(WALL + 45 * DAY)) == 5
    asked = [verb for verb in town.asked if verb != "clock.set_offset"]
    assert (asked[0], asked[4]) == ("trades.release_due", "trades.free_reserve"), "days 5 and 40"
    assert sorted(asked[1:4]) == ["payments.close_unconfirmed", "payments.close_unshipped", "trades.release_due"]
    assert [town.state(trade) for trade in (unshipped, unconfirmed, kept)] == ["refunded", "refunded", "released"]
    assert run(town.advancer.advance(WALL + 370 * DAY)) == 1
    assert (town.asked[-2], town.state(kept)) == ("trades.finish", "finished")


def test_the_clock_is_remembered_and_never_goes_back(town: Town) -> None:
    run(town.advancer.advance(WALL + 2 * HOUR))
    assert read_offset(town.reader) == 2 * HOUR == town.advancer.offset
    for moment in (WALL + HOUR, WALL, FURTHEST + 1, True):
        with pytest.raises(Refusal) as no:
            run(town.advancer.advance(moment))
        assert no.value.code == "field_invalid"
    town.clock.offset = 0  # as where the answer to the last move was lost
    run(town.advancer.advance(WALL + HOUR))
    assert read_offset(town.reader) == 2 * HOUR == town.advancer.offset


def test_a_live_market_has_no_clock_to_move(town: Town) -> None:
    live = Services(town, town, Vault(bytes(32)), Settings(), lambda: WALL, town.clock, town.market.ids)
    with pytest.raises(Refusal) as no:
        run(Advancer(live, town.clock, town.expirer).advance(WALL + HOUR))
    assert no.value.code == "method_not_allowed"
