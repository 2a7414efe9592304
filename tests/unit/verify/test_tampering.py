"""Whatever is changed in the books is named, or is no part of them: every column of every table, rows taken away."""

from pathlib import Path
from typing import Any

import pytest
from msgspec import msgpack
from tests.unit.verify.conftest import Copy, Sealed

from handfast.sandbox.tamper import tamper

TOLD = "it says who asked and who was told, not what became of money"
INDEX = "an index of other tables, which the service makes anew: what it holds is in them"
SEALED = "encrypted under a person's key, whose cipher keeps it whole; events are told without"
ASKED = "what was asked and by whom; that it was answered, and how, is in the events"
NAMED = "a merchant's own number of an object: what became of the object is in its events"
NOT_THE_BOOKS: dict[tuple[str, str], str] = {
    ("alembic_version", "*"): "the schema's number",
    ("aliases", "*"): NAMED,
    ("api_clients", "*"): TOLD,
    ("apps", "*"): TOLD,
    ("attempts", "*"): TOLD,
    ("bank_lines", "attempt"): "how many resolutions the ledger refused: it only makes the next one's id",
    ("bank_lines", "details"): SEALED,
    (
        "checkout_parts",
        "*",
    ): "how a merchant's numbers divide a payment, whose events tell what was taken, freed, refunded",
    ("checkouts", "*"): "what was asked before money moved: the payment of the same id has the events",
    ("declarations", "*"): "what customs were to be told: what the buyer paid is in the payment's events",
    ("deliveries", "*"): TOLD,
    ("desk", "*"): "which desk writes, and how far its indexes are",
    ("due_events", "*"): INDEX,
    ("endpoints", "*"): TOLD,
    ("event_owners", "*"): INDEX,
    ("grants", "*"): TOLD,
    ("intentions", "*"): "empty where the ledger lies in the same database",
    ("logins", "*"): "by which address a payee is found: whom a transfer paid is in its events",
    ("marks", "*"): "how far the loops are",
    ("new_events", "*"): INDEX,
    ("operation_keys", "*"): INDEX,
    ("operations", "actor"): ASKED,
    ("operations", "at"): ASKED,
    ("operations", "body"): "what no event tells: refusals, and answers with what is sealed",
    ("operations", "fingerprint"): ASKED,
    ("operations", "object"): ASKED,
    ("operations", "outcome"): ASKED,
    ("operations", "place"): "an order that only their index uses",
    ("operations", "request"): ASKED,
    ("operations", "verb"): ASKED,
    ("parties", "details"): SEALED,
    ("payment_codes", "*"): "who showed a code, and for what: who paid is in the payment's events",
    ("payout_files", "content"): SEALED,
    ("payouts", "details"): SEALED,
    ("person_keys", "*"): "wrapped by the master key, whose cipher keeps them whole",
    ("receivers", "*"): TOLD,
    ("refund_numbers", "*"): NAMED,
    ("refused_entries", "*"): "an id that was refused moved nothing",
    ("reports", "*"): "what a merchant said of an order: what became of the money is in the payment's events",
    ("royalties", "*"): "held against their entries: test_royalties shows by what each is named",
    ("royalty_pots", "*"): "sums of royalties",
    ("topup_references", "*"): "it only says where a bank line's words lead: what came is on the line",
}
"""By table and column, "*" for all of a table, why a change there changes no money and need not be named."""


def columns(path: Path) -> list[tuple[str, str]]:
    import apsw

    db = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    sql = (
        "SELECT m.name, c.name FROM sqlite_schema m, pragma_table_info(m.name) c"
        " WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%' ORDER BY m.name, c.cid"
    )
    found = [(str(table), str(column)) for table, column in db.execute(sql)]
    db.close()
    return found


def exempt(table: str, column: str) -> bool:
    return (table, "*") in NOT_THE_BOOKS or (table, column) in NOT_THE_BOOKS


def other(value: Any) -> Any:
    if isinstance(value, bytes):
        return bytes([*value[:-1], value[-1] ^ 1]) if value else b"\1"
    return value + 1_000_003 if isinstance(value, int) else f"{value}x"


def test_the_books_hold(spoil: Copy, street: Sealed) -> None:
    result = spoil.verify(key=street.heads[0].key)
    assert result.faults == ()
    assert (result.unsealed_entries, result.unsealed_events) == (0, 0)
    assert result.heads == result.published == len(street.heads) > 5
    assert result.size == street.heads[-1].size
    assert result.root == street.heads[-1].root.hex()
    assert result.objects > 50


def test_every_column_of_every_table_is_named_or_no_part_of_the_books(spoil: Copy) -> None:
    unnamed, empty = set(), set()
    for table, column in columns(spoil.path):
        if exempt(table, column):
            continue
        key = "rowid" if spoil.rows(f"SELECT wr FROM pragma_table_list('{table}')") == [(0,)] else None
        key = key or spoil.rows(f"SELECT name FROM pragma_table_info('{table}') WHERE pk = 1")[0][0]
        where = f"{column} IS NOT NULL" if column != "places" else "1"
        if table == "events":
            where += " AND type <> 'head.signed'"  # what tells of a head is no leaf: the head signs itself
        found = spoil.rows(f"SELECT {key}, {column} FROM {table} WHERE {where} ORDER BY {key} DESC LIMIT 1")
        if not found:
            empty.add((table, column))
            continue
        ((row, value),) = found
        spoil.db.execute(f"UPDATE {table} SET {column} = ? WHERE {key} = ?", (other(value), row))
        if not spoil.verify().faults:
            unnamed.add((table, column))
        spoil.restore()
    assert unnamed == set()
    assert sorted(empty) == []
    known = {(table, name) for table, column in columns(spoil.path) for name in (column, "*")}
    assert NOT_THE_BOOKS.keys() <= known
    assert spoil.verify().faults == ()


