"""Escrow: what is paid is held until the platform settles or the period ends, and goes back while it is held."""

from typing import Any

import pytest
from tests.unit.gateways.alipay.counter import Counter

from handfast.core.clocks import DAY

CONFIRM, PAY, QUERY = "alipay.trade.settle.confirm", "alipay.trade.pay", "alipay.trade.query"
REFUND = "alipay.trade.refund"


def settle_info(amount: str = "100.00", period: str = "7d", kind: str = "defaultSettle") -> dict[str, Any]:
    return {"settle_detail_infos": [{"trans_in_type": kind, "amount": amount}], "settle_period_time": period}


def held(counter: Counter, number: str = "a_1", **more: Any) -> str:
    """The trade_no of 100.00 that Fang paid and that the shop, who pays 2.5 % commission, does not have yet."""
    order = counter.order(number, "100.00", auth_code=counter.code(), settle_info=settle_info())
    trade_no: str = counter.ok(PAY, order | more)["trade_no"]
    return trade_no


def confirming(trade_no: str, amount: str = "100.00", number: str = "s1", **more: Any) -> dict[str, Any]:
    told = {"settle_detail_infos": [{"trans_in_type": "defaultSettle", "amount": amount}]}
    return {"trade_no": trade_no, "out_request_no": number, "settle_info": told, **more}


def shop_has(counter: Counter) -> int:
    """What the shop has beyond the 1,000.00 that it began with, in fen."""
    return counter.wallet(counter.shop, "CNY") - 100_000


def test_held_until_the_platform_settles(counter: Counter) -> None:
    trade_no = held(counter)
    assert counter.wallet(counter.fang, "CNY") == 990_000
    assert shop_has(counter) == 0
    assert counter.ok(QUERY, {"trade_no": trade_no})["trade_status"] == "TRADE_SUCCESS"
    settled = counter.ok(CONFIRM, confirming(trade_no))
    assert (settled["amount"], settled["out_request_no"]) == ("100.00", "s1")
    assert shop_has(counter) == 9_750
    assert counter.ok(CONFIRM, confirming(trade_no)) == settled
    assert counter.no(CONFIRM, confirming(trade_no, "90.00")) == "ACQ.DISCORDANT_REPEAT_REQUEST"
    assert counter.no(CONFIRM, confirming(trade_no, number="s2")) == "ACQ.TRADE_SETTLE_ERROR"
    assert shop_has(counter) == 9_750


def test_held_until_the_period_ends(counter: Counter) -> None:
    trade_no = held(counter)
    counter.now += 6 * DAY
    assert counter.silence() == 0
    counter.now += DAY
    assert counter.silence() == 1
    assert shop_has(counter) == 9_750
    assert counter.no(CONFIRM, confirming(trade_no)) == "ACQ.TRADE_SETTLE_ERROR"


def test_settled_in_parts(counter: Counter) -> None:
    trade_no = held(counter)
    counter.ok(CONFIRM, confirming(trade_no, "40.00"))
    assert shop_has(counter) == 3_900
    assert counter.no(CONFIRM, confirming(trade_no, "60.01", "s2")) == "ACQ.TRADE_SETTLE_ERROR"
    counter.ok(CONFIRM, confirming(trade_no, "60.00", "s2"))
    assert shop_has(counter) == 9_750


def test_refunded_while_held_and_after(counter: Counter) -> None:
    trade_no = held(counter)
    refund = {"trade_no": trade_no, "refund_amount": "30.00", "out_request_no": "r1"}
    assert counter.ok(REFUND, refund)["refund_fee"] == "30.00"
    assert (counter.wallet(counter.fang, "CNY"), shop_has(counter)) == (993_000, 0)
    assert counter.no(CONFIRM, confirming(trade_no)) == "ACQ.TRADE_SETTLE_ERROR"
    counter.ok(CONFIRM, confirming(trade_no, "70.00", "s2"))
    assert shop_has(counter) == 6_825
    counter.ok(REFUND, refund | {"refund_amount": "70.00", "out_request_no": "r2"})
    assert (counter.wallet(counter.fang, "CNY"), shop_has(counter)) == (1_000_000, 0)
    assert counter.ok(QUERY, {"trade_no": trade_no})["trade_status"] == "TRADE_CLOSED"
    assert counter.no(CONFIRM, confirming(trade_no, number="s3")) == "ACQ.TRADE_HAS_CLOSE"


