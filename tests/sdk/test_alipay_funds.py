"""Money sent, a user let in, a day's bill added up: with each unmodified SDK that has a call for it."""

import csv
from collections.abc import Iterator
from decimal import Decimal
from io import BytesIO
from typing import Any
from urllib.parse import urlsplit
from urllib.request import urlopen
from zipfile import ZipFile

import pytest
from tests.sdk.driver import Driver
from tests.sdk.environments import missing_npm
from tests.sdk.served import Box, Sdk, served

from handfast.sandbox.playing import playing

SEND, QUERY = "alipay.fund.trans.uni.transfer", "alipay.fund.trans.common.query"
ACCOUNT, BILL = "alipay.fund.account.query", "alipay.data.dataservice.bill.downloadurl.query"
TOKEN, SHARE = "alipay.system.oauth.token", "alipay.user.info.share"
NAMES = ("official", "npm", "npm, certificates", "npm v3", "npm v3, encrypted")


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    """A sandbox of its own, whose day is going to end."""
    with served(tmp_path_factory.mktemp("funds") / "data") as box:
        yield box


@pytest.fixture(params=NAMES)
def sdk(request: pytest.FixtureRequest, box: Box) -> Sdk:
    return made(request, request.param, box)


def made(request: pytest.FixtureRequest, name: str, box: Box) -> Sdk:
    if name.startswith("npm") and (reason := missing_npm()):
        pytest.skip(reason)
    driver: Driver = request.getfixturevalue(name.partition(",")[0].partition(" ")[0])
    return Sdk(name, driver, box)


def ok(answer: dict[str, Any]) -> dict[str, Any]:
    assert answer["code"] == "10000", answer
    return answer


def transfer(sdk: Sdk, amount: Any = "1.23") -> dict[str, Any]:
    payee = {"identity": sdk.box.alipay["payee_id"], "identity_type": "ALIPAY_USER_ID"}
    number = sdk.name.replace(" ", "_").replace(",", "")
    return {"out_biz_no": number, "trans_amount": amount, "order_title": "=茶 {1}", "payee_info": payee}


def test_money_is_sent_once_and_found(sdk: Sdk) -> None:
    before = Decimal(ok(sdk.call(ACCOUNT, {"alipay_user_id": sdk.box.alipay["seller_id"]}))["available_amount"])
    sent = ok(sdk.call(SEND, transfer(sdk)))
    assert ok(sdk.call(SEND, transfer(sdk)))["order_id"] == sent["order_id"]
    found = ok(sdk.call(QUERY, {"out_biz_no": sent["out_biz_no"]}))
    assert (found["status"], found["trans_amount"], found["order_id"]) == ("SUCCESS", "1.23", sent["order_id"])
    assert sdk.call(SEND, transfer(sdk, "1.24"))["sub_code"] == "PAYMENT_INFO_INCONSISTENCY"
    assert sdk.call(QUERY, {"out_biz_no": "none"})["sub_code"] == "ORDER_NOT_EXIST"
    other = transfer(sdk) | {"out_biz_no": f"{sent['out_biz_no']}_2"}
    nobody = {"identity": "2088999999999999", "identity_type": "ALIPAY_USER_ID"}
    assert sdk.call(SEND, other | {"payee_info": nobody})["sub_code"] == "PAYEE_NOT_EXIST"
    assert sdk.call(SEND, other | {"trans_amount": "99999.00"})["sub_code"] == "PAYER_BALANCE_NOT_ENOUGH"
    after = Decimal(ok(sdk.call(ACCOUNT, {}))["available_amount"])
    assert before - after == Decimal("1.23")


def test_the_community_sdks_own_calls(request: pytest.FixtureRequest, box: Box) -> None:
    """It sends in certificate mode alone; its older calls are for every app."""
    sdk = made(request, "community, certificates", box)
    payee = {"identity_type": "ALIPAY_USER_ID", "identity": box.alipay["payee_id"]}
    sent = ok(sdk.call(SEND, {"out_biz_no": "c_1", "trans_amount": 0.5, **payee}))
    assert ok(sdk.call("alipay.fund.trans.order.query", {"order_id": sent["order_id"]}))["out_biz_no"] == "c_1"
    plain = made(request, "community", box)
    old = {"out_biz_no": "c_2", "payee_type": "ALIPAY_USERID", "payee_account": box.alipay["payee_id"], "amount": 0.5}
    made_old = ok(plain.call("alipay.fund.trans.toaccount.transfer", old))
    found = ok(plain.call("alipay.fund.trans.order.query", {"out_biz_no": "c_2"}))
    assert (found["status"], found["order_id"]) == ("SUCCESS", made_old["order_id"])


def beside(sdk: Sdk, method: str, fields: dict[str, str]) -> dict[str, Any]:
    """A call whose fields stand beside biz_content, as each SDK has it."""
    told: dict[str, Any]
    match sdk.name:
        case "official":
            plan = {"method": method, "biz": {}, "options": fields}
            told = sdk.driver.do("call", config=sdk.official(), port=sdk.box.port, **plan)
        case "npm" | "npm, certificates":
            config = sdk.npm(certificates="cert" in sdk.name)
            told = sdk.driver.do("call", config=config, method=method, params=fields)
        case _:
            told = sdk.call(method, fields)
    return told


def test_a_user_lets_the_app_know(sdk: Sdk) -> None:
    code = {"grant_type": "authorization_code", "code": sdk.box.lets_know("auth_user")}
    token = beside(sdk, TOKEN, code)
    assert token["user_id"] == sdk.box.alipay["buyer_id"]
    assert beside(sdk, TOKEN, code)["sub_code"] in ("isv.code-invalid", "code-invalid")
    new = beside(sdk, TOKEN, {"grant_type": "refresh_token", "refresh_token": token["refresh_token"]})
    assert new["open_id"] == token["open_id"]
    if sdk.name != "official":  # it sends no auth_token
        shared = beside(sdk, SHARE, {"auth_token": new["access_token"]})
        assert (shared["user_id"], bool(shared["nick_name"])) == (token["user_id"], True)


def test_the_days_bill_adds_up(request: pytest.FixtureRequest, box: Box) -> None:
    sdks = [made(request, name, box) for name in NAMES]
    ok(sdks[0].call(SEND, transfer(sdks[0]) | {"out_biz_no": "day_1"}))
    with playing(box.data) as play:
        play.clock("1d")
    balance = ok(sdks[0].call(ACCOUNT, {}))["available_amount"]
    date = ok(sdks[0].call(QUERY, {"out_biz_no": "day_1"}))["pay_date"][:10]
    for sdk in sdks:
        told = ok(sdk.call(BILL, {"bill_type": "signcustomer", "bill_date": date}))
        parts = urlsplit(told["bill_download_url"])  # the official SDK believes in port 80
        with (
            urlopen(f"{box.alipay['v3_endpoint']}{parts.path}?{parts.query}") as answer,
            ZipFile(BytesIO(answer.read())) as packed,
        ):
            text = packed.read(packed.namelist()[0]).decode("gb18030")
        rows = list(csv.DictReader(line for line in text.split("\r\n") if line and not line.startswith("#")))
        assert rows[-1]["账户余额（元）"] == balance
        assert rows[-1]["商品名称"] == "'=茶 {1}"
        first = Decimal(rows[0]["账户余额（元）"])
        moved = sum(Decimal(row["收入金额（+元）"]) + Decimal(row["支出金额（-元）"]) for row in rows[1:])
        assert first + moved == Decimal(balance)
        assert sdk.call(BILL, {"bill_type": "trade", "bill_date": "2999-01-01"})["sub_code"] == "BILL_NOT_EXIST"
