"""Rows of heads, and the leaves: which rows of the books are sealed, in which order and form."""

from collections.abc import Iterable, Sequence

from msgspec import Struct, msgpack

from handfast.core.ids import Id
from handfast.domain.heads.merkle import BLOCK, Full, Tree, pair_up, peaks_of
from handfast.domain.heads.model import Head, Node, Slice, head_id, node_id
from handfast.store.reader import Reader, find
from handfast.store.table import Table

HEADS = Table("heads", Head)
SLICES = Table("head_slices", Slice)
NODES = Table("head_nodes", Node)
INDEXES = (("heads", "entries_to", ""), ("heads", "events_to", ""))

SIGNED = "head.signed"
"""The event that tells of a head. It is no leaf: else each head would make the next one due."""

ENTRIES = "SELECT 'entry', seq, id, kind, at, postings FROM entries"
EVENTS = "SELECT 'event', seq, id, type, owner, operation, at, body FROM events"
TERMS = (("policies", "id, name, number, body, created"),)
"""Tables of frozen terms, whose rows never change, and their columns.

A trade's own terms are in the leaves of its events; these are what such terms name by its digest.
"""

_WIDTH = 1 << BLOCK
_HASH = 32
_AT_ONCE = 500

leaf_of = msgpack.Encoder().encode
"""A leaf's content: the MessagePack array (smallest form) of its source and its row."""


class Sealable(Struct, frozen=True):
    """The next rows to be sealed, as leaves: how many are entries and events, up to which places, and terms' ids."""

    leaves: list[bytes]
    entries: int
    entries_to: int
    events: int
    events_to: int
    terms: bytes


def last_head(reader: Reader) -> Head | None:
    """The newest head."""
    found = find(reader, HEADS, "size > 0 ORDER BY size DESC LIMIT 1")
    return found[0] if found else None


def heads_after(reader: Reader, number: int, limit: int) -> list[Head]:
    """The next heads, in order."""
    return find(reader, HEADS, "id > ? ORDER BY id LIMIT ?", head_id(number), limit)


