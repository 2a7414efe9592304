"""Money that is held, frozen or shared, with each unmodified SDK against a served sandbox."""

import subprocess
from itertools import count
from typing import Any

import pytest
from tests.sdk.driver import Driver
from tests.sdk.environments import missing_npm
from tests.sdk.served import HANDFAST, Box, Sdk

NAMES = ("official", "community", "npm", "npm v3")
QUERY, REFUND, PAY = "alipay.trade.query", "alipay.trade.refund", "alipay.trade.pay"
FREEZE, UNFREEZE = "alipay.fund.auth.order.freeze", "alipay.fund.auth.order.unfreeze"
DETAIL, SETTLE = "alipay.fund.auth.operation.detail.query", "alipay.trade.order.settle"
_numbers = count(1)


@pytest.fixture(params=NAMES)
def sdk(request: pytest.FixtureRequest, box: Box) -> Sdk:
    name: str = request.param
    if name.startswith("npm") and (reason := missing_npm()):
        pytest.skip(reason)
    driver: Driver = request.getfixturevalue("npm" if name.startswith("npm") else name)
    return Sdk(name, driver, box)


def ok(answer: dict[str, Any]) -> dict[str, Any]:
    assert answer["code"] == "10000", answer
    return answer


def order(amount: str, **more: Any) -> dict[str, Any]:
    return {"out_trade_no": f"held_{next(_numbers)}", "total_amount": amount, "subject": "茶 & {1}", **more}


def settling(amount: str, period: str = "") -> dict[str, Any]:
    told: dict[str, Any] = {"settle_detail_infos": [{"trans_in_type": "defaultSettle", "amount": amount}]}
    return told | ({"settle_period_time": period} if period else {})


def test_escrow(sdk: Sdk) -> None:
    asked = order("60.00", settle_info=settling("60.00", "7d"))
    sdk.box.scans(ok(sdk.call("alipay.trade.precreate", asked))["qr_code"])
    trade_no = ok(sdk.call(QUERY, {"out_trade_no": asked["out_trade_no"]}))["trade_no"]
    refund = {"trade_no": trade_no, "refund_amount": "10.00", "out_request_no": "r1"}
    assert ok(sdk.call(REFUND, refund))["refund_fee"] == "10.00"
    confirm = {"trade_no": trade_no, "out_request_no": "s1", "settle_info": settling("60.00")}
    assert sdk.call("alipay.trade.settle.confirm", confirm)["sub_code"] == "ACQ.TRADE_SETTLE_ERROR"
    confirm |= {"out_request_no": "s2", "settle_info": settling("50.00")}
    assert ok(sdk.call("alipay.trade.settle.confirm", confirm))["amount"] == "50.00"
    assert ok(sdk.call(REFUND, {**refund, "out_request_no": "r2"}))["refund_fee"] == "20.00"


def test_pre_authorisation(sdk: Sdk) -> None:
    number = f"auth_{next(_numbers)}"
    freeze = {"out_order_no": number, "out_request_no": f"{number}_f", "order_title": "茶", "amount": "300.00"}
    frozen = ok(sdk.call(FREEZE, {**freeze, "auth_code": sdk.box.shows_code(), "auth_code_type": "bar_code"}))
    auth_no = frozen["auth_no"]
    more = {"auth_no": auth_no, "product_code": "PREAUTH_PAY", "scene": "bar_code", "auth_code": ""}
    pay = order("200.00", auth_confirm_mode="NOT_COMPLETE", **more)
    paid = ok(sdk.call(PAY, pay))
    freed = {"auth_no": auth_no, "out_request_no": f"{number}_u", "amount": "60.00", "remark": "rest"}
    assert ok(sdk.call(UNFREEZE, freed))["amount"] == "60.00"
    found = ok(sdk.call(DETAIL, {"auth_no": auth_no, "out_request_no": f"{number}_f"}))
    assert (found["rest_amount"], found["total_pay_amount"], found["order_status"]) == ("40.00", "200.00", "AUTHORIZED")
    assert sdk.call(UNFREEZE, {**freed, "amount": "40.01", "out_request_no": "u9"})["sub_code"] == (
        "REQUEST_AMOUNT_EXCEED"
    )
    refund = {"trade_no": paid["trade_no"], "refund_amount": "200.00"}
    assert ok(sdk.call(REFUND, refund))["refund_fee"] == "200.00"
    rest = order("40.00", auth_confirm_mode="COMPLETE", **more)
    ok(sdk.call(PAY, rest))
    assert ok(sdk.call(DETAIL, {"auth_no": auth_no, "out_request_no": f"{number}_u"}))["order_status"] == "FINISH"


def test_royalties(sdk: Sdk) -> None:
    payee = sdk.box.alipay["payee_id"]
    trade_no = ok(sdk.call(PAY, order("50.00", scene="bar_code", auth_code=sdk.box.shows_code())))["trade_no"]
    share = {
        "out_request_no": "s1",
        "trade_no": trade_no,
        "royalty_parameters": [{"trans_in": payee, "trans_in_type": "userId", "amount": "20.00", "desc": "fee"}],
    }
    bind = {"receiver_list": [{"type": "userId", "account": payee, "memo": "茶"}], "out_request_no": "b1"}
    ok(sdk.call("alipay.trade.royalty.relation.unbind", bind))
    assert sdk.call(SETTLE, share)["sub_code"] == "ACQ.ROYALTY_RECEIVER_INVALID"
    ok(sdk.call("alipay.trade.royalty.relation.bind", bind))
    settle_no = ok(sdk.call(SETTLE, share))["settle_no"]
    (detail,) = ok(sdk.call("alipay.trade.order.settle.query", {"settle_no": settle_no}))["royalty_detail_list"]
    assert (detail["trans_in"], detail["amount"]) == (payee, "20.00")
    share["royalty_parameters"] = [{"trans_in": payee, "trans_in_type": "userId", "amount": "31.00"}]
    assert sdk.call(SETTLE, {**share, "out_request_no": "s2"})["sub_code"] == "ACQ.ALLOC_AMOUNT_VALIDATE_ERROR"
    back = [{"trans_out": payee, "trans_out_type": "userId", "amount": "20.00"}]
    refund = {"trade_no": trade_no, "refund_amount": "50.00", "out_request_no": "r1", "refund_royalty_parameters": back}
    assert ok(sdk.call(REFUND, refund))["refund_fee"] == "50.00"


def test_the_books_of_all_that_hold(box: Box) -> None:
    told = subprocess.run([HANDFAST, "verify", "--data", box.data], capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stdout
