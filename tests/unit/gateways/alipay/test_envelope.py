"""The bytes of an answer: what is signed, where the signature stands, and that no string carries a brace."""

import json
import re
from base64 import b64encode
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.sdk.texts import texts, values
from tests.unit.gateways.alipay.orders import APP, SERVER, code_of

from handfast.core import rsa
from handfast.core.errors import Invalid
from handfast.gateways.alipay import aes, v3
from handfast.gateways.alipay.codes import BUSINESS, MESSAGES, SUB_CODES, Refused
from handfast.gateways.alipay.envelope import answer, compact, envelope_name, refusal, success

KEY = bytes(range(32))


def test_an_answer() -> None:
    body = answer("alipay.trade.query", success({"subject": 'a "{b}"', "buyer": None, "n": 1}), SERVER.private)
    signed = '{"code":"10000","msg":"Success","subject":"a \\"\\u007bb\\u007d\\"","n":1}'
    sign = rsa.sign(SERVER.private, signed.encode())
    assert body.decode() == f'{{"alipay_trade_query_response":{signed},"sign":"{sign}"}}'


def test_the_waiting_buyer_is_no_failure() -> None:
    assert compact(success({"trade_no": "1"}, "10003")) == (
        '{"code":"10003","msg":"order success pay inprocess","trade_no":"1"}'
    )


def test_a_refusal() -> None:
    no = Refused("ACQ.TRADE_NOT_EXIST")
    assert dict(refusal(no, {"refund_fee": "0.00"})) == {
        "code": "40004",
        "msg": "Business Failed",
        "sub_code": "ACQ.TRADE_NOT_EXIST",
        "sub_msg": "there is no such trade",
        "refund_fee": "0.00",
    }


@given(st.dictionaries(texts(), values(texts()), max_size=4))
def test_strings_are_ascii_without_braces(fields: dict[str, Any]) -> None:
    text = compact(fields)
    assert json.loads(text) == {name: value for name, value in fields.items() if value is not None}
    assert text.isascii()
    for string in re.findall(r'"(?:[^"\\]|\\.)*"', text):
        assert "{" not in string
        assert "}" not in string


def test_envelopes() -> None:
    assert envelope_name("alipay.trade.query") == "alipay_trade_query_response"
    for method in ("", 'a":{', "支付", "1a", "a" * 129):
        assert envelope_name(method) == "error_response"


def test_an_encrypted_answer_signs_the_quotes() -> None:
    body = answer("a.b", {"subject": "中"}, SERVER.private, aes_key=KEY, cert_sn="ab")
    found = json.loads(body)
    assert list(found) == ["a_b_response", "sign", "alipay_cert_sn"]
    assert rsa.verify(SERVER.public, f'"{found["a_b_response"]}"'.encode(), found["sign"])
    assert aes.decrypt(found["a_b_response"], KEY) == '{"subject":"\\u4e2d"}'


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_encrypted_and_back(text: str) -> None:
    assert aes.decrypt(aes.encrypt(text, KEY), KEY) == text


@given(st.text(max_size=60) | st.binary(max_size=64).map(lambda found: b64encode(found).decode()))
def test_any_text_as_a_cipher(text: str) -> None:
    assert code_of(lambda: aes.decrypt(text, KEY)) in {None, "isv.decryption-error-unknown"}


def test_aes_keys() -> None:
    assert aes.read_aes_key(" AAAAAAAAAAAAAAAAAAAAAA==\n") == bytes(16)
    for text in ("", "AAAA", "支付", "A" * 23):
        with pytest.raises(Invalid):
            aes.read_aes_key(text)


def test_every_code_is_one_of_the_gateways() -> None:
    assert {code for code, _ in SUB_CODES.values()} <= MESSAGES.keys()
    for sub_code in SUB_CODES:
        no = Refused(sub_code)
        assert (no.code == "40004") == (sub_code in BUSINESS)
        assert no.status in (400, 401, 429, 500)
        assert no.message == SUB_CODES[sub_code][1]
    with pytest.raises(KeyError):
        Refused("ACQ.NO_SUCH_CODE")


@pytest.mark.parametrize(
    ("sub_code", "code", "status"),
    [
        ("ACQ.TRADE_NOT_EXIST", "ACQ.TRADE_NOT_EXIST", 400),
        ("isv.invalid-app-id", "invalid-app-id", 400),
        ("aop.invalid-auth-token", "invalid-auth-token", 401),
        ("isv.insufficient-isv-permissions", "insufficient-isv-permissions", 401),
        ("isv.app-call-limited", "app-call-limited", 429),
        ("isp.unknow-error", "unknow-error", 500),
    ],
)
def test_codes_in_v3(sub_code: str, code: str, status: int) -> None:
    no = Refused(sub_code, "words")
    assert no.status == status
    assert json.loads(v3.error_body(no)) == {"code": code, "message": "words", "links": []}


def test_an_authorization() -> None:
    text = "app_id=2021,app_cert_sn=ab,nonce=n,timestamp=1700000000000,more=x"
    found = v3.read_authorization(f"ALIPAY-SHA256withRSA {text},sign=aa,sign=bb==")
    assert found.text == text + ",sign=aa"
    assert (found.app_id, found.app_cert_sn, found.nonce, found.sign) == ("2021", "ab", "n", "bb==")
    assert found.timestamp == 1_700_000_000_000


@pytest.mark.parametrize(
    ("header", "sub_code"),
    [
        ("", "isv.missing-signature"),
        ("Bearer x", "isv.invalid-signature-type"),
        ("ALIPAY-SHA256withRSA app_id=1,nonce=1,timestamp=1700000000000", "isv.missing-signature"),
        ("ALIPAY-SHA256withRSA app_id=1,nonce=1,timestamp=1700000000000,sign=", "isv.missing-signature"),
        ("ALIPAY-SHA256withRSA nonce=1,timestamp=1700000000000,sign=a", "isv.missing-app-id"),
        ("ALIPAY-SHA256withRSA app_id=1,nonce=1,sign=a", "isv.missing-timestamp"),
        ("ALIPAY-SHA256withRSA app_id=1,nonce=1,timestamp=1,sign=a", "isv.invalid-timestamp"),
        ("ALIPAY-SHA256withRSA app_id=1,timestamp=1700000000000,sign=a", "isv.invalid-parameter"),
        ("ALIPAY-SHA256withRSA app_id=1,app_id=2,sign=a", "isv.invalid-parameter"),
        ("ALIPAY-SHA256withRSA app_id=1,支=2,sign=a", "isv.invalid-parameter"),
        ("ALIPAY-SHA256withRSA " + "a=1," * 2_000 + "sign=a", "isv.invalid-parameter"),
    ],
)
def test_authorizations_refused(header: str, sub_code: str) -> None:
    with pytest.raises(Refused) as no:
        v3.read_authorization(header)
    assert no.value.sub_code == sub_code


@given(
    st.text(max_size=80), st.lists(st.sampled_from(["app_id=1", "nonce=1", "timestamp=1700000000000", "sign=", "="]))
)
def test_any_text_as_an_authorization(text: str, parts: list[str]) -> None:
    def verified() -> bool:
        found = v3.read_authorization(f"ALIPAY-SHA256withRSA {','.join(parts)},{text}")
        return v3.verify_request(APP.public, v3.request_text(found, "GET", b"/", b""), found)

    assert code_of(verified) in {None, *SUB_CODES}
