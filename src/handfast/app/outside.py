"""Picks where a database's entries are kept: in itself or in a cluster, with the desk that this takes."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

import structlog

from handfast.core.clocks import Clock
from handfast.core.errors import Invalid, Unavailable
from handfast.core.ids import Id, NewId, entropy
from handfast.ledger import Entry, Ledger
from handfast.ledger.batch import Copy
from handfast.store.batch import Post
from handfast.store.desk import Desk, Store
from handfast.store.outside import KEY, OutsideDesk
from handfast.store.reader import Reader, get
from handfast.store.rows import INTENTIONS, Event, Intention
from handfast.store.table import Table
from handfast.store.verb import Verb

_log = structlog.get_logger("handfast")


class Inside(Ledger, Copy, Protocol):
    """An engine that keeps its rows in the desk's database, and can keep a copy there."""


class Connected(Store, Protocol):
    """A store that this process is the desk of."""

    @property
    def connection(self) -> Any:
        """The writing connection."""


@dataclass(frozen=True)
class Keeping:
    """A database's ledger, and the number of its books in a cluster, 0 where the database keeps its entries itself."""

    ledger: Ledger
    books: int

    def desk(
        self,
        store: Store,
        post: Post,
        verbs: Mapping[str, Verb],
        clock: Clock,
        new_id: NewId,
        ids_of: Callable[[Id], NewId] | None = None,
    ) -> Desk:
        """The desk that posts there, through `post`."""
        if not self.books:
            return Desk(store, post, verbs, clock, new_id, ids_of)
        return OutsideDesk(store, post, verbs, clock, new_id, ids_of, entry=Entry, books=self.books)


@contextmanager
def keeping(url: str, store: Connected, inside: Inside) -> Iterator[Keeping]:
    """The ledger at a URL, "" for the database's own; in the database, its copy is kept by `inside`.

    Raises Invalid(settings_invalid) where the entries are kept in the other place, Unavailable(ledger_foreign) for
    another cluster than theirs. One that does not answer is waited for later.
    """
    if not url:
        books_of(store, outside=False)
        yield Keeping(inside, 0)
        return
    try:
        from handfast.ledger.cluster import Cluster, parse
        from handfast.ledger.engines.tigerbeetle import TigerBeetleLedger
    except ImportError:
        no = "a TigerBeetle ledger comes with: pip install handfast[tigerbeetle]"
        raise Invalid("settings_invalid", no, "ledger") from None
    number, addresses = parse(url)
    books = books_of(store, outside=True)
    cluster = Cluster(number, addresses)
    try:
        ledger = TigerBeetleLedger(inside, cluster, books)
        try:
            ledger.meet(new=not _has_entries(store))
        except Unavailable as no:
            if no.code == "ledger_foreign":
                raise
            _log.warning("the ledger does not answer yet", ledger=url)
        yield Keeping(ledger, books)
    finally:
        cluster.close()


def compared(url: str, reader: Reader) -> list[str]:
    """What the copy that a reader sees, and the cluster at a URL, say differently. Raises Invalid(settings_invalid)."""
    from handfast.ledger.agreement import disagreements
    from handfast.ledger.cluster import Cluster, parse

    row = get(reader, INTENTIONS, KEY)
    if row is None:
        raise Invalid("settings_invalid", "this database keeps its entries itself", "ledger")
    cluster = Cluster(*parse(url))
    try:
        with reader.snapshot():
            return list(disagreements(reader, cluster, row.books))
    finally:
        cluster.close()


@dataclass
class _First:
    """The change that gives a database its number."""

    inserts: dict[Table[Any], list[Any]]
    updates: dict[Table[Any], list[Any]] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)


def books_of(store: Connected, *, outside: bool) -> int:
    """The number of this database's books in a cluster, drawn where it has none yet."""
    store.begin()
    try:
        found = store.load({INTENTIONS: [KEY]})[INTENTIONS]
        if found and not outside:
            raise Invalid("settings_invalid", "the entries of this database are kept in a cluster: name it", "ledger")
        if not outside:
            return 0
        if found:
            return int(found[0].books)
        if _has_entries(store):
            no = "this database keeps its entries itself; a cluster begins with a database that has none"
            raise Invalid("settings_invalid", no, "ledger")
        books = int.from_bytes(entropy(7), "big") or 1
        store.save(_First({INTENTIONS: [Intention(KEY, books, b"")]}))
        store.commit()
        return books
    finally:
        store.rollback()


def _has_entries(store: Connected) -> bool:
    return bool(store.connection.execute("SELECT 1 FROM entries LIMIT 1").fetchall())
