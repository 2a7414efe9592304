"""From raw bytes to parameters: all that arrives is merged, decoded once, bounded, and refused by a documented code."""

from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.gateways.alipay.orders import APP, FORM, NOW, ORDER, code_of, right, sent, signed

from handfast.core.clocks import DAY, HOUR
from handfast.gateways.alipay import forms
from handfast.gateways.alipay.codes import SUB_CODES, Refused
from handfast.gateways.alipay.envelope import named_method
from handfast.gateways.alipay.explain import explain
from handfast.gateways.alipay.signing import request_text, verify_request

PIECES = st.sampled_from(
    b"& = % + %41 %zz %e4%b8%ad %d6%d0 charset=utf-8 charset=gbk charset=%67bk charset biz_content= method=a.b sign= { "
    b"} sign_type=RSA2 \xff \x00 [] app_id=1 timestamp=2026-01-01+00:00:00 version=1.0".split(b" ")
)
RAW = st.lists(PIECES | st.binary(max_size=4), max_size=12).map(b"".join) | st.lists(PIECES, max_size=12).map(b"&".join)


def refused(query: bytes, body: bytes = b"", content_type: bytes = FORM) -> tuple[str, str]:
    with pytest.raises(Refused) as no:
        forms.read(query, body, content_type)
    return no.value.code, no.value.sub_code


@given(RAW, RAW, st.sampled_from([FORM, b"", b"multipart/form-data; boundary=x", b"application/json", b"\xff"]))
def test_any_bytes_are_read_or_refused_by_a_documented_code(query: bytes, body: bytes, content_type: bytes) -> None:
    def taken() -> None:
        form = forms.read(query, body, content_type)
        assert "charset=" in request_text(form.raw).decode(form.charset)
        assert explain(form, APP.public, "RSA2").message
        assert not verify_request(form.raw, APP.public, "RSA2")
        public = forms.public(form.params, NOW)
        forms.signature(form.params)
        forms.biz_content(form, public.encrypt_type, bytes(16))

    assert isinstance(named_method(query, body), str)
    assert code_of(taken) in {None, *SUB_CODES}


@given(st.text(max_size=80))
def test_any_text_as_a_timestamp_or_as_contents(text: str) -> None:
    assert code_of(lambda: forms.read_timestamp(text)) == "isv.invalid-timestamp"
    form = forms.Form({}, {"biz_content": text}, "utf-8")
    for encrypt_type, key in (("", None), ("", bytes(16)), ("AES", bytes(16)), ("DES", bytes(16)), ("AES", None)):
        assert code_of(partial(forms.biz_content, form, encrypt_type, key)) in {None, *SUB_CODES}


@given(st.binary(max_size=60) | RAW.map(lambda raw: b"http://h/" + raw) | RAW.map(lambda raw: b"//" + raw))
def test_any_bytes_as_a_target(target: bytes) -> None:
    def taken() -> None:
        path, _ = forms.origin_form(target)
        assert path.startswith(b"/")

    assert code_of(taken) in {None, "isv.invalid-parameter"}


def test_query_and_body_are_one() -> None:
    form = forms.read(b"charset=UTF-8&a=1+2&&b=", b"c=%E4%B8%AD%2B&d=x=y", FORM)
    assert form.params == {"charset": "UTF-8", "a": "1 2", "b": "", "c": "中+", "d": "x=y"}
    assert form.raw[b"c"] == "中+".encode()
    assert request_text(form.raw) == "a=1 2&c=中+&charset=UTF-8&d=x=y".encode()


def test_decoded_once() -> None:
    assert forms.read(b"charset=utf-8&a=%2541", b"").params["a"] == "%41"


def test_the_charset_is_read_before_it_is_known() -> None:
    for charset, wire in (("gbk", "%D6%A7%B8%B6"), ("gb18030", "%D6%A7%B8%B6"), ("utf-8", "%E6%94%AF%E4%BB%98")):
        form = forms.read(f"subject={wire}&%63harset={charset}".encode(), b"")
        assert (form.params["subject"], form.charset) == ("支付", charset)
    assert refused(b"charset=utf-8&subject=%B8%B6") == ("40002", "isv.invalid-charset")
    assert refused(b"charset=gbk&subject=%E6%94%FF") == ("40002", "isv.invalid-charset")
    assert refused(b"charset=latin-1") == refused(b"a=1") == ("40002", "isv.invalid-charset")


@pytest.mark.parametrize(
    ("query", "body"),
    [
        (b"charset=utf-8&a=1&a=1", b""),
        (b"charset=utf-8&a=1", b"a=2"),
        (b"charset=utf-8&charset=gbk", b""),
        (b"charset=utf-8&%61=1", b"a=2"),
        (b"charset=utf-8&a=%4", b""),
        (b"charset=utf-8&a=%zz", b""),
        (b"charset=utf-8&=1", b""),
        (b"charset=utf-8&a%26b=1", b""),
        (b"charset=utf-8&%E4=1", b""),
        (b"charset=utf-8&" + b"a" * 65 + b"=1", b""),
        (b"charset=utf-8", b"&".join(b"a%d=1" % n for n in range(100))),
        (b"charset=utf-8", b"a=" + b"x" * forms.MOST_BYTES),
    ],
)
def test_what_could_be_read_in_two_ways_or_is_too_much(query: bytes, body: bytes) -> None:
    assert refused(query, body) == ("40002", "isv.invalid-parameter")


