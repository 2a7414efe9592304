"""Asking for money: the cashier, the code in the store, the session, and what is no payment here."""

import json
from base64 import b64decode
from typing import Any

from tests.unit.gateways.antom.desk import AntomDesk

from handfast.core.clocks import HOUR, MINUTE
from handfast.gateways.antom.signing import iso_time


def test_a_payment_waits_at_the_cashier_until_its_buyer_pays(desk: AntomDesk) -> None:
    told = desk.ok("payments/pay", desk.order())
    assert told["result"] == {
        "resultCode": "PAYMENT_IN_PROCESS",
        "resultStatus": "U",
        "resultMessage": "The payment is being processed: inquire, or wait for the notification.",
    }
    address = f"https://pay.example/checkout/{told['paymentId']}"
    assert told["normalUrl"] == address
    assert told["redirectActionForm"] == {"method": "GET", "redirectUrl": address}
    assert told["paymentAmount"] == {"currency": "CNY", "value": "8888"}
    assert desk.ok("payments/inquiryPayment", {"paymentRequestId": "p_1"})["paymentStatus"] == "PROCESSING"
    desk.pays(told["paymentId"])
    found = desk.ok("payments/inquiryPayment", {"paymentRequestId": "p_1"})
    assert (found["paymentStatus"], found["paymentResultCode"]) == ("SUCCESS", "SUCCESS")
    assert found["grossSettlementAmount"] == {"currency": "CNY", "value": "8888"}
    assert found["customsDeclarationAmount"] == {"currency": "CNY", "value": "8888"}
    assert "settlementQuote" not in found
    assert found["paymentMethodType"] == "ALIPAY_CN"


def test_a_repeat_answers_the_latest_state(desk: AntomDesk) -> None:
    first = desk.ok("payments/pay", desk.order())
    assert desk.ok("payments/pay", desk.order()) == first
    desk.pays(first["paymentId"])
    paid = desk.ok("payments/pay", desk.order())
    assert paid["result"]["resultCode"] == "SUCCESS"
    assert (paid["paymentId"], paid["paymentTime"]) == (first["paymentId"], paid["paymentTime"])
    assert "normalUrl" not in paid


def test_another_request_under_the_same_number(desk: AntomDesk) -> None:
    changes: list[dict[str, Any]] = [
        {"paymentAmount": {"currency": "CNY", "value": "8889"}},
        {"paymentAmount": {"currency": "USD", "value": "8888"}},
        {"order": {"orderDescription": "Coffee"}},
        {"paymentFactor": {"isAuthorization": True}},
    ]
    desk.ok("payments/pay", desk.order())
    for paid in (False, True):
        for change in changes:
            assert desk.no("payments/pay", desk.order() | change) == "REPEAT_REQ_INCONSISTENT", (paid, change)
        if not paid:
            desk.pays(desk.ok("payments/pay", desk.order())["paymentId"])


def test_a_cancelled_number_is_never_asked_for_again(desk: AntomDesk) -> None:
    desk.asked()
    desk.ok("payments/cancel", {"paymentRequestId": "p_1"})
    assert desk.no("payments/pay", desk.order()) == "ORDER_IS_CLOSED"
    assert desk.no("payments/pay", desk.order(value="1")) == "REPEAT_REQ_INCONSISTENT"
    assert desk.ok("payments/inquiryPayment", {"paymentRequestId": "p_1"})["paymentStatus"] == "CANCELLED"


def in_store(desk: AntomDesk, code: str, number: str = "p_1", value: str = "8888") -> dict[str, Any]:
    return desk.order(
        number,
        value,
        productCode="IN_STORE_PAYMENT",
        paymentMethod={"paymentMethodType": "CONNECT_WALLET", "paymentMethodId": code},
        paymentFactor={"inStorePaymentScenario": "PaymentCode"},
    )


def test_a_code_in_the_store_pays_at_once(desk: AntomDesk) -> None:
    order = in_store(desk, desk.code())
    told = desk.ok("payments/pay", order)
    assert told["result"]["resultStatus"] == "S"
    assert desk.ok("payments/pay", order) == told
    assert desk.no("payments/pay", in_store(desk, order["paymentMethod"]["paymentMethodId"], "p_2")) == "PARAM_ILLEGAL"


def test_a_large_amount_waits_for_the_buyer(desk: AntomDesk) -> None:
    told = desk.ok("payments/pay", in_store(desk, desk.code(), value="100001"))
    assert told["result"]["resultCode"] == "PAYMENT_IN_PROCESS"
    desk.pays(told["paymentId"])
    assert desk.ok("payments/inquiryPayment", {"paymentId": told["paymentId"]})["paymentStatus"] == "SUCCESS"


