"""Idempotency: the same key again gets the same bytes, does nothing twice, and can be asked what became of it."""

from collections.abc import Iterator
from typing import Any

import pytest
from tests.conftest import NewDatabase
from tests.unit.gateways.native.street import Street, error, opened

ORDER = {"currency": "USD", "amount": 1_000}


@pytest.fixture
def street(new_database: NewDatabase) -> Iterator[Street]:
    """A street of its own for each test, over each store in turn."""
    with opened(new_database(), Street) as street:
        yield street


def test_the_same_key_again_gets_the_same_bytes(street: Street) -> None:
    api = street.api
    order = {**ORDER, "payer": street.id("fang")}
    first = api.try_post("shop", "/v1/payments", order, "order-1")
    entries, events = street.count("entries"), street.count("events")
    again = api.try_post("shop", "/v1/payments", order, "order-1")
    assert again.content == first.content
    assert (first.headers.get("idempotent-replayed"), again.headers["idempotent-replayed"]) == (None, "true")
    assert first.headers["request-id"] != again.headers["request-id"]
    assert (street.count("entries"), street.count("events")) == (entries, events)
    turned = dict(reversed(order.items()))
    assert api.try_post("shop", "/v1/payments", turned, "order-1").content == first.content


def test_refusals_are_replayed_too(street: Street) -> None:
    api = street.api
    order = {"currency": "USD", "amount": 100_000_000, "payer": street.id("fang")}
    first = api.try_post("shop", "/v1/payments", order, "k")
    assert error(first)[:2] == (402, "consent_exceeded")
    again = api.try_post("shop", "/v1/payments", order, "k")
    assert error(again) == error(first)
    assert again.headers["idempotent-replayed"] == "true"


@pytest.mark.parametrize("change", [{"amount": 1_001}, {"reference": "x"}, {"metadata": {"a": "b"}}])
def test_the_same_key_with_another_body_is_refused(street: Street, change: dict[str, Any]) -> None:
    api = street.api
    api.post("shop", "/v1/payments", ORDER, "k")
    before = street.count("payments")
    assert error(api.try_post("shop", "/v1/payments", ORDER | change, "k")) == (409, "idempotency_key_reused", None)
    assert street.count("payments") == before


def test_the_same_key_on_another_path_is_refused(street: Street) -> None:
    api = street.api
    one, two = (api.post("shop", "/v1/payments", ORDER) for _ in range(2))
    api.post("shop", f"/v1/payments/{one['id']}/cancel", None, "k")
    answer = api.try_post("shop", f"/v1/payments/{two['id']}/cancel", None, "k")
    assert error(answer) == (409, "idempotency_key_reused", None)
    assert api.get("shop", f"/v1/payments/{two['id']}")["state"] == "open"


def test_keys_are_each_partys_own_and_outlive_an_api_key(street: Street) -> None:
    api = street.api
    mine = api.post("shop", "/v1/payments", ORDER, "k")
    theirs = api.post("other", "/v1/payments", ORDER, "k")
    assert mine["id"] != theirs["id"]
    fresh = street.key(street.parties["shop"], "payments")
    assert api.post(fresh, "/v1/payments", ORDER, "k") == mine


def test_without_a_key_each_request_is_its_own(street: Street) -> None:
    assert len({street.api.post("shop", "/v1/payments", ORDER)["id"] for _ in range(3)}) == 3


def test_an_operation_is_found_by_its_key(street: Street) -> None:
    api = street.api
    done = api.post("shop", "/v1/payments", ORDER, "k")
    found = api.get("shop", "/v1/operations", idempotency_key="k")
    assert (found["state"], found["result"], found["error"]) == ("done", done, None)
    assert api.get("shop", f"/v1/operations/{found['id']}") == found
    assert api.get("house", f"/v1/operations/{found['id']}") == found
    never = api.send("GET", "/v1/operations", "shop", params={"idempotency_key": "never"})
    assert error(never) == (404, "operation_not_found", "operation")
    refused = api.try_post("shop", "/v1/payments", {"currency": "XXX", "amount": 1}, "no")
    found = api.get("shop", "/v1/operations", idempotency_key="no")
    assert (found["state"], found["result"]) == ("refused", None)
    assert found["error"] == refused.json()["error"]


