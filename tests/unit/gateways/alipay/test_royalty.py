"""Royalties: receivers bound, a sale shared with them out of the merchant's part, given back at a refund."""

from typing import Any

import pytest
from tests.unit.gateways.alipay.counter import Counter
from tests.unit.gateways.alipay.test_escrow import confirming, held

from handfast.core.clocks import DAY

BIND, UNBIND = "alipay.trade.royalty.relation.bind", "alipay.trade.royalty.relation.unbind"
LIST, REFUND = "alipay.trade.royalty.relation.batchquery", "alipay.trade.refund"
SETTLE, SETTLED = "alipay.trade.order.settle", "alipay.trade.order.settle.query"
ALLOC, WRONG_RECEIVER = "ACQ.ALLOC_AMOUNT_VALIDATE_ERROR", "ACQ.ROYALTY_RECEIVER_INVALID"


def receivers(counter: Counter, *names: str, **more: Any) -> dict[str, Any]:
    accounts = [{"type": "userId", "account": counter.user(counter.parties[name]), **more} for name in names]
    return {"receiver_list": accounts, "out_request_no": "b1"}


def sharing(counter: Counter, trade_no: str, number: str = "s1", **shares: str) -> dict[str, Any]:
    parts = [{"trans_in": counter.user(counter.parties[name]), "amount": part} for name, part in shares.items()]
    return {"out_request_no": number, "trade_no": trade_no, "royalty_parameters": parts}


def wallets(counter: Counter) -> tuple[int, int, int]:
    """What shop (which began with 1,000.00), other and market have, in fen."""
    shop, *rest = (counter.wallet(counter.parties[name], "CNY") for name in ("shop", "other", "market"))
    return shop - 100_000, *rest  # type: ignore[return-value]


@pytest.fixture
def bound(counter: Counter) -> Counter:
    assert counter.ok(BIND, receivers(counter, "other", "market", memo="freight"))["result_code"] == "SUCCESS"
    return counter


def test_bound_listed_and_unbound(bound: Counter) -> None:
    counter = bound
    counter.ok(BIND, receivers(counter, "other"))
    page = counter.ok(LIST, {"page_num": 1, "page_size": 1})
    assert (page["total_record_num"], page["total_page_num"], page["current_page_size"]) == (2, 2, 1)
    told = counter.ok(LIST, {})["receiver_list"]
    assert {each["account"] for each in told} == {counter.user(counter.parties[name]) for name in ("other", "market")}
    assert {each["memo"] for each in told} == {"freight"}
    for _ in range(2):
        assert counter.ok(UNBIND, receivers(counter, "other"))["result_code"] == "SUCCESS"
    assert counter.ok(LIST, {})["total_record_num"] == 1


def test_shared_out_of_the_merchants_part(bound: Counter) -> None:
    counter = bound
    trade_no = counter.sold("a_1", "100.00")["trade_no"]
    assert wallets(counter) == (9_750, 0, 0)
    settled = counter.ok(SETTLE, sharing(counter, trade_no, other="30.00", market="7.50"))
    assert wallets(counter) == (6_000, 3_000, 750)
    assert counter.ok(SETTLE, sharing(counter, trade_no, other="30.00", market="7.50")) == settled
    assert counter.no(SETTLE, sharing(counter, trade_no, other="31.00")) == "ACQ.DISCORDANT_REPEAT_REQUEST"
    assert counter.no(SETTLE, sharing(counter, trade_no, "s2", other="60.01")) == ALLOC
    counter.ok(SETTLE, sharing(counter, trade_no, "s2", other="60.00"))
    assert wallets(counter) == (0, 9_000, 750)
    entries = counter.reader.rows("SELECT kind FROM entries WHERE kind LIKE 'royalty.%'")
    assert [kind for (kind,) in entries] == ["royalty.share", "royalty.share"]


