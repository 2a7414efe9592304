"""Pre-authorisation: what is frozen, taken in parts and freed, with the rest right after each; and each refusal."""

from typing import Any

import pytest
from tests.unit.gateways.alipay.counter import Counter

from handfast.core.clocks import DAY
from handfast.core.ids import account_id
from handfast.domain.checkouts import AskCheckout, ChargeCheckout, UndoCheckout, code_id
from handfast.domain.payments import PAYMENT_STATES
from handfast.gateways.alipay.auths import ORDER_STATUS
from handfast.gateways.alipay.numbers import number_of
from handfast.ledger import Purpose

FREEZE, UNFREEZE = "alipay.fund.auth.order.freeze", "alipay.fund.auth.order.unfreeze"
APP, VOUCHER = "alipay.fund.auth.order.app.freeze", "alipay.fund.auth.order.voucher.create"
DETAIL, CANCEL = "alipay.fund.auth.operation.detail.query", "alipay.fund.auth.operation.cancel"
PAY, QUERY, REFUND = "alipay.trade.pay", "alipay.trade.query", "alipay.trade.refund"


def freeze(amount: str = "500.00", number: str = "z_1") -> dict[str, Any]:
    return {"out_order_no": number, "out_request_no": f"{number}_f", "order_title": "Room 茶", "amount": amount}


def frozen(counter: Counter, amount: str = "500.00") -> str:
    auth_no: str = counter.ok(FREEZE, freeze(amount) | {"auth_code": counter.code()})["auth_no"]
    return auth_no


def taking(counter: Counter, auth_no: str, amount: str, number: str = "p_1", mode: str = "NOT_COMPLETE") -> Any:
    more = {"auth_no": auth_no, "auth_confirm_mode": mode, "product_code": "PREAUTH_PAY"}
    return counter.order(number, amount, **more)


def stands(counter: Counter, auth_no: str) -> tuple[str, str, str]:
    """Status, rest and total paid."""
    found = counter.ok(DETAIL, {"auth_no": auth_no, "out_request_no": "z_1_f"})
    return found["order_status"], found["rest_amount"], found["total_pay_amount"]


def can_spend(counter: Counter) -> int:
    """What Fang can spend of her 10,000.00, in fen."""
    sql = "SELECT credits_posted - debits_posted - debits_pending FROM accounts WHERE id = ?"

    return int(counter.reader.rows(sql, (account_id(counter.fang, Purpose.WALLET, "CNY"),))[0][0])


def test_every_state_has_its_word() -> None:
    assert ORDER_STATUS.keys() == PAYMENT_STATES.keys()


def test_frozen_taken_in_parts_and_freed(counter: Counter) -> None:
    auth_no = frozen(counter)
    assert stands(counter, auth_no) == ("AUTHORIZED", "500.00", "0.00")
    assert (can_spend(counter), counter.wallet(counter.shop, "CNY")) == (950_000, 100_000)
    paid = counter.ok(PAY, taking(counter, auth_no, "200.00"))
    assert (paid["total_amount"], paid["buyer_user_id"]) == ("200.00", counter.user(counter.fang))
    assert stands(counter, auth_no) == ("AUTHORIZED", "300.00", "200.00")
    assert counter.wallet(counter.shop, "CNY") == 100_000 + 19_500  # less 2.5 % commission
    freed = counter.ok(UNFREEZE, {"auth_no": auth_no, "out_request_no": "u1", "amount": "50.00", "remark": "less"})
    assert (freed["status"], freed["amount"]) == ("SUCCESS", "50.00")
    assert stands(counter, auth_no) == ("AUTHORIZED", "250.00", "200.00")
    assert can_spend(counter) == 1_000_000 - 20_000 - 25_000
    counter.ok(PAY, taking(counter, auth_no, "100.00", "p_2", "COMPLETE"))
    assert stands(counter, auth_no) == ("FINISH", "0.00", "300.00")
    assert can_spend(counter) == 1_000_000 - 30_000
    assert counter.wallet(counter.shop, "CNY") == 100_000 + 29_250


