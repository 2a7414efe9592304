"""The books as readers see them: journal pages, a party's statement of account, and balances."""

from collections.abc import Iterator, Sequence
from hashlib import blake2b
from typing import Any, Protocol

from msgspec import Struct

from handfast.core.ids import OBJECT, Id, entry_id
from handfast.ledger.model import Balance, Posting, decode_postings
from handfast.ledger.statements import PIECE, packed, touched, unpacked

_HIGHEST = 2**63 - 1
_ENTRY = "SELECT seq, id, kind, at, postings FROM entries"
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
    return [_booked(row) for row in reader.rows(f"{_ENTRY} WHERE seq > ? ORDER BY seq LIMIT ?", (after, limit))]


def entries_at(reader: Reads, places: Sequence[int]) -> list[Booked]:
    """The entries at these places, in order."""
    found: list[Booked] = []
    for start in range(0, len(places), _AT_ONCE):
        some = tuple(places[start : start + _AT_ONCE])
        marks = ", ".join("?" * len(some))
        found += [_booked(row) for row in reader.rows(f"{_ENTRY} WHERE seq IN ({marks})", some)]
    return sorted(found, key=_seq)


def _booked(row: tuple[Any, ...]) -> Booked:
    seq, key, kind, at, postings = row
    return Booked(seq, key, kind, at, decode_postings(postings))


def _seq(entry: Booked) -> int:
    return entry.seq


def entries_of(reader: Reads, thing: Id) -> list[int]:
    """The places of all entries that derive from an object's id, in order."""
    first, last = entry_id(thing, 0, 0), entry_id(thing, 255, 0xFFFF)
    rows = reader.rows("SELECT seq FROM entries WHERE id >= ? AND id <= ? ORDER BY seq", (first, last))
    return [row[0] for row in rows]


def places_touching(
    reader: Reads, accounts: Sequence[Id], limit: int, *, before: int | None = None, after: int | None = None
) -> list[int]:
    """The places of the newest entries that touch one of these accounts; of the oldest ones after `after`, if given."""
    rising = after is not None
    bound = after if after is not None else before if before is not None else _HIGHEST
    found: set[int] = set()
    for account in accounts:
        # The newest first: what is put away in between is then seen twice, and not missed.
        newest = reader.rows("SELECT newest FROM accounts WHERE id = ?", (account,))
        places = [place for (kept,) in newest for place in _beyond(bound, kept, rising=rising)]
        if rising or len(places) < limit:
            places += _put_away(reader, account, bound, limit, rising=rising)
        found.update(places)
    return sorted(found, reverse=not rising)[:limit]


def _put_away(reader: Reads, account: Id, bound: int, limit: int, *, rising: bool) -> list[int]:
    """The next places beyond a bound in the pieces of an account's statement: `limit` at least, or all there are."""
    if rising:
        # The piece that the bound lies in, and those after it.
        sql = "SELECT coalesce(max(first), 0) FROM statements WHERE account = ? AND first <= ?"
        ((start,),) = reader.rows(sql, (account, bound))
        sql = "SELECT first, places FROM statements WHERE account = ? AND first >= ? ORDER BY first LIMIT ?"
    else:
        start = bound
        sql = "SELECT first, places FROM statements WHERE account = ? AND first < ? ORDER BY first DESC LIMIT ?"
    found: list[int] = []
    while len(found) < limit and (pieces := reader.rows(sql, (account, start, limit // PIECE + 1))):
        for _, kept in pieces:
            found += _beyond(bound, kept, rising=rising)
        start = pieces[-1][0] + (1 if rising else 0)
    return found


def _beyond(bound: int, kept: bytes, *, rising: bool) -> list[int]:
    return [place for place in unpacked(kept) if (place > bound if rising else place < bound)]


def misstated(reader: Reads) -> list[Id]:
    """The accounts whose statements do not name, in order, exactly the entries that touch them; inside a snapshot."""
    touching: dict[Id, bytes] = {}
    for entry in all_entries(reader):
        for account in touched(entry.postings):
            touching[account] = _chained(touching.get(account, b""), packed([entry.seq]))
    named: dict[Id, bytes] = {}
    for sql in (
        "SELECT account, places FROM statements ORDER BY account, first",
        "SELECT id, newest FROM accounts ORDER BY id",
    ):
        for account, kept in reader.stream(sql):
            for start in range(0, len(kept), 8):
                named[account] = _chained(named.get(account, b""), kept[start : start + 8])
    keys = touching.keys() | named.keys()
    return sorted(account for account in keys if touching.get(account) != named.get(account))


def _chained(before: bytes, place: bytes) -> bytes:
    return blake2b(before + place, digest_size=16).digest()


def all_entries(reader: Reads) -> Iterator[Booked]:
    """All entries, in order; inside a snapshot."""
    for row in reader.stream(f"{_ENTRY} ORDER BY seq"):
        yield _booked(row)


def balances_of(reader: Reads, owner: Id) -> list[Balance]:
    """The balances of all accounts that an owner has had."""
    first, last = owner[:OBJECT] + bytes(3), owner[:OBJECT] + b"\xff\xff\xff"
    rows = reader.rows(f"{_BALANCE} WHERE id >= ? AND id <= ? ORDER BY id", (first, last))
    return [Balance(*row) for row in rows]


def all_balances(reader: Reads) -> Iterator[Balance]:
    """All balances, by account; inside a snapshot."""
    for row in reader.stream(f"{_BALANCE} ORDER BY id"):
        yield Balance(*row)
