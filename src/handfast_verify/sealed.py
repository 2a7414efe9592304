"""One pass over the journal: each head's rows are hashed anew, held against what it sealed, and folded on the way."""

from collections.abc import Callable, Iterator
from hashlib import sha256
from itertools import islice
from time import perf_counter
from typing import Any

from msgspec import msgpack

from handfast_verify.facts import TERMS
from handfast_verify.findings import Findings
from handfast_verify.heads import COLUMNS, FIRST, Head, from_row
from handfast_verify.ledger import Fold
from handfast_verify.merkle import Growing
from handfast_verify.reading import Books

ENTRIES = "SELECT 'entry', seq, id, kind, at, postings FROM entries ORDER BY seq"
EVENTS = (
    "SELECT 'event', seq, id, type, owner, operation, at, body FROM events WHERE type <> 'head.signed' ORDER BY seq"
)
HEADS = f"SELECT {COLUMNS} FROM heads ORDER BY id"
SLICES = "SELECT id, leaves FROM head_slices ORDER BY id"
NODES = "SELECT id, hash FROM head_nodes ORDER BY id"

_CHUNK = 8_192
_encode = msgpack.Encoder().encode

Watch = Callable[[int], None]


class Pass:
    """Reads entries and events once, head by head, and what no head seals yet at the end."""

    def __init__(self, books: Books, findings: Findings, fold: Fold, key: bytes | None, pinned: list[Head]) -> None:
        self._books = books
        self._findings = findings
        self._fold = fold
        self._key = key
        self._pinned = {head.number: head for head in pinned}
        self._tree = Growing()
        self._entries = books.stream(ENTRIES)
        self._events = books.stream(EVENTS)
        self._lost = False
        self.seconds = {"entries": 0.0, "events": 0.0}
        self.last = FIRST
        self.heads = 0
        self.events = 0
        self.unsealed_entries = 0
        self.unsealed_events = 0

    def run(self, watch: Watch) -> None:
        """Read everything; `watch` is told how many rows were read since it was told last."""
        slices = self._books.stream(SLICES)
        for row in self._books.stream(HEADS):
            self.heads += 1
            key, leaves = next(slices, (None, b""))
            if key != row[0]:
                self._fault("head_slices", row[1], "the slice of the head", row[0], key)
                leaves = b""
            head = from_row(row)
            self._stated(head, row)
            self._head(head, row[9], leaves, watch)
            self.last = head
        if next(slices, None) is not None:
            self._fault("head_slices", self.last.number + 1, "a slice without its head", "none", "one")
        for number in sorted(number for number in self._pinned if number > self.last.number):
            self._fault("heads", number, "a head that was published", self._pinned[number].root, "none")
        if not self._lost:
            self._nodes()
        self._rest(watch)

    def _nodes(self) -> None:
        """Hold the subtrees that are kept for proofs against the tree."""
        wanted = self._tree.full
        for key, found in self._books.stream(NODES):
            kept = wanted.pop((key[7], int.from_bytes(key[8:], "big")), None)
            if kept != found:
                self._fault("head_nodes", key, "the hash of a subtree", kept, found)
        for level, number in sorted(wanted):
            self._fault("head_nodes", f"level {level}, number {number}", "its row", "one", "none")

    def _stated(self, head: Head, row: tuple[Any, ...]) -> None:
        """What a head must be of itself: the next one, signed by the key, and as it was published."""
        last = self.last
        if (head.number, row[2]) != (last.number + 1, last.size):
            self._fault(
                "heads",
                head.number,
                "number, and leaves before it",
                (last.number + 1, last.size),
                (head.number, row[2]),
            )
        key = self._key = self._key or head.key
        if head.key != key:
            self._fault("heads", head.number, "the key that signed it", key, head.key)
        if not head.signed():
            self._fault("heads", head.number, "its signature", "one by its key over what it says", "another")
        pinned = self._pinned.get(head.number)
        if pinned is not None and pinned != head:
            self._fault("heads", head.number, "the head as it was published", pinned.root, head.root)

    def _head(self, head: Head, terms: bytes, leaves: bytes, watch: Watch) -> None:
        last, start = self.last, self._tree.size
        counts = (head.entries - last.entries, head.events - last.events, len(terms) // 16)
        if min(counts) < 0 or sum(counts) != head.size - last.size:
            self._fault("heads", head.number, "how many leaves it has", head.size - last.size, sum(counts))
        else:
            self._rows("entries", self._entries, head.entries_to, counts[0], leaves, watch)
            self._rows("events", self._events, head.events_to, counts[1], leaves[32 * counts[0] :], watch)
            self._terms(terms, leaves[-len(terms) * 2 :] if terms else b"")
        if self._tree.size - start != head.size - last.size and not self._lost:
            self._fault("heads", head.number, "rows that it seals", head.size - last.size, self._tree.size - start)
        if self._tree.root() != head.root and not self._lost:
            span = (
                f"entries {last.entries_to + 1} to {head.entries_to}, events {last.events_to + 1} to {head.events_to}"
            )
            self._fault("heads", head.number, f"the root over {span}", head.root, self._tree.root())
            self._lost = True  # every later root differs, too: that would tell nothing new

    def _rows(
        self, table: str, rows: Iterator[tuple[Any, ...]], until: int, count: int, leaves: bytes, watch: Watch
    ) -> None:
        """Hash the next rows, hold them against the slice's leaves, put them into the tree, and fold the entries."""
        place, seq, start = 0, None, perf_counter()
        while place < count and (chunk := list(islice(rows, min(_CHUNK, count - place)))):
            hashes = [sha256(b"\0" + _encode(row)).digest() for row in chunk]
            sealed = leaves[32 * place : 32 * (place + len(chunk))]
            if b"".join(hashes) != sealed:
                self._name(table, chunk, hashes, sealed)
            self._tree.add(hashes)
            if table == "entries":
                self._fold.entries(chunk)
            else:
                self.events += len(chunk)
            place += len(chunk)
            seq = chunk[-1][1]
            watch(len(chunk))
        self.seconds[table] += perf_counter() - start
        if seq is not None and seq != until and not self._lost:
            self._fault("heads", self.last.number + 1, f"the last place of its {table}", until, seq)

    def _name(self, table: str, rows: list[tuple[Any, ...]], hashes: list[bytes], sealed: bytes) -> None:
        for n, (row, found) in enumerate(zip(rows, hashes, strict=True)):
            wanted = sealed[32 * n : 32 * n + 32]
            if found != wanted:
                self._findings.add(
                    "seal", table, row[2], f"the row at place {row[1]} is not the one that was sealed", wanted, found
                )
                self._lost = True
                return

    def _terms(self, ids: bytes, leaves: bytes) -> None:
        for n in range(0, len(ids), 16):
            key = ids[n : n + 16]
            table, row = self._frozen(key)
            found = b"" if row is None else sha256(b"\0" + _encode(row)).digest()
            wanted = leaves[2 * n : 2 * n + 32]
            if found != wanted:
                self._findings.add("seal", table, key, "frozen terms are not those that were sealed", wanted, found)
                self._lost = True
            self._tree.add([found])

    def _frozen(self, key: bytes) -> tuple[str, tuple[Any, ...] | None]:
        for table, columns in TERMS:
            for row in self._books.stream(f"SELECT '{table}', {columns} FROM {table}"):
                if row[1] == key:
                    return table, row
        return "frozen terms", None

    def _rest(self, watch: Watch) -> None:
        while chunk := list(islice(self._entries, _CHUNK)):
            self._fold.entries(chunk)
            self.unsealed_entries += len(chunk)
            if chunk[0][1] <= self.last.entries_to and not self._lost:
                self._fault(
                    "entries", chunk[0][2], "its place, which is sealed", f"above {self.last.entries_to}", chunk[0][1]
                )
            watch(len(chunk))
        while chunk := list(islice(self._events, _CHUNK)):
            self.events += len(chunk)
            self.unsealed_events += len(chunk)
            if chunk[0][1] <= self.last.events_to and not self._lost:
                self._fault(
                    "events", chunk[0][2], "its place, which is sealed", f"above {self.last.events_to}", chunk[0][1]
                )
            watch(len(chunk))

    def _fault(self, table: str, key: object, what: str, expected: object, found: object) -> None:
        self._findings.add("seal", table, key, what, expected, found)
