"""Proofs for outsiders: that a row is a leaf under a signed head, and that a later head continues an earlier one."""

from collections.abc import Sequence

from msgspec import Struct

from handfast.core.errors import Unavailable
from handfast.core.ids import Id, entry_id
from handfast.domain.heads import merkle
from handfast.domain.heads.model import Head, head_id
from handfast.domain.heads.tables import (
    ENTRIES,
    EVENTS,
    HEADS,
    SIGNED,
    full_hashes,
    head_of_entry,
    head_of_event,
    head_of_terms,
    leaf_of,
    terms_row,
)
from handfast.store.reader import Reader, find


class Proof(Struct, frozen=True):
    """A leaf and its way to the root: `row` is its source and the row's values, `number` its place in the tree."""

    row: tuple[object, ...]
    leaf: bytes
    hash: bytes
    number: int
    path: tuple[bytes, ...]

    @property
    def id(self) -> Id:
        """The row's key."""
        key = self.row[2] if self.row[0] in ("entry", "event") else self.row[1]
        assert isinstance(key, bytes)
        return key


def head_at(reader: Reader, number: int) -> Head | None:
    """The head of that number."""
    found = find(reader, HEADS, "id = ?", head_id(number)) if 0 < number < 2**63 else []
    return found[0] if found else None


def proofs_of(reader: Reader, head: Head, owners: Sequence[Id], terms: Sequence[Id] = ()) -> list[Proof]:
    """The proofs, under a head, of all sealed entries and events that derive from these ids, and of frozen terms.

    Raises Unavailable(internal) where a row is no longer what was sealed: then the books were tampered with.
    """
    placed: list[tuple[int, tuple[object, ...]]] = []
    for owner in owners:
        first, last = entry_id(owner, 0), owner[:-3] + b"\xff\xff\xff"
        # An id that has its last bytes names one entry or event; else all that derive from the object are meant.
        if owner != first:
            first = last = owner
        for row in reader.rows(f"{ENTRIES} WHERE id >= ? AND id <= ? ORDER BY seq", (first, last)):
            placed += _placed(reader, "entries", head_of_entry(reader, row[1]), head, row)
        for row in reader.rows(f"{EVENTS} WHERE id >= ? AND id <= ? ORDER BY seq", (first, last)):
            if row[3] != SIGNED:
                placed += _placed(reader, "events", head_of_event(reader, row[1]), head, row)
    for key in terms:
        found = terms_row(reader, key)
        its = head_of_terms(reader, key)
        if found is not None and its is not None and its.size <= head.size:
            ids = [its.terms[n : n + 16] for n in range(0, len(its.terms), 16)]
            place = its.size - len(ids) + ids.index(key)
            placed.append((place, found))
    return [_proof(reader, head, place, row) for place, row in placed]


def _placed(
    reader: Reader, table: str, its: Head | None, head: Head, row: tuple[object, ...]
) -> list[tuple[int, tuple[object, ...]]]:
    """The row with its leaf's number, if it is sealed under the head."""
    if its is None or its.size > head.size:
        return []
    before = head_at(reader, its.number - 1)
    after = (before.entries_to if table == "entries" else before.events_to) if before else 0
    only = "" if table == "entries" else f" AND type <> '{SIGNED}'"
    ((rank,),) = reader.rows(f"SELECT count(*) FROM {table} WHERE seq > ? AND seq < ?{only}", (after, row[1]))
    if table == "events":
        rank += its.entries - (before.entries if before else 0)
    return [(its.before + rank, row)]


def _proof(reader: Reader, head: Head, number: int, row: tuple[object, ...]) -> Proof:
    spans = merkle.inclusion(number, 0, head.size)
    path = _hashes(reader, spans)
    leaf = leaf_of(row)
    hashed = found = merkle.leaf_hash(leaf)
    for span, sibling in zip(spans, path, strict=True):
        found = merkle.node_hash(sibling, found) if span[0] <= number else merkle.node_hash(found, sibling)
    if found != head.root:
        raise Unavailable("internal", "a row differs from what was sealed: run handfast verify")
    return Proof(row, leaf, hashed, number, path)


def consistency_proof(reader: Reader, first: Head, second: Head) -> tuple[bytes, ...]:
    """The proof that the second head's tree begins with the first one's (RFC 9162, section 2.1.4)."""
    return _hashes(reader, merkle.consistency(first.size, second.size))


def _hashes(reader: Reader, spans: Sequence[merkle.Range]) -> tuple[bytes, ...]:
    hashes = full_hashes(reader, [part for span in spans for part in merkle.parts(span)])
    return tuple(merkle.hash_of(span, hashes.__getitem__) for span in spans)
