"""The embedded store: one SQLite file, one writing connection, readers beside it."""

import fcntl
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import apsw
from msgspec.structs import astuple

from handfast.core.errors import Conflict, Unavailable
from handfast.core.ids import Id
from handfast.store.checkpoints import Checkpoints
from handfast.store.desk import Changes
from handfast.store.filing import Filing
from handfast.store.owed import file_events
from handfast.store.rows import EVENTS, OPERATIONS
from handfast.store.table import Table

MINIMUM_VERSION = (3, 51, 3)
"""Below 3.51.3 SQLite can corrupt a WAL that several connections reset (sqlite.org/changes.html)."""

_UNAVAILABLE = (
    apsw.FullError,
    apsw.IOError,
    apsw.BusyError,
    apsw.LockedError,
    apsw.ReadOnlyError,
    apsw.CantOpenError,
    apsw.NoMemError,
    apsw.InterruptError,
    apsw.CorruptError,
    apsw.NotADBError,
)


def connect(path: Path, *, read_only: bool = False) -> apsw.Connection:
    """A connection with Handfast's settings: WAL, a durable commit (synchronous=FULL), foreign code kept out."""
    if tuple(map(int, apsw.sqlitelibversion().split("."))) < MINIMUM_VERSION:
        raise Conflict("schema_older", f"SQLite {apsw.sqlitelibversion()} is too old; 3.51.3 is needed")
    flags = apsw.SQLITE_OPEN_READONLY if read_only else apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE
    db = apsw.Connection(str(path), flags=flags)
    db.set_busy_timeout(5000)
    if not read_only:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
    db.execute("PRAGMA cache_size = -65536")
    db.execute("PRAGMA foreign_keys = ON")
    db.execute("PRAGMA recursive_triggers = ON")  # else REPLACE would pass by the triggers that keep the journal
    db.config(apsw.SQLITE_DBCONFIG_DEFENSIVE, 1)
    db.config(apsw.SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0)
    return db


