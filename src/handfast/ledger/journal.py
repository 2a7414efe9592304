"""The books as readers see them: journal pages, a party's statement of account, and balances."""

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

from msgspec import Struct

from handfast.core.ids import OBJECT, Id, entry_id
from handfast.ledger.model import Balance, Posting

_HIGHEST = 2**63 - 1
_BALANCE = "SELECT id, debits_pending, debits_posted, credits_pending, credits_posted FROM accounts"
_AT_ONCE = 500


class Reads(Protocol):
    """What the journal needs of a read-only connection (see store.reader.Reader)."""

    def rows(self, sql: str, params: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """All rows of a query."""

    def stream(self, sql: str, params: Sequence[Any] = ()) -> Iterator[tuple[Any, ...]]:
        """The rows of a query that may be too many to hold; inside a snapshot."""


class Booked(Struct, frozen=True):
    """An entry that is in the ledger: `seq` is its place among all entries, `at` the market time (µs)."""

    seq: int
    id: Id
    kind: str
    at: int
    postings: tuple[Posting, ...]


def last_place(reader: Reads) -> int:
    """The place of the newest entry, 0 before the first."""
    ((seq,),) = reader.rows("SELECT coalesce(max(seq), 0) FROM entries")
    return int(seq)


def place_of(reader: Reads, entry: Id) -> int | None:
    """The place of an entry, or None where there is none of that id."""
    found = reader.rows("SELECT seq FROM entries WHERE id = ?", (entry,))
    return int(found[0][0]) if found else None


def journal(reader: Reads, after: int, limit: int) -> list[Booked]:
    """The next entries after a place, in order."""
    found = reader.rows("SELECT seq FROM entries WHERE seq > ? ORDER BY seq LIMIT ?", (after, limit))
    return entries_at(reader, [row[0] for row in found])


def entries_at(reader: Reads, places: Sequence[int]) -> list[Booked]:
    """The entries at these places, in order."""
    heads: dict[int, tuple[Id, str, int]] = {}
    postings: dict[int, list[Posting]] = {}
    for start in range(0, len(places), _AT_ONCE):
        some = tuple(places[start : start + _AT_ONCE])
        marks = ", ".join("?" * len(some))
        for seq, key, kind, at in reader.rows(f"SELECT seq, id, kind, at FROM entries WHERE seq IN ({marks})", some):
            heads[seq] = key, kind, at
        columns = "entry, debit, credit, amount, mode, pending"
        sql = f"SELECT {columns} FROM postings WHERE entry IN ({marks}) ORDER BY entry, n"
        for seq, *parts in reader.rows(sql, some):
            postings.setdefault(seq, []).append(Posting(*parts))
    return [Booked(seq, *heads[seq], tuple(postings[seq])) for seq in sorted(heads)]


def entries_of(reader: Reads, thing: Id) -> list[int]:
    """The places of all entries that derive from an object's id, in order."""
    first, last = entry_id(thing, 0, 0), entry_id(thing, 255, 0xFFFF)
    rows = reader.rows("SELECT seq FROM entries WHERE id >= ? AND id <= ? ORDER BY seq", (first, last))
    return [row[0] for row in rows]


def places_touching(
    reader: Reads, accounts: Sequence[Id], limit: int, *, before: int | None = None, after: int | None = None
) -> list[int]:
    """The places of the newest entries that touch one of these accounts; of the oldest ones after `after`, if given."""
    found: set[int] = set()
    bound, order = ("entry > ?", "entry") if after is not None else ("entry < ?", "entry DESC")
    place = after if after is not None else before if before is not None else _HIGHEST
    for account in accounts:
        for side in ("debit", "credit"):
            sql = f"SELECT DISTINCT entry FROM postings WHERE {side} = ? AND {bound} ORDER BY {order} LIMIT ?"
            found.update(row[0] for row in reader.rows(sql, (account, place, limit)))
    return sorted(found, reverse=after is None)[:limit]


def balances_of(reader: Reads, owner: Id) -> list[Balance]:
    """The balances of all accounts that an owner has had."""
    first, last = owner[:OBJECT] + bytes(3), owner[:OBJECT] + b"\xff\xff\xff"
    rows = reader.rows(f"{_BALANCE} WHERE id >= ? AND id <= ? ORDER BY id", (first, last))
    return [Balance(*row) for row in rows]


def all_balances(reader: Reads) -> Iterator[Balance]:
    """All balances, by account; inside a snapshot."""
    for row in reader.stream(f"{_BALANCE} ORDER BY id"):
        yield Balance(*row)
