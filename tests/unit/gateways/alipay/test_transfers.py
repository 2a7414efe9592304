"""Transfers from the shop's wallet, which holds 1,000.00 CNY: by number, by name, once."""

from typing import Any

import pytest
from tests.unit.gateways.alipay.counter import APP_ID, Counter

from handfast.core.ids import Id
from handfast.domain.apps import app_id
from handfast.domain.parties import ChangeDetails, CreateParty, Details, MoveParty
from handfast.gateways.alipay.users import give_open_id

SEND, QUERY = "alipay.fund.trans.uni.transfer", "alipay.fund.trans.common.query"
ACCOUNT = "alipay.fund.account.query"
OLD, OLD_QUERY = "alipay.fund.trans.toaccount.transfer", "alipay.fund.trans.order.query"


def payee(identity: str, identity_type: str = "ALIPAY_USER_ID", **more: str) -> dict[str, str]:
    return {"identity": identity, "identity_type": identity_type, **more}


def biz(counter: Counter, number: str = "t_1", amount: Any = "200.50", **more: Any) -> dict[str, Any]:
    named = more.pop("payee_info", None) or payee(counter.user(counter.parties["ming"]))
    return {
        "out_biz_no": number,
        "trans_amount": amount,
        "product_code": "TRANS_ACCOUNT_NO_PWD",
        "biz_scene": "DIRECT_TRANSFER",
        "order_title": "茶 {1}",
        "payee_info": named,
        **more,
    }


def li(counter: Counter) -> Id:
    """Li, who has an e-mail address."""
    key = counter.ids(counter.now)
    wrapped = counter.vault.new_key(key)
    sealed = counter.vault.seal(wrapped, key, Details(name="Li Lei", email="Li.Lei@example.com"))
    login = counter.vault.login_id("Li.Lei@example.com")
    counter.do(CreateParty(key, "customer", "CN", wrapped, sealed, login=login))
    return key


def test_a_transfer_moves_the_money_once(counter: Counter) -> None:
    sent = counter.ok(SEND, biz(counter))
    assert (sent["status"], sent["out_biz_no"]) == ("SUCCESS", "t_1")
    assert counter.ok(SEND, biz(counter, amount=200.50)) == sent
    assert counter.wallet(counter.parties["ming"], "CNY") == 20_050
    assert counter.ok(ACCOUNT, {})["available_amount"] == "799.50"
    assert counter.no(SEND, biz(counter, amount="200.51")) == "PAYMENT_INFO_INCONSISTENCY"
    fang = payee(counter.user(counter.fang))
    assert counter.no(SEND, biz(counter, payee_info=fang)) == "PAYMENT_INFO_INCONSISTENCY"
    by_number = counter.ok(QUERY, {"out_biz_no": "t_1"})
    assert (by_number["trans_amount"], by_number["status"]) == ("200.50", "SUCCESS")
    for name in ("order_id", "pay_fund_order_id"):
        assert counter.ok(QUERY, {name: sent[name]}) == by_number
    assert counter.ok(OLD_QUERY, {"order_id": sent["order_id"]})["out_biz_no"] == "t_1"


def test_an_address_is_whose_it_was_first_for_as_long_as_it_is_theirs(counter: Counter) -> None:
    first, second = li(counter), li(counter)
    named = payee("li.lei@example.com", "ALIPAY_LOGON_ID", name="Li Lei")
    counter.ok(SEND, biz(counter, payee_info=named))
    assert (counter.wallet(first, "CNY"), counter.wallet(second, "CNY")) == (20_050, 0)
    wrapped = counter.reader.rows("SELECT wrapped FROM person_keys WHERE id = ?", (first,))[0][0]
    sealed = counter.vault.seal(wrapped, first, Details(name="Li Lei", email="new@example.com"))
    login = counter.vault.login_id("new@example.com")
    counter.do(ChangeDetails(first, first, first, sealed, "", login))
    assert counter.no(SEND, biz(counter, "t_2", payee_info=named)) == "PAYEE_NOT_EXIST"
    counter.ok(SEND, biz(counter, "t_2", payee_info=named | {"identity": "new@example.com"}))
    assert counter.wallet(first, "CNY") == 40_100


def test_what_cannot_be_paid_leaves_its_number_free(counter: Counter) -> None:
    assert counter.no(SEND, biz(counter, amount="1000.01")) == "PAYER_BALANCE_NOT_ENOUGH"
    assert counter.no(QUERY, {"out_biz_no": "t_1"}) == "ORDER_NOT_EXIST"
    assert counter.ok(SEND, biz(counter, amount="1000.00"))["status"] == "SUCCESS"
    assert counter.ok(ACCOUNT, {})["available_amount"] == "0.00"


