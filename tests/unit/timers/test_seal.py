"""Sealing: bounded slices in order, crashes between them, heads published once, proofs that anybody can check."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec import json
from tests.conftest import Engine, NewDatabase
from tests.unit.gateways.native.street import Street, error, opened

from handfast.core.settings import Settings, seal_key
from handfast.domain.heads import HEADS, Head, head_id
from handfast.store.reader import get
from handfast.timers.seal import Seal, Sealer, last_published, publish
from handfast_verify import verify
from handfast_verify.heads import from_json
from handfast_verify.merkle import consistent
from handfast_verify.receipt import check

KEY = bytes(range(32))


class Shops(Street):
    """A street with a direct sale, a guaranteed one, and a gift."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self.url = engine.url
        self.seal = Seal(KEY)
        fang = self.id("fang")
        sale = {"currency": "USD", "amount": 4_999, "payer": fang}
        self.sale = self.api.post("shop", "/v1/payments", sale)["id"]
        cart = [{"seller": self.id("shop"), "amount": 900}]
        order = {"currency": "CNY", "amount": 900, "payer": fang, "lines": cart}
        paid = self.api.post("market", "/v1/payments", order)
        self.order, self.trade = paid["id"], paid["lines"][0]["trade"]
        gift = {"payee": self.id("ming"), "currency": "CNY", "amount": 5}
        self.gift = self.api.post("fang", "/v1/transfers", gift)["id"]
        back = {"payment": self.order, "trade": self.trade, "amount": 100}
        self.refund = self.api.post("shop", "/v1/refunds", back)["id"]
        self.payout = self.api.post("shop", "/v1/payouts", {"currency": "USD", "amount": 100})["id"]

    def seal_some(self, limit: int = 7) -> list[Head]:
        heads = []
        while (request := self.seal.next(self.reader, self.now, limit)) is not None:
            heads.append(self.desk.call(request))
        return heads


@pytest.fixture
def shops(new_database: NewDatabase) -> Iterator[Shops]:
    with opened(new_database(), Shops) as shops:
        yield shops


@pytest.fixture
def here(new_sqlite: NewDatabase) -> Iterator[Shops]:
    """The same over SQLite alone."""
    with opened(new_sqlite(), Shops) as shops:
        yield shops


def leaves(shops: Shops) -> int:
    return sum(shops.count(table) for table in ("entries", "events", "policies"))


def test_slices_are_bounded_and_cover_everything_once(shops: Shops) -> None:
    rows = leaves(shops)
    heads = shops.seal_some(7)
    assert [head.number for head in heads] == list(range(1, len(heads) + 1))
    assert all(head.size - head.before <= 7 for head in heads)
    assert [head.before for head in heads[1:]] == [head.size for head in heads[:-1]]
    terms = sum(len(head.terms) // 16 for head in heads)
    assert heads[-1].size == rows == heads[-1].entries + heads[-1].events + terms
    assert terms == shops.count("policies") > 0
    assert shops.seal_some() == []  # heads tell of themselves, and are not sealed by the next
    result = verify(shops.url)
    assert result.faults == ()
    assert (result.heads, result.size, result.unsealed_events) == (len(heads), rows, 0)


def test_one_slice_or_many_have_the_same_leaves(shops: Shops) -> None:
    """The order within a slice is entries, then events; so equal slices make equal roots, on every store."""
    assert Seal(KEY).next(shops.reader, 1, 10_000) is not None
    first, again = (Seal(KEY).next(shops.reader, now, 9) for now in (1, 2))
    assert first is not None
    assert again is not None
    assert first.command.head.root == again.command.head.root
    assert first.key != again.key  # another moment, another signature, another request


def test_a_crash_between_slices_loses_and_doubles_nothing(here: Shops) -> None:
    stranger = Seal(KEY)
    lost = here.seal.next(here.reader, here.now, 7)
    assert lost is not None
    kept = stranger.next(here.reader, here.now + 1, 9)
    assert kept is not None
    here.desk.call(kept)
    answer = here.desk.run([lost])[0]
    assert answer.refusal is not None
    assert answer.refusal.code == "state_conflict"
    here.seal.forget()
    heads = here.seal_some(7)
    assert heads[0].number == 2
    assert heads[0].before == 9
    assert verify(here.url).faults == ()
    assert Seal(KEY).next(here.reader, here.now) is None  # started anew, it finds nothing left


def test_a_head_that_was_kept_is_kept_once(here: Shops) -> None:
    request = here.seal.next(here.reader, here.now, 7)
    assert request is not None
    head = here.desk.call(request)
    (again,) = here.desk.run([request])
    assert again.replayed
    assert again.result == head
    assert get(here.reader, HEADS, head_id(1)) == head


def test_the_loop_publishes_each_head_once(here: Shops, tmp_path: Path) -> None:
    file = tmp_path / "heads.jsonl"
    rows = leaves(here)

    def run(turns: int) -> list[bool]:
        async def some() -> list[bool]:
            sealer = Sealer(here.api.services, KEY, file, rows - 1)
            return [await sealer.turn() for _ in range(turns)]

        return asyncio.run(some())

    assert run(1) == [True]
    first = file.read_bytes()
    here.api.post("fang", "/v1/transfers", {"payee": here.id("ming"), "currency": "CNY", "amount": 5})
    file.write_bytes(first[:-50])  # the machine failed in mid-line
    assert run(2) == [False, False]
    told = [line for line in file.read_bytes().split(b"\n") if line.endswith(b"}")]
    assert [json.decode(line)["number"] for line in told] == [1, 2]
    assert last_published(file) == 2
    result = verify(here.url, heads=file)
    assert result.faults == ()
    assert (result.published, result.unsealed_entries) == (2, 0)


def test_the_file_is_only_ever_added_to(tmp_path: Path, here: Shops) -> None:
    file = tmp_path / "heads.jsonl"
    heads = here.seal_some()
    publish(file, heads[:2])
    before = file.read_bytes()
    publish(file, [])
    publish(file, heads[2:])
    assert file.read_bytes().startswith(before)
    assert last_published(file) == len(heads)


def test_the_key_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path)
    key = seal_key(settings)
    assert len(key) == 32
    assert seal_key(settings) == key
    assert settings.seal_key_file.stat().st_mode & 0o777 == 0o600


