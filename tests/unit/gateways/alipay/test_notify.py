"""Notifications of protocol 1.0: what is told of a trade, signed by rule V1, until the answer is `success`."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from urllib.parse import parse_qsl

import pytest
from tests.unit.gateways.told import GATEWAY, Counter, saying
from tests.unit.timers.house import House
from tests.unit.timers.receivers import Receiver

from handfast.app.explain import explain
from handfast.core import rsa
from handfast.core.clocks import DAY, HOUR, MINUTE, MarketClock
from handfast.core.settings import Settings
from handfast.domain.checkouts import CHECKOUTS, DueCheckout, EndCheckout
from handfast.domain.notifications import MARKET_OFFSET, Mark, Replay, attempts_of
from handfast.gateways.alipay.numbers import moment, number_of, user_number
from handfast.gateways.alipay.selftest import examine
from handfast.gateways.native.prefixes import show
from handfast.store.reader import get
from handfast.store.verb import Answer, Request
from handfast.timers.clock import Advancer
from handfast.timers.expire import Expirer

pytestmark = pytest.mark.anyio

SUCCESS = saying("success")
SUBJECT = '两个杯子 {"a":1} & 100% "é" + =\n'
ASKED = {"subject": SUBJECT, "body": "薄胎", "passback_params": "a%3D1"}


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def counter(house: House) -> Counter:
    return Counter(house, "alipay", "2014102800000001", sign_type="RSA2")


def read(body: bytes) -> dict[str, str]:
    """The fields of a notification, its signature verified as the SDKs do: all but sign and sign_type, decoded."""
    fields = dict(parse_qsl(body.decode(), strict_parsing=True))
    text = "&".join(f"{name}={fields[name]}" for name in sorted(fields) if name not in ("sign", "sign_type"))
    assert rsa.verify(GATEWAY.public, text.encode(fields["charset"]), fields["sign"])
    return fields


async def test_what_is_told_of_a_paid_trade(counter: Counter) -> None:
    async with Receiver(SUCCESS) as shop:
        checkout = counter.ask("order-1", 88_80, shop.url, ASKED)
        counter.look(checkout)
        await counter.tell()
        assert shop.received == []
        counter.pay(checkout)
        await counter.tell()
    (told,) = shop.received
    fields = read(told.body)
    assert told.headers["content-type"] == "application/x-www-form-urlencoded; charset=utf-8"
    (delivery,) = counter.deliveries()
    now = moment(counter.market.now)
    assert fields == {
        "notify_time": now,
        "notify_type": "trade_status_sync",
        "notify_id": delivery.event.hex(),
        "app_id": "2014102800000001",
        "auth_app_id": "2014102800000001",
        "charset": "utf-8",
        "version": "1.0",
        "sign_type": "RSA2",
        "sign": fields["sign"],
        "trade_no": number_of(checkout.id),
        "out_trade_no": "order-1",
        "trade_status": "TRADE_SUCCESS",
        "total_amount": "88.80",
        "receipt_amount": "88.80",
        "invoice_amount": "88.80",
        "buyer_pay_amount": "88.80",
        "point_amount": "0.00",
        "fund_bill_list": '[{"amount":"88.80","fundChannel":"ALIPAYACCOUNT"}]',
        "subject": SUBJECT,
        "body": "薄胎",
        "passback_params": "a%3D1",
        "buyer_id": user_number(counter.buyer, 0),
        "buyer_logon_id": "fan***@example.com",
        "seller_id": user_number(counter.house.shop, 0),
        "gmt_create": now,
        "gmt_payment": now,
    }
    assert json.loads(fields["fund_bill_list"])[0]["fundChannel"] == "ALIPAYACCOUNT"
    explained = examine(told.body.decode(), GATEWAY.public_pem, notice=True)
    assert explained.mistake == "none"
    assert (delivery.state, delivery.last_status) == ("delivered", 200)


async def test_it_comes_eight_times_in_a_day_under_one_id_on_the_markets_clock(counter: Counter) -> None:
    async with Receiver(saying("SUCCESS"), saying("success\n"), saying('{"code":"success"}')) as shop:
        counter.pay(counter.ask("order-1", 1_00, shop.url, ASKED))
        tries = await counter.tell_to_the_end()
        counter.market.now += 10 * DAY
        await counter.tell()
    apart = [later - earlier for earlier, later in pairwise(tries)]
    assert apart == [4 * MINUTE, 10 * MINUTE, 10 * MINUTE, HOUR, 2 * HOUR, 6 * HOUR, 15 * HOUR]
    fields = [read(told.body) for told in shop.received]
    assert len(fields) == 8
    assert len({each["notify_id"] for each in fields}) == 1
    assert len({each["notify_time"] for each in fields}) == 8
    assert len({each["gmt_payment"] for each in fields}) == 1
    (delivery,) = counter.deliveries()
    log = [(each.number, each.status, each.answer) for each in attempts_of(counter.house.reader, delivery.id)]
    assert delivery.state == "parked"
    assert log[:3] == [(1, 200, "SUCCESS"), (2, 200, "success "), (3, 200, '{"code":"success"}')]
    assert len(log) == 8


async def test_refunds_are_told_each_with_its_number_and_what_came_back_in_all(counter: Counter) -> None:
    async with Receiver(saying("fail"), SUCCESS) as shop:
        checkout = counter.ask("order-1", 10_00, shop.url, ASKED)
        counter.pay(checkout)
        counter.refund(checkout, "R1", 3_00)
        await counter.tell()  # what nobody confirmed holds nothing up
        counter.market.now += MINUTE
        counter.refund(checkout, "R2", 7_00)
        await counter.tell()
    told = {(each["trade_status"], each.get("out_biz_no"), each.get("refund_fee")) for each in map(read, bodies(shop))}
    assert told == {
        ("TRADE_SUCCESS", None, None),
        ("TRADE_SUCCESS", "R1", "3.00"),
        ("TRADE_CLOSED", "R2", "10.00"),
    }
    last = read(shop.received[-1].body)
    assert last["gmt_refund"] == f"{moment(counter.market.now)}.000"
    assert last["gmt_close"] == moment(counter.market.now)


def bodies(shop: Receiver) -> list[bytes]:
    return [told.body for told in shop.received]


async def test_a_trade_that_nobody_paid_is_told_closed_and_one_beyond_refunds_finished(counter: Counter) -> None:
    async with Receiver(SUCCESS) as shop:
        unpaid = counter.ask("order-1", 10_00, shop.url, ASKED)
        counter.look(unpaid)
        counter.market.do(EndCheckout(counter.house.shop, unpaid.id))
        paid = counter.ask("order-2", 10_00, shop.url, ASKED, refundable=90 * DAY)
        counter.pay(paid)
        await counter.tell()
        counter.market.now += 90 * DAY
        row = get(counter.house.reader, CHECKOUTS, paid.id)
        assert row is not None
        counter.market.do(DueCheckout(paid.id, row.version))
        await counter.tell()
    told = [(each["out_trade_no"], each["trade_status"]) for each in map(read, bodies(shop))]
    assert sorted(told[:2]) == [("order-1", "TRADE_CLOSED"), ("order-2", "TRADE_SUCCESS")]
    assert told[2:] == [("order-2", "TRADE_FINISHED")]


async def test_where_it_goes(counter: Counter) -> None:
    async with Receiver(SUCCESS) as default, Receiver(SUCCESS) as own:
        other = Counter(counter.house, "alipay", "2014102800000002", notify_url=default.url)
        other.pay(other.ask("order-1", 1_00, "", ASKED))
        other.pay(other.ask("order-2", 1_00, own.url, ASKED))
        counter.pay(counter.ask("order-3", 1_00, "", ASKED))
        await counter.tell()
    assert [read(body)["out_trade_no"] for body in bodies(default)] == ["order-1"]
    assert [read(body)["out_trade_no"] for body in bodies(own)] == ["order-2"]
    assert read(default.received[0].body)["app_id"] == "2014102800000002"


async def test_a_replay_comes_under_the_same_id(counter: Counter) -> None:
    async with Receiver(SUCCESS) as shop:
        counter.pay(counter.ask("order-1", 1_00, shop.url, ASKED))
        await counter.tell()
        (delivery,) = counter.deliveries()
        counter.market.do(Replay(counter.house.shop, delivery.id, 0))
        await counter.tell()
    first, second = (read(body)["notify_id"] for body in bodies(shop))
    assert first == second


@pytest.mark.parametrize("charset", ["gbk", "gb18030", "utf-8"])
async def test_the_charset_of_the_order_is_kept_where_it_can_be(counter: Counter, charset: str) -> None:
    async with Receiver(SUCCESS) as shop:
        counter.pay(counter.ask("order-1", 1_00, shop.url, {"subject": "两个杯子", "charset": charset}))
        await counter.tell()
    (told,) = shop.received
    fields = dict(parse_qsl(told.body.decode(), encoding=charset))
    assert (fields["subject"], fields["charset"]) == ("两个杯子", charset)
    assert told.headers["content-type"].endswith(f"charset={charset}")


async def test_a_clock_that_is_moved_stops_at_each_try(counter: Counter, monkeypatch: pytest.MonkeyPatch) -> None:
    house, market = counter.house, counter.market
    clock = MarketClock(lambda: 0, market.now)

    async def call_many(requests: Sequence[Request]) -> list[Answer]:
        market.now = clock()
        return market.desk.run(requests)

    async def call(request: Request) -> Answer:
        return Answer(b"", Mark(MARKET_OFFSET, request.command.offset), None)  # this desk keeps no clocks

    monkeypatch.setattr(house, "call_many", call_many)
    monkeypatch.setattr(house, "call", call)
    settings = Settings(market="sandbox")
    services = replace(house.services, market=clock, wall=lambda: 0, settings=settings)
    async with Receiver(saying("fail")) as shop:
        counter.pay(counter.ask("order-1", 1_00, shop.url, ASKED))
        deliverer = counter.deliverer(services)
        running = asyncio.create_task(deliverer.run())
        advancer = Advancer(services, clock, Expirer(services), deliverer)
        began = clock()
        await advancer.advance(began)
        assert len(shop.received) == 1
        await advancer.advance(began + 24 * MINUTE)
        assert len(shop.received) == 4
        await advancer.advance(began + 2 * DAY)
        assert len(shop.received) == 8
        running.cancel()
    assert counter.deliveries()[0].state == "parked"


async def test_explain_shows_every_try(counter: Counter) -> None:
    async with Receiver(saying("not yet"), SUCCESS) as shop:
        checkout = counter.ask("order-1", 1_00, shop.url, ASKED)
        counter.pay(checkout)
        await counter.tell()
        counter.market.now += 4 * MINUTE
        await counter.tell()
    life = explain(counter.house.reader, show("payment", checkout.id))
    assert [(line.gateway, line.url, line.state, line.tries) for line in life.deliveries] == [
        ("alipay", shop.url, "delivered", 2)
    ]
    tries = [(line.number, line.status, line.answer, line.at) for line in life.attempts]
    now = counter.market.now
    assert tries == [(1, 200, "not yet", now - 4 * MINUTE), (2, 200, "success", now)]