def test_all_is_freed(counter: Counter) -> None:
    auth_no = frozen(counter)
    for n, (amount, left) in enumerate([("500.00", "0.00")]):
        counter.ok(UNFREEZE, {"auth_no": auth_no, "out_request_no": f"u{n}", "amount": amount})
        assert stands(counter, auth_no)[1] == left
    assert can_spend(counter) == 1_000_000
    assert (
        counter.no(UNFREEZE, {"auth_no": auth_no, "out_request_no": "u9", "amount": "1.00"}) == "ORDER_ALREADY_CLOSED"
    )


def test_taken_and_the_rest_freed_finishes(counter: Counter) -> None:
    auth_no = frozen(counter)
    counter.ok(PAY, taking(counter, auth_no, "499.99"))
    counter.ok(UNFREEZE, {"auth_no": auth_no, "out_request_no": "u1", "amount": "0.01"})
    assert stands(counter, auth_no) == ("FINISH", "0.00", "499.99")
    assert (
        counter.no(UNFREEZE, {"auth_no": auth_no, "out_request_no": "u2", "amount": "0.01"}) == "ORDER_ALREADY_FINISH"
    )
    assert can_spend(counter) == 1_000_000 - 49_999


def test_a_part_is_a_trade_of_its_own(counter: Counter) -> None:
    auth_no = frozen(counter)
    first = counter.ok(PAY, taking(counter, auth_no, "200.00"))["trade_no"]
    counter.ok(PAY, taking(counter, auth_no, "100.00", "p_2"))
    assert counter.ok(QUERY, {"out_trade_no": "p_1"})["trade_no"] == first
    assert counter.ok(QUERY, {"trade_no": first})["total_amount"] == "200.00"
    refund = {"trade_no": first, "refund_amount": "150.00", "out_request_no": "r1"}
    assert counter.ok(REFUND, refund)["refund_fee"] == "150.00"
    assert counter.ok(REFUND, refund)["fund_change"] == "N"
    more = {**refund, "refund_amount": "50.01", "out_request_no": "r2"}
    assert counter.no(REFUND, more) == "ACQ.REASON_TRADE_REFUND_FEE_ERR"
    assert counter.ok("alipay.trade.cancel", {"trade_no": first})["action"] == "refund"
    assert counter.ok(QUERY, {"trade_no": first})["trade_status"] == "TRADE_CLOSED"
    assert counter.ok(QUERY, {"out_trade_no": "p_2"})["trade_status"] == "TRADE_SUCCESS"
    assert counter.wallet(counter.shop, "CNY") == 100_000 + 9_750
    assert counter.no(QUERY, {"trade_no": auth_no}) == "ACQ.TRADE_NOT_EXIST"
    assert counter.no("alipay.trade.close", {"trade_no": first}) == "ACQ.TRADE_HAS_CLOSE"


def test_a_repeat_does_nothing_again(counter: Counter) -> None:
    auth_no = frozen(counter)
    order = taking(counter, auth_no, "200.00")
    assert counter.ok(PAY, order) == counter.ok(PAY, order)
    assert counter.no(PAY, order | {"total_amount": "1.00"}) == "ACQ.CONTEXT_INCONSISTENT"
    free = {"auth_no": auth_no, "out_request_no": "u1", "amount": "50.00"}
    assert counter.ok(UNFREEZE, free) == counter.ok(UNFREEZE, free)
    assert counter.no(UNFREEZE, free | {"amount": "49.00"}) == "UNIQUE_VIOLATION"
    assert counter.no(UNFREEZE, free | {"out_request_no": "z_1_f"}) == "UNIQUE_VIOLATION"
    assert stands(counter, auth_no) == ("AUTHORIZED", "250.00", "200.00")


