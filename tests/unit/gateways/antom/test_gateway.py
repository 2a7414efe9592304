"""The door: whoever is not let in is told why, in an answer that is signed as all are; and the tables are total."""

import asyncio
import json
from dataclasses import replace
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.sdk.pair import Pair
from tests.sdk.texts import texts
from tests.unit.gateways.antom.desk import CLIENT_ID, ROOT, AntomDesk, verified

from handfast.core.clocks import DAY
from handfast.core.errors import CODES, Unavailable
from handfast.domain.apps import MoveApp, app_id
from handfast.gateways.antom import Antom
from handfast.gateways.antom.endpoints import ENDPOINTS, UNSUPPORTED
from handfast.gateways.antom.refusals import TABLE, refused
from handfast.gateways.antom.results import RESULTS, Refused, Value
from handfast.gateways.antom.signing import iso_time

PATH = ROOT + "payments/inquiryPayment"
BODY = b'{"paymentRequestId":"p_1"}'


def told_code(answer: httpx.Response, client: str = CLIENT_ID) -> str:
    return str(verified(answer, client)["result"]["resultCode"])


def with_headers(desk: AntomDesk, **changes: str) -> httpx.Response:
    headers = desk.signed(PATH, BODY) | {name.replace("_", "-"): text for name, text in changes.items()}
    return desk.post(PATH, BODY, {name: text for name, text in headers.items() if text})


def test_who_is_let_in(desk: AntomDesk) -> None:
    assert told_code(with_headers(desk)) == "ORDER_NOT_EXIST"
    assert told_code(desk.send("payments/inquiryPayment", BODY, root="/ams/api/v1/")) == "ORDER_NOT_EXIST"
    assert told_code(desk.send("payments/inquiryPayment", BODY, pair=Pair())) == "INVALID_SIGNATURE"
    assert told_code(with_headers(desk, signature="")) == "INVALID_SIGNATURE"
    assert (
        told_code(with_headers(desk, signature="algorithm=RSA256,keyVersion=1,signature=AA%3D%3D"))
        == "INVALID_SIGNATURE"
    )
    second = desk.signed(PATH, BODY)["signature"].replace("keyVersion=1", "keyVersion=2")
    assert told_code(with_headers(desk, signature=second)) == "KEY_NOT_FOUND"
    assert told_code(with_headers(desk, client_id="5Y02"), "5Y02") == "INVALID_CLIENT"
    assert told_code(with_headers(desk, client_id=""), "unknown") == "INVALID_CLIENT"
    assert told_code(with_headers(desk, request_time="yesterday")) == "PARAM_ILLEGAL"
    assert told_code(with_headers(desk, request_time=iso_time(desk.wall + DAY + 1_000_000))) == "PARAM_ILLEGAL"
    assert told_code(with_headers(desk, request_time=iso_time(desk.wall - DAY))) == "INVALID_SIGNATURE"
    assert told_code(with_headers(desk, request_time=f"{desk.wall // 1000}")) == "INVALID_SIGNATURE"
    assert told_code(with_headers(desk, content_type="text/plain")) == "MEDIA_TYPE_NOT_ACCEPTABLE"
    assert told_code(desk.send("payments/inquiryPayment", BODY, "NOTHING"), "NOTHING") == "ACCESS_DENIED"
    desk.do(MoveApp(app_id("antom", CLIENT_ID), "disable"))
    desk.later(2)
    assert told_code(with_headers(desk)) == "INVALID_CLIENT"


def test_a_refused_signature_is_told_what_was_verified(desk: AntomDesk) -> None:
    said = verified(desk.post(PATH, BODY + b" ", desk.signed(PATH, BODY)))["result"]["resultMessage"]
    assert said.startswith(f"Verified was: POST {PATH}\\n{CLIENT_ID}.{iso_time(desk.wall)}.<body of 27 bytes")


def test_paths(desk: AntomDesk) -> None:
    assert desk.no("payments/none", {}) == "NO_INTERFACE_DEF"
    assert told_code(desk.send("pay", {}, root="/ams/other/")) == "NO_INTERFACE_DEF"
    for family in UNSUPPORTED:
        assert desk.no(f"{family}/any", {}) == "BUSINESS_NOT_SUPPORT"
    read = desk.runner.run(desk.client.get(PATH, headers={"client-id": CLIENT_ID}))
    assert told_code(read) == "METHOD_NOT_SUPPORTED"
    with_query = desk.post(PATH + "?x=1", BODY, desk.signed(PATH, BODY))
    assert told_code(with_query) == "ORDER_NOT_EXIST"


