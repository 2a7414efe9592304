"""The trade methods: what each journey answers, and where the money is after it."""

from typing import Any

import pytest
from tests.unit.gateways.alipay.counter import Counter

from handfast.core.clocks import DAY, MINUTE

PAY, QUERY, REFUND = "alipay.trade.pay", "alipay.trade.query", "alipay.trade.refund"
PRECREATE, CREATE = "alipay.trade.precreate", "alipay.trade.create"
REFUND_QUERY = "alipay.trade.fastpay.refund.query"


def test_a_payment_code_pays_at_once(counter: Counter) -> None:
    paid = counter.sold(amount=88.88)
    assert (paid["code"], paid["total_amount"], paid["receipt_amount"]) == ("10000", "88.88", "88.88")
    assert paid["buyer_user_id"] == counter.user(counter.fang)
    assert paid["fund_bill_list"] == [{"fund_channel": "ALIPAYACCOUNT", "amount": "88.88"}]
    assert counter.wallet(counter.fang, "CNY") == 1_000_000 - 8_888
    seen = counter.ok(QUERY, {"trade_no": paid["trade_no"]})
    assert (seen["trade_status"], seen["subject"], seen["out_trade_no"]) == ("TRADE_SUCCESS", "Tea & 茶 {1}", "a_1")


def test_a_payment_code_of_another_buyer(counter: Counter) -> None:
    order = counter.order(amount="1000.01", auth_code=counter.code())
    counter.ok(PAY, order)
    assert counter.no(PAY, {**order, "auth_code": counter.code(who="ming")}) == "ACQ.TRADE_BUYER_NOT_MATCH"
    assert counter.no(PAY, {**order, "auth_code": counter.code()}) == "ACQ.TRADE_STATUS_ERROR"


def test_a_merchants_own_payment_code(counter: Counter) -> None:
    assert counter.no(PAY, counter.order(auth_code=counter.code(who="shop"))) == "ACQ.BUYER_SELLER_EQUAL"


def test_a_large_amount_waits_for_the_buyer(counter: Counter) -> None:
    waits = counter.ok(PAY, counter.order(amount="1000.01", auth_code=counter.code()))
    assert (waits["code"], "gmt_payment" in waits) == ("10003", False)
    assert counter.ok(QUERY, {"out_trade_no": "a_1"})["trade_status"] == "WAIT_BUYER_PAY"
    counter.pays(counter.thing(waits["trade_no"]))
    assert counter.ok(QUERY, {"out_trade_no": "a_1"})["trade_status"] == "TRADE_SUCCESS"


def test_a_buyer_may_want_to_be_asked(counter: Counter) -> None:
    waits = counter.ok(PAY, counter.order(amount="1.00", auth_code=counter.code(confirm=True)))
    assert waits["code"] == "10003"


def test_a_repeat_of_a_barcode_payment_pays_once(counter: Counter) -> None:
    order = counter.order(auth_code=counter.code())
    first = counter.ok(PAY, order)
    assert counter.ok(PAY, order) == first
    assert counter.no(PAY, {**order, "auth_code": counter.code()}) == "ACQ.TRADE_HAS_SUCCESS"
    assert counter.no(PAY, {**order, "total_amount": "1.00"}) == "ACQ.CONTEXT_INCONSISTENT"
    assert counter.no(PAY, {**order, "out_trade_no": "a_2"}) == "ACQ.PAYMENT_AUTH_CODE_INVALID"
    assert counter.wallet(counter.fang, "CNY") == 1_000_000 - 8_888


def test_what_is_no_payment_code(counter: Counter) -> None:
    for code in ("281234567890123456", "121234567890123456", "28", "28１２３４５６７８９０１２３４５６", "", "3" * 25):
        assert counter.no(PAY, counter.order(auth_code=code)) == "ACQ.PAYMENT_AUTH_CODE_INVALID"


def test_an_old_payment_code(counter: Counter) -> None:
    code = counter.code()
    counter.now += 5 * MINUTE
    assert counter.no(PAY, counter.order(auth_code=code)) == "ACQ.PAYMENT_AUTH_CODE_INVALID"