def test_secrets_are_told_once(street: Street) -> None:
    api = street.api
    wanted = {"party": street.id("shop"), "name": "till", "scopes": ["read"]}
    first = api.post("house", "/v1/api_keys", wanted, "k")
    again = api.post("house", "/v1/api_keys", wanted, "k")
    assert first["secret"].startswith("hf_")
    assert again == {**first, "secret": None}
    assert api.get(first["secret"], f"/v1/parties/{street.id('shop')}")["id"] == street.id("shop")
    hook = {"url": "https://shop.example/hook"}
    first, again = (api.post("shop", "/v1/webhook_endpoints", hook, "h") for _ in range(2))
    assert first["secret"].startswith("whsec_")
    assert again == {**first, "secret": None}


def test_a_batch_is_many_requests_with_keys_of_their_own(street: Street) -> None:
    api = street.api
    alone = api.post("shop", "/v1/payments", ORDER, "b0")
    items = [
        {**ORDER, "idempotency_key": "b0"},
        {**ORDER, "idempotency_key": "b1", "payer": street.id("fang")},
        {**ORDER, "idempotency_key": "b2", "payer": street.id("ming")},
        {**ORDER, "idempotency_key": "b3", "payer": "nobody"},
        {**ORDER, "idempotency_key": "b 4"},
        {**ORDER, "idempotency_key": "b1", "payer": street.id("fang")},
    ]
    batch = api.post("shop", "/v1/payments/batch", {"payments": items})
    statuses = [(item["status"], item["replayed"]) for item in batch["data"]]
    assert statuses == [(200, True), (200, False), (402, False), (404, False), (400, False), (200, True)]
    assert batch["data"][0]["payment"] == alone
    assert batch["data"][1]["payment"] == batch["data"][5]["payment"]
    assert batch["data"][2]["error"]["code"] == "consent_missing"
    assert batch["data"][3]["error"]["param"] == "payer"
    assert batch["data"][4]["error"]["param"] == "payments[4].idempotency_key"
    assert api.post("shop", "/v1/payments", {**ORDER, "payer": street.id("fang")}, "b1") == batch["data"][1]["payment"]
    again = api.post("shop", "/v1/payments/batch", {"payments": items})
    assert [item["payment"] for item in again["data"]] == [item["payment"] for item in batch["data"]]


def test_a_payment_of_a_batch_that_makes_no_sense_is_refused_for_itself(street: Street) -> None:
    api = street.api
    good = {**ORDER, "payer": street.id("fang")}
    items = [
        {**good, "idempotency_key": "w0"},
        {**good, "idempotency_key": "w1", "amount": 0},
        {**good, "idempotency_key": "w2", "tip": 5},
        good,
        "two cups",
        {**good, "idempotency_key": "w5"},
    ]
    batch = api.post("shop", "/v1/payments/batch", {"payments": items})
    told = [item["error"] and (item["error"]["code"], item["error"]["param"]) for item in batch["data"]]
    assert told == [
        None,
        ("amount_invalid", "amount"),
        ("field_unknown", "tip"),
        ("field_missing", "idempotency_key"),
        ("body_malformed", None),
        None,
    ]
    assert [item["status"] for item in batch["data"]] == [200, 400, 400, 400, 400, 200]
    alone = api.post("shop", "/v1/payments", good, "w5")
    assert alone == batch["data"][5]["payment"]


@pytest.mark.parametrize("payments", [[], [{"idempotency_key": "x"}] * 257, "none", None])
def test_what_is_no_batch_is_refused_whole(street: Street, payments: object) -> None:
    answer = street.api.try_post("shop", "/v1/payments/batch", {"payments": payments})
    status, _, param = error(answer)
    assert (status, param) in {(400, "payments"), (400, None)}