def test_a_payee_by_address_and_by_open_id(counter: Counter) -> None:
    key = li(counter)
    named = payee("li.lei@EXAMPLE.com", "ALIPAY_LOGON_ID", name="Lei Li")
    counter.ok(SEND, biz(counter, payee_info=named))
    assert counter.no(SEND, biz(counter, "t_2", payee_info=named | {"name": "Han Mei"})) == "PAYEE_USER_INFO_ERROR"
    assert counter.no(SEND, biz(counter, "t_2", payee_info=named | {"name": ""})) == "INVALID_PARAMETER"
    unknown = named | {"identity": "nobody@example.com"}
    assert counter.no(SEND, biz(counter, "t_2", payee_info=unknown)) == "PAYEE_NOT_EXIST"
    number = counter.runner.run(give_open_id(counter.services, app_id("alipay", APP_ID), key))
    opened = payee(number, "ALIPAY_OPEN_ID")
    counter.ok(SEND, biz(counter, "t_3", "0.01", payee_info=opened))
    assert counter.wallet(key, "CNY") == 20_051
    other = counter.another_app("other")
    assert counter.no(SEND, biz(counter, "t_4", payee_info=opened), app_id=other) == "PAYEE_NOT_EXIST"
    counter.do(MoveParty(key, "suspend"))
    assert counter.no(SEND, biz(counter, "t_5", payee_info=opened)) == "PAYEE_USERINFO_STATUS_ERROR"
    counter.do(MoveParty(key, "erase"))
    assert counter.no(SEND, biz(counter, "t_5", payee_info=named)) == "PAYEE_NOT_EXIST"


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"payee_info": payee("2088999999999999")}, "PAYEE_NOT_EXIST"),
        ({"payee_info": payee("x", "CARD")}, "INVALID_PARAMETER"),
        ({"product_code": "TRANS_BANKCARD_NO_PWD"}, "INVALID_PARAMETER"),
        ({"biz_scene": "PERSONAL_PAY"}, "INVALID_PARAMETER"),
        ({"trans_amount": "1.001"}, "INVALID_PARAMETER"),
        ({"trans_amount": "0"}, "INVALID_PARAMETER"),
        ({"trans_amount": "-1.00"}, "INVALID_PARAMETER"),
        ({"out_biz_no": "a b"}, "INVALID_PARAMETER"),
    ],
)
def test_refused(counter: Counter, changed: dict[str, Any], told: str) -> None:
    assert counter.no(SEND, biz(counter) | changed) == told
    assert counter.ok(ACCOUNT, {})["available_amount"] == "1000.00"


def test_nobody_pays_itself_or_looks_into_others_wallets(counter: Counter) -> None:
    own = counter.user(counter.shop)
    assert counter.no(SEND, biz(counter, payee_info=payee(own))) == "PAYER_PAYEE_CANNOT_SAME"
    assert counter.ok(ACCOUNT, {"alipay_user_id": own, "account_type": "ACCTRANS_ACCOUNT"})["freeze_amount"] == "0.00"
    fangs = {"alipay_user_id": counter.user(counter.fang)}
    assert counter.no(ACCOUNT, fangs) == "isv.insufficient-user-permissions"
    assert counter.no(ACCOUNT, {"alipay_open_id": "none"}) == "isv.insufficient-user-permissions"
    assert counter.no(ACCOUNT, {"account_type": "X"}) == "INVALID_PARAMETER"
    assert counter.no(QUERY, {}) == "INVALID_PARAMETER"
    sent = counter.ok(SEND, biz(counter))
    other = counter.another_app("other")
    assert counter.no(QUERY, {"order_id": sent["order_id"]}, app_id=other) == "ORDER_NOT_EXIST"
    assert counter.no(QUERY, {"out_biz_no": "t_1"}, app_id=other) == "ORDER_NOT_EXIST"


def test_the_old_transfer(counter: Counter) -> None:
    old = {"out_biz_no": "o_1", "payee_type": "ALIPAY_USERID", "amount": 1.5}
    old["payee_account"] = counter.user(counter.parties["ming"])
    made = counter.ok(OLD, old)
    assert counter.ok(OLD, old) == made
    found = counter.ok(OLD_QUERY, {"out_biz_no": "o_1"})
    assert (found["status"], found["order_id"], found["pay_date"]) == ("SUCCESS", made["order_id"], made["pay_date"])
    assert counter.no(OLD, old | {"amount": 2}) == "PAYMENT_INFO_INCONSISTENCY"
    assert counter.no(OLD, old | {"out_biz_no": "o_2", "payee_type": "CARD"}) == "INVALID_PARAMETER"
    assert counter.no(OLD, old | {"out_biz_no": "o_2", "payee_real_name": "x"}) == "PAYEE_USER_INFO_ERROR"
    assert counter.no(OLD_QUERY, {"out_biz_no": "o_2"}) == "ORDER_NOT_EXIST"
    assert counter.no(OLD_QUERY, {}) == "INVALID_PARAMETER"


def test_over_v3(counter: Counter) -> None:
    status, sent = counter.v3(SEND, biz(counter))
    assert (status, sent["status"]) == (200, "SUCCESS")
    assert counter.v3(SEND, biz(counter, amount="1.00"))[1]["code"] == "PAYMENT_INFO_INCONSISTENCY"
    assert counter.v3(QUERY, {"out_biz_no": "none"})[0] == 400
