"""A shop's whole day with each unmodified SDK against a served sandbox: asked, paid, refunded, refused."""

from itertools import count
from typing import Any

import pytest
from tests.sdk.driver import Driver
from tests.sdk.environments import missing_npm
from tests.sdk.pair import Pair
from tests.sdk.served import Box, Sdk

SUBJECT = '茶 {"a": [1]} & "two" } { + = % 100\\ \'x\' <b>'
QUERY, REFUND = "alipay.trade.query", "alipay.trade.refund"
PAY, PRECREATE = "alipay.trade.pay", "alipay.trade.precreate"
REFUND_QUERY = "alipay.trade.fastpay.refund.query"
NAMES = (
    *("official", "community", "community, certificates", "npm", "npm, certificates"),
    *("npm v3", "npm v3, certificates", "npm v3, encrypted"),
)
STRANGER = Pair()
_numbers = count(1)


@pytest.fixture(params=NAMES)
def sdk(request: pytest.FixtureRequest, box: Box) -> Sdk:
    name: str = request.param
    if name.startswith("npm") and (reason := missing_npm()):
        pytest.skip(reason)
    driver: Driver = request.getfixturevalue(name.partition(",")[0].partition(" ")[0])
    return Sdk(name, driver, box)


def order(amount: Any = "88.88", **more: Any) -> dict[str, Any]:
    return {"out_trade_no": f"order_{next(_numbers)}", "total_amount": amount, "subject": SUBJECT, **more}


def ok(answer: dict[str, Any]) -> dict[str, Any]:
    assert answer["code"] == "10000", answer
    return answer


def test_scanned_paid_and_refunded(sdk: Sdk) -> None:
    asked = order(amount=88.88)
    number = {"out_trade_no": asked["out_trade_no"]}
    code = ok(sdk.call(PRECREATE, asked))["qr_code"]
    assert sdk.call(QUERY, number)["sub_code"] == "ACQ.TRADE_NOT_EXIST"
    sdk.box.scans(code)
    paid = ok(sdk.call(QUERY, number))
    assert (paid["trade_status"], paid["total_amount"], paid["subject"]) == ("TRADE_SUCCESS", "88.88", SUBJECT)
    assert paid["buyer_user_id"] == sdk.box.alipay["buyer_id"]
    part = {**number, "refund_amount": "8.88", "out_request_no": "r1"}
    assert [ok(sdk.call(REFUND, part))["fund_change"] for _ in range(2)] == ["Y", "N"]
    assert sdk.call(REFUND, {**part, "refund_amount": "8.87"})["sub_code"] == "ACQ.DISCORDANT_REPEAT_REQUEST"
    rest = {**number, "refund_amount": "80.01", "out_request_no": "r2"}
    assert sdk.call(REFUND, rest)["sub_code"] == "ACQ.REASON_TRADE_REFUND_FEE_ERR"
    assert ok(sdk.call(REFUND, {**rest, "refund_amount": "80.00"}))["refund_fee"] == "88.88"
    assert ok(sdk.call(REFUND_QUERY, {**number, "out_request_no": "r1"}))["refund_amount"] == "8.88"
    assert "refund_amount" not in ok(sdk.call(REFUND_QUERY, {**number, "out_request_no": "r9"}))
    assert ok(sdk.call(QUERY, number))["trade_status"] == "TRADE_CLOSED"


def test_a_payment_code_scanned_at_the_till(sdk: Sdk) -> None:
    sale = order("0.1", scene="bar_code", auth_code=sdk.box.shows_code())
    paid = ok(sdk.call(PAY, sale))
    assert (paid["total_amount"], paid["out_trade_no"]) == ("0.10", sale["out_trade_no"])
    assert ok(sdk.call(PAY, sale))["trade_no"] == paid["trade_no"]
    changed = {**sale, "total_amount": "0.20"}
    assert sdk.call(PAY, changed)["sub_code"] == "ACQ.CONTEXT_INCONSISTENT"
    assert sdk.call(PAY, {**sale, "out_trade_no": "other_1"})["sub_code"] == "ACQ.PAYMENT_AUTH_CODE_INVALID"
    assert ok(sdk.call("alipay.trade.cancel", {"trade_no": paid["trade_no"]}))["action"] == "refund"


def test_a_large_amount_waits_and_is_polled(sdk: Sdk) -> None:
    sale = order("1000.01", scene="bar_code", auth_code=sdk.box.shows_code())
    waits = sdk.call(PAY, sale)
    assert waits["code"] == "10003", waits
    number = {"trade_no": waits["trade_no"]}
    assert ok(sdk.call(QUERY, number))["trade_status"] == "WAIT_BUYER_PAY"
    sdk.box.confirms(waits["trade_no"])
    assert ok(sdk.call(QUERY, number))["trade_status"] == "TRADE_SUCCESS"


def test_made_for_a_buyer_and_closed(sdk: Sdk) -> None:
    asked = order(buyer_id=sdk.box.alipay["buyer_id"])
    made = ok(sdk.call("alipay.trade.create", asked))
    assert ok(sdk.call("alipay.trade.create", asked))["trade_no"] == made["trade_no"]
    changed = {**asked, "subject": "something else"}
    assert sdk.call("alipay.trade.create", changed)["sub_code"] == "ACQ.CONTEXT_INCONSISTENT"
    assert ok(sdk.call("alipay.trade.close", {"trade_no": made["trade_no"]}))["out_trade_no"] == asked["out_trade_no"]
    assert sdk.call("alipay.trade.close", {"trade_no": made["trade_no"]})["sub_code"] == "ACQ.TRADE_HAS_CLOSE"


def test_what_is_refused(sdk: Sdk) -> None:
    assert sdk.call(PRECREATE, order("1.001"))["sub_code"] == "ACQ.INVALID_PARAMETER"
    assert sdk.call(QUERY, {"out_trade_no": "none"})["sub_code"] == "ACQ.TRADE_NOT_EXIST"
    refund = {"out_trade_no": "none", "refund_amount": "1.00"}
    assert sdk.call(REFUND, refund)["sub_code"] == "ACQ.TRADE_NOT_EXIST"


def test_a_wrong_key_is_refused_in_words_that_the_sdk_verifies(sdk: Sdk) -> None:
    sdk.private_key = STRANGER.pem
    no = sdk.call(QUERY, {"out_trade_no": "none"})
    assert no["sub_code"].removeprefix("isv.") == "invalid-signature"
