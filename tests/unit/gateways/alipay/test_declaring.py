"""What a merchant says of a paid trade: kept once for each number; never more declared than was paid."""

from typing import Any

import pytest
from tests.unit.gateways.alipay.counter import PERMISSIONS, Counter
from tests.unit.timers.bank_day import SHOP

SYNC = "alipay.trade.orderinfo.sync"
DECLARE, QUERY = "alipay.trade.customs.declare", "alipay.trade.customs.query"


def sync(trade_no: str, **more: Any) -> dict[str, Any]:
    said = {"biz_type": "CREDIT_AUTH", "order_biz_info": '{"status":"COMPLETE"}'}
    return {"trade_no": trade_no, "out_request_no": "s_1", **said, **more}


def declaration(trade_no: str, **more: Any) -> dict[str, Any]:
    return {
        "out_request_no": "d:1",
        "trade_no": trade_no,
        "merchant_customs_code": "3301964J31",
        "merchant_customs_name": "茶店",
        "amount": "88.88",
        "customs_place": "hangzhou",
        **more,
    }


def waiting(counter: Counter) -> str:
    """The trade_no of a trade that waits for its buyer."""
    made = counter.ok("alipay.trade.create", counter.order("w_1", buyer_id=counter.user(counter.fang)))
    return str(made["trade_no"])


def test_what_is_said_of_an_order_is_kept_once_and_sealed(counter: Counter) -> None:
    sale = counter.sold()
    told = counter.ok(SYNC, sync(sale["trade_no"]))
    assert (told["trade_no"], told["out_trade_no"]) == (sale["trade_no"], "a_1")
    assert told["buyer_user_id"] == counter.user(counter.fang)
    assert counter.ok(SYNC, sync(sale["trade_no"])) == told
    changed = sync(sale["trade_no"], order_biz_info='{"status":"CLOSED"}')
    assert counter.no(SYNC, changed) == "ACQ.DISCORDANT_REPEAT_REQUEST"
    counter.ok(SYNC, changed | {"out_request_no": "s_2"})
    rows = counter.reader.rows("SELECT number, kind, said FROM reports ORDER BY number")
    assert [row[:2] for row in rows] == [("s_1", "CREDIT_AUTH"), ("s_2", "CREDIT_AUTH")]
    assert b"COMPLETE" not in rows[0][2]


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"trade_no": "1"}, "ACQ.TRADE_NOT_EXIST"),
        ({"trade_no": ""}, "ACQ.INVALID_PARAMETER"),
        ({"out_request_no": ""}, "ACQ.INVALID_PARAMETER"),
        ({"biz_type": ""}, "ACQ.INVALID_PARAMETER"),
        ({"order_biz_info": "COMPLETE"}, "ACQ.INVALID_PARAMETER"),
        ({"order_biz_info": "[1]"}, "ACQ.INVALID_PARAMETER"),
    ],
)
def test_what_cannot_be_said(counter: Counter, changed: dict[str, Any], told: str) -> None:
    assert counter.no(SYNC, sync(counter.sold()["trade_no"]) | changed) == told


def test_only_what_was_paid_is_spoken_of_and_only_by_its_merchant(counter: Counter) -> None:
    number = waiting(counter)
    assert counter.no(SYNC, sync(number)) == "ACQ.TRADE_STATUS_ERROR"
    assert counter.no(DECLARE, declaration(number)) == "ACQ.TRADE_STATUS_ERROR"
    sale, other = counter.sold(), counter.another_app("other")
    assert counter.no(SYNC, sync(sale["trade_no"]), app_id=other) == "ACQ.TRADE_NOT_EXIST"
    assert counter.no(DECLARE, declaration(sale["trade_no"]), app_id=other) == "ACQ.TRADE_NOT_EXIST"
    counter.ok(DECLARE, declaration(sale["trade_no"]))
    assert counter.ok(QUERY, {"out_request_nos": "d:1"}, app_id=other) == {
        "code": "10000",
        "msg": "Success",
        "records": [],
        "not_found": ["d:1"],
    }
    few = counter.another_app("market", "2014102800000003", PERMISSIONS.replace("customs", ""))
    assert counter.no(DECLARE, declaration(sale["trade_no"]), app_id=few) == "isv.insufficient-isv-permissions"