def test_what_was_shared_is_found(bound: Counter) -> None:
    counter = bound
    trade_no = counter.sold("a_1", "100.00")["trade_no"]
    settle_no = counter.ok(SETTLE, sharing(counter, trade_no, other="30.00"))["settle_no"]
    for named in ({"settle_no": settle_no}, {"trade_no": trade_no, "out_request_no": "s1"}):
        found = counter.ok(SETTLED, named)
        (detail,) = found["royalty_detail_list"]
        assert (found["out_request_no"], detail["amount"], detail["state"]) == ("s1", "30.00", "SUCCESS")
        assert detail["trans_in"] == counter.user(counter.parties["other"])
    assert counter.no(SETTLED, {"trade_no": trade_no, "out_request_no": "s9"}) == "ACQ.TRADE_SETTLE_ERROR"
    assert counter.no(SETTLED, {"settle_no": trade_no}) == "ACQ.TRADE_SETTLE_ERROR"
    assert counter.no(SETTLED, {"trade_no": trade_no}) == "ACQ.INVALID_PARAMETER"
    other = counter.another_app("other")
    assert counter.no(SETTLED, {"settle_no": settle_no}, app_id=other) == "ACQ.TRADE_NOT_EXIST"


def test_given_back_at_a_refund(bound: Counter) -> None:
    counter = bound
    trade_no = counter.sold("a_1", "100.00")["trade_no"]
    counter.ok(SETTLE, sharing(counter, trade_no, other="30.00"))
    back = [{"trans_out": counter.user(counter.parties["other"]), "amount": "12.00"}]
    refund = {"trade_no": trade_no, "refund_amount": "40.00", "out_request_no": "r1", "refund_royalty_parameters": back}
    for fresh in ("Y", "N"):
        assert counter.ok(REFUND, refund)["fund_change"] == fresh
        assert wallets(counter) == (9_750 - 3_000 + 1_200 - 3_900, 1_800, 0)
    assert counter.no(SETTLE, sharing(counter, trade_no, "s2", market="40.51")) == ALLOC
    counter.ok(SETTLE, sharing(counter, trade_no, "s2", market="40.50"))
    more = refund | {"refund_amount": "10.00", "out_request_no": "r2"}
    too_much = [{"trans_out": counter.user(counter.parties["other"]), "amount": "18.01"}]
    assert counter.no(REFUND, more | {"refund_royalty_parameters": too_much}) == ALLOC
    assert counter.no(REFUND, more | {"refund_amount": "60.01"}) == "ACQ.REASON_TRADE_REFUND_FEE_ERR"
    nobody = [{"trans_out": "2088000000000000", "amount": "1.00"}]
    assert counter.no(REFUND, more | {"refund_royalty_parameters": nobody}) == WRONG_RECEIVER


def test_held_money_is_shared_before_the_merchant_has_it(bound: Counter) -> None:
    counter = bound
    trade_no = held(counter)
    assert counter.no(SETTLE, sharing(counter, trade_no, other="20.00")) == "ACQ.TRADE_SETTLE_ERROR"
    counter.ok("alipay.trade.settle.confirm", confirming(trade_no, extend_params={"royalty_freeze": True}))
    assert counter.no(SETTLE, sharing(counter, trade_no, other="97.51")) == ALLOC
    settled = counter.ok(SETTLE, sharing(counter, trade_no, other="19.50"))
    shop, other, _ = wallets(counter)
    assert (other, 0 <= shop <= 2) == (1_950, True)
    assert counter.ok(SETTLE, sharing(counter, trade_no, other="19.50")) == settled
    last = sharing(counter, trade_no, "s2", market="8.00") | {"extend_params": {"royalty_finish": "true"}}
    counter.ok(SETTLE, last)
    assert wallets(counter) == (9_750 - 1_950 - 800, 1_950, 800)
    assert counter.no(SETTLE, sharing(counter, trade_no, "s3", market="70.01")) == ALLOC