def test_every_row_that_is_taken_away_is_missed(spoil: Copy) -> None:
    for table in sorted({table for table, _ in columns(spoil.path)}):
        if exempt(table, "*"):
            continue
        order = "first" if table == "statements" else "id"
        keys = "account, first" if table == "statements" else "id"
        last = f"SELECT {keys} FROM {table} ORDER BY {order} DESC LIMIT 1"
        spoil.db.execute(f"DELETE FROM {table} WHERE ({keys}) IN ({last})")
        assert spoil.verify().faults, table
        spoil.restore()
    assert spoil.verify().faults == ()


def test_a_change_that_agrees_with_itself_is_named_by_its_row(spoil: Copy) -> None:
    entry = tamper(spoil.path)
    faults = spoil.verify().faults
    assert {fault.check for fault in faults} == {"seal"}
    assert (faults[0].table, faults[0].key) == ("entries", entry.hex())


def test_hashes_that_were_changed_along_with_a_row_do_not_help(spoil: Copy) -> None:
    from handfast_verify.merkle import leaf_hash

    spoil.db.execute("UPDATE entries SET at = at + 1 WHERE seq = 1")
    row = spoil.rows("SELECT 'entry', seq, id, kind, at, postings FROM entries WHERE seq = 1")[0]
    ((head, leaves),) = spoil.rows("SELECT id, leaves FROM head_slices ORDER BY id LIMIT 1")
    place = 32 * (row[1] - 1)
    changed = leaves[:place] + leaf_hash(msgpack.encode(row)) + leaves[place + 32 :]
    spoil.db.execute("UPDATE head_slices SET leaves = ? WHERE id = ?", (changed, head))
    faults = spoil.verify().faults
    assert [(fault.table, fault.key) for fault in faults] == [("heads", "1")]
    assert faults[0].what.startswith("the root over entries 1 to ")


def test_heads_that_were_signed_anew_are_not_the_published_ones(spoil: Copy, street: Sealed) -> None:
    forged = street.heads[-1]
    from handfast.timers.seal import Seal

    spoil.db.execute("DELETE FROM heads; DELETE FROM head_slices; DELETE FROM head_nodes")
    spoil.db.execute("DELETE FROM events WHERE type = 'head.signed'")
    spoil.db.execute("DELETE FROM operations WHERE verb = 'heads.keep'")
    tamper(spoil.path)
    from handfast.store.sqlite import SqliteReader

    reader = SqliteReader(spoil.path)
    request = Seal(bytes(32)).next(reader, forged.created)
    reader.close()
    assert request is not None
    head = request.command.head
    spoil.db.execute(
        f"INSERT INTO heads VALUES ({', '.join('?' * 14)})", [getattr(head, name) for name in head.__struct_fields__]
    )
    spoil.db.execute("INSERT INTO head_slices VALUES (?, ?)", (head.id, request.command.leaves))
    spoil.db.executemany("INSERT INTO head_nodes VALUES (?, ?)", [(it.id, it.hash) for it in request.command.nodes])
    assert {fault.check for fault in spoil.verify(heads=False).faults} == {"events"}
    told = [fault for fault in spoil.verify().faults if fault.check == "seal"]
    assert told[0].what == "the head as it was published"


@pytest.mark.parametrize("bad", [b"", b"{}", b"null", b'{"object":"head","number":"x"}', b"\xff\xfe"])
def test_a_line_that_is_no_head_is_named(spoil: Copy, bad: bytes) -> None:
    spoil.heads.write_bytes(spoil.heads.read_bytes() + bad + b"\n")
    (fault,) = spoil.verify().faults
    assert fault.table == "heads.jsonl"


@pytest.mark.parametrize("left", [1, 12, -40])
def test_a_torn_last_line_is_no_fault(spoil: Copy, left: int) -> None:
    *whole, last = spoil.heads.read_bytes().splitlines(keepends=True)
    spoil.heads.write_bytes(b"".join(whole) + last[:left])
    result = spoil.verify()
    assert result.ok
    assert result.published == result.heads - 1


def test_books_that_end_before_a_published_head_are_not_whole(spoil: Copy) -> None:
    last = spoil.rows("SELECT max(id) FROM heads")[0][0]
    spoil.db.execute("DELETE FROM heads WHERE id = ?", (last,))
    spoil.db.execute("DELETE FROM head_slices WHERE id = ?", (last,))
    assert "a head that was published" in [fault.what for fault in spoil.verify().faults]


def test_two_processes_name_what_one_names(spoil: Copy, monkeypatch: pytest.MonkeyPatch) -> None:
    spoil.db.execute("UPDATE trades SET released = released - 1 WHERE state = 'released'")
    spoil.db.execute("UPDATE entries SET at = at + 1 WHERE seq = 9")
    alone = spoil.verify()
    monkeypatch.setattr("handfast_verify.run.TWO", 1)
    both = spoil.verify()
    assert alone.faults == both.faults
    assert {fault.check for fault in both.faults} == {"seal", "events", "objects"}
    assert alone.objects == both.objects
    spoil.restore()
    assert spoil.verify().ok
