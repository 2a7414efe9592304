"""Disputes: a client whose sales are guaranteed trades gives in, or shows a document and gets it back."""

import json
from base64 import b64decode, b64encode
from typing import Any
from urllib.parse import unquote

from tests.unit.gateways.antom.desk import SERVER, AntomDesk

from handfast.core import rsa
from handfast.core.ids import Id
from handfast.domain.disputes import OpenDispute
from handfast.domain.notifications import ENDPOINTS, Delivery, Parcel, gateway_endpoint, is_owed
from handfast.domain.payments import PAYMENTS, lines_of
from handfast.domain.trades import ShipTrade
from handfast.gateways.antom import Notifications
from handfast.store.reader import find, get
from handfast.store.rows import EVENTS

PDF = b"%PDF-1.7 a parcel's label"


def trade_of(desk: AntomDesk, payment: str) -> Id:
    row = get(desk.reader, PAYMENTS, bytes.fromhex(payment) + bytes(3))
    assert row is not None
    (line,) = lines_of(row)
    return line.trade


def disputed(desk: AntomDesk, **more: Any) -> str:
    """The id of a dispute about a shipped sale of 88.88 CNY."""
    trade = trade_of(desk, desk.sold(client="GUARD", **more))
    desk.do(ShipTrade(desk.shop, trade, "SF1"))
    return str(desk.do(OpenDispute(desk.fang, trade)).id[:13].hex())


def test_a_guaranteed_sale_is_held_and_refunded(desk: AntomDesk) -> None:
    payment = desk.sold(client="GUARD")
    assert desk.wallet(desk.shop, "CNY") == 0
    amount = {"currency": "CNY", "value": "888"}
    given = {"refundRequestId": "f_1", "paymentId": payment, "refundAmount": amount}
    assert desk.ok("payments/refund", given, "GUARD")["refundAmount"] == amount
    before = desk.wallet(desk.fang, "CNY")
    desk.ok("payments/cancel", {"paymentId": payment}, "GUARD")
    assert desk.wallet(desk.fang, "CNY") == before + 8_000


def test_giving_in_refunds_at_once(desk: AntomDesk) -> None:
    dispute = disputed(desk)
    before = desk.wallet(desk.fang, "CNY")
    assert desk.ok("payments/acceptDispute", {"disputeId": dispute}, "GUARD")["disputeId"] == dispute
    assert desk.wallet(desk.fang, "CNY") == before + 8_888
    assert desk.no("payments/acceptDispute", {"disputeId": dispute}, "GUARD") == "REPEAT_REQUEST"


def test_a_document_is_shown_and_had_back(desk: AntomDesk) -> None:
    dispute = disputed(desk)
    wanted = {"disputeId": dispute, "disputeEvidenceType": "DISPUTE_EVIDENCE_FILE"}
    assert desk.no("payments/downloadDisputeEvidence", wanted, "GUARD") == "PARAM_ILLEGAL"
    shown = {"disputeId": dispute, "disputeEvidence": b64encode(PDF).decode()}
    assert desk.ok("payments/supplyDefenseDocument", shown, "GUARD")["disputeId"] == dispute
    told = desk.ok("payments/downloadDisputeEvidence", wanted, "GUARD")
    assert (b64decode(told["disputeEvidence"]), told["disputeEvidenceFormat"]) == (PDF, "PDF")
    template = wanted | {"disputeEvidenceType": "DISPUTE_EVIDENCE_TEMPLATE"}
    assert desk.no("payments/downloadDisputeEvidence", template, "GUARD") == "BUSINESS_NOT_SUPPORT"
    for document in ("%%%", b64encode(b"\x00\x01").decode(), ""):
        shown["disputeEvidence"] = document
        assert desk.no("payments/supplyDefenseDocument", shown, "GUARD") == "PARAM_ILLEGAL"
    desk.ok("payments/acceptDispute", {"disputeId": dispute}, "GUARD")
    shown["disputeEvidence"] = b64encode(PDF + b"2").decode()
    assert desk.no("payments/supplyDefenseDocument", shown, "GUARD") == "TIME_EXCEEDS_LIMIT"


def test_anothers_dispute_is_none(desk: AntomDesk) -> None:
    for dispute in (disputed(desk), "0" * 26, "x"):
        assert desk.no("payments/acceptDispute", {"disputeId": dispute}, "EXPORT") == "PARAM_ILLEGAL"


def told(desk: AntomDesk, client: str) -> list[dict[str, Any]]:
    """What the client is told, in order, each message signed for the path of its address."""
    notifier = Notifications(desk.services.read, desk.services.market, SERVER.private)
    endpoint = get(desk.reader, ENDPOINTS, gateway_endpoint(desk.shop, "antom"))
    assert endpoint is not None
    messages = []
    for event in find(desk.reader, EVENTS, "1 = 1 ORDER BY seq"):
        url = notifier.address(desk.reader, endpoint, event) if is_owed(endpoint, event) else None
        if url is None:
            continue
        delivery = Delivery(event.id, endpoint.id, event.id, event.id, url, 1, 1, "due", 0, None, None, 0, "", 0)
        notice = desk.runner.run(notifier.notice(Parcel(delivery, endpoint, event, b"")))
        signed = unquote(notice.headers["signature"].split("signature=")[1])
        text = f"POST /hook\n{client}.{notice.headers['request-time']}.".encode() + notice.body
        assert rsa.verify(SERVER.public, text, signed)
        messages.append(json.loads(notice.body))
    return messages


def test_the_merchant_is_told_of_a_dispute(desk: AntomDesk) -> None:
    dispute = disputed(desk, paymentNotifyUrl="https://shop.example/hook?x=1")
    desk.ok("payments/acceptDispute", {"disputeId": dispute}, "GUARD")
    opened, judged = (each for each in told(desk, "GUARD") if "disputeId" in each)
    amount = {"currency": "CNY", "value": "8888"}
    assert (opened["disputeNotificationType"], opened["disputeAmount"]) == ("DISPUTE_CREATED", amount)
    assert {opened["disputeId"], judged["disputeId"]} == {dispute}
    assert {opened["paymentRequestId"], judged["paymentRequestId"]} == {"p_1"}
    assert "defenseDueTime" in opened
    assert (judged["disputeNotificationType"], judged["disputeJudgedAmount"]) == ("DISPUTE_JUDGED", amount)
    assert judged["disputeJudgedResult"] == "ACCEPT_BY_MERCHANT"


def test_the_merchant_is_told_of_each_capture(desk: AntomDesk) -> None:
    more: dict[str, Any] = {"paymentFactor": {"captureMode": "MANUAL"}, "paymentNotifyUrl": "https://shop.example/hook"}
    desk.register("PARTS", desk.shop)
    payment = desk.sold(client="PARTS", **more)
    for number, value in (("c_1", "5000"), ("c_2", "3888")):
        amount = {"currency": "CNY", "value": value}
        given = {"captureRequestId": number, "paymentId": payment, "captureAmount": amount}
        desk.ok("payments/capture", given, "PARTS")
    parts = [each for each in told(desk, "PARTS") if "captureId" in each]
    captures = [(each["captureRequestId"], each["captureAmount"]["value"]) for each in parts]
    assert captures == [("c_1", "5000"), ("c_2", "3888")]