def test_a_part_of_what_was_frozen_is_shared(bound: Counter) -> None:
    counter = bound
    freeze = {"out_order_no": "z", "out_request_no": "f", "order_title": "x", "amount": "300.00"}
    auth_no = counter.ok("alipay.fund.auth.order.freeze", freeze | {"auth_code": counter.code()})["auth_no"]
    paid = counter.ok("alipay.trade.pay", counter.order("p_1", "100.00", auth_no=auth_no))["trade_no"]
    counter.ok("alipay.trade.pay", counter.order("p_2", "200.00", auth_no=auth_no))
    assert counter.no(SETTLE, sharing(counter, paid, other="97.51")) == ALLOC
    counter.ok(SETTLE, sharing(counter, paid, other="97.50"))


def test_what_is_refused(bound: Counter) -> None:
    counter = bound
    trade_no = counter.sold("a_1", "100.00")["trade_no"]
    assert counter.no(SETTLE, sharing(counter, trade_no, ming="1.00")) == WRONG_RECEIVER
    assert counter.no(SETTLE, sharing(counter, trade_no, shop="1.00")) == WRONG_RECEIVER
    assert counter.no(SETTLE, sharing(counter, trade_no)) == "ACQ.INVALID_PARAMETER"
    assert counter.no(SETTLE, sharing(counter, trade_no, "", other="1.00")) == "ACQ.INVALID_PARAMETER"
    assert counter.no(SETTLE, sharing(counter, "1" * 33, other="1.00")) == "ACQ.TRADE_NOT_EXIST"
    wrong = sharing(counter, trade_no, other="1.00")
    wrong["royalty_parameters"][0]["royalty_type"] = "replenish"
    assert counter.no(SETTLE, wrong) == "ACQ.INVALID_PARAMETER"
    counter.ok(UNBIND, receivers(counter, "other"))
    assert counter.no(SETTLE, sharing(counter, trade_no, other="1.00")) == WRONG_RECEIVER
    counter.spend(counter.shop, 109_000)
    assert counter.no(SETTLE, sharing(counter, trade_no, market="90.00")) == "ACQ.SELLER_BALANCE_NOT_ENOUGH"
    waits = counter.ok("alipay.trade.pay", counter.order("a_2", "1.00", auth_code=counter.code(confirm=True)))
    assert counter.no(SETTLE, sharing(counter, waits["trade_no"], market="1.00")) == "ACQ.TRADE_STATUS_ERROR"
    assert counter.no(BIND, {"receiver_list": []}) == "ACQ.INVALID_PARAMETER"
    assert counter.no(BIND, receivers(counter, "shop")) == WRONG_RECEIVER
    assert counter.no(BIND, receivers(counter, "other", type="loginName")) == WRONG_RECEIVER
    assert counter.no(LIST, {"page_num": 0}) == "ACQ.INVALID_PARAMETER"


def test_nothing_is_given_back_where_nothing_is_refunded(bound: Counter) -> None:
    counter = bound
    trade_no = counter.sold("a_1", "100.00")["trade_no"]
    counter.ok(SETTLE, sharing(counter, trade_no, other="30.00"))
    refund = {"trade_no": trade_no, "refund_amount": "10.00", "out_request_no": "r1"}
    counter.ok(REFUND, refund)
    before = wallets(counter)
    back = {"refund_royalty_parameters": [{"trans_out": counter.user(counter.parties["other"]), "amount": "5.00"}]}
    assert counter.no(REFUND, refund | back) == "ACQ.DISCORDANT_REPEAT_REQUEST"
    counter.now += 366 * DAY
    counter.silence()
    assert counter.no(REFUND, refund | back | {"out_request_no": "r2"}) == "ACQ.TRADE_HAS_FINISHED"
    assert wallets(counter) == before


def test_no_more_is_given_back_than_is_refunded(bound: Counter) -> None:
    counter = bound
    trade_no = counter.sold("a_1", "100.00")["trade_no"]
    counter.ok(SETTLE, sharing(counter, trade_no, other="90.00"))
    back = [{"trans_out": counter.user(counter.parties["other"]), "amount": "0.02"}]
    refund = {"trade_no": trade_no, "refund_amount": "0.01", "out_request_no": "r1", "refund_royalty_parameters": back}
    assert counter.no(REFUND, refund) == ALLOC
    assert wallets(counter)[1] == 9_000
