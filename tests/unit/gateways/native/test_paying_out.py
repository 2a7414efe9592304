"""Payouts over the native API: whose account, whose two pairs of eyes, when by itself, and what is still to come."""

from typing import Any

import pytest
from tests.unit.domain.bank_side import line
from tests.unit.gateways.native.street import Street, error
from tests.unit.timers.bank_day import BUYER_IBAN, SHOP, SHOP_IBAN

from handfast.core.clocks import DAY, SECOND
from handfast.domain.payouts import BookPayout, ReturnPayout
from handfast.gateways.native.prefixes import read


def earned(street: Street, amount: int = 10_000) -> None:
    """The shop is paid, less commission at 2.5 %."""
    order = {"currency": "USD", "amount": amount, "payer": street.id("fang")}
    street.api.post("shop", "/v1/payments", order)


def asked(street: Street, amount: int = 5_000) -> dict[str, Any]:
    payout: dict[str, Any] = street.api.post("shop", "/v1/payouts", {"currency": "USD", "amount": amount})
    return payout


def prepared(street: Street, who: str = "house") -> str:
    file: str = street.api.post(who, "/v1/payout_files", {"currency": "USD"})["file"]
    return f"/v1/payout_files/{file}"


def approved(street: Street) -> str:
    path = prepared(street)
    street.api.post("lead", f"{path}/approve")
    return path


def test_nobody_reads_a_file_before_a_second_person_approved_it(street: Street) -> None:
    api = street.api
    earned(street)
    payout = asked(street)
    path = prepared(street)
    assert error(api.send("GET", f"{path}/content", "house")) == (409, "state_conflict", "state")
    assert error(api.send("GET", f"{path}/content", "lead")) == (409, "state_conflict", "state")
    assert error(api.try_post("house", f"{path}/approve")) == (403, "second_person_needed", "handler")
    assert error(api.try_post("shop", f"{path}/approve"))[:2] == (403, "scope_missing")
    seen = api.get("lead", "/v1/payouts", file=path.rpartition("/")[2])["data"]
    assert [(each["id"], each["amount"]) for each in seen] == [(payout["id"], 5_000)]

    done = api.post("lead", f"{path}/approve", key="once")
    house, lead = ("key_" + street.keys[who].split("_")[1] for who in ("house", "lead"))
    assert (done["state"], done["four_eyes"], done["prepared_by"], done["decided_by"]) == (
        "approved",
        True,
        house,
        lead,
    )
    assert api.post("lead", f"{path}/approve", key="once") == done
    assert error(api.try_post("lead", f"{path}/approve")) == (409, "state_conflict", "state")
    assert error(api.try_post("lead", f"{path}/reject", {"reason": "too late"})) == (409, "state_conflict", "state")
    content = api.send("GET", f"{path}/content", "house")
    assert payout["end_to_end"].encode() in content.content


def test_a_rejected_file_is_never_read_and_its_payouts_go_with_another(street: Street) -> None:
    api = street.api
    earned(street)
    payout = asked(street)
    path = prepared(street)
    gone = api.post("lead", f"{path}/reject", {"reason": "The limit of the day"})
    assert (gone["state"], gone["reason"]) == ("rejected", "The limit of the day")
    assert error(api.try_post("lead", f"{path}/approve")) == (409, "state_conflict", "state")
    assert error(api.send("GET", f"{path}/content", "lead")) == (409, "state_conflict", "state")
    assert api.get("shop", f"/v1/payouts/{payout['id']}")["state"] == "requested"
    again = approved(street)
    assert again != path
    assert api.send("GET", f"{again}/content", "lead").status_code == 200
    states = {each["id"]: each["state"] for each in api.get("house", "/v1/payout_files")["data"]}
    assert states == {path.rpartition("/")[2]: "rejected", again.rpartition("/")[2]: "approved"}
    assert [each["state"] for each in api.get("house", "/v1/payout_files", state="rejected")["data"]] == ["rejected"]


def test_a_payout_that_the_bank_refused_is_in_the_wallet_again(street: Street) -> None:
    api = street.api
    earned(street)
    payout = asked(street)
    path = f"/v1/payouts/{payout['id']}/reject"
    file = prepared(street)
    assert error(api.try_post("house", path, {"reason": "AC06"})) == (409, "state_conflict", "state")
    api.post("lead", f"{file}/approve")
    assert error(api.try_post("shop", path, {"reason": "AC06"}))[:2] == (403, "scope_missing")
    assert error(api.try_post("house", path, {"reason": " "})) == (400, "field_missing", "reason")
    refused = api.post("house", path, {"reason": "AC06"})
    assert (refused["state"], refused["reason"]) == ("returned", "AC06")
    assert [each["available"] for each in api.get("shop", "/v1/balances")["data"]] == [9_750]


