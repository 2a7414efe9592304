"""Lists: a walk covers everything exactly once, while new ones arrive; books and balances agree with each other."""

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from tests.conftest import NewDatabase
from tests.unit.gateways.native.street import Street, error, opened

from handfast.gateways.native.gateway import TABLE


@pytest.fixture
def street(new_database: NewDatabase) -> Iterator[Street]:
    """A street of its own for each test, over each store in turn."""
    with opened(new_database(), Street) as street:
        yield street


def walk(street: Street, who: str, path: str, limit: int, meanwhile: Any = None, **query: Any) -> list[Any]:
    """All pages, from the newest item back."""
    found: list[Any] = []
    page = street.api.get(who, path, limit=limit, **query)
    while True:
        assert list(page) == ["object", "data", "has_more", "url"]
        assert (page["object"], page["url"]) == ("list", path)
        assert len(page["data"]) <= limit
        found += page["data"]
        if not page["has_more"]:
            return found
        assert len(page["data"]) == limit
        if meanwhile is not None:
            meanwhile()
        page = street.api.get(who, path, limit=limit, starting_after=found[-1]["id"], **query)


def test_a_walk_covers_all_exactly_once_while_new_ones_arrive(street: Street) -> None:
    api = street.api
    send = {"payee": street.id("ming"), "currency": "USD", "amount": 1}
    made = [api.post("fang", "/v1/transfers", send)["id"] for _ in range(23)]
    for who in ("fang", "ming", "house"):
        for limit in (1, 7, 23, 100):
            arriving = lambda: api.post("fang", "/v1/transfers", send)  # noqa: E731
            seen = [item["id"] for item in walk(street, who, "/v1/transfers", limit, arriving)]
            assert [key for key in seen if key in set(made)] == made[::-1]
            assert len(set(seen)) == len(seen)


def test_newer_pages_walk_forward(street: Street) -> None:
    api = street.api
    made = [api.post("shop", "/v1/payments", {"currency": "USD", "amount": n})["id"] for n in range(1, 8)]
    page = api.get("shop", "/v1/payments", ending_before=made[1], limit=2)
    assert ([item["id"] for item in page["data"]], page["has_more"]) == ([made[3], made[2]], True)
    page = api.get("shop", "/v1/payments", ending_before=made[4], limit=2)
    assert ([item["id"] for item in page["data"]], page["has_more"]) == ([made[6], made[5]], False)
    assert api.get("shop", "/v1/payments", ending_before=made[6])["data"] == []


def test_a_customer_lists_what_it_paid_and_a_merchant_what_it_was_paid(street: Street) -> None:
    api = street.api
    order = {"currency": "USD", "amount": 100, "payer": street.id("fang")}
    made = [api.post("shop", "/v1/payments", order)["id"] for _ in range(5)]
    api.post("shop", f"/v1/payments/{made[1]}/refund", {"amount": 1})
    api.post("shop", "/v1/payments", {"currency": "USD", "amount": 7})
    assert [item["id"] for item in walk(street, "fang", "/v1/payments", 2)] == made[::-1]
    assert [item["id"] for item in walk(street, "shop", "/v1/payments", 2)][1:] == made[::-1]
    newer = api.get("fang", "/v1/payments", ending_before=made[1], limit=2)["data"]
    assert [item["id"] for item in newer] == [made[3], made[2]]
    assert api.get("ming", "/v1/payments")["data"] == []


def test_filters_narrow_a_list(street: Street) -> None:
    api = street.api
    one = api.post("shop", "/v1/payments", {"currency": "USD", "amount": 5, "reference": "one"})
    two = api.post("shop", "/v1/payments", {"currency": "USD", "amount": 5, "reference": "two"})
    api.post("shop", f"/v1/payments/{two['id']}/cancel")
    assert [item["id"] for item in api.get("shop", "/v1/payments", state="open")["data"]] == [one["id"]]
    assert [item["id"] for item in api.get("shop", "/v1/payments", reference="two")["data"]] == [two["id"]]
    assert [item["kind"] for item in api.get("house", "/v1/parties", kind="operator")["data"]] == ["operator"]


def test_trades_are_listed_for_seller_buyer_and_for_the_market_by_payment(street: Street) -> None:
    api = street.api
    lines = [{"seller": street.id(who), "amount": 50} for who in ("shop", "other")]
    cart = {"currency": "CNY", "amount": 100, "payer": street.id("fang"), "lines": lines}
    paid = api.post("market", "/v1/payments", cart)
    ids = {line["trade"] for line in paid["lines"]}
    listed = {
        who: {item["id"] for item in api.get(who, "/v1/trades")["data"]} for who in ("shop", "other", "fang", "ming")
    }
    assert listed["shop"] | listed["other"] == listed["fang"] == ids
    assert (len(listed["shop"]), listed["ming"]) == (1, set())
    assert {item["id"] for item in api.get("market", "/v1/trades", payment=paid["id"])["data"]} == ids
    assert api.get("ming", "/v1/trades", payment=paid["id"])["data"] == []


