"""Who may do what, by the table of routes: no key, a wrong key, a missing scope, and other people's objects."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import Engine
from tests.unit.gateways.native.street import Street, error, opened, without_request

from handfast.domain.parties import SCOPES
from handfast.gateways.native.calls import Route
from handfast.gateways.native.gateway import TABLE
from handfast.gateways.native.prefixes import PREFIXES
from handfast.gateways.native.proofs import PROVED
from handfast.timers.seal import Seal

LOCKED = [line for line in TABLE if line.scope is not None]
WITH_ID = [line for line in LOCKED if line.kind]
BODIES: dict[str, Any] = {
    "/v1/webhook_endpoints/{id}/replay": {"events": ["evt_" + "0" * 32]},
    "/v1/parties/{id}/accept_payee": {"reason": "r"},
    "/v1/payments/{id}/capture": {"amount": 1},
    "/v1/payouts/{id}/reject": {"reason": "AC04"},
    "/v1/payout_files/{id}/reject": {"reason": "r"},
    "/v1/trades/{id}/release": {"amount": 1},
    "/v1/trades/{id}/propose": {"kind": "cancel"},
    "/v1/trades/{id}/agree": {"kind": "cancel"},
    "/v1/claims/{id}/offer": {"amount": 1},
    "/v1/claims/{id}/send_back": {"tracking": "SF2"},
    "/v1/disputes/{id}/evidence": {"kind": "message", "text": "t"},
    "/v1/disputes/{id}/decide": {"outcome": "dismiss", "reasons": "r"},
    "/v1/disputes/{id}/appeal": {"reasons": "r"},
}
PUBLIC = {"policy"}
"""Kinds of objects that everybody sees."""
OWNERS = {
    "/v1/payments/{id}/pay": "fang",
    "/v1/trades/{id}/confirm": "fang",
    "/v1/trades/{id}/ship": "shop",
    "/v1/consents/{id}": "fang",
    "/v1/consents/{id}/withdraw": "fang",
    "/v1/quotes/{id}": "fang",
    "/v1/transfers/{id}": "fang",
    "/v1/topups/{id}": "fang",
}
"""Who sees the object that the street keeps for a route; where none is named, the market."""


def name(line: Route) -> str:
    return f"{line.method} {line.path}"


class Town(Street):
    """A street on which one object of each kind lies about."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        api = self.api
        cart = {
            "currency": "CNY",
            "amount": 900,
            "payer": self.id("fang"),
            "lines": [{"seller": self.id("shop"), "amount": 900}],
        }
        paid = api.post("market", "/v1/payments", cart, "first")
        self.pay_in("market", "CNY", 100)
        hook = api.post("market", "/v1/webhook_endpoints", {"url": "https://shop.example/hook"})
        payout = api.post("market", "/v1/payouts", {"currency": "CNY", "amount": 100})
        file = api.post("house", "/v1/payout_files", {"currency": "CNY"})["file"]
        api.post("lead", f"/v1/payout_files/{file}/approve")
        quarrel = self.quarrel()
        event = api.get("market", "/v1/events", type="payment.captured")["data"][0]["id"]
        api.post("market", f"/v1/webhook_endpoints/{hook['id']}/replay", {"events": [event]})
        order = {"currency": "CNY", "amount": 10, "payer": self.id("fang"), "capture": "manual"}
        self.objects = {
            "party": self.id("market"),
            "client": "key_" + self.keys["market"].split("_")[1],
            "consent": api.post("fang", "/v1/consents", self.consent())["id"],
            "transfer": api.post("fang", "/v1/transfers", self.gift())["id"],
            "payment": api.post("market", "/v1/payments", order)["id"],
            "refund": api.post("market", "/v1/refunds", self.refund(paid))["id"],
            "trade": paid["lines"][0]["trade"],
            "quote": api.post("fang", "/v1/quotes", {"price_currency": "USD", "pay_currency": "CNY"})["id"],
            "topup": api.post("fang", "/v1/topups", {"currency": "CNY"})["id"],
            "payout": payout["id"],
            "deal": api.post("house", "/v1/deals", self.deal())["id"],
            "file": file,
            "plan": api.post("market", "/v1/payout_plans", {"currency": "CNY", "every": "day"})["id"],
            "event": event,
            "endpoint": hook["id"],
            "delivery": api.get("market", f"/v1/webhook_endpoints/{hook['id']}/deliveries")["data"][0]["id"],
            "operation": api.get("market", "/v1/operations", idempotency_key="first")["id"],
            "policy": api.get("market", "/v1/policy_book")["rules"][0]["policy"],
            PROVED: paid["id"],
            **quarrel,
        }
        sealing = Seal(bytes(32)).next(self.reader, self.now)
        assert sealing is not None
        self.desk.call(sealing)

    def quarrel(self) -> dict[str, str]:
        """A claim that became a dispute, with a file; and a debt that was given up."""
        api, trade = self.api, self.sell(seller="market")
        api.post("market", f"/v1/trades/{trade}/ship")
        api.post("fang", f"/v1/trades/{trade}/confirm")
        api.post("market", "/v1/payouts", {"currency": "USD", "amount": 10_000})
        debt = api.post("fang", "/v1/claims", {"trade": trade, "reason": "not_as_described", "amount": 5_000})
        api.post("market", f"/v1/claims/{debt['id']}/agree")
        given_up = {"party": self.id("market"), "currency": "USD", "amount": 1, "reason": "r"}
        claim = api.post("fang", "/v1/claims", {"trade": trade, "reason": "not_as_described"})
        dispute = api.post("fang", "/v1/disputes", {"trade": trade})
        photo = {"kind": "file", "name": "a.txt", "media_type": "text/plain", "file": "aGFsZg=="}
        shown = api.post("fang", f"/v1/disputes/{dispute['id']}/evidence", photo)
        return {
            "claim": claim["id"],
            "dispute": dispute["id"],
            "evidence": shown["id"],
            "write_off": api.post("house", "/v1/write_offs", given_up)["id"],
        }

    def consent(self) -> dict[str, Any]:
        return {"merchant": self.id("shop"), "currency": "CNY", "ceiling": 1}

    def gift(self) -> dict[str, Any]:
        return {"payee": self.id("shop"), "currency": "CNY", "amount": 5}

    def refund(self, paid: dict[str, Any]) -> dict[str, Any]:
        return {"payment": paid["id"], "trade": paid["lines"][0]["trade"], "amount": 1}

    def deal(self) -> dict[str, Any]:
        return {
            "sell_currency": "CNY",
            "sell_amount": 700,
            "buy_currency": "USD",
            "buy_amount": 100,
            "reference": "FX1",
        }


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Iterator[Town]:
    """One for all: nobody gets through, so nothing changes."""
    path = tmp_path_factory.mktemp("town") / "handfast.db"
    path.write_bytes(sqlite_template.read_bytes())
    with opened(f"sqlite:///{path}", Town) as town:
        yield town


