"""All checks over the books, in order: the file, the journal with its seal, balances, events, objects."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from handfast_verify.beside import beside, check_objects
from handfast_verify.findings import MOST, Enough, Findings, Result
from handfast_verify.heads import Head, published
from handfast_verify.ledger import SHARE, Fold
from handfast_verify.reading import Books, Unreadable, opened
from handfast_verify.sealed import ENTRIES, Pass

Watch = Callable[[str, int, int], None]
"""Told of a pass: its name, how many rows it has, how many more of them were read."""

TWO = 50_000
"""From so many entries on, two processes share the work."""

_BEGINS = '{"object":"head"'
_TABLES = ("entries", "events", "operations", "accounts", "statements", "pendings", "heads", "head_slices")


def verify(
    database: str | None = None,
    export: Path | None = None,
    heads: Path | None = None,
    key: bytes | None = None,
    watch: Watch = lambda _name, _total, _more: None,
) -> Result:
    """Verify the books at sqlite:///path or postgresql://…, or in an export directory.

    `heads` is a file of published heads, `key` the public key that must have signed: without either, the books are held
    against their own heads alone, which their owner could have made anew. Raises Unreadable.
    """
    findings = Findings()
    pinned = _pinned(heads, findings)
    with opened(database, export) as books:
        missing = [table for table in _TABLES if not books.columns(table)]
        if missing:
            raise Unreadable(f"these are not Handfast's books: there is no table {missing[0]}")
        return _Run(books, findings, pinned, key, watch).run()


def _pinned(file: Path | None, findings: Findings) -> list[Head]:
    if file is None:
        return []
    try:
        heads, wrong = published(file)
    except OSError as fault:
        raise Unreadable(f"{file} cannot be read: {fault}") from fault
    seen: dict[int, Head] = {}
    for head in heads:
        if not head.signed():
            findings.add("seal", file.name, head.number, "a published head's signature", "one by its key", "another")
        if seen.setdefault(head.number, head) != head:
            findings.add("seal", file.name, head.number, "published twice", seen[head.number].root, head.root)
    for number, line in wrong:
        if not _torn(line):
            findings.add("seal", file.name, f"line {number}", "a published head", "a line of JSON", line)
    return heads


def _torn(line: str) -> bool:
    """Whether a line is the beginning of a head's, as a crash leaves it."""
    return bool(line and _BEGINS.startswith(line)) or (line.startswith(_BEGINS) and not line.endswith("}"))


class _Run:
    def __init__(self, books: Books, findings: Findings, pinned: list[Head], key: bytes | None, watch: Watch) -> None:
        self._books = books
        self._findings = findings
        self._pinned = pinned
        self._watch = watch
        self._passes: dict[str, float] = {}
        self._objects = 0
        self._accounts = 0
        # Before anything else is read: it may begin the reading anew.
        self._beside = beside(books) if self._count("entries") >= TWO else None
        self._shares = -(-self._count("accounts") // SHARE) or 1
        self._fold = Fold(findings, 0, self._shares)
        self._journal = Pass(books, findings, self._fold, key, pinned)

    def run(self) -> Result:
        """Check everything."""
        start = time.perf_counter()
        with suppress(Enough):
            self._check()
        journal = self._journal
        return Result(
            faults=tuple(self._findings.faults),
            entries=self._fold.count,
            events=journal.events,
            accounts=self._accounts,
            objects=self._objects,
            heads=journal.heads,
            published=len(self._pinned),
            size=journal.last.size,
            root=journal.last.root.hex(),
            unsealed_entries=journal.unsealed_entries,
            unsealed_events=journal.unsealed_events,
            seconds=time.perf_counter() - start,
            passes=self._passes,
        )

    def _check(self) -> None:
        other = self._beside
        if other is None:
            self._journal_and_balances(lambda: None)
            with self._timed("objects"):
                self._objects = check_objects(self._books, self._findings, self._told)
            return
        try:
            with suppress(Enough):
                self._journal_and_balances(lambda: other.watched(self._told))
            checked = other.result(self._told)
            self._objects, self._passes["objects"] = checked.count, checked.seconds
            self._findings.faults += checked.faults[: MOST - len(self._findings.faults)]
        finally:
            other.close()

    def _told(self, more: int) -> None:
        self._watch("objects", 0, more)

    def _journal_and_balances(self, listen: Callable[[], None]) -> None:
        def watch(more: int) -> None:
            self._watch("entries and events", total, more)
            listen()

        with self._timed("file"):
            damage = self._books.damage()
            if damage is not None:
                self._findings.add("file", "database", "file", "what the database says of it", "ok", damage)
        with self._timed("journal"):
            total = self._count("entries") + self._count("events")
            self._journal.run(watch)
        self._passes |= {f"sealed {table}": seconds for table, seconds in self._journal.seconds.items()}
        with self._timed("balances"):
            self._accounts = self._fold.against(self._books)
            for share in range(1, self._shares):
                fold = Fold(self._findings, share, self._shares)
                fold.entries(self._books.stream(ENTRIES))
                fold.against(self._books)

    def _count(self, table: str) -> int:
        ((count,),) = self._books.stream(f"SELECT count(*) FROM {table}")
        return int(count)

    @contextmanager
    def _timed(self, name: str) -> Iterator[None]:
        start = time.perf_counter()
        try:
            yield
        finally:
            self._passes[name] = time.perf_counter() - start