def test_undone_while_held(counter: Counter) -> None:
    trade_no = held(counter)
    assert counter.ok("alipay.trade.cancel", {"trade_no": trade_no})["action"] == "refund"
    assert counter.wallet(counter.fang, "CNY") == 1_000_000


def test_a_refund_after_settlement_needs_the_sellers_money(counter: Counter) -> None:
    trade_no = held(counter)
    counter.ok(CONFIRM, confirming(trade_no))
    counter.spend(counter.shop, 109_750)
    refund = {"trade_no": trade_no, "refund_amount": "100.00", "out_request_no": "r1"}
    assert counter.no(REFUND, refund) == "ACQ.SELLER_BALANCE_NOT_ENOUGH"


def test_held_on_to_be_shared(counter: Counter) -> None:
    trade_no = held(counter)
    frozen = confirming(trade_no, extend_params={"royalty_freeze": "true"})
    assert counter.no(CONFIRM, frozen | {"out_request_no": "s0"} | _of("99.00")) == "ACQ.TRADE_SETTLE_ERROR"
    counter.ok(CONFIRM, frozen)
    counter.now += 8 * DAY
    assert (counter.silence(), shop_has(counter)) == (0, 0)
    counter.now += 22 * DAY
    assert (counter.silence(), shop_has(counter)) == (1, 9_750)


def _of(amount: str) -> dict[str, Any]:
    return {"settle_info": {"settle_detail_infos": [{"trans_in_type": "defaultSettle", "amount": amount}]}}


@pytest.mark.parametrize(
    ("told", "why"),
    [
        (settle_info(period="0d"), "ACQ.INVALID_PARAMETER"),
        (settle_info(period="366d"), "ACQ.INVALID_PARAMETER"),
        (settle_info(period="7h"), "ACQ.INVALID_PARAMETER"),
        (settle_info(amount="99.99"), "ACQ.INVALID_PARAMETER"),
        (settle_info(kind="userId"), "ACQ.INVALID_PARAMETER"),
        ({"settle_detail_infos": 1}, "ACQ.INVALID_PARAMETER"),
    ],
)
def test_what_cannot_be_held_so(counter: Counter, told: Any, why: str) -> None:
    order = counter.order("a_1", "100.00", auth_code=counter.code())
    assert counter.no(PAY, order | {"settle_info": told}) == why
    assert counter.count("payments") == 0


def test_an_order_without_a_period_is_paid_at_once(counter: Counter) -> None:
    held(counter, settle_info=settle_info(period=""))
    assert shop_has(counter) == 9_750


def test_the_period_is_part_of_the_order(counter: Counter) -> None:
    code = counter.ok("alipay.trade.precreate", counter.order(settle_info=settle_info("88.88")))["qr_code"]
    checkout = counter.scan(code)
    changed = counter.order(settle_info=settle_info("88.88", "8d"))
    assert counter.no("alipay.trade.precreate", changed) == "ACQ.CONTEXT_INCONSISTENT"
    counter.pays(checkout)
    assert shop_has(counter) == 0


def test_what_cannot_be_settled(counter: Counter) -> None:
    paid = counter.sold("b_1", "100.00")["trade_no"]
    assert counter.no(CONFIRM, confirming(paid)) == "ACQ.TRADE_SETTLE_ERROR"
    order = counter.order("b_2", "100.00", auth_code=counter.code(confirm=True), settle_info=settle_info())
    waits = counter.ok(PAY, order)["trade_no"]
    assert counter.no(CONFIRM, confirming(waits)) == "ACQ.TRADE_STATUS_ERROR"
    assert counter.no(CONFIRM, confirming("")) == "ACQ.INVALID_PARAMETER"
    assert counter.no(CONFIRM, {"trade_no": paid, "out_request_no": "s1", "settle_info": {}}) == "ACQ.INVALID_PARAMETER"
    assert counter.no(CONFIRM, confirming("2014102800000000000000000000000001")) == "ACQ.TRADE_NOT_EXIST"
    trade_no = held(counter)
    flag = confirming(trade_no, extend_params={"royalty_freeze": "perhaps"})
    assert counter.no(CONFIRM, flag) == "ACQ.INVALID_PARAMETER"
    other = counter.another_app("other")
    assert counter.no(CONFIRM, confirming(trade_no), app_id=other) == "ACQ.TRADE_NOT_EXIST"
    no_escrow = counter.another_app("market", "2014102800000003", "pay")
    order = counter.order("b_3", "100.00", auth_code=counter.code(), settle_info=settle_info())
    assert counter.no(PAY, order, app_id=no_escrow) == "isv.insufficient-isv-permissions"
