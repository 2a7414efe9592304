"""Policies over the API: published by the operator word for word, and read by everybody."""

import json
from typing import Any

import pytest
from tests.unit.gateways.native.street import Street, error

from handfast.domain.policies import preset_text

PATH = "/v1/policies"


def book(name: str = "digital") -> dict[str, Any]:
    found: dict[str, Any] = json.loads(preset_text(name))
    return found


def test_a_book_is_published_and_counts_for_what_is_sold_from_then_on(street: Street) -> None:
    api = street.api
    before = street.sell(delivery="virtual")
    first = api.get("shop", "/v1/policy_book")
    published = api.post("house", PATH, book())
    assert (published["object"], published["state"], published["version"]) == ("policy_book", "in_force", 2)
    assert published["rules"] != first["rules"]
    assert api.get("fang", "/v1/policy_book") == published
    after = street.sell(delivery="virtual")
    names = [api.get("fang", f"/v1/trades/{trade}")["policy"]["name"] for trade in (before, after)]
    assert names == ["taobao-virtual", "digital-message"]
    used = published["rules"][0]["policy"]
    assert api.get("ming", f"{PATH}/{used}")["content"] == book()["policies"][0]


def test_a_book_again_changes_nothing(street: Street) -> None:
    api = street.api
    first = api.post("house", PATH, book(), "again")
    assert api.post("house", PATH, book(), "again") == api.post("house", PATH, book()) == first
    turned = dict(reversed(book().items()))
    assert api.post("house", PATH, turned, "again") == first
    assert error(api.try_post("house", PATH, book("1688"), "again")) == (409, "idempotency_key_reused", None)


def test_policies_are_listed_the_newest_first_and_by_name(street: Street) -> None:
    api = street.api
    street.now += 1_000_000
    api.post("house", PATH, book())
    changed = book()
    changed["policies"][0]["version"] = 2
    changed["policies"][0]["refundable"]["length"] += 1
    street.now += 1_000_000
    api.post("house", PATH, changed)
    name = changed["policies"][0]["name"]
    assert [row["version"] for row in api.get("fang", PATH, name=name)["data"]] == [2, 1]
    everything = api.get("fang", PATH, limit=100)["data"]
    assert everything[0]["version"] == 2
    assert [row["created"] for row in everything] == sorted((row["created"] for row in everything), reverse=True)
    oldest = api.get("fang", PATH, ending_before=everything[-1]["id"], limit=1)["data"]
    assert oldest == [everything[-2]]
    assert api.get("fang", PATH, name="nobody")["data"] == []


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"colour": "red"}, "colour"),
        ({"rules": []}, "rules"),
        ({"policies": 5}, "policies"),
        ({"policies": []}, "policies"),
    ],
)
def test_a_book_that_breaks_a_rule_is_refused_by_its_place(street: Street, change: dict[str, Any], param: str) -> None:
    answer = street.api.try_post("house", PATH, book() | change)
    assert error(answer) == (400, "policy_invalid", param)


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("length", "-1"),
        ("length", "1.5"),
        ("length", "1e3"),
        ("length", "true"),
        ("unit", '"years"'),
        ("unit", r'"\ud800"'),
    ],
)
def test_a_periods_members_are_checked(street: Street, member: str, value: str) -> None:
    text = book()
    text["policies"][0]["pay"]["within"][member] = "@@@"
    answer = street.api.post_raw("house", PATH, json.dumps(text).replace('"@@@"', value).encode())
    status, code, param = error(answer)
    assert (status, code) == (400, "policy_invalid")
    assert param is None or param.startswith("policies[0].pay.within")


@pytest.mark.parametrize("content", [b"{", b"[]", b"null", b"\xff", b'{"rules":[],"rules":[]}', b" " * 300_000])
def test_what_is_no_policy_file_is_refused(street: Street, content: bytes) -> None:
    assert error(street.api.post_raw("house", PATH, content))[:2] == (400, "policy_invalid")


def test_other_content_needs_another_version(street: Street) -> None:
    street.api.post("house", PATH, book())
    changed = book()
    changed["policies"][0]["refundable"]["length"] += 1
    answer = street.api.try_post("house", PATH, changed)
    assert error(answer) == (400, "policy_invalid", "policies[0].version")


def test_only_the_operator_publishes(street: Street) -> None:
    before = street.count("policies")
    assert error(street.api.try_post("shop", PATH, book())) == (403, "scope_missing", None)
    assert street.count("policies") == before


@pytest.mark.parametrize("unknown", ["pol_" + "0" * 32, "pol_" + "0" * 26, "x", "pay_" + "0" * 32])
def test_an_unknown_policy_is_not_found(street: Street, unknown: str) -> None:
    assert error(street.api.send("GET", f"{PATH}/{unknown}", "fang")) == (404, "object_not_found", "policy")