def test_what_came_back_makes_the_account_wait_for_somebody(street: Street) -> None:
    api = street.api
    earned(street)
    payout = asked(street)
    approved(street)
    key = read("payout", payout["id"])
    street.do(BookPayout(key, line("USD", -5_000, "out")))
    street.do(ReturnPayout(key, line("USD", 5_000, "back"), "AC04"))
    told = [each["type"] for each in api.get("shop", "/v1/events")["data"][:2]]
    assert set(told) == {"payout.returned", "party.payee_returned"}
    party = api.get("shop", f"/v1/parties/{street.id('shop')}")
    assert (party["payee_check"], party["payee_reason"]) == ("returned", "AC04")
    no = api.try_post("shop", "/v1/payouts", {"currency": "USD", "amount": 1})
    assert error(no) == (402, "payee_unchecked", "details")
    path = f"/v1/parties/{street.id('shop')}/accept_payee"
    assert api.post("lead", path, {"reason": "Their bank was wrong"})["payee_check"] == "accepted"
    asked(street, 1)


def test_an_account_in_anothers_name_needs_two_persons(street: Street) -> None:
    api = street.api
    new = {"kind": "merchant", "country": "NL", "name": "Corner Shop", "holder": "Bert de Vries", "iban": SHOP_IBAN}
    party = api.post("house", "/v1/parties", new)
    assert (party["payee_check"], party["details"]["holder"]) == ("no_match", "Bert de Vries")
    path = f"/v1/parties/{party['id']}/accept_payee"
    assert error(api.try_post("house", path, {"reason": "I know them"})) == (403, "second_person_needed", "handler")
    done = api.post("lead", path, {"reason": "The owner's own account"})
    lead = "key_" + street.keys["lead"].split("_")[1]
    assert (done["payee_check"], done["payee_reason"], done["payee_handler"]) == (
        "accepted",
        "The owner's own account",
        lead,
    )
    assert error(api.try_post("lead", path, {"reason": "again"})) == (409, "state_conflict", "state")


@pytest.mark.parametrize(
    ("account", "check", "holder"),
    [
        ({"iban": SHOP_IBAN}, "match", "Corner Shop"),
        ({"iban": SHOP_IBAN, "holder": "Bert de Vries"}, "no_match", "Bert de Vries"),
        ({"iban": SHOP_IBAN, "holder": "Corner Shop BV"}, "close", "Corner Shop BV"),
        ({"routing": "021000021", "account": "1112223334"}, "match", "Corner Shop"),
        ({}, None, ""),
    ],
)
def test_an_account_is_checked_as_it_comes_in(
    street: Street, account: dict[str, str], check: str | None, holder: str
) -> None:
    new = {"kind": "merchant", "country": "NL", "name": "Corner Shop"} | account
    party = street.api.post("house", "/v1/parties", new)
    assert (party["payee_check"], party["details"]["holder"]) == (check, holder)


def test_details_are_given_anew_and_checked_anew(street: Street) -> None:
    api = street.api
    earned(street)
    before = asked(street, 1_000)
    path = f"/v1/parties/{street.id('shop')}/details"
    changed = api.post("shop", path, {"iban": BUYER_IBAN, "email": "shop@example.com"})
    assert changed["details"] == {
        "name": SHOP,
        "email": "shop@example.com",
        "iban": BUYER_IBAN,
        "routing": "",
        "account": "",
        "bic": "",
        "holder": SHOP,
    }
    assert changed["payee_by"] == "key_" + street.keys["shop"].split("_")[1]
    asked(street, 2_000)
    content = api.send("GET", f"{approved(street)}/content", "house").content
    first, second = content.index(b">10.00<"), content.index(b">20.00<")
    assert first < content.index(SHOP_IBAN.encode()) < second < content.index(BUYER_IBAN.encode())
    assert api.get("shop", f"/v1/payouts/{before['id']}")["state"] == "ordered"
    kept = api.post("shop", path, {"iban": BUYER_IBAN})
    assert kept["details"]["email"] == "shop@example.com"
    assert api.get("shop", "/v1/events", type="party.details_changed")["data"][0]["data"]["object"]["details"] is None


