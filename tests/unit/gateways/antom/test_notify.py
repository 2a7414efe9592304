"""Notifications of AMS: JSON, signed in headers over path, client, time and body; the sandbox never sends again."""

import json
from itertools import pairwise
from typing import Any
from urllib.parse import unquote

import pytest
from tests.unit.gateways.told import GATEWAY, Counter, saying
from tests.unit.timers.house import House
from tests.unit.timers.receivers import Received, Receiver

from handfast.core import rsa
from handfast.core.clocks import HOUR, MINUTE
from handfast.domain.checkouts import EndCheckout

pytestmark = pytest.mark.anyio

TAKEN = saying('{"result":{"resultCode":"SUCCESS","resultStatus":"S","resultMessage":"success"}}')


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def read(told: Received, client: str = "5Y0001") -> dict[str, Any]:
    """A message whose signature verifies."""
    headers = told.headers
    fields = dict(part.split("=", 1) for part in headers["signature"].split(","))
    text = f"POST /hook\n{client}.{headers['request-time']}.".encode() + told.body
    assert headers["client-id"] == client
    assert rsa.verify(GATEWAY.public, text, unquote(fields["signature"]))
    return dict(json.loads(told.body))


async def test_what_is_told_of_payments_and_refunds(house: House) -> None:
    counter = Counter(house, "antom", "5Y0001")
    async with Receiver(TAKEN) as shop:
        paid = counter.ask("P1", 12_00, shop.url, {})
        counter.pay(paid)
        counter.refund(paid, "R1", 5_00)
        unpaid = counter.ask("P2", 1_00, shop.url, {})
        counter.look(unpaid)
        counter.market.do(EndCheckout(house.shop, unpaid.id))
        await counter.tell()
    told = {(each["notifyType"], each["paymentRequestId"]): each for each in map(read, shop.received)}
    assert len(told) == len(shop.received) == 3
    payment = told["PAYMENT_RESULT", "P1"]
    assert payment["result"]["resultStatus"] == "S"
    assert payment["paymentAmount"] == {"currency": "CNY", "value": "1200"}
    assert payment["paymentTime"] == "2014-10-28T00:00:00+00:00"
    refund = told["REFUND_RESULT", "P1"]
    assert (refund["refundRequestId"], refund["refundStatus"]) == ("R1", "SUCCESS")
    assert refund["refundAmount"] == {"currency": "CNY", "value": "500"}
    closed = told["PAYMENT_RESULT", "P2"]["result"]
    assert (closed["resultCode"], closed["resultStatus"]) == ("ORDER_IS_CLOSED", "F")


async def test_it_comes_eight_times_until_the_result_is_success(house: House) -> None:
    counter = Counter(house, "antom", "5Y0001")
    async with Receiver(saying("success"), saying('{"result":{"resultStatus":"F"}}')) as shop:
        counter.pay(counter.ask("P1", 12_00, shop.url, {}))
        tries = await counter.tell_to_the_end()
    apart = [later - earlier for earlier, later in pairwise(tries)]
    assert apart == [2 * MINUTE, 10 * MINUTE, 10 * MINUTE, HOUR, 2 * HOUR, 6 * HOUR, 15 * HOUR]
    assert len(shop.received) == 8


async def test_the_sandbox_never_sends_again(house: House) -> None:
    counter = Counter(house, "antom", "SANDBOX_5Y0001")
    async with Receiver(saying("later")) as shop:
        counter.pay(counter.ask("P1", 12_00, shop.url, {}))
        assert await counter.tell_to_the_end() == [0]
    assert read(shop.received[0], "SANDBOX_5Y0001")["notifyType"] == "PAYMENT_RESULT"
    assert [delivery.state for delivery in counter.deliveries()] == ["parked"]