def test_a_declaration_is_kept_once_and_found(counter: Counter) -> None:
    sale = counter.sold()
    buyer = {"buyer_name": SHOP, "buyer_cert_no": "330100000000000000"}
    asked = declaration(sale["trade_no"], buyer_info=buyer)
    made = counter.ok(DECLARE, asked)
    assert (made["total_amount"], made["currency"], made["identity_check"]) == ("88.88", "CNY", "T")
    assert counter.ok(DECLARE, asked) == made
    assert counter.no(DECLARE, asked | {"amount": "1.00"}) == "ACQ.DISCORDANT_REPEAT_REQUEST"
    found = counter.ok(QUERY, {"out_request_nos": "d:1,none"})
    assert found["not_found"] == ["none"]
    (record,) = found["records"]
    assert (record["amount"], record["customs_place"], record["status"]) == ("88.88", "HANGZHOU", "ws")
    assert (record["alipay_declare_no"], record["merchant_customs_name"]) == (made["alipay_declare_no"], "茶店")
    kept = counter.reader.rows("SELECT declared FROM declarations")[0][0]
    assert b"330100000000000000" not in kept


def test_never_more_is_declared_than_was_paid(counter: Counter) -> None:
    sale = counter.sold()
    part = declaration(sale["trade_no"], is_split="T", sub_out_biz_no="p_1", amount="80.00")
    assert counter.ok(DECLARE, part).get("identity_check") is None
    more = part | {"out_request_no": "d:2", "sub_out_biz_no": "p_2"}
    assert counter.no(DECLARE, more | {"amount": "8.89"}) == "ACQ.TOTAL_FEE_EXCEED"
    other = {"amount": "8.88", "buyer_info": {"buyer_name": "Han Mei"}}
    assert counter.ok(DECLARE, more | other)["identity_check"] == "F"
    records = counter.ok(QUERY, {"out_request_nos": "d:1,d:2"})["records"]
    assert [(record["sub_out_biz_no"], record["is_split"]) for record in records] == [("p_1", "T"), ("p_2", "T")]


@pytest.mark.parametrize(
    "changed",
    [
        {"is_split": "T"},
        {"is_split": "X"},
        {"amount": "1.001"},
        {"amount": "0"},
        {"out_request_no": "a b"},
        {"customs_place": ""},
        {"merchant_customs_code": None},
        {"trade_no": "", "out_trade_no": ""},
    ],
)
def test_what_cannot_be_declared(counter: Counter, changed: dict[str, Any]) -> None:
    assert counter.no(DECLARE, declaration(counter.sold()["trade_no"]) | changed) == "ACQ.INVALID_PARAMETER"
    assert counter.no(QUERY, {"out_request_nos": ",".join(map(str, range(11)))}) == "ACQ.INVALID_PARAMETER"


def test_a_trade_that_nobody_paid_is_not_declared(counter: Counter) -> None:
    sale = counter.sold()
    counter.ok("alipay.trade.cancel", {"trade_no": waiting(counter)})
    made = counter.reader.rows("SELECT count(*) FROM payments WHERE state = 'cancelled'")
    assert made == [(1,)]
    closed = counter.ok("alipay.trade.query", {"out_trade_no": "w_1"})["trade_no"]
    assert counter.no(DECLARE, declaration(closed)) == "ACQ.TRADE_HAS_CLOSE"
    assert counter.no(SYNC, sync(closed)) == "ACQ.TRADE_HAS_CLOSE"
    assert counter.v3(DECLARE, declaration(sale["trade_no"]))[0] == 200
    assert counter.v3(QUERY, {"out_request_nos": "d:1"})[1]["records"][0]["amount"] == "88.88"


def test_of_a_part_of_what_was_frozen_no_more_than_the_part(counter: Counter) -> None:
    freeze = {"out_order_no": "z", "out_request_no": "f", "order_title": "x", "amount": "300.00"}
    auth_no = counter.ok("alipay.fund.auth.order.freeze", freeze | {"auth_code": counter.code()})["auth_no"]
    part = counter.ok("alipay.trade.pay", counter.order("p_1", "100.00", auth_no=auth_no))["trade_no"]
    counter.ok("alipay.trade.pay", counter.order("p_2", "200.00", auth_no=auth_no))
    too_much = counter.no(DECLARE, declaration(part, amount="100.01"))
    assert too_much == counter.no(DECLARE, declaration(counter.sold("a_1")["trade_no"], amount="88.89"))
    assert counter.ok(DECLARE, declaration(part, amount="100.00"))["total_amount"] == "100.00"