def test_bodies_that_are_not_read(desk: AntomDesk) -> None:
    for body in (b"", b"[]", b"{", b'{"a":1,"a":2}', b"\xff", b'{"a":NaN}', b" " * (1 << 20) + b"{}"):
        answer = desk.send("payments/inquiryPayment", body)
        assert told_code(answer) == "PARAM_ILLEGAL"
        assert (answer.headers.get("connection") == "close") is (len(body) > 1 << 20)


def test_a_fault_is_answered_with_a_signature(desk: AntomDesk) -> None:
    async def fail() -> list[dict[str, Any]]:
        sent: list[dict[str, Any]] = []

        async def send(message: Any) -> None:
            sent.append(message)

        scope = {"path": PATH, "raw_path": PATH.encode(), "headers": [(b"client-id", CLIENT_ID.encode())]}
        await Antom(desk.services).fail(scope, send)
        return sent

    start, body = asyncio.run(fail())
    request = httpx.Request("POST", f"http://pay{PATH}")
    answer = httpx.Response(start["status"], headers=start["headers"], content=body["body"], request=request)
    assert told_code(answer) == "UNKNOWN_EXCEPTION"


def test_a_desk_that_is_away_is_no_final_answer(desk: AntomDesk) -> None:
    class Away:
        async def call(self, _request: Any) -> Any:
            raise Unavailable("desk_unreachable", "the desk is away")

    gateway = Antom(replace(desk.services, hand=Away()))  # type: ignore[arg-type]
    desk.client = httpx.AsyncClient(transport=httpx.ASGITransport(gateway), base_url="http://pay")
    result = desk.call("payments/pay", desk.order())["result"]
    assert (result["resultStatus"], result["resultCode"]) == ("U", "UNKNOWN_EXCEPTION")


def test_the_tables_are_total() -> None:
    for line in ENDPOINTS.values():
        assert line.refusals.keys() == CODES.keys(), line.path
        assert line.results <= RESULTS.keys(), line.path
        assert line.says.endswith("."), line.path
    for code, kind in CODES.items():
        no = refused(TABLE, kind(code, "why" * 200))
        assert (no.status == "U") is issubclass(kind, Unavailable), code
        assert len(no.message) <= 256


def test_every_result_can_come_from_somewhere() -> None:
    door = {"INVALID_CLIENT", "INVALID_SIGNATURE", "KEY_NOT_FOUND", "MEDIA_TYPE_NOT_ACCEPTABLE", "METHOD_NOT_SUPPORTED"}
    spoken = door | {"NO_INTERFACE_DEF"} | {code for line in ENDPOINTS.values() for code in line.results}
    spoken |= {
        "REFUND_IN_PROCESS",
        "USER_NOT_EXIST",
    }  # the vendor's; here refunds are done at once, users are not named
    assert spoken == RESULTS.keys()


def fields(text: st.SearchStrategy[str]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {
            "paymentRequestId": text,
            "order": st.fixed_dictionaries({"referenceOrderId": text, "orderDescription": text}),
            "paymentMethod": st.fixed_dictionaries({"paymentMethodType": text}),
        }
    )


def test_any_text_is_verified_and_answered(desk: AntomDesk) -> None:
    @settings(max_examples=40)
    @given(given_fields=fields(texts()))
    def holds(given_fields: dict[str, Any]) -> None:
        told = desk.call("payments/pay", desk.order() | given_fields)
        if told["result"]["resultStatus"] == "U":
            assert told["paymentRequestId"] == given_fields["paymentRequestId"]
        else:
            assert told["result"]["resultCode"] in ("PARAM_ILLEGAL", "REPEAT_REQ_INCONSISTENT", "BUSINESS_NOT_SUPPORT")

    holds()


def test_no_header_is_a_fault(desk: AntomDesk) -> None:
    noise = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=40) | st.sampled_from(
        ["algorithm=RSA256,signature=%ff", "signature==,", "9" * 13, "2014-10-28T00:00:00Z", "a,a,a", "=="]
    )

    @settings(max_examples=100)
    @given(headers=st.dictionaries(st.sampled_from(["client-id", "request-time", "signature", "content-type"]), noise))
    def holds(headers: dict[str, str]) -> None:
        answer = with_headers(desk, **headers)
        result = json.loads(answer.content)["result"]
        assert answer.status_code == 200
        assert RESULTS[result["resultCode"]][0] == result["resultStatus"]
        assert {"signature", "client-id", "response-time"} <= set(answer.headers)

    holds()


def test_refusals_are_known_codes() -> None:
    with pytest.raises(KeyError):
        Refused("NO_SUCH_CODE")
    values: list[Value] = [line.path for line in ENDPOINTS.values()]
    assert len(values) == len(set(map(str, values)))