def test_heads_and_their_consistency_are_for_everybody(here: Shops) -> None:
    assert here.api.send("GET", "/v1/keys").json() == {"object": "keys", "head": None}
    heads = here.seal_some(7)
    assert here.api.send("GET", "/v1/keys").json()["head"] == heads[0].key.hex()
    told = here.api.send("GET", "/v1/heads", params={"limit": 1000}).json()["data"]
    assert [from_json(each).root for each in told] == [head.root for head in heads]
    assert all(from_json(each).signed() for each in told)
    for second in heads:
        for first in heads[: second.number]:
            path = f"/v1/heads/{second.number}/consistency"
            proof = here.api.send("GET", path, params={"from": first.number}).json()
            hashes = [bytes.fromhex(part) for part in proof["path"]]
            assert consistent(first.size, first.root, second.size, second.root, hashes)
    assert error(here.api.send("GET", "/v1/heads/99")) == (404, "object_not_found", "head")
    wrong = here.api.send("GET", "/v1/heads/1/consistency", params={"from": 2})
    assert error(wrong) == (400, "field_invalid", "from")


def receipt(shops: Shops, who: str, key: str) -> bytes:
    return json.encode(shops.api.get(who, f"/v1/receipts/{key}"))


def test_receipts_are_checked_offline(shops: Shops, tmp_path: Path) -> None:
    assert error(shops.api.send("GET", f"/v1/receipts/{shops.sale}", "shop")) == (409, "state_conflict", "id")
    heads = shops.seal_some(7)
    file = tmp_path / "heads.jsonl"
    publish(file, heads)
    asked = [("shop", shops.sale), ("market", shops.order), ("shop", shops.trade), ("fang", shops.gift)]
    asked += [("market", shops.refund), ("shop", shops.payout)]
    for who, key in asked:
        content = receipt(shops, who, key)
        found = check(content, file, heads[0].key)
        assert found.faults == []
        assert found.words == "The receipt holds."
        assert all(leaf["leaf"] for leaf in json.decode(content)["leaves"])
    entry = shops.api.get("fang", "/v1/entries", source=shops.gift)["data"][0]["id"]
    assert check(receipt(shops, "ming", entry), file).faults == []


def test_what_a_payer_may_not_see_is_proved_by_its_hash(here: Shops) -> None:
    here.seal_some()
    sale = json.decode(receipt(here, "fang", here.sale))["leaves"]
    assert {leaf["source"]: leaf["leaf"] for leaf in sale} == {"entry": None, "event": None}  # it bears a commission
    order = {leaf["source"]: leaf["leaf"] for leaf in json.decode(receipt(here, "fang", here.order))["leaves"]}
    assert order["entry"] is not None
    assert order["event"] is None
    assert check(receipt(here, "fang", here.order)).faults == []
    refund = {leaf["source"]: leaf["leaf"] for leaf in json.decode(receipt(here, "fang", here.refund))["leaves"]}
    assert refund["entry"] is not None
    assert error(here.api.send("GET", f"/v1/receipts/{here.payout}", "fang")) == (404, "object_not_found", "id")


def test_strangers_get_no_receipt(here: Shops) -> None:
    here.seal_some()
    entry = here.api.get("fang", "/v1/entries", source=here.gift)["data"][0]["id"]
    for key in (here.sale, here.order, here.trade, here.gift, here.refund, entry, "pay_" + "0" * 26, "x"):
        assert error(here.api.send("GET", f"/v1/receipts/{key}", "other")) == (404, "object_not_found", "id")


def test_a_receipt_that_was_changed_does_not_hold(here: Shops) -> None:
    here.seal_some()
    whole = json.decode(receipt(here, "shop", here.sale))
    leaf = whole["leaves"][0]
    for member, value in (("number", leaf["number"] + 1), ("hash", "00" * 32), ("leaf", "AAAA"), ("path", [])):
        assert check(json.encode({**whole, "leaves": [{**leaf, member: value}]})).faults, member
    for member in ("number", "size", "entries", "entries_to", "events", "events_to", "at"):
        head = {**whole["head"], member: whole["head"][member] + 1}
        assert check(json.encode({**whole, "head": head})).faults, member
    assert check(json.encode({**whole, "leaves": []})).faults
    assert check(json.encode(whole), key=bytes(32)).faults


def test_a_row_that_was_changed_gets_no_receipt(here: Shops) -> None:
    here.seal_some()
    db = here.desk.store.connection  # type: ignore[attr-defined]
    db.execute("DROP TRIGGER entries_keeps_update")
    db.execute("UPDATE entries SET at = at + 1")
    assert error(here.api.send("GET", f"/v1/receipts/{here.sale}", "shop")) == (503, "internal", None)