def next_rows(
    reader: Reader, entries_to: int, events_to: int, sealed_terms: frozenset[Id], limit: int
) -> Sealable | None:
    """At most `limit` leaves beyond these places, None where nothing waits.

    A third at most are frozen terms, and of the rest, where both wait, a third entries.
    """
    terms = _fresh_terms(reader, sealed_terms)[: limit // 3]
    rest = limit - len(terms)
    entries = reader.rows(f"{ENTRIES} WHERE seq > ? ORDER BY seq LIMIT ?", (entries_to, rest // 3))
    events = reader.rows(
        f"{EVENTS} WHERE seq > ? AND type <> '{SIGNED}' ORDER BY seq LIMIT ?", (events_to, rest - len(entries))
    )
    if not entries and not events and not terms:
        return None
    return Sealable(
        leaves=[leaf_of(row) for row in (*entries, *events, *(row for _, row in terms))],
        entries=len(entries),
        entries_to=entries[-1][1] if entries else entries_to,
        events=len(events),
        events_to=events[-1][1] if events else events_to,
        terms=b"".join(key for key, _ in terms),
    )


def _fresh_terms(reader: Reader, sealed: frozenset[Id]) -> list[tuple[Id, tuple[object, ...]]]:
    """Rows of frozen terms that no head has sealed yet, by table and id. They are few: counting tells of most turns."""
    counts = [reader.rows(f"SELECT count(*) FROM {table}")[0][0] for table, _ in TERMS]
    if sum(counts) == len(sealed):
        return []
    return [
        (row[1], row)
        for table, columns in TERMS
        for row in reader.rows(f"SELECT '{table}', {columns} FROM {table} ORDER BY id")
        if row[1] not in sealed
    ]


def terms_sealed(reader: Reader) -> frozenset[Id]:
    """The ids of all frozen terms that are sealed."""
    rows = reader.rows("SELECT terms FROM heads WHERE terms <> ?", (b"",))
    return frozenset(ids[n : n + 16] for (ids,) in rows for n in range(0, len(ids), 16))


def terms_row(reader: Reader, key: Id) -> tuple[object, ...] | None:
    """The leaf's row of frozen terms of that id."""
    for table, columns in TERMS:
        for row in reader.rows(f"SELECT '{table}', {columns} FROM {table} WHERE id = ?", (key,)):
            return row
    return None


def tree_of(reader: Reader, head: Head | None) -> Tree:
    """The tree as a head signed it, ready to grow."""
    size = head.size if head else 0
    wanted = peaks_of(size)
    hashes = full_hashes(reader, wanted)
    return Tree(size, [hashes[full] for full in wanted])


def full_hashes(reader: Reader, wanted: Iterable[Full]) -> dict[Full, bytes]:
    """The hashes of full subtrees; those of fewer than 256 leaves are made from the leaves' own."""
    found: dict[Full, bytes] = {}
    high = [full for full in set(wanted) if full[0] >= BLOCK]
    kept: dict[Id, bytes] = {}
    ids = [node_id(*full) for full in high]
    for start in range(0, len(ids), _AT_ONCE):
        some = ids[start : start + _AT_ONCE]
        kept.update((row.id, row.hash) for row in find(reader, NODES, f"id IN ({_marks(some)})", *some))
    found.update((full, kept[node_id(*full)]) for full in high)
    low = [full for full in set(wanted) if full[0] < BLOCK]
    for block in {number << level >> BLOCK for level, number in low}:
        found.update(_below(reader, block, [full for full in low if full[1] << full[0] >> BLOCK == block]))
    return found


def _below(reader: Reader, block: int, wanted: Iterable[Full]) -> Iterable[tuple[Full, bytes]]:
    """Full subtrees within one block of 256 leaves."""
    start = block << BLOCK
    leaves = leaf_hashes(reader, start, start + _WIDTH)
    for level, number in wanted:
        begin = (number << level) - start
        hashes = leaves[begin : begin + (1 << level)]
        while len(hashes) > 1:
            hashes = pair_up(hashes)
        yield (level, number), hashes[0]


def leaf_hashes(reader: Reader, start: int, end: int) -> list[bytes]:
    """The hashes of the leaves from `start` to before `end`, or to the last."""
    # Each slice has a leaf at least, so there are no more of them than leaves.
    rows = reader.rows("SELECT id, before, size FROM heads WHERE size > ? ORDER BY size LIMIT ?", (start, end - start))
    joined = b""
    for key, before, size in rows:
        if before >= end:
            break
        first, last = max(start, before) - before, min(end, size) - before
        sql = "SELECT substr(leaves, CAST(? AS integer), CAST(? AS integer)) FROM head_slices WHERE id = ?"
        ((some,),) = reader.rows(sql, (first * _HASH + 1, (last - first) * _HASH, key))
        joined += some
    return [joined[n : n + _HASH] for n in range(0, len(joined), _HASH)]


def head_of_entry(reader: Reader, seq: int) -> Head | None:
    """The head whose slice has the entry of that place."""
    return _first(find(reader, HEADS, "entries_to >= ? ORDER BY entries_to, size LIMIT 1", seq))


def head_of_event(reader: Reader, seq: int) -> Head | None:
    """The head whose slice has the event of that place."""
    return _first(find(reader, HEADS, "events_to >= ? ORDER BY events_to, size LIMIT 1", seq))


def head_of_terms(reader: Reader, key: Id) -> Head | None:
    """The head whose slice has the frozen terms of that id."""
    heads = find(reader, HEADS, "terms <> ? ORDER BY id", b"")
    return _first([head for head in heads if key in _ids(head.terms)])


def _ids(joined: bytes) -> list[Id]:
    return [joined[n : n + 16] for n in range(0, len(joined), 16)]


def _first(heads: Sequence[Head]) -> Head | None:
    return heads[0] if heads else None


def _marks(values: Sequence[object]) -> str:
    return ", ".join("?" * len(values)) or "NULL"