def test_a_wallet_that_is_too_empty(desk: AntomDesk) -> None:
    order = in_store(desk, desk.code(), value="100000") | {"paymentAmount": {"currency": "EUR", "value": "100"}}
    assert desk.no("payments/pay", order) == "USER_BALANCE_NOT_ENOUGH"
    assert desk.no("payments/inquiryPayment", {"paymentRequestId": "p_1"}) == "ORDER_NOT_EXIST"


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"productCode": "AGREEMENT_PAYMENT"}, "BUSINESS_NOT_SUPPORT"),
    ({"productCode": "OTHER"}, "PARAM_ILLEGAL"),
    ({"productCode": None}, "PARAM_ILLEGAL"),
    ({"paymentRequestId": ""}, "PARAM_ILLEGAL"),
    ({"paymentRequestId": "x" * 65}, "PARAM_ILLEGAL"),
    ({"paymentRequestId": "a\nb"}, "PARAM_ILLEGAL"),
    ({"paymentAmount": {"currency": "XYZ", "value": "1"}}, "CURRENCY_NOT_SUPPORT"),
    ({"paymentAmount": {"currency": "CNY", "value": "0"}}, "PARAM_ILLEGAL"),
    ({"paymentAmount": {"currency": "CNY", "value": "1.5"}}, "PARAM_ILLEGAL"),
    ({"paymentAmount": {"currency": "CNY", "value": "-1"}}, "PARAM_ILLEGAL"),
    ({"paymentAmount": {"currency": "CNY", "value": "9" * 16}}, "PAYMENT_AMOUNT_EXCEED_LIMIT"),
    ({"paymentAmount": None}, "PARAM_ILLEGAL"),
    ({"paymentMethod": {"paymentMethodType": "CARD"}}, "BUSINESS_NOT_SUPPORT"),
    ({"paymentMethod": {"paymentMethodType": "card"}}, "BUSINESS_NOT_SUPPORT"),
    ({"order": {"orderDescription": "a\x00b"}}, "PARAM_ILLEGAL"),
    ({"paymentFactor": {"captureMode": "LATER"}}, "PARAM_ILLEGAL"),
    ({"settlementStrategy": {"settlementCurrency": "JPY"}}, "SETTLE_CONTRACT_NOT_MATCH"),
    ({"paymentExpiryTime": "tomorrow"}, "PARAM_ILLEGAL"),
    ({"paymentExpiryTime": "2014-10-28T00:00:00"}, "PARAM_ILLEGAL"),
    ({"paymentExpiryTime": "2001-10-28T00:00:00+08:00"}, "PARAM_ILLEGAL"),
    ({"paymentNotifyUrl": "javascript:alert(1)"}, "PARAM_ILLEGAL"),
    ({"paymentQuote": {"quoteId": "none"}}, "PARAM_ILLEGAL"),
]


def test_what_is_refused_leaves_nothing_behind(desk: AntomDesk) -> None:
    assert [desk.no("payments/pay", desk.order() | change) for change, _ in REFUSED] == [code for _, code in REFUSED]
    assert desk.count("checkouts") == desk.count("aliases") == 0


def test_a_session_leads_to_the_same_cashier(desk: AntomDesk) -> None:
    told = desk.ok("payments/createPaymentSession", desk.order())
    data = json.loads(b64decode(told["paymentSessionData"]))
    assert data == {"paymentSessionId": told["paymentSessionId"], "normalUrl": told["normalUrl"]}
    assert desk.ok("payments/createPaymentSession", desk.order()) == told
    desk.pays(told["paymentSessionId"])
    assert desk.ok("payments/inquiryPayment", {"paymentRequestId": "p_1"})["paymentStatus"] == "SUCCESS"


def test_consult_offers_a_wallet(desk: AntomDesk) -> None:
    given = {"paymentAmount": {"currency": "CNY", "value": "100"}, "productCode": "CASHIER_PAYMENT"}
    (option,) = desk.ok("payments/consult", given)["paymentOptions"]
    assert (option["paymentMethodType"], option["enabled"]) == ("ALIPAY_CN", True)
    assert desk.no("payments/consult", given | {"productCode": "AGREEMENT_PAYMENT"}) == "BUSINESS_NOT_SUPPORT"


def test_a_repeat_after_the_time_to_pay_tells_what_became_of_it(desk: AntomDesk) -> None:
    until = iso_time(desk.now + 10 * MINUTE)
    payment = desk.sold(paymentExpiryTime=until)
    desk.now += HOUR
    repeat = desk.order(paymentExpiryTime=until)
    assert desk.ok("payments/pay", repeat)["paymentId"] == payment
    assert desk.no("payments/pay", repeat | {"paymentRequestId": "p_2"}) == "PARAM_ILLEGAL"


def test_a_number_ends_where_it_ends(desk: AntomDesk) -> None:
    assert desk.no("payments/pay", desk.order("p_1\n")) == "PARAM_ILLEGAL"
