"""HTTP manners: methods, headers, paths that are not there, and clients that hang up."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.unit.gateways.native.street import Street, error

from handfast.core.errors import Unavailable
from handfast.gateways.native import Native
from handfast.gateways.native.gateway import TABLE
from handfast.services import REQUEST
from handfast.store.reader import Reader
from handfast.store.readers import ReaderPool
from handfast.store.remote import Remote


@pytest.mark.parametrize(
    "path", ["/v1/", "/v1/nothing", "/v1/payments/", "/v1/payments/a/b/c", "/v1/payments/a/b", "/v1"]
)
def test_there_is_nothing_elsewhere(street: Street, path: str) -> None:
    assert error(street.api.send("GET", path, "shop")) == (404, "route_not_found", None)


def test_a_path_takes_its_own_methods(street: Street) -> None:
    answer = street.api.send("DELETE", "/v1/payments", "shop")
    assert error(answer) == (405, "method_not_allowed", None)
    assert answer.headers["allow"] == "POST, GET, HEAD, OPTIONS"
    assert street.api.send("PUT", "/v1/payments/x/capture", "shop").headers["allow"] == "POST, OPTIONS"


def test_options_tells_the_methods(street: Street) -> None:
    answer = street.api.send("OPTIONS", "/v1/payments")
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["allow"] == "POST, GET, HEAD, OPTIONS"


def test_head_is_get_without_the_body(street: Street) -> None:
    got, asked = (street.api.send(method, "/v1/balances", "fang") for method in ("GET", "HEAD"))
    assert (asked.status_code, asked.content) == (200, b"")
    assert asked.headers["content-length"] == str(len(got.content))
    assert street.api.send("HEAD", "/v1/balances/snapshot", "house").content == b""
    assert street.api.send("HEAD", "/v1/payments/x/capture", "shop").status_code == 405


def test_answers_are_json_and_not_to_be_kept(street: Street) -> None:
    for answer in (street.api.send("GET", "/v1/balances", "shop"), street.api.send("GET", "/v1/balances")):
        assert answer.headers["content-type"] == "application/json"
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["request-id"].startswith("req_")


def test_the_document_is_open_to_all(street: Street) -> None:
    document = street.api.send("GET", "/v1/openapi.json").json()
    assert len(document["paths"]) == len({line.path for line in TABLE})


def test_a_request_keeps_the_number_that_the_edge_gave_it(street: Street) -> None:
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": "/v1/x", "headers": [], "query_string": b"", REQUEST: bytes(16)}
    asyncio.run(Native(street.api.services)(scope, receive, send))
    assert sent[0]["status"] == 404
    assert b"req_" + b"0" * 26 in sent[1]["body"]
    assert b"request-id" not in dict(sent[0]["headers"])


def test_who_hangs_up_before_the_body_is_there_gets_nothing_done(street: Street) -> None:
    before, sent = street.count("payments"), []
    messages = iter([{"type": "http.request", "body": b'{"currency":', "more_body": True}, {"type": "http.disconnect"}])

    async def receive() -> Any:
        return next(messages)

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [(b"authorization", f"Bearer {street.keys['shop']}".encode()), (b"content-type", b"application/json")]
    scope = {"type": "http", "method": "POST", "path": "/v1/payments", "headers": headers, "query_string": b""}
    asyncio.run(Native(street.api.services)(scope, receive, send))
    assert sent == []
    assert street.count("payments") == before


def test_a_posts_query_is_not_passed_over(street: Street) -> None:
    answer = street.api.send("POST", "/v1/payments?amount=5", "shop", json={"currency": "USD", "amount": 1})
    assert error(answer) == (400, "field_unknown", "amount")


def test_an_empty_body_is_an_empty_object(street: Street) -> None:
    assert error(street.api.try_post("shop", "/v1/payments")) == (400, "field_missing", "currency")
    payment = street.api.post("shop", "/v1/payments", {"currency": "USD", "amount": 1})
    path = f"/v1/payments/{payment['id']}/cancel"
    assert error(street.api.try_post("shop", path, {"x": 1})) == (400, "field_unknown", "x")
    assert street.api.post("shop", path, {})["state"] == "cancelled"


def test_expansions_are_checked(street: Street) -> None:
    payment = street.api.post("shop", "/v1/payments", {"currency": "USD", "amount": 1})
    answer = street.api.send("GET", f"/v1/payments/{payment['id']}?expand[]=payer", "shop")
    assert error(answer) == (400, "field_invalid", "expand[]")


def test_while_the_database_is_away_nothing_is_known(street: Street) -> None:
    def connect() -> Reader:
        raise OSError

    away = ReaderPool(connect, lambda _fault: Unavailable("store_unavailable", "away"), inline=True)
    street.api.become(replace(street.api.services, read=away))
    answer = street.api.send("GET", "/v1/balances", "shop")
    assert error(answer) == (503, "store_unavailable", None)
    assert answer.headers["retry-after"] == "1"
    away.close()


def test_while_the_desk_is_away_the_outcome_is_unknown(street: Street, tmp_path: Path) -> None:
    street.api.become(replace(street.api.services, hand=Remote(tmp_path / "desk.sock", {})))
    answer = street.api.try_post("shop", "/v1/payments", {"currency": "USD", "amount": 1}, "k")
    assert error(answer) == (503, "desk_unreachable", None)
