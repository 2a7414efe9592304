"""Antom's Python SDK: what it signs verifies here, what is answered and notified verifies there."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.sdk.driver import Driver, SdkError
from tests.sdk.pair import Pair
from tests.sdk.texts import texts, values

from handfast.core.money import format_decimal
from handfast.gateways.antom import bodies, results, signing
from handfast.gateways.antom.results import Refused

NOW = 1_790_000_000_000_000
PATH = "/ams/api/v1/payments/inquiryPayment"
FIELDS = st.fixed_dictionaries({"paymentRequestId": texts(), "extendInfo": values(texts())}).map(
    lambda fields: {name: value for name, value in fields.items() if value is not None}
)


def config_of(app: Pair, server: Pair, client_id: str = "5Y01") -> dict[str, str]:
    keys = {"merchant_private_key": app.pem, "alipay_public_key": server.public_pem}
    return {"client_id": client_id, **keys}


def headers_of(sent: dict[str, Any]) -> dict[bytes, bytes]:
    return {name.lower().encode(): value.encode() for name, value in sent["headers"].items()}


def shown(headers: signing.Headers) -> list[tuple[str, str]]:
    return [(name.decode(), value.decode()) for name, value in headers]


@given(request_id=texts(), fields=FIELDS)
def test_any_text_there_and_back(
    antom: Driver, app: Pair, server: Pair, request_id: str, fields: dict[str, Any]
) -> None:
    body = results.answer(fields)
    headers = signing.answer_headers(server.private, PATH.encode(), "5Y01", NOW, body)
    plan = {"headers": shown(headers), "body": body.decode()}
    sent = antom.do("exchange", config=config_of(app, server), payment_request_id=request_id, answer=plan)
    assert json.loads(sent["read"]) == {"result": results.result(), **fields}
    signed = signing.read_headers(headers_of(sent))
    assert (signed.client_id, signed.key_version) == ("5Y01", 1)
    content = sent["body"].encode()
    assert signing.verify_request(app.public, PATH.encode(), signed, content)
    assert not signing.verify_request(app.public, PATH.encode(), signed, content + b" ")
    assert not signing.verify_request(server.public, PATH.encode(), signed, content)
    read = bodies.read_body(content, headers_of(sent)[b"content-type"])
    assert read == {"paymentRequestId": request_id}


def test_a_sandbox_client_signs_the_sandbox_path(antom: Driver, app: Pair, server: Pair) -> None:
    config = config_of(app, server, "SANDBOX_5Y01")
    sandbox = b"/ams/sandbox/api/v1/payments/inquiryPayment"
    body = results.answer({})
    headers = signing.answer_headers(server.private, sandbox, "SANDBOX_5Y01", NOW, body)
    plan = {"headers": shown(headers), "body": body.decode()}
    sent = antom.do("exchange", config=config, payment_request_id="1", answer=plan)
    assert sent["url"].endswith(sandbox.decode())
    signed = signing.read_headers(headers_of(sent))
    assert signing.verify_request(app.public, sandbox, signed, sent["body"].encode())
    assert not signing.verify_request(app.public, PATH.encode(), signed, sent["body"].encode())
    headers = signing.answer_headers(server.private, PATH.encode(), "SANDBOX_5Y01", NOW, body)
    plan = {"headers": shown(headers), "body": body.decode()}
    with pytest.raises(SdkError, match="verify failed"):
        antom.do("exchange", config=config, payment_request_id="1", answer=plan)


@pytest.mark.parametrize("code", sorted(results.RESULTS))
def test_every_refusal_is_read(antom: Driver, app: Pair, server: Pair, code: str) -> None:
    body = results.refusal(Refused(code, "{why} & how"))
    headers = signing.answer_headers(server.private, PATH.encode(), "5Y01", NOW, body)
    plan = {"headers": shown(headers), "body": body.decode()}
    sent = antom.do("exchange", config=config_of(app, server), payment_request_id="1", answer=plan)
    assert json.loads(sent["read"])["result"] == results.result(code, "{why} & how")


@given(fields=FIELDS)
def test_notifications(antom: Driver, server: Pair, fields: dict[str, Any]) -> None:
    body = results.answer(fields)
    headers = dict(shown(signing.notice_headers(server.private, b"/notify", "5Y01", NOW, body)))
    plan = {"path": "/notify", "headers": headers, "public_key": server.public_pem}
    assert antom.do("check_notice", body=body.decode(), **plan)
    with pytest.raises(SdkError, match="VerificationError"):
        antom.do("check_notice", body=body.decode() + " ", **plan)


@given(amount=st.integers(0, 10**15), currency=st.sampled_from(["CNY", "USD", "JPY", "KRW", "EUR", "IDR"]))
def test_amounts_are_the_sdks_own(antom: Driver, amount: int, currency: str) -> None:
    amount -= amount % (100 if currency == "IDR" else 1)
    value = antom.do("to_amount", decimal=format_decimal(amount, currency), currency=currency)
    wire = bodies.show_amount(amount, currency)
    assert wire == {"currency": currency, "value": value}
    assert bodies.read_amount({"currency": currency, "value": value}, "amount") == (amount, currency)