def test_each_operation_is_found(counter: Counter) -> None:
    auth_no = frozen(counter)
    counter.ok(PAY, taking(counter, auth_no, "200.00"))
    freed = counter.ok(UNFREEZE, {"auth_no": auth_no, "out_request_no": "u1", "amount": "50.00", "remark": "less"})
    told = {
        (found["operation_type"], found["amount"], found["remark"], found["status"])
        for found in (
            counter.ok(DETAIL, {"out_order_no": "z_1", **named})
            for named in (
                {"out_request_no": "z_1_f", "operation_type": "FREEZE"},
                {"operation_id": freed["operation_id"]},
                {"out_request_no": "p_1", "operation_type": "PAY"},
            )
        )
    }
    assert told == {
        ("FREEZE", "500.00", "", "SUCCESS"),
        ("UNFREEZE", "50.00", "less", "SUCCESS"),
        ("PAY", "200.00", "", "SUCCESS"),
    }
    for wrong in ({"out_request_no": "nil"}, {"operation_id": "1"}, {"out_request_no": "u1", "operation_type": "PAY"}):
        assert counter.no(DETAIL, {"auth_no": auth_no, **wrong}) == "AUTH_OPERATION_NOT_EXIST"


@pytest.mark.parametrize("method", [APP, VOUCHER])
def test_the_buyer_freezes_by_itself(counter: Counter, method: str) -> None:
    answer = counter.send(counter.public(method, freeze()))
    address = answer.headers.get("location") or counter.ok(method, freeze())["code_value"]
    assert counter.no(DETAIL, {"out_order_no": "z_1", "out_request_no": "z_1_f"}) == "AUTH_ORDER_NOT_EXIST"
    checkout = counter.scan(address)
    found = counter.ok(DETAIL, {"out_order_no": "z_1", "out_request_no": "z_1_f"})
    assert (found["order_status"], found["status"], found["rest_amount"]) == ("INIT", "INIT", "0.00")
    counter.pays(checkout)
    assert stands(counter, found["auth_no"]) == ("AUTHORIZED", "500.00", "0.00")
    assert counter.no(VOUCHER, freeze()) == "ORDER_ALREADY_FINISH"


def test_a_large_freeze_waits_for_the_buyer(counter: Counter) -> None:
    waits = counter.ok(FREEZE, freeze("1000.01") | {"auth_code": counter.code()})
    assert (waits["code"], waits["status"]) == ("10003", "INIT")
    assert counter.no(PAY, taking(counter, waits["auth_no"], "1.00")) == "ACQ.AUTH_NO_ERROR"
    counter.pays(counter.thing(waits["auth_no"]))
    assert stands(counter, waits["auth_no"])[0] == "AUTHORIZED"


def test_undone(counter: Counter) -> None:
    auth_no = frozen(counter)
    named = {"auth_no": auth_no, "out_request_no": "z_1_f"}
    assert counter.ok(CANCEL, named)["action"] == "unfreeze"
    assert "action" not in counter.ok(CANCEL, named)
    assert can_spend(counter) == 1_000_000
    waits = counter.ok(FREEZE, freeze("1000.01", "z_2") | {"auth_code": counter.code()})
    assert counter.ok(CANCEL, {"out_order_no": "z_2", "operation_id": waits["operation_id"]})["action"] == "close"
    third = freeze("10.00", "z_3")
    counter.ok(FREEZE, third | {"auth_code": counter.code()})
    used = {"out_order_no": "z_3", "out_request_no": "z_3_f"}
    assert counter.no(CANCEL, used | {"out_request_no": "nil"}) == "AUTH_OPERATION_NOT_EXIST"
    held = counter.ok(DETAIL, used)["auth_no"]
    counter.ok(PAY, taking(counter, held, "1.00"))
    assert counter.no(CANCEL, used) == "ORDER_ALREADY_FINISH"


def test_the_time_of_an_authorisation_ends(counter: Counter) -> None:
    auth_no = frozen(counter)
    counter.ok(PAY, taking(counter, auth_no, "200.00"))
    counter.now += 7 * DAY
    assert counter.silence() == 1
    assert stands(counter, auth_no) == ("FINISH", "0.00", "200.00")
    assert can_spend(counter) == 980_000