def test_a_buyer_without_enough_money(counter: Counter) -> None:
    counter.sold(amount="999.00")
    first = counter.ok(PAY, counter.order("a_2", "9001.01", auth_code=counter.code()))
    counter.pays_refused("balance_insufficient", counter.thing(first["trade_no"]))
    code = counter.code()
    for n in range(9):
        counter.sold(f"b_{n}", "1000.00")
    assert counter.no(PAY, counter.order("a_3", "2.00", auth_code=code)) == "ACQ.BUYER_BALANCE_NOT_ENOUGH"
    assert counter.ok(PAY, counter.order("a_3", "1.00", auth_code=code))["code"] == "10000"


def test_nothing_exists_until_a_buyer_scans(counter: Counter) -> None:
    asked = counter.ok(PRECREATE, counter.order())
    assert asked["qr_code"].startswith("https://pay.example/checkout/")
    assert counter.no(QUERY, {"out_trade_no": "a_1"}) == "ACQ.TRADE_NOT_EXIST"
    assert counter.no("alipay.trade.close", {"out_trade_no": "a_1"}) == "ACQ.TRADE_NOT_EXIST"
    assert counter.ok(PRECREATE, counter.order(amount="1.00"))["qr_code"] == asked["qr_code"]
    checkout = counter.scan(asked["qr_code"])
    assert counter.ok(QUERY, {"out_trade_no": "a_1"})["trade_status"] == "WAIT_BUYER_PAY"
    assert counter.no(PRECREATE, counter.order()) == "ACQ.CONTEXT_INCONSISTENT"
    assert counter.ok(PRECREATE, counter.order(amount="1.00"))["qr_code"] == asked["qr_code"]
    counter.pays(checkout)
    assert counter.no(PRECREATE, counter.order(amount="1.00")) == "ACQ.TRADE_HAS_SUCCESS"
    assert counter.wallet(counter.fang, "CNY") == 1_000_000 - 100


@pytest.mark.parametrize(
    ("method", "product"),
    [
        ("alipay.trade.page.pay", "FAST_INSTANT_TRADE_PAY"),
        ("alipay.trade.wap.pay", "QUICK_WAP_WAY"),
        ("alipay.trade.wap.pay", "QUICK_WAP_PAY"),
        ("alipay.trade.app.pay", "QUICK_MSECURITY_PAY"),
    ],
)
def test_a_browser_is_led_to_the_cashier(counter: Counter, method: str, product: str) -> None:
    order = counter.order(product_code=product)
    answer = counter.send(counter.public(method, order, return_url="https://shop.example/back"))
    assert answer.status_code == 302
    counter.pays(counter.scan(answer.headers["location"]))
    assert counter.ok(QUERY, {"out_trade_no": "a_1"})["trade_status"] == "TRADE_SUCCESS"
    assert counter.no(method, {**order, "product_code": "OTHER"}) == "ACQ.INVALID_PARAMETER"
    assert counter.no(method, {**order, "subject": "other"}) == "ACQ.CONTEXT_INCONSISTENT"


def test_a_trade_for_a_known_buyer(counter: Counter) -> None:
    order = counter.order(buyer_id=counter.user(counter.fang))
    made = counter.ok(CREATE, order)
    assert counter.ok(CREATE, order) == made
    assert counter.ok(QUERY, made)["trade_status"] == "WAIT_BUYER_PAY"
    counter.pays(counter.thing(made["trade_no"]))
    assert counter.no(CREATE, order) == "ACQ.TRADE_HAS_SUCCESS"
    assert counter.no(CREATE, counter.order("a_2")) == "ACQ.INVALID_PARAMETER"
    assert counter.no(CREATE, counter.order("a_2", buyer_id="2088000000000000")) == "ACQ.INVALID_PARAMETER"
    assert counter.no(CREATE, counter.order("a_2", buyer_id=counter.user(counter.shop))) == "ACQ.BUYER_SELLER_EQUAL"


def test_a_trade_is_closed_while_nobody_has_paid(counter: Counter) -> None:
    made = counter.ok(CREATE, counter.order(buyer_id=counter.user(counter.fang)))
    closed = counter.ok("alipay.trade.close", {"out_trade_no": "a_1"})
    assert closed["trade_no"] == made["trade_no"]
    assert counter.ok(QUERY, {"out_trade_no": "a_1"})["trade_status"] == "TRADE_CLOSED"
    assert counter.no("alipay.trade.close", {"out_trade_no": "a_1"}) == "ACQ.TRADE_HAS_CLOSE"
    counter.sold("a_2")
    assert counter.no("alipay.trade.close", {"out_trade_no": "a_2"}) == "ACQ.TRADE_HAS_SUCCESS"