def test_what_cannot_be_changed(street: Street) -> None:
    api = street.api
    path = f"/v1/parties/{street.id('shop')}/details"
    assert error(api.try_post("other", path, {"iban": SHOP_IBAN})) == (404, "object_not_found", "party")
    assert error(api.try_post("shop", path, {"name": "Somebody else"})) == (403, "scope_missing", "name")
    assert error(api.try_post("shop", path, {"iban": SHOP_IBAN[:-1] + "1"})) == (400, "iban_invalid", "iban")
    us = {"routing": "021000022", "account": "1"}
    assert error(api.try_post("shop", path, us)) == (400, "field_invalid", "routing")
    assert error(api.try_post("shop", path, us | {"iban": SHOP_IBAN})) == (400, "field_invalid", "iban")
    assert api.post("house", path, {"name": "Somebody else", "iban": SHOP_IBAN})["details"]["name"] == "Somebody else"
    assert api.post("shop", path, {})["payee_check"] is None
    earned(street)
    assert error(api.try_post("shop", "/v1/payouts", {"currency": "USD", "amount": 1})) == (
        400,
        "field_missing",
        "details",
    )
    api.post("house", f"/v1/parties/{street.id('shop')}/erase")
    assert error(api.try_post("house", path, {"iban": SHOP_IBAN})) == (404, "object_not_found", "party")


def test_a_plan_and_its_preview(street: Street) -> None:
    api = street.api
    earned(street)
    asked(street, 750)
    cart = {
        "currency": "USD",
        "amount": 2_000,
        "payer": street.id("fang"),
        "lines": [{"seller": street.id("shop"), "amount": 2_000}],
    }
    trade = api.post("shop", "/v1/payments", cart)["lines"][0]["trade"]
    plan = api.post("shop", "/v1/payout_plans", {"currency": "USD", "every": "week", "day": 5, "minimum": 1_000})
    friday = (street.now // DAY + 3) * DAY // SECOND
    assert (plan["every"], plan["due"], plan["outcome"]) == ("week", friday, None)
    assert api.get("shop", f"/v1/payout_plans/{plan['id']}") == plan
    assert api.get("shop", "/v1/payout_plans")["data"] == [plan]
    assert api.get("other", "/v1/payout_plans")["data"] == []

    (mine,) = api.get("shop", "/v1/payouts/preview")["data"]
    assert (mine["id"], mine["payee_check"]) == (street.id("shop"), "match")
    (dollars,) = mine["data"]
    (held,) = dollars.pop("held_for")
    assert (held["trade"], held["amount"], held["waits_for"]) == (trade, 2_000, "dispatch")
    assert held["until"] > street.now // SECOND
    assert dollars == {
        "currency": "USD",
        "available": 9_000,
        "pending": 0,
        "owed": 0,
        "payable": 9_000,
        "on_its_way": 750,
        "held": 2_000,
        "reserved": 0,
        "reserve_used": 0,
        "reserved_from": [],
        "next": {"plan": plan["id"], "due": friday, "amount": 9_000, "against": None},
    }


def test_a_plan_is_ones_own_or_the_operators_to_make(street: Street) -> None:
    api = street.api
    named = {"currency": "USD", "every": "day", "party": street.id("shop")}
    assert error(api.try_post("other", "/v1/payout_plans", named)) == (404, "object_not_found", "party")
    assert api.post("house", "/v1/payout_plans", named)["party"] == street.id("shop")
    wrong = {"currency": "USD", "every": "week", "day": 8}
    assert error(api.try_post("shop", "/v1/payout_plans", wrong)) == (400, "field_invalid", "day")


def test_the_operator_previews_everybody(street: Street) -> None:
    api = street.api
    earned(street)
    everybody = api.get("house", "/v1/payouts/preview", limit=100)["data"]
    assert {each["id"] for each in everybody} == {street.id(name) for name in street.parties}
    assert {each["id"] for each in everybody if each["data"]} >= {street.id("shop"), street.id("fang")}
    (one,) = api.get("house", "/v1/payouts/preview", party=street.id("shop"))["data"]
    assert one in everybody
    page = api.get("house", "/v1/payouts/preview", kind="merchant", limit=2)
    rest = api.get("house", "/v1/payouts/preview", kind="merchant", limit=2, starting_after=page["data"][-1]["id"])
    assert (page["has_more"], len(page["data"]), rest["has_more"], len(rest["data"])) == (True, 2, False, 1)
    answer = api.send("GET", "/v1/payouts/preview", "other", params={"party": street.id("shop")})
    assert error(answer) == (404, "object_not_found", "party")