class SqliteStore:
    """Fills the desk's Store port. A lock on a file beside the database keeps a second desk out."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = _take_lock(path)
        try:
            self.connection = connect(path)
        except apsw.Error:
            os.close(self._lock)
            raise
        self._checkpoints = Checkpoints(path, self.connection)
        self._filing = Filing(self.connection)
        self._saved = False
        self._next_event: int | None = None
        self._loads: dict[Table[Any], str] = {}
        self._inserts: dict[Table[Any], str] = {}
        self._updates: dict[Table[Any], str] = {}
        self.epoch = 0

    def take_over(self) -> None:
        """Become the desk of this database: from here on no earlier desk can commit."""
        db = self.connection
        db.execute("UPDATE desk SET epoch = epoch + 1")
        self.epoch = self._number("SELECT epoch FROM desk")
        self._next_event = None
        self._filing.forget()

    def _number(self, sql: str) -> int:
        value: Any = self.connection.execute(sql).fetchall()[0][0]
        return int(value)

    def close(self) -> None:
        """Give the database up."""
        self.rollback()
        self._checkpoints.close()
        self.connection.close()
        os.close(self._lock)

    def begin(self) -> None:
        """See Store.begin."""
        self.connection.execute("BEGIN IMMEDIATE")
        self._filing.read_back()

    def load(self, wants: Mapping[Table[Any], Sequence[Id]]) -> dict[Table[Any], list[Any]]:
        """See Store.load."""
        found: dict[Table[Any], list[Any]] = {}
        for table, keys in wants.items():
            if table is OPERATIONS:
                found[table] = self._filing.load(keys)
                continue
            sql = self._loads.get(table)
            if sql is None:
                columns = ", ".join(f"{table.name}.{column}" for column in table.columns)
                sql = f"SELECT {columns} FROM carray(?) AS asked CROSS JOIN {table.name} ON id = asked.value"
                self._loads[table] = sql
            row = table.row
            found[table] = [row(*values) for values in self.connection.execute(sql, (apsw.carray(tuple(keys)),))]
        return found

    def save(self, changes: Changes) -> None:
        """See Store.save."""
        db = self.connection
        self._saved = True
        db.execute("UPDATE desk SET commits = commits + 1 WHERE epoch = ?", (self.epoch,))
        if db.changes() != 1:
            raise Unavailable("desk_fenced", "another desk has taken over this database")
        for table, rows in changes.inserts.items():
            if table is OPERATIONS:
                self._filing.save(rows)
                continue
            sql = self._inserts.get(table)
            if sql is None:
                marks = ", ".join("?" * len(table.columns))
                sql = f"INSERT INTO {table.name} ({', '.join(table.columns)}) VALUES ({marks})"
                self._inserts[table] = sql
            db.executemany(sql, map(astuple, rows))
        for table, rows in changes.updates.items():
            sql = self._updates.get(table)
            if sql is None:
                sets = ", ".join(f"{column} = ?{n}" for n, column in enumerate(table.columns[1:], 2))
                sql = f"UPDATE {table.name} SET {sets} WHERE id = ?1"
                self._updates[table] = sql
            db.executemany(sql, map(astuple, rows))
        if changes.events:
            self._save_events(changes)

    def _save_events(self, changes: Changes) -> None:
        db = self.connection
        if self._next_event is None:
            self._next_event = self._number("SELECT coalesce(max(seq), 0) + 1 FROM events")
        seq = self._next_event
        columns = ", ".join(EVENTS.columns)
        db.executemany(
            f"INSERT INTO events ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?)",
            [
                (event.id, n, event.type, event.owner, event.operation, event.at, event.body)
                for n, event in enumerate(changes.events, seq)
            ],
        )
        file_events(db, seq, len(changes.events))
        self._next_event = seq + len(changes.events)

    def commit(self) -> None:
        """See Store.commit."""
        self.connection.execute("COMMIT")
        self._saved = False

    def rollback(self) -> None:
        """See Store.rollback."""
        if self._saved:
            self._saved = False
            self._next_event = None
            self._filing.forget()
        if self.connection.in_transaction:
            try:
                self.connection.execute("ROLLBACK")
            except apsw.Error:
                if self.connection.in_transaction:
                    raise

    def unavailable(self, error: Exception) -> Unavailable | None:
        """See Store.unavailable."""
        return unavailable(error)


def unavailable(error: Exception) -> Unavailable | None:
    """The refusal that an error of SQLite's means, or None where it is not the database's state but our fault."""
    if isinstance(error, _UNAVAILABLE):
        return Unavailable("store_unavailable", "the database cannot be used now; ask again with the same key")
    return None


def _take_lock(path: Path) -> int:
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = os.open(path.with_name(path.name + ".desk"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        raise Conflict("database_in_use", f"another process is the desk of {path}") from None
    return lock


def copy(source: Path, target: Path) -> None:
    """Copy a database to a new file as of one instant, while others write it (sqlite.org/backup.html)."""
    from_, to = connect(source, read_only=True), apsw.Connection(str(target))
    try:
        with to.backup("main", from_, "main") as copying:
            copying.step()  # all pages at once: in parts it would begin anew after each commit
        to.execute("PRAGMA synchronous = FULL; PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        to.close()
        from_.close()


class SqliteReader:
    """Fills the Reader port: read-only, and never sees half a batch."""

    def __init__(self, path: Path) -> None:
        self._db = connect(path, read_only=True)

    def rows(self, sql: str, params: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """See Reader.rows."""
        return self._db.execute(sql, tuple(params)).fetchall()

    def stream(self, sql: str, params: Sequence[Any] = ()) -> Iterator[tuple[Any, ...]]:
        """See Reader.stream."""
        return iter(self._db.execute(sql, tuple(params)))

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """See Reader.snapshot."""
        self._db.execute("BEGIN")
        try:
            yield
        finally:
            self._db.execute("ROLLBACK")

    def close(self) -> None:
        """See Reader.close."""
        self._db.close()
