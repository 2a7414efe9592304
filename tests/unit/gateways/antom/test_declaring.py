"""Declarations to customs: kept once for each number, never more than the buyer paid."""

from typing import Any

from tests.unit.gateways.antom.desk import AntomDesk


def declaration(payment: str, value: int, number: str = "d_1", **more: Any) -> dict[str, Any]:
    return {
        "declarationRequestId": number,
        "paymentId": payment,
        "declarationAmount": {"currency": "CNY", "value": str(value)},
        "customs": {"customsCode": "ZONGSHU", "region": "CN"},
        "merchantCustomsInfo": {"merchantCustomsCode": "IE1", "merchantCustomsName": "茶行"},
        "splitOrder": "false",
        **more,
    }


def test_a_payment_is_declared_in_parts(desk: AntomDesk) -> None:
    payment = desk.asked()
    assert desk.no("customs/declare", declaration(payment, 1)) == "ORDER_STATUS_INVALID"
    desk.pays(payment)
    first = declaration(payment, 8_000, splitOrder="true", suborderId="r_1/1")
    told = desk.ok("customs/declare", first)
    assert (told["customsPaymentId"], told["customsOrderId"]) == (payment, "r_1/1")
    assert desk.ok("customs/declare", first) == told
    assert desk.no("customs/declare", first | {"suborderId": "r_1/2"}) == "REPEAT_REQ_INCONSISTENT"
    assert desk.no("customs/declare", declaration(payment, 889, "d_2")) == "PARAM_ILLEGAL"
    assert desk.ok("customs/declare", declaration(payment, 888, "d_2"))["customsOrderId"] == "p_1"
    found = desk.ok("customs/inquiryDeclarationRequests", {"declarationRequestIds": ["d_1", "d_2", "d_3"]})
    assert found["declarationRequestsNotFound"] == ["d_3"]
    record = found["declarationRecords"][0]
    assert record["declarationAmount"] == {"currency": "CNY", "value": "8000"}
    assert (record["declarationRequestStatus"], record["splitOrder"]) == ("PROCESSING", True)
    assert record["merchantCustomsInfo"] == first["merchantCustomsInfo"]


def test_what_is_not_declared(desk: AntomDesk) -> None:
    payment = desk.sold()
    dollars = {"declarationAmount": {"currency": "USD", "value": "1"}}
    assert desk.no("customs/declare", declaration(payment, 1) | dollars) == "CURRENCY_NOT_SUPPORT"
    assert desk.no("customs/declare", declaration(payment, 1, splitOrder="true")) == "PARAM_ILLEGAL"
    assert desk.no("customs/declare", declaration(payment, 1, "x" * 33)) == "PARAM_ILLEGAL"
    assert desk.no("customs/declare", declaration(payment, 1), "GUARD") == "ACCESS_DENIED"
    assert desk.no("customs/inquiryDeclarationRequests", {"declarationRequestIds": []}) == "PARAM_ILLEGAL"
    closed = desk.asked("p_2")
    desk.ok("payments/cancel", {"paymentId": closed})
    assert desk.no("customs/declare", declaration(closed, 1)) == "ORDER_IS_CLOSED"
    assert desk.count("declarations") == 0