def unlike(kind: str) -> list[str]:
    """Ids that nobody has: well formed, of another kind, of no form."""
    prefix = PREFIXES[kind.split(maxsplit=1)[0]]
    return [f"{prefix}_{'0' * 25}2", f"xyz_{'0' * 26}", f"{prefix}_{'0' * 25}", f"{prefix}_", "x", "{id}", "%00", "é"]


def ask(town: Town, line: Route, who: str | None, key: str = "") -> Any:
    path = line.path.replace("{id}", key)
    more: dict[str, Any] = {}
    if line.media_type:
        more = {"content": b"<x/>", "headers": {"content-type": line.media_type}}
    elif line.method == "POST":
        more = {"json": BODIES.get(line.path, {})}
    return town.api.send(line.method, path, who, **more)


@pytest.mark.parametrize("line", LOCKED, ids=name)
def test_nobody_gets_in_without_a_key(town: Town, line: Route) -> None:
    answer = ask(town, line, None, town.objects.get(line.kind, ""))
    assert error(answer) == (401, "key_missing", None)
    assert answer.headers["www-authenticate"] == 'Bearer realm="handfast"'


@pytest.mark.parametrize("line", LOCKED, ids=name)
def test_nobody_gets_in_without_the_scope(town: Town, line: Route) -> None:
    lacking = " ".join(sorted(SCOPES.keys() - set((line.scope or "").split()) - {"operate"}))
    key = town.key(town.parties["market"], lacking)
    assert error(ask(town, line, key, town.objects.get(line.kind, ""))) == (403, "scope_missing", None)


