"""Any text in any field survives order, answer and verification; any bytes at all get a signed answer."""

import json
from typing import Any
from urllib.parse import quote_from_bytes, urlencode

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.sdk.texts import SHARP, texts
from tests.unit.gateways.alipay.counter import APP, APP_ID, SERVER, Counter, signed, verified

from handfast.core import rsa
from handfast.gateways.alipay.methods import METHODS

ONE_COUNTER = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
"""Examples share the counter: each has an order of its own."""

WORDS = st.sampled_from([*METHODS, "alipay.trade.query", "alipay.none", "x", ""])
BYTES = st.binary(max_size=60) | st.text(SHARP, max_size=30).map(str.encode)
NAMES = st.sampled_from(
    ["method", "app_id", "charset", "sign_type", "sign", "timestamp", "version", "biz_content", "format", "x"]
)
VALUES = st.sampled_from(
    ["utf-8", "gbk", "RSA2", "RSA", "1.0", APP_ID, "2014-10-28 08:00:00", "{}", "[]", '{"a":', "null", "AES"]
)


def short(text: str, most: int) -> str:
    return text[:most]


@ONE_COUNTER
@given(data=st.data())
def test_any_text_there_and_back(counter: Counter, data: st.DataObject) -> None:
    charset = data.draw(st.sampled_from(["utf-8", "gbk", "gb18030"]))
    words = texts(charset)
    subject, body, params = (short(data.draw(words), most) for most in (256, 128, 512))
    counter.codes += 1
    number = f"n_{counter.codes}"
    order = counter.order(number, "0.01", subject=subject, body=body, passback_params=params)
    asked = counter.ok("alipay.trade.precreate", order, charset=charset)
    checkout = counter.scan(asked["qr_code"])
    told = counter.ok("alipay.trade.query", {"out_trade_no": number}, charset=charset)
    assert (told["subject"], told["body"], told["passback_params"]) == (subject, body, params)
    counter.pays(checkout)
    reason = short(data.draw(words), 256).replace("\0", "")
    request = short(data.draw(words), 64).replace("\0", "_")
    refund = {"out_trade_no": number, "refund_amount": "0.01", "out_request_no": request, "refund_reason": reason}
    assert counter.ok("alipay.trade.refund", refund, charset=charset)["fund_change"] == "Y"
    named = {"out_trade_no": number, "out_request_no": request}
    found = counter.ok("alipay.trade.fastpay.refund.query", named, charset=charset)
    assert (found["refund_reason"], found["out_request_no"]) == (reason, request)


@ONE_COUNTER
@given(method=WORDS, biz=st.recursive(texts() | st.floats() | st.none() | st.booleans(), st.lists, max_leaves=5))
def test_any_json_in_biz_content(counter: Counter, method: str, biz: Any) -> None:
    named = method or "alipay.trade.query"
    for content in (biz, {"out_trade_no": biz, "total_amount": biz, "subject": biz, "refund_amount": biz}):
        answer = counter.send(counter.public(named, json.dumps(content)))
        if answer.status_code != 302:  # "1" is a fair number, amount and subject
            verified(answer, named)


@ONE_COUNTER
@given(pairs=st.lists(st.tuples(NAMES, VALUES | st.text(SHARP, max_size=20)), max_size=8), method=WORDS, junk=BYTES)
def test_any_request_gets_a_signed_answer(
    counter: Counter, pairs: list[tuple[str, str]], method: str, junk: bytes
) -> None:
    query = f"method={method}&" + urlencode(pairs) + "&" + quote_from_bytes(junk, safe="&=%+")
    answer = counter.runner.run(counter.client.post(f"/gateway.do?{query}", content=junk))
    assert answer.status_code == 200
    text, _, sign = answer.text.rpartition(',"sign":"')
    assert rsa.verify(SERVER.public, text.partition(":")[2].encode(), sign.removesuffix('"}'))


@ONE_COUNTER
@given(params=st.dictionaries(NAMES, VALUES, max_size=10))
def test_any_signed_request_is_answered(counter: Counter, params: dict[str, str]) -> None:
    given_ = counter.public("alipay.trade.query", {"out_trade_no": "a_1"}) | params
    given_["charset"] = "utf-8"
    answer = counter.send_signed({**given_, "sign": signed(given_)})
    assert answer.status_code == 200
    assert json.loads(answer.text)["sign"]


@ONE_COUNTER
@given(
    path=st.sampled_from(["alipay/trade/query", "alipay/trade/none", "", "alipay/%00"]),
    header=st.text(SHARP + "abc123", max_size=80).map(lambda text: text.encode("ascii", "ignore").decode()),
    body=BYTES,
)
def test_any_request_of_v3_gets_a_signed_refusal(counter: Counter, path: str, header: str, body: bytes) -> None:
    plain = "".join(letter for letter in header if letter.isprintable())
    for authorization in (plain, f"ALIPAY-SHA256withRSA app_id={APP_ID},{plain}"):
        answer = counter.v3_raw(f"/v3/{path}", body, {"authorization": authorization})
        assert 400 <= answer.status_code < 500, answer.text
        assert answer.json()["code"]


@ONE_COUNTER
@given(text=texts())
def test_any_text_there_and_back_in_v3(counter: Counter, text: str) -> None:
    counter.codes += 1
    subject = short(text, 256)
    order = counter.order(f"v_{counter.codes}", "0.01", subject=subject)
    status, asked = counter.v3("alipay.trade.precreate", order)
    assert status == 200, asked
    counter.scan(asked["qr_code"])
    assert counter.v3("alipay.trade.query", {"out_trade_no": order["out_trade_no"]})[1]["subject"] == subject


def test_v3_is_signed_by_the_apps_key(counter: Counter) -> None:
    assert counter.v3("alipay.trade.query", {"out_trade_no": "a_1"}) == (
        400,
        {"code": "ACQ.TRADE_NOT_EXIST", "message": "there is no such trade", "links": []},
    )
    status, told = counter.v3("alipay.trade.query", {"out_trade_no": "a_1"}, pair=SERVER)
    assert (status, told["code"]) == (400, "invalid-signature")
    status, told = counter.v3("alipay.trade.query", {"out_trade_no": "a_1"}, pair=APP, off=25 * 3600)
    assert (status, told["code"]) == (400, "invalid-timestamp")