def test_cancelling_undoes_whatever_happened(counter: Counter) -> None:
    unknown = counter.ok("alipay.trade.cancel", {"out_trade_no": "a_0"})
    assert (unknown.get("action"), unknown["retry_flag"]) == (None, "N")
    asked = counter.ok(PRECREATE, counter.order())
    assert "action" not in counter.ok("alipay.trade.cancel", {"out_trade_no": "a_1"})
    counter.scan_refused("state_conflict", asked["qr_code"])
    paid = counter.sold("a_2")
    for _ in range(2):
        undone = counter.ok("alipay.trade.cancel", {"trade_no": paid["trade_no"]})
        assert undone["trade_no"] == paid["trade_no"]
    assert counter.ok(QUERY, {"out_trade_no": "a_2"})["trade_status"] == "TRADE_CLOSED"
    assert counter.wallet(counter.fang, "CNY") == 1_000_000


def refund(amount: Any, number: str = "", **more: Any) -> dict[str, Any]:
    given = {"out_trade_no": "a_1", "refund_amount": amount, "out_request_no": number}
    return {name: value for name, value in (given | more).items() if value != ""}


def test_refunds_in_parts_count_up(counter: Counter) -> None:
    counter.sold(amount="10.00")
    first = counter.ok(REFUND, refund(3, "r_1", refund_reason="broken {cup}"))
    assert (first["fund_change"], first["refund_fee"]) == ("Y", "3.00")
    again = counter.ok(REFUND, refund("3.00", "r_1"))
    assert (again["fund_change"], again["refund_fee"]) == ("N", "3.00")
    assert counter.no(REFUND, refund("3.01", "r_1")) == "ACQ.DISCORDANT_REPEAT_REQUEST"
    assert counter.no(REFUND, refund("7.01", "r_2")) == "ACQ.REASON_TRADE_REFUND_FEE_ERR"
    assert counter.ok(QUERY, {"out_trade_no": "a_1"})["trade_status"] == "TRADE_SUCCESS"
    assert counter.ok(REFUND, refund("7.00", "r_2"))["refund_fee"] == "10.00"
    assert counter.ok(QUERY, {"out_trade_no": "a_1"})["trade_status"] == "TRADE_CLOSED"
    assert counter.no(REFUND, refund("0.01", "r_3")) == "ACQ.REASON_TRADE_REFUND_FEE_ERR"
    found = counter.ok(REFUND_QUERY, {"out_trade_no": "a_1", "out_request_no": "r_1"})
    told = (found["refund_status"], found["refund_amount"], found["refund_reason"])
    assert told == ("REFUND_SUCCESS", "3.00", "broken {cup}")
    assert counter.wallet(counter.fang, "CNY") == 1_000_000


def test_a_full_refund_needs_no_number_of_its_own(counter: Counter) -> None:
    counter.sold(amount="10.00")
    assert counter.no(REFUND, refund("9.99")) == "ACQ.REFUND_AMT_NOT_EQUAL_TOTAL"
    assert counter.ok(REFUND, refund("10.00"))["fund_change"] == "Y"
    assert counter.ok(REFUND, refund("10.00"))["fund_change"] == "N"
    found = counter.ok(REFUND_QUERY, {"out_trade_no": "a_1", "out_request_no": "a_1"})
    assert found["refund_status"] == "REFUND_SUCCESS"


def test_a_refund_that_is_not_there_is_a_success_without_its_fields(counter: Counter) -> None:
    counter.sold()
    found = counter.ok(REFUND_QUERY, {"out_trade_no": "a_1", "out_request_no": "r_9"})
    assert (found["code"], "refund_status" in found, "refund_amount" in found) == ("10000", False, False)
    assert counter.no(REFUND_QUERY, {"out_trade_no": "a_9", "out_request_no": "r_9"}) == "ACQ.TRADE_NOT_EXIST"


def test_what_cannot_be_refunded(counter: Counter) -> None:
    assert counter.no(REFUND, refund("1.00", "r_1")) == "ACQ.TRADE_NOT_EXIST"
    counter.ok(CREATE, counter.order(buyer_id=counter.user(counter.fang)))
    assert counter.no(REFUND, refund("1.00", "r_1")) == "ACQ.TRADE_STATUS_ERROR"
    counter.sold("a_2", "1000.00")
    counter.spend(counter.shop, counter.wallet(counter.shop, "CNY"))
    no = counter.no(REFUND, refund("1000.00", "r_1", out_trade_no="a_2"))
    assert no == "ACQ.SELLER_BALANCE_NOT_ENOUGH"


