"""One sweep over everything in the order of ids: an object's events, its row, its entries, and what names it.

Each of these is a stream that the database sorts; none is looked up by key, and no more than one object is in memory.
"""

import heapq
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from msgspec import MsgspecError, msgpack

from handfast_verify.facts import HELD, RECEIVABLE, TOLD, WALLET, Mode, Told
from handfast_verify.findings import Findings
from handfast_verify.ledger import Posting, postings_of
from handfast_verify.objects import PARTS, RULES, refunds
from handfast_verify.reading import Books
from handfast_verify.royalties import Royalties
from handfast_verify.rules import Case, Rule, nothing

Watch = Callable[[int], None]
_STEP = 10_000
_END = b"\xff" * 17
_encode = msgpack.Encoder().encode


class _Cursor:
    """A sorted stream and its next row, whose first value is an id; `key` is the object's part of that."""

    __slots__ = ("key", "row", "rows")

    def __init__(self, rows: Iterable[tuple[Any, ...]]) -> None:
        self.rows = iter(rows)
        self.row: tuple[Any, ...] = ()
        self.key = b""
        self.step()

    def step(self) -> None:
        """Go on to the next row."""
        row = next(self.rows, None)
        if row is None:
            self.key = _END
        else:
            self.row = row
            self.key = row[0][:13]


class _Rows:
    """A table's rows, with what is joined to them."""

    def __init__(self, books: Books, told: Told) -> None:
        joins, joined, self.rule = RULES.get(told.table, ("", (), nothing))
        self.told = told
        self.own = books.columns(told.table)
        self.columns = [*self.own, *(name for _, name in joined)]
        self.blank = [self.own.index(column) for column in told.blank]
        shown = ", ".join((*(f"t.{column}" for column in self.own), *(column for column, _ in joined)))
        self.cursor = _Cursor(books.stream(f"SELECT {shown} FROM {told.table} t {joins} ORDER BY t.id"))


class Sweep:
    """Holds every object against its events, entries and accounts, and operations against the events they tell of."""

    def __init__(self, books: Books, findings: Findings, watch: Watch) -> None:
        self._books = books
        self._findings = findings
        self._watch = watch
        self._events = _Cursor(books.stream("SELECT id, type, operation, body FROM events ORDER BY id"))
        self._told = _Cursor(books.stream("SELECT told, id FROM operations WHERE told IS NOT NULL ORDER BY told"))
        self._entries = _Cursor(books.stream("SELECT id, kind, postings FROM entries ORDER BY id"))
        self._accounts = _Cursor(_held(books))
        streams = [*(books.stream(sql) for sql in PARTS), refunds(books)]
        self._parts = _Cursor(heapq.merge(*streams, key=_whole))
        self._royalties = Royalties(books, findings)
        self._tables = {told.kind: _Rows(books, told) for told in TOLD if books.columns(told.table)}
        self._untold: list[tuple[bytes, bytes]] = []
        self.count = 0

    def run(self) -> None:
        """Check everything."""
        events = self._events
        while events.key is not _END:
            key, kind, body = self._versions()
            self._object(key, kind, body)
            self.count += 1
            if self.count % _STEP == 0:
                self._watch(_STEP)
        for table in self._tables.values():
            self._without_events(table, _END)
        self._ownerless(_END)
        self._royalties.end()
        self._tell(_END)
        _operations(self._books, self._findings, self._untold)

    def _versions(self) -> tuple[bytes, str, bytes]:
        """Hold the next object's events against 1, 2, 3 …; its key, its kind, and what the last one tells."""
        events, told, untold = self._events, self._told, self._untold
        key, version, kind, body = events.key, 0, "", b""
        while events.key == key:
            event, type_, operation, body = events.row
            version += 1
            name = type_[: type_.find(".")]
            if version == 1:
                kind = name
            elif name != kind:
                self._findings.add("events", "events", event, "the kind of object", kind, type_)
            if event[13:] != version.to_bytes(3, "big"):
                found = int.from_bytes(event[13:], "big")
                self._findings.add("events", "events", event, "its number among its object's events", version, found)
                version = found
            if told.key <= key and told.row[0] < event:
                self._tell(event)
            if told.key == key and told.row[0] == event:
                if told.row[1] != operation:
                    what = "the operation whose answer it holds"
                    self._findings.add("operations", "events", event, what, told.row[1], operation)
                told.step()
            else:
                untold.append((operation, event))
                if len(untold) >= _MOST_UNTOLD:
                    _operations(self._books, self._findings, untold)
                    untold.clear()
            events.step()
        return key, kind, body

    def _tell(self, event: bytes) -> None:
        """Name operations whose answers are said to lie in events that are not there."""
        told = self._told
        while told.key is not _END and told.row[0] < event:
            self._findings.add("operations", "operations", told.row[1], "the event of its answer", told.row[0], "none")
            told.step()
            if told.key is not _END and told.row[0] == event:
                return

    def _object(self, key: bytes, kind: str, body: bytes) -> None:
        self._ownerless(key)
        table = self._tables.get(kind)
        if table is None:
            self._findings.add("events", "events", key, "the kind of object", "a known one", kind)
            return
        cursor = table.cursor
        if cursor.key < key:
            self._without_events(table, key)
        if cursor.key != key:
            self._findings.add("events", table.told.table, key, "the row that events tell of", "one", "none")
            return
        row = cursor.row
        cursor.step()
        self._told_by(table, row, body, key)
        if table.told.table in RULES:
            self._judge(table, row, key, table.rule)

    def _told_by(self, table: _Rows, row: tuple[Any, ...], body: bytes, key: bytes) -> None:
        """Hold a row against the body of its last event."""
        own = row[: len(table.own)]
        if table.blank:
            values = list(own)
            for n in table.blank:
                values[n] = b""
            own = tuple(values)
        told = dict(zip(table.own, own, strict=True))
        if own[0][:13] == key and (_encode(told) == body or _differs(table, told, body, self._findings) is None):
            return

    def _judge(self, table: _Rows, row: tuple[Any, ...], key: bytes, rule: Rule) -> None:
        case = Case(self._findings, table.told.table, dict(zip(table.columns, row, strict=True)))
        entries, accounts, parts = self._entries, self._accounts, self._parts
        while entries.key == key:
            case.entries.append((entries.row[1], postings_of(entries.row[2])))
            entries.step()
        while accounts.key == key:
            case.accounts[accounts.row[0]] = accounts.row[1:]
            accounts.step()
        while parts.key == key:
            case.parts.append(parts.row[1:])
            parts.step()
        try:
            rule(case)
        except (ArithmeticError, LookupError, TypeError, ValueError) as fault:
            # An unknown currency or purpose, say: whoever wrote the row did not reckon with its rule.
            case.must_equal("its row", "one that its rule can be applied to", repr(fault))

    def _without_events(self, table: _Rows, key: bytes) -> None:
        cursor = table.cursor
        while cursor.key < key:
            self._findings.add("events", table.told.table, cursor.row[0], "the event of its version", "one", "none")
            cursor.step()

    def _ownerless(self, key: bytes) -> None:
        """Name what derives from, or names, objects before this one that are not there."""
        entries, accounts, parts, add = self._entries, self._accounts, self._parts, self._findings.add
        while entries.key < key:
            entry, kind, blob = entries.row
            postings = postings_of(blob)
            if not _netting(kind, postings) and not self._royalties.made(entry, kind, postings):
                add("objects", "entries", entry, f"the object that made its {kind}", "one", "none")
            entries.step()
        while accounts.key < key:
            add("objects", "accounts", accounts.row[0], "the object that owns it", "one", "none")
            accounts.step()
        while parts.key < key:
            add("objects", "objects", parts.row[0], f"the object that a {parts.row[1]} names", "one", "none")
            parts.step()


