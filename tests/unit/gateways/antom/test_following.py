"""What follows a payment: inquiries, undoing, captures and refunds, each once for each of the merchant's numbers."""

from typing import Any

from tests.unit.gateways.antom.desk import AntomDesk

from handfast.core.clocks import DAY


def money(value: int, currency: str = "CNY") -> dict[str, str]:
    return {"currency": currency, "value": str(value)}


def refund(payment: str, value: int, number: str = "f_1", currency: str = "CNY") -> dict[str, Any]:
    return {"refundRequestId": number, "paymentId": payment, "refundAmount": money(value, currency)}


def status(desk: AntomDesk, payment: str) -> str:
    return str(desk.ok("payments/inquiryPayment", {"paymentId": payment})["paymentStatus"])


def test_refunds_up_to_what_was_paid(desk: AntomDesk) -> None:
    payment = desk.sold()
    before = desk.wallet(desk.fang, "CNY")
    first = desk.ok("payments/refund", refund(payment, 8_000))
    assert first["refundAmount"] == money(8_000)
    assert desk.ok("payments/refund", refund(payment, 8_000)) == first
    assert desk.no("payments/refund", refund(payment, 8_001)) == "REPEAT_REQ_INCONSISTENT"
    assert desk.no("payments/refund", refund(payment, 889, "f_2")) == "REFUND_AMOUNT_EXCEED"
    assert desk.no("payments/inquiryRefund", {"refundRequestId": "f_2"}) == "REFUND_NOT_EXIST"
    desk.ok("payments/refund", refund(payment, 888, "f_3"))
    found = desk.ok("payments/inquiryRefund", {"refundRequestId": "f_1"})
    assert (found["refundStatus"], found["refundId"]) == ("SUCCESS", first["refundId"])
    by_id = desk.ok("payments/inquiryRefund", {"refundId": first["refundId"]})
    assert by_id["refundAmount"] == money(8_000)
    assert status(desk, payment) == "SUCCESS"
    assert desk.wallet(desk.fang, "CNY") == before + 8_888


def test_a_refunds_number_is_the_clients_own(desk: AntomDesk) -> None:
    first, second = desk.sold("p_1"), desk.sold("p_2")
    desk.ok("payments/refund", refund(first, 1))
    assert desk.no("payments/refund", refund(second, 1)) == "REPEAT_REQ_INCONSISTENT"


def test_what_cannot_be_refunded(desk: AntomDesk) -> None:
    payment = desk.asked()
    assert desk.no("payments/refund", refund(payment, 1)) == "ORDER_STATUS_INVALID"
    desk.pays(payment)
    assert desk.no("payments/refund", refund(payment, 1, currency="USD")) == "CURRENCY_NOT_SUPPORT"
    assert desk.no("payments/refund", refund("0" * 26, 1)) == "ORDER_NOT_EXIST"
    assert desk.no("payments/refund", refund(payment, 0)) == "PARAM_ILLEGAL"
    desk.now += 366 * DAY
    desk.silence()
    assert desk.no("payments/refund", refund(payment, 1)) == "REFUND_WINDOW_EXCEED"
    closed = desk.asked("p_2")
    desk.ok("payments/cancel", {"paymentId": closed})
    assert desk.no("payments/refund", refund(closed, 1)) == "ORDER_IS_CLOSED"


def test_a_paid_payment_is_undone_by_a_refund(desk: AntomDesk) -> None:
    before = desk.wallet(desk.fang, "CNY")
    payment = desk.sold()
    assert status(desk, payment) == "SUCCESS"
    told = desk.ok("payments/cancel", {"paymentId": payment})
    assert (told["paymentId"], told["paymentRequestId"]) == (payment, "p_1")
    desk.ok("payments/cancel", {"paymentRequestId": "p_1"})
    assert status(desk, payment) == "CANCELLED"
    assert desk.wallet(desk.fang, "CNY") == before
    assert desk.no("payments/pay", desk.order()) == "ORDER_IS_CLOSED"


def test_nobody_sees_anothers_payments(desk: AntomDesk) -> None:
    payment = desk.sold()
    for named in ({"paymentId": payment}, {"paymentRequestId": "p_1"}):
        for call in ("payments/inquiryPayment", "payments/cancel"):
            assert desk.no(call, named, "EXPORT") == "ORDER_NOT_EXIST"
    assert desk.no("payments/refund", refund(payment, 1), "EXPORT") == "ORDER_NOT_EXIST"
    made = desk.ok("payments/refund", refund(payment, 1))
    assert desk.no("payments/inquiryRefund", {"refundId": made["refundId"]}, "EXPORT") == "REFUND_NOT_EXIST"
    assert desk.no("payments/inquiryPayment", {}) == "PARAM_ILLEGAL"
    assert desk.no("payments/inquiryRefund", {}) == "PARAM_ILLEGAL"


def capture(payment: str, value: int, number: str = "c_1", **more: Any) -> dict[str, Any]:
    return {"captureRequestId": number, "paymentId": payment, "captureAmount": money(value), **more}


def test_what_was_set_aside_is_captured_in_parts(desk: AntomDesk) -> None:
    payment = desk.sold(paymentFactor={"isAuthorization": "true"})
    found = desk.ok("payments/inquiryPayment", {"paymentId": payment})
    assert found["paymentStatus"] == "SUCCESS"
    assert "authExpiryTime" in found
    assert desk.wallet(desk.shop, "CNY") == 0
    first = desk.ok("payments/capture", capture(payment, 5_000))
    assert desk.ok("payments/capture", capture(payment, 5_000)) == first
    assert desk.no("payments/capture", capture(payment, 5_001)) == "REPEAT_REQ_INCONSISTENT"
    assert desk.no("payments/capture", capture(payment, 3_889, "c_2")) == "PAYMENT_AMOUNT_EXCEED_LIMIT"
    last = desk.ok("payments/capture", capture(payment, 1_000, "c_3", isLastCapture="true"))
    assert last["captureId"] != first["captureId"]
    assert desk.no("payments/capture", capture(payment, 1, "c_4")) == "ORDER_STATUS_INVALID"
    assert desk.no("payments/refund", refund(payment, 6_001)) == "REFUND_AMOUNT_EXCEED"
    desk.ok("payments/refund", refund(payment, 6_000, "f_2"))


def test_what_was_set_aside_is_freed(desk: AntomDesk) -> None:
    before = desk.wallet(desk.fang, "CNY")
    payment = desk.sold(paymentFactor={"captureMode": "MANUAL"})
    desk.ok("payments/cancel", {"paymentId": payment})
    assert status(desk, payment) == "CANCELLED"
    assert desk.wallet(desk.fang, "CNY") == before
    assert desk.no("payments/capture", capture(payment, 1)) == "ORDER_IS_CLOSED"
    unseen = desk.asked("p_2")
    assert desk.no("payments/capture", capture(unseen, 1)) == "ORDER_STATUS_INVALID"


def test_an_order_that_nobody_pays_in_time(desk: AntomDesk) -> None:
    desk.asked()
    desk.now += DAY
    desk.silence()
    found = desk.ok("payments/inquiryPayment", {"paymentRequestId": "p_1"})
    assert (found["paymentStatus"], found["paymentResultCode"]) == ("CANCELLED", "ORDER_IS_CLOSED")
    assert desk.no("payments/pay", desk.order()) == "ORDER_IS_CLOSED"