def test_the_time_for_refunds_ends(counter: Counter) -> None:
    counter.sold()
    counter.now += 365 * DAY
    assert counter.silence() == 1
    assert counter.ok(QUERY, {"out_trade_no": "a_1"})["trade_status"] == "TRADE_FINISHED"
    assert counter.no(REFUND, refund("1.00", "r_1")) == "ACQ.TRADE_HAS_FINISHED"


def test_an_orders_time_runs_out(counter: Counter) -> None:
    asked = counter.ok(PRECREATE, counter.order(timeout_express="5m"))
    opened = counter.ok(PRECREATE, counter.order("a_2", time_expire="2014-10-28 08:05"))
    counter.scan(opened["qr_code"])
    counter.now += 6 * MINUTE
    assert counter.silence() == 2
    counter.scan_refused("state_conflict", asked["qr_code"])
    assert counter.ok(QUERY, {"out_trade_no": "a_2"})["trade_status"] == "TRADE_CLOSED"
    for wrong in ("16d5", "0m", "1c ", "m"):
        assert counter.no(PRECREATE, counter.order("a_3", timeout_express=wrong)) == "ACQ.INVALID_PARAMETER"
    for wrong in ("2014-10-28 07:59:59", "2014-10-28", "2014-13-28 08:00:00"):
        assert counter.no(PRECREATE, counter.order("a_3", time_expire=wrong)) == "ACQ.INVALID_PARAMETER"


WRONG: tuple[dict[str, Any], ...] = (
    {"total_amount": "1.001"},
    {"total_amount": 1.001},
    {"total_amount": "0"},
    {"total_amount": "-1"},
    {"total_amount": "1e2"},
    {"total_amount": "100000000.01"},
    {"total_amount": True},
    {"total_amount": None},
    {"subject": ""},
    {"subject": "x" * 257},
    {"subject": ["x"]},
    {"out_trade_no": "x" * 65},
    {"out_trade_no": "茶"},
    {"out_trade_no": ""},
    {"seller_id": "2088000000000000"},
    {"trans_currency": "USD"},
)


def test_what_is_no_order(counter: Counter) -> None:
    for wrong in WRONG:
        assert counter.no(PRECREATE, {**counter.order(), **wrong}) == "ACQ.INVALID_PARAMETER", wrong


def test_amounts_as_people_write_them(counter: Counter) -> None:
    for n, amount in enumerate(("0.01", 0.01, "100000000", 100000000, "88.8", 88)):
        order = counter.order(f"a_{n}", amount, seller_id=counter.user(counter.shop), unknown={"x": 1})
        counter.ok(PRECREATE, order)


def test_an_apps_trades_are_its_merchants(counter: Counter) -> None:
    other = counter.another_app("market")
    paid = counter.sold()
    for named in ({"trade_no": paid["trade_no"]}, {"out_trade_no": "a_1"}):
        assert counter.no(QUERY, named, app_id=other) == "ACQ.TRADE_NOT_EXIST"
    own = counter.ok(PRECREATE, counter.order(), app_id=other)
    assert counter.no(QUERY, {"out_trade_no": "a_1"}, app_id=other) == "ACQ.TRADE_NOT_EXIST"
    counter.scan(own["qr_code"])
    assert counter.ok(QUERY, {"out_trade_no": "a_1"}, app_id=other)["trade_status"] == "WAIT_BUYER_PAY"
    assert counter.ok(QUERY, {"out_trade_no": "a_1"})["trade_status"] == "TRADE_SUCCESS"


def test_trade_no_wins(counter: Counter) -> None:
    paid = counter.sold()
    counter.sold("a_2")
    assert counter.ok(QUERY, {"out_trade_no": "a_2", "trade_no": paid["trade_no"]})["out_trade_no"] == "a_1"
    assert counter.no(QUERY, {}) == "ACQ.INVALID_PARAMETER"
    for wrong in ("1", "9" * 33, "2014" + "0" * 29, "x" * 33):
        assert counter.no(QUERY, {"trade_no": wrong}) == "ACQ.TRADE_NOT_EXIST"


def test_a_number_ends_where_it_ends(counter: Counter) -> None:
    assert counter.no("alipay.trade.precreate", counter.order("a_1\n")) == "ACQ.INVALID_PARAMETER"
