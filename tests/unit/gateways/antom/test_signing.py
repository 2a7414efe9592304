"""Antom's headers, bodies and results: read strictly, and refused by a documented result."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.sdk.pair import Pair

from handfast.core import rsa
from handfast.core.json_text import Json
from handfast.core.money import MAX_AMOUNT
from handfast.gateways.antom import bodies, results, signing
from handfast.gateways.antom.results import RESULTS, Refused

PAIR = Pair()
HEADERS = {
    b"client-id": b"SANDBOX_5Y01",
    b"request-time": b"2026-09-21T14:13:20+00:00",
    b"signature": b"algorithm=RSA256, keyVersion=2, signature=ab%2Bc%3D",
}


def code_of(read: Callable[[], object]) -> str | None:
    """The code by which something is refused, or None. No other exception is an answer."""
    try:
        read()
    except Refused as no:
        return no.code
    return None


def test_headers() -> None:
    found = signing.read_headers(HEADERS)
    assert found == signing.Signed("SANDBOX_5Y01", "2026-09-21T14:13:20+00:00", 2, "ab+c=")
    assert signing.read_headers(HEADERS | {b"request-time": b"1685599933871"}).time == "1685599933871"
    assert signing.read_headers(HEADERS | {b"signature": b"signature=a+b="}).sign == "a+b="


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({b"client-id": b""}, "INVALID_CLIENT"),
        ({b"client-id": "支".encode()}, "INVALID_CLIENT"),
        ({b"request-time": b""}, "PARAM_ILLEGAL"),
        ({b"request-time": b"1\n2"}, "PARAM_ILLEGAL"),
        ({b"signature": b""}, "INVALID_SIGNATURE"),
        ({b"signature": b"algorithm=RSA256"}, "INVALID_SIGNATURE"),
        ({b"signature": b"algorithm=MD5,signature=a"}, "INVALID_SIGNATURE"),
        ({b"signature": b"signature=a,signature=b"}, "INVALID_SIGNATURE"),
        ({b"signature": b"keyVersion=x,signature=a"}, "KEY_NOT_FOUND"),
    ],
)
def test_headers_refused(change: dict[bytes, bytes], code: str) -> None:
    with pytest.raises(Refused) as no:
        signing.read_headers(HEADERS | change)
    assert no.value.code == code


@given(st.dictionaries(st.sampled_from(sorted(HEADERS)), st.binary(max_size=40) | st.sampled_from([b"signature=%"])))
def test_any_bytes_as_headers(change: dict[bytes, bytes]) -> None:
    def verified() -> bool:
        found = signing.read_headers(HEADERS | change)
        return signing.verify_request(PAIR.public, b"/ams/api/v1/payments/pay", found, b"{}")

    assert code_of(verified) in {None, *RESULTS}


def test_what_is_signed() -> None:
    text = signing.signed_text(b"/ams/api/v1/payments/pay", "5Y01", "1", b'{"a":"b"}')
    assert text == b'POST /ams/api/v1/payments/pay\n5Y01.1.{"a":"b"}'
    headers = dict(signing.notice_headers(PAIR.private, b"/n", "5Y01", 1_790_000_000_000_000, b"{}"))
    assert headers[b"request-time"] == b"2026-09-21T14:13:20+00:00"
    found = signing.read_headers(headers)
    assert signing.verify_request(PAIR.public, b"/n", found, b"{}")
    assert found.sign == rsa.sign(PAIR.private, b"POST /n\n5Y01.2026-09-21T14:13:20+00:00.{}")


@given(st.binary(max_size=60) | st.text('{}[]":,\\u0d8 1', max_size=60).map(str.encode))
def test_any_bytes_as_a_body(body: bytes) -> None:
    assert code_of(lambda: bodies.read_body(body, b"application/json; charset=UTF-8")) in {None, "PARAM_ILLEGAL"}
    assert not results.is_acknowledged(body)


def test_bodies_refused() -> None:
    for body, content_type, code in (
        (b"{}", b"text/plain", "MEDIA_TYPE_NOT_ACCEPTABLE"),
        (b'{"a":1,"a":2}', b"application/json", "PARAM_ILLEGAL"),
        (b'{"a":"\xff"}', b"application/json", "PARAM_ILLEGAL"),
        (b" " * (bodies.MOST_BYTES + 1), b"application/json", "PARAM_ILLEGAL"),
    ):
        with pytest.raises(Refused) as no:
            bodies.read_body(body, content_type)
        assert no.value.code == code


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (None, "PARAM_ILLEGAL"),
        ({"currency": "USD", "value": "1.00"}, "PARAM_ILLEGAL"),
        ({"currency": "USD", "value": "-1"}, "PARAM_ILLEGAL"),
        ({"currency": "USD", "value": "１"}, "PARAM_ILLEGAL"),
        ({"currency": "USD", "value": True}, "PARAM_ILLEGAL"),
        ({"currency": "IDR", "value": "150"}, "PARAM_ILLEGAL"),
        ({"currency": "XXX", "value": "1"}, "CURRENCY_NOT_SUPPORT"),
        ({"currency": [], "value": "1"}, "CURRENCY_NOT_SUPPORT"),
        ({"currency": "USD", "value": str(MAX_AMOUNT + 1)}, "PAYMENT_AMOUNT_EXCEED_LIMIT"),
    ],
)
def test_amounts_refused(value: Json, code: str) -> None:
    with pytest.raises(Refused, match="amount") as no:
        bodies.read_amount(value, "amount")
    assert no.value.code == code


def test_amounts_are_minor_units() -> None:
    assert bodies.read_amount({"currency": "JPY", "value": "0100"}, "amount") == (100, "JPY")
    assert bodies.show_amount(1230, "USD") == {"currency": "USD", "value": "1230"}


def test_answers() -> None:
    assert results.answer({"paymentId": "支", "paymentTime": None}) == (
        b'{"result":{"resultCode":"SUCCESS","resultStatus":"S","resultMessage":"Success."},"paymentId":"\\u652f"}'
    )
    assert results.refusal(Refused("ORDER_NOT_EXIST")) == (
        b'{"result":{"resultCode":"ORDER_NOT_EXIST","resultStatus":"F","resultMessage":"There is no such order."}}'
    )
    assert Refused("PAYMENT_IN_PROCESS").status == "U"
    with pytest.raises(KeyError):
        Refused("NO_SUCH_CODE")


def test_what_counts_as_acknowledged() -> None:
    assert results.is_acknowledged(results.answer({}))
    for body in (b"", b"success", b"[]", b'{"result":"S"}', b'{"result":{"resultStatus":"F"}}', b"[" * 100_000):
        assert not results.is_acknowledged(body)
