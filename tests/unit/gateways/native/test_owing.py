"""What is owed over the API: an advance after a refund, seen by debtor and operator, netted, and written off."""

from typing import Any

import pytest
from tests.unit.gateways.native.street import Street, error


def advanced(street: Street, amount: int = 10_000) -> None:
    """The shop earns 97.50 of USD 100.00, pays it out, and then the buyer's claim is granted: the operator advances."""
    api, trade = street.api, street.sell(amount)
    api.post("shop", f"/v1/trades/{trade}/ship")
    api.post("fang", f"/v1/trades/{trade}/confirm")
    api.post("shop", "/v1/payouts", {"currency": "USD", "amount": amount * 975 // 1000})
    claim = api.post("fang", "/v1/claims", {"trade": trade, "reason": "not_as_described"})
    api.post("shop", f"/v1/claims/{claim['id']}/agree")


def owed(street: Street, who: str) -> list[tuple[str, str, int]]:
    rows = street.api.get(who, "/v1/receivables")["data"]
    return [(row["party"], row["currency"], row["amount"]) for row in rows]


def test_debtor_and_operator_see_what_is_owed_and_nobody_else(street: Street) -> None:
    advanced(street)
    mine = [(street.id("shop"), "USD", 9_750)]
    assert [owed(street, who) for who in ("shop", "house", "other", "fang")] == [mine, mine, [], []]
    (row,) = street.api.get("shop", "/v1/receivables")["data"]
    assert row["id"].startswith("acc_")
    accounts = {
        movement["account"]
        for entry in street.api.get("shop", "/v1/entries", limit=100)["data"]
        for movement in entry["movements"]
    }
    assert accounts == {"wallet", "payout", "receivable"}
    assert street.equation("USD").receivables == 9_750
    assert street.api.get("shop", "/v1/balances")["data"][0]["owed"] == 9_750


def test_a_wallet_pays_what_its_party_owes(street: Street) -> None:
    api = street.api
    advanced(street)
    api.post("fang", "/v1/transfers", {"payee": street.id("shop"), "currency": "USD", "amount": 5_000})
    body = {"party": street.id("shop"), "currency": "USD"}
    netted = api.post("house", "/v1/receivables/net", body, "net")
    assert (netted["amount"], netted["owed"]) == (5_000, 4_750)
    assert api.post("house", "/v1/receivables/net", body, "net") == netted
    again = api.post("house", "/v1/receivables/net", body)
    assert (again["amount"], again["owed"]) == (0, 4_750)
    assert api.get("house", "/v1/operations", idempotency_key="net")["result"] == {
        **netted,
        "amount": None,
        "owed": None,
    }


def test_what_is_given_up_is_written_off_once(street: Street) -> None:
    api = street.api
    advanced(street)
    body = {"party": street.id("shop"), "currency": "USD", "amount": 9_000, "reason": "It closed."}
    done = api.post("house", "/v1/write_offs", body, "gone")
    assert api.post("house", "/v1/write_offs", body, "gone") == done
    assert (done["amount"], done["reason"], done["handler"]) == (
        9_000,
        "It closed.",
        "key_" + street.keys["house"].split("_")[1],
    )
    assert error(api.try_post("house", "/v1/write_offs", body)) == (402, "receivable_exceeded", None)
    assert owed(street, "shop") == [(street.id("shop"), "USD", 750)]
    assert api.get("shop", "/v1/write_offs")["data"] == [done] == [api.get("shop", f"/v1/write_offs/{done['id']}")]
    assert api.get("other", "/v1/write_offs")["data"] == []
    assert error(api.send("GET", f"/v1/write_offs/{done['id']}", "other")) == (404, "object_not_found", "write_off")
    street.equation("USD")


@pytest.mark.parametrize(
    ("change", "status", "code", "param"),
    [
        ({"amount": 0}, 400, "amount_invalid", "amount"),
        ({"amount": 10**15 + 1}, 400, "amount_too_large", "amount"),
        ({"currency": "usd"}, 400, "currency_unknown", "currency"),
        ({"currency": "CNY"}, 402, "receivable_exceeded", None),
        ({"reason": ""}, 400, "text_invalid", "reason"),
        ({"reason": "a\u0000"}, 400, "text_invalid", "reason"),
        ({"party": "pty_" + "0" * 26}, 404, "object_not_found", "party"),
        ({"party": "x"}, 404, "object_not_found", "party"),
        ({"by": "me"}, 400, "field_unknown", "by"),
    ],
)
def test_a_write_off_that_makes_no_sense_is_refused(
    street: Street, change: dict[str, Any], status: int, code: str, param: str | None
) -> None:
    advanced(street)
    body = {"party": street.id("shop"), "currency": "USD", "amount": 1, "reason": "r"} | change
    assert error(street.api.try_post("house", "/v1/write_offs", body)) == (status, code, param)
    assert owed(street, "shop") == [(street.id("shop"), "USD", 9_750)]


def test_debts_are_listed_page_by_page(street: Street) -> None:
    api = street.api
    advanced(street)
    trade = street.sell(5_000, seller="other")
    api.post("other", f"/v1/trades/{trade}/ship")
    api.post("fang", f"/v1/trades/{trade}/confirm")
    api.post("other", "/v1/payouts", {"currency": "USD", "amount": 5_000})
    claim = api.post("fang", "/v1/claims", {"trade": trade, "reason": "not_as_described"})
    api.post("other", f"/v1/claims/{claim['id']}/agree")
    everything = api.get("house", "/v1/receivables")["data"]
    assert sorted(row["amount"] for row in everything) == [5_000, 9_750]
    first = api.get("house", "/v1/receivables", limit=1)
    assert (first["data"], first["has_more"]) == (everything[:1], True)
    rest = api.get("house", "/v1/receivables", limit=1, starting_after=everything[0]["id"])
    assert (rest["data"], rest["has_more"]) == (everything[1:], False)
    assert api.get("house", "/v1/receivables", ending_before=everything[1]["id"])["data"] == everything[:1]
    answer = api.send("GET", "/v1/receivables", "house", params={"starting_after": "x"})
    assert error(answer) == (400, "cursor_invalid", "starting_after")