def test_most_that_is_read() -> None:
    form = forms.read(b"charset=utf-8", b"&".join(b"a%d=1" % n for n in range(99)))
    assert len(form.params) == 100


def test_only_forms_are_read() -> None:
    for content_type in (b"multipart/form-data; boundary=x", b"application/json", b"text/plain"):
        assert refused(b"charset=utf-8", b"a=1", content_type) == ("40002", "isv.invalid-content-type")
    assert forms.read(b"charset=utf-8", b"", b"application/json").params == {"charset": "utf-8"}
    with pytest.raises(Refused, match="no method here takes a file"):
        forms.read(b"", b"--x", b"Multipart/Form-Data; boundary=x")


@pytest.mark.parametrize(
    ("target", "path", "query"),
    [
        (b"/gateway.do?a=1&b=?", b"/gateway.do", b"a=1&b=?"),
        (b"http://pay.example/gateway.do?a=%E4", b"/gateway.do", b"a=%E4"),
        (b"HTTPS://pay.example:443/ams/api/v1/payments/pay", b"/ams/api/v1/payments/pay", b""),
        (b"http://pay.example", b"/", b""),
    ],
)
def test_targets(target: bytes, path: bytes, query: bytes) -> None:
    assert forms.origin_form(target) == (path, query)


def test_public_parameters() -> None:
    public = forms.public(ORDER, NOW)
    assert (public.method, public.app_id, public.sign_type) == ("alipay.trade.pay", "2021", "RSA2")
    assert public.notify_url == "http://shop.example/n?a=1&b=2"
    assert public.timestamp == NOW
    assert public.encrypt_type == public.app_cert_sn == ""


@pytest.mark.parametrize(
    ("change", "sub_code"),
    [
        ({"method": ""}, "isv.missing-method"),
        ({"method": "支付"}, "isv.invalid-method"),
        ({"app_id": ""}, "isv.missing-app-id"),
        ({"version": ""}, "isv.missing-version"),
        ({"version": "2.0"}, "isv.invalid-parameter"),
        ({"format": "xml"}, "isv.invalid-format"),
        ({"timestamp": ""}, "isv.missing-timestamp"),
        ({"timestamp": "2026-09-21T22:13:20"}, "isv.invalid-timestamp"),
        ({"timestamp": "2026-02-30 00:00:00"}, "isv.invalid-timestamp"),
        ({"timestamp": "2026-09-23 22:13:20"}, "isv.invalid-timestamp"),
        ({"timestamp": "٢٠٢٦-09-21 22:13:20"}, "isv.invalid-timestamp"),
    ],
)
def test_public_parameters_refused(change: dict[str, str], sub_code: str) -> None:
    with pytest.raises(Refused) as no:
        forms.public(ORDER | change, NOW)
    assert no.value.sub_code == sub_code


def test_a_container_in_utc_is_eight_hours_off_and_welcome() -> None:
    local = forms.read_timestamp("2026-09-21 14:13:20")
    assert NOW - local == 8 * HOUR
    assert forms.public(ORDER | {"timestamp": "2026-09-21 14:13:20", "format": "JSON"}, NOW).timestamp == local
    assert forms.public(ORDER, NOW + DAY).timestamp == NOW
    with pytest.raises(Refused, match="timestamp"):
        forms.public(ORDER, NOW + DAY + 1)


def test_the_signature_is_asked_for_after_the_app() -> None:
    for change, sub_code in (
        ({"sign_type": ""}, "isv.missing-signature-type"),
        ({"sign_type": "MD5"}, "isv.invalid-signature-type"),
        ({}, "isv.missing-signature"),
    ):
        assert forms.public(ORDER | change, NOW).app_id == "2021"
        with pytest.raises(Refused) as no:
            forms.signature(ORDER | change)
        assert no.value.sub_code == sub_code
    form = signed(ORDER, right(ORDER))
    assert forms.signature(form.params) == (form.params["sign"], "RSA2")
    assert verify_request(form.raw, APP.public, "RSA2")


def test_contents_come_from_biz_content_alone() -> None:
    assert forms.biz_content(sent({"charset": "utf-8", "grant_type": "authorization_code"})) == {}
    with pytest.raises(Refused, match=r"isv\.illegal-json"):
        forms.biz_content(sent({"charset": "utf-8", "biz_content": "{'a':1}"}))


def test_the_method_is_found_in_whatever_else_is_wrong() -> None:
    assert named_method(b"a=%zz&method=alipay.trade.pay&a=%zz", b"") == "alipay.trade.pay"
    assert named_method(b"a=1", b"--\x00&method=alipay.trade.query") == "alipay.trade.query"
    assert named_method(b"xmethod=a.b&method=%61", b"") == named_method(b"method=" + b"a" * 129, b"") == ""