_MOST_UNTOLD = 1_000_000
"""So many events that no operation's answer is are kept in mind until all operations are read: some 150 MB."""


def _differs(table: _Rows, told: dict[str, Any], body: bytes, findings: Findings) -> str | None:
    """The first column, named as a fault, in which a row differs from its last event; None where it may."""
    name, key = table.told.table, told["id"]
    try:
        event = msgpack.decode(body)
    except MsgspecError:
        findings.add("events", name, key, "its last event", "a body that can be read", body)
        return "body"
    if not isinstance(event, dict) or event.keys() != told.keys():
        findings.add("events", name, key, "the members of its last event", list(told), event)
        return "members"
    for column, value in told.items():
        if value != event[column] and column not in table.told.silent:
            findings.add("events", name, key, f"{column}, as its last event tells", event[column], value)
            return column
    return None


def _netting(kind: str, postings: tuple[Posting, ...]) -> bool:
    """Whether an entry is one by which a party paid, out of its wallet, as much as it owed and had.

    Its object is kept nowhere but as the answer of its operation.
    """
    if kind != "receivable.net" or len(postings) != 1:
        return False
    ((debit, credit, _, mode, _),) = postings
    return mode == Mode.UP_TO and debit[13] == WALLET and credit[13] == RECEIVABLE and debit[:13] == credit[:13]


def _whole(row: tuple[Any, ...]) -> Any:
    return row[0]


def _held(books: Books) -> Iterator[tuple[Any, ...]]:
    for row in books.stream("SELECT id, credits_posted, debits_posted FROM accounts ORDER BY id"):
        if row[0][13] in (HELD, RECEIVABLE):
            yield row


def _operations(books: Books, findings: Findings, untold: list[tuple[bytes, bytes]]) -> None:
    """Each event names an operation that is there; each of these is there once, and was answered somehow."""
    untold.sort()
    place, last, count = 0, b"", len(untold)
    for key, outcome, told, length in books.stream(
        "SELECT id, outcome, told, length(body) FROM operations ORDER BY id"
    ):
        if key == last:
            findings.add("operations", "operations", key, "how often its key is there", 1, "more")
        if len(key) != 16 or ((outcome or told is None) and not length):
            findings.add("operations", "operations", key, "its answer", "a body or an event", (told, length))
        while place < count and untold[place][0] <= key:
            if untold[place][0] != key:
                findings.add("operations", "events", untold[place][1], "its operation", untold[place][0], "none")
            place += 1
        last = key
    for operation, event in untold[place:]:
        findings.add("operations", "events", event, "its operation", operation, "none")