@pytest.mark.parametrize("line", WITH_ID, ids=name)
def test_what_is_anothers_is_unknown(town: Town, line: Route) -> None:
    own = town.objects[line.kind]
    before = town.count("operations"), town.count("events"), town.count("entries")
    stranger = "house" if line.scope == "operate" else "other"
    missing = [without_request(ask(town, line, stranger, key)) for key in unlike(line.kind)]
    assert len(set(missing)) == 1
    assert missing[0].startswith("404 ")
    if line.scope != "operate" and line.kind not in PUBLIC:
        assert without_request(ask(town, line, "other", own)) == missing[0]
        assert without_request(ask(town, line, "ming", own)) == missing[0]
    assert (town.count("operations"), town.count("events"), town.count("entries")) == before


@pytest.mark.parametrize("line", [line for line in WITH_ID if line.method == "GET"], ids=name)
def test_what_is_ones_own_is_seen_and_the_house_sees_all(town: Town, line: Route) -> None:
    own = town.objects[line.kind]
    owner = "house" if line.scope == "operate" or line.kind in {"deal", "file"} else OWNERS.get(line.path, "market")
    if line.kind == "trade":
        owner = "shop"
    assert ask(town, line, owner, own).status_code == 200
    assert ask(town, line, "house", own).status_code == 200


@pytest.mark.parametrize("line", [line for line in TABLE if line.listed], ids=name)
def test_lists_hold_nothing_of_strangers(town: Town, line: Route) -> None:
    who = "house" if line.scope == "operate" else "ming"
    ids: set[str] = {row["id"] for row in town.api.get(who, line.path, limit=100)["data"]}
    if who == "ming":
        assert not ids & {key for kind, key in town.objects.items() if kind not in PUBLIC}


def test_refunds_do_not_tell_which_payments_there_are(town: Town) -> None:
    payment, trade = town.objects["payment"], town.objects["trade"]
    said = {
        without_request(town.api.try_post("other", "/v1/refunds", {"payment": each, **more}))
        for each in (payment, "pay_" + "0" * 26, "nonsense")
        for more in ({}, {"trade": trade}, {"trade": "trd_" + "0" * 26}, {"trade": "nonsense"})
    }
    assert len(said) == 1
    assert all(
        town.api.get("other", "/v1/refunds", payment=each)["data"] == [] for each in (payment, "pay_" + "0" * 26, "x")
    )


def test_cursors_do_not_tell_which_events_and_entries_there_are(town: Town) -> None:
    event, entry = town.objects["event"], town.api.get("fang", "/v1/entries")["data"][0]["id"]
    for path, own, nobodys in (("events", event, "evt_" + "0" * 32), ("entries", entry, "ent_" + "0" * 32)):
        said = {
            without_request(town.api.send("GET", f"/v1/{path}", "other", params={"starting_after": key}))
            for key in (own, nobodys)
        }
        assert len(said) == 1
        assert said.pop().startswith("400 ")


def test_a_stranger_acts_for_nobody(town: Town) -> None:
    consent = {"payer": town.id("fang"), "merchant": town.id("other"), "currency": "CNY", "ceiling": 10}
    assert error(town.api.try_post("other", "/v1/consents", consent)) == (404, "object_not_found", "payer")
    assert town.api.post("house", "/v1/consents", consent)["payer"] == town.id("fang")