@pytest.mark.parametrize("path", [line.path for line in TABLE if line.listed])
def test_every_list_takes_a_limit_and_a_cursor_of_its_own(street: Street, path: str) -> None:
    assert len(walk(street, "house", path, 1)) == len(walk(street, "house", path, 100))
    answer = street.api.send("GET", path, "house", params={"starting_after": "nonsense"})
    assert error(answer) == (400, "cursor_invalid", "starting_after")


def test_a_statement_of_account_adds_up_to_the_balance(street: Street) -> None:
    api = street.api
    for amount in (100, 250, 999):
        api.post("fang", "/v1/transfers", {"payee": street.id("ming"), "currency": "USD", "amount": amount})
    api.post("shop", "/v1/payments", {"currency": "USD", "amount": 4_000, "payer": street.id("fang")})
    api.post("ming", "/v1/payouts", {"currency": "USD", "amount": 349})
    for who in ("fang", "ming", "shop"):
        moved: Counter[str] = Counter()
        places = []
        for entry in walk(street, who, "/v1/entries", 2):
            places.append(entry["sequence"])
            for movement in entry["movements"]:
                if movement["account"] == "wallet":
                    moved[movement["currency"]] += movement["amount"]
        assert places == sorted(set(places), reverse=True)
        balances = {row["currency"]: row["available"] for row in api.get(who, "/v1/balances")["data"]}
        assert dict(moved) == balances
    assert len(walk(street, "ming", "/v1/entries", 1, account="payout")) == 1
    assert walk(street, "ming", "/v1/entries", 1, currency="CNY") == []


def test_the_journal_balances_and_agrees_with_the_snapshot(street: Street) -> None:
    api = street.api
    api.post("shop", "/v1/payments", {"currency": "USD", "amount": 4_000, "payer": street.id("fang")})
    order = {"currency": "USD", "amount": 1_000, "payer": street.id("fang"), "capture": "manual"}
    api.post("shop", "/v1/payments", order)
    posted: Counter[str] = Counter()
    after, entries = 0, []
    while True:
        page = api.get("house", "/v1/journal", after=after, limit=1)
        for entry in page["data"]:
            entries.append(entry["sequence"])
            after = entry["sequence"]
            for posting in entry["postings"]:
                if posting["mode"] in {"posted", "post"}:
                    posted[posting["debit"]] -= posting["amount"]
                    posted[posting["credit"]] += posting["amount"]
        if not page["has_more"]:
            break
    assert entries == list(range(1, len(entries) + 1))
    answer = api.send("GET", "/v1/balances/snapshot", "house")
    assert answer.headers["content-type"] == "application/x-ndjson"
    head, *accounts, tail = map(json.loads, answer.text.splitlines())
    assert (head["sequence"], tail) == (entries[-1], {"object": "snapshot_end", "accounts": len(accounts)})
    balances = {each["id"]: each["credits_posted"] - each["debits_posted"] for each in accounts}
    assert {key: value for key, value in balances.items() if value} == {
        key: value for key, value in posted.items() if value
    }
    assert sum(balances.values()) == 0
    assert sum(each["debits_pending"] for each in accounts) == 1_000


def test_events_of_an_object_count_without_gaps(street: Street) -> None:
    api = street.api
    order = {"currency": "USD", "amount": 1_000, "payer": street.id("fang"), "capture": "manual"}
    payment = api.post("shop", "/v1/payments", order)
    for amount in (300, 200):
        api.post("shop", f"/v1/payments/{payment['id']}/capture", {"amount": amount})
    api.post("shop", f"/v1/payments/{payment['id']}/refund", {"amount": 100})
    told = [event for event in walk(street, "shop", "/v1/events", 2) if event["data"]["object"]["id"] == payment["id"]]
    assert [event["sequence"] for event in told] == [4, 3, 2, 1]
    assert [event["data"]["object"]["captured"] for event in told] == [500, 500, 300, 0]
    assert told[0]["data"]["object"] == api.get("shop", f"/v1/payments/{payment['id']}")
    assert [event["type"] for event in walk(street, "shop", "/v1/events", 1, type="refund.created")] == [
        "refund.created"
    ]