def test_what_is_refused(counter: Counter) -> None:
    auth_no = frozen(counter)
    assert counter.no(PAY, taking(counter, auth_no, "500.01")) == "ACQ.AUTH_AMOUNT_NOT_ENOUGH"
    assert counter.no(PAY, taking(counter, "1" * 33, "1.00")) == "ACQ.AUTH_NO_ERROR"
    other_buyer = {"buyer_id": counter.user(counter.parties["ming"])}
    assert counter.no(PAY, taking(counter, auth_no, "1.00") | other_buyer) == "ACQ.INVALID_PARAMETER"
    assert counter.no(PAY, taking(counter, auth_no, "1.00", mode="PERHAPS")) == "ACQ.INVALID_PARAMETER"
    counter.sold("p_9")
    assert counter.no(PAY, taking(counter, auth_no, "1.00", "p_9")) == "ACQ.CONTEXT_INCONSISTENT"
    free = {"auth_no": auth_no, "out_request_no": "u1", "amount": "500.01"}
    assert counter.no(UNFREEZE, free) == "REQUEST_AMOUNT_EXCEED"
    assert counter.no(UNFREEZE, free | {"auth_no": "1" * 33}) == "AUTH_ORDER_NOT_EXIST"
    assert counter.no(UNFREEZE, free | {"out_request_no": ""}) == "INVALID_PARAMETER"
    assert counter.no(DETAIL, {"auth_no": auth_no}) == "INVALID_PARAMETER"
    assert counter.no(FREEZE, freeze(number="z_2") | {"auth_code": "1"}) == "PAYMENT_AUTH_CODE_INVALID"
    assert counter.no(FREEZE, freeze("1.00") | {"auth_code": counter.code()}) == "UNIQUE_VIOLATION"
    wrong = freeze(number="z_2") | {"auth_code": counter.code(), "payee_user_id": counter.user(counter.fang)}
    assert counter.no(FREEZE, wrong) == "INVALID_PARAMETER"
    other = counter.another_app("other")
    assert counter.no(UNFREEZE, free, app_id=other) == "AUTH_ORDER_NOT_EXIST"
    assert counter.no(PAY, taking(counter, auth_no, "1.00"), app_id=other) == "ACQ.AUTH_NO_ERROR"
    paid = counter.sold("q_1")["trade_no"]
    assert counter.no(UNFREEZE, free | {"auth_no": paid}) == "AUTH_ORDER_NOT_EXIST"


def test_what_was_taken_in_parts_is_not_undone_behind_them(counter: Counter) -> None:
    auth_no = frozen(counter)
    counter.ok(PAY, taking(counter, auth_no, "500.00", mode="COMPLETE"))
    late = UndoCheckout(counter.shop, counter.thing(auth_no), untaken=True)  # asked before the part was taken
    assert counter.do_refused(late) == "state_conflict"
    assert counter.wallet(counter.shop, "CNY") == 100_000 + 48_750


def test_what_was_frozen_is_not_taken_as_if_it_were_held(counter: Counter) -> None:
    auth_no = frozen(counter)
    escrow = {"settle_info": {"settle_period_time": "3d"}}
    assert counter.no(PAY, taking(counter, auth_no, "200.00") | escrow) == "ACQ.INVALID_PARAMETER"
    assert stands(counter, auth_no) == ("AUTHORIZED", "500.00", "0.00")


def test_another_gateways_authorisation_is_none(counter: Counter) -> None:
    code, due = code_id(counter.code()), counter.now + DAY
    usd = AskCheckout("antom", bytes(16), "n", b"", counter.shop, "USD", 100, due, capture="manual")
    counter.pay_in("fang", "USD", 100)
    held = number_of(counter.do(ChargeCheckout(usd, code, 1_000)).id)
    assert counter.no(PAY, taking(counter, held, "1.00")) == "ACQ.AUTH_NO_ERROR"
    assert counter.no(UNFREEZE, {"auth_no": held, "out_request_no": "u", "amount": "1.00"}) == "AUTH_ORDER_NOT_EXIST"
