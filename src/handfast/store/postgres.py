"""The PostgreSQL store: one writing connection with an advisory lock, batches sent as pipelines of arrays."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from typing import Any, NoReturn

import psycopg
from msgspec.structs import astuple
from psycopg.pq import TransactionStatus
from psycopg.rows import tuple_row
from psycopg.types.numeric import Int8BinaryDumper

from handfast.core.errors import Conflict, Unavailable
from handfast.core.ids import Id
from handfast.store.desk import Changes
from handfast.store.rows import EVENTS
from handfast.store.table import Table

LOCK = 0x48414E44
"""The advisory lock that a desk holds for as long as its connection lives."""


def connect(url: str) -> psycopg.Connection[Any]:
    """A connection with Handfast's settings: autocommit outside explicit transactions, durable commits, UTC."""
    db = psycopg.connect(url, autocommit=True, row_factory=tuple_row, prepare_threshold=1)
    # One width for all whole numbers: else each mix of widths in a batch prepares its statement anew.
    db.adapters.register_dumper(int, Int8BinaryDumper)
    db.execute(
        "SET synchronous_commit = on; SET timezone = 'UTC'; SET jit = off; SET plan_cache_mode = force_generic_plan"
    )
    return db


class PostgresStore:
    """Fills the desk's Store port. A second desk is kept out by the advisory lock, a deposed one by the epoch."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.epoch = 0
        self._backend = 0
        self.connection = self._open()
        self._next_event: int | None = None
        self._sql: dict[tuple[str, Table[Any]], str] = {}
        self._writes = ExitStack()

    def _open(self) -> psycopg.Connection[Any]:
        db = connect(self.url)
        if not _locked(db):
            # The server may not have heard that our own former connection is gone, and would wait for hours.
            db.execute(_END, (LOCK, self._backend))
            if not _locked(db):
                self._refuse(db)
        self._backend = db.info.backend_pid
        return self._ready(db)

    def _refuse(self, db: psycopg.Connection[Any]) -> NoReturn:
        fenced = self.epoch and db.execute("SELECT epoch FROM desk").fetchone() != (self.epoch,)
        db.close()
        if fenced:
            raise Unavailable("desk_fenced", "another desk has taken over this database")
        raise Conflict("database_in_use", "another process is the desk of this database")

    def _ready(self, db: psycopg.Connection[Any]) -> psycopg.Connection[Any]:
        # All the desk's reads are by key. A plan made while a table was empty would scan it, and is kept as it grows.
        db.execute("SET enable_seqscan = off")
        return db

    def take_over(self) -> None:
        """Become the desk of this database: from here on no earlier desk can commit."""
        row = self.connection.execute("UPDATE desk SET epoch = epoch + 1 RETURNING epoch").fetchone()
        assert row is not None
        self.epoch = row[0]

    def close(self) -> None:
        """Give the database up."""
        self.connection.close()

    def begin(self) -> None:
        """See Store.begin."""
        if self.connection.closed:
            try:
                self.connection = self._open()
            except Conflict as taken:
                raise Unavailable("store_unavailable", "the database is held by another desk") from taken
        self._writes.enter_context(self.connection.pipeline())
        self.connection.execute("BEGIN")
        # Locked until the commit, so that no other desk can take over in between.
        fence = self.connection.execute("SELECT epoch FROM desk WHERE epoch = %s FOR UPDATE", (self.epoch,))
        if fence.fetchone() is None:
            raise Unavailable("desk_fenced", "another desk has taken over this database")

    def load(self, wants: Mapping[Table[Any], Sequence[Id]]) -> dict[Table[Any], list[Any]]:
        """See Store.load."""
        cursors = {}
        with self.connection.pipeline():
            for table, keys in wants.items():
                sql = self._sql.get(("load", table))
                if sql is None:
                    sql = f"SELECT {', '.join(table.columns)} FROM {table.name} WHERE id = ANY(%b::bytea[])"
                    self._sql["load", table] = sql
                cursors[table] = self.connection.execute(sql, (list(keys),), binary=True)
            return {table: [table.row(*values) for values in cursor.fetchall()] for table, cursor in cursors.items()}

    def save(self, changes: Changes) -> None:
        """See Store.save."""
        self.connection.execute("UPDATE desk SET commits = commits + 1")
        for table, rows in changes.inserts.items():
            self._write(self._insert(table), list(map(astuple, rows)))
        for table, rows in changes.updates.items():
            self._write(self._update(table), list(map(astuple, rows)))
        if changes.events:
            self._save_events(changes)

    def _insert(self, table: Table[Any]) -> str:
        sql = self._sql.get(("insert", table))
        if sql is None:
            sql = f"INSERT INTO {table.name} ({', '.join(table.columns)}) SELECT * FROM {_arrays(table)}"
            self._sql["insert", table] = sql
        return sql

    def _update(self, table: Table[Any]) -> str:
        sql = self._sql.get(("update", table))
        if sql is None:
            sets = ", ".join(f"{column} = u.{column}" for column in table.columns[1:])
            names = ", ".join(table.columns)
            sql = f"UPDATE {table.name} t SET {sets} FROM {_arrays(table)} u({names}) WHERE t.id = u.id"
            self._sql["update", table] = sql
        return sql

    def _write(self, sql: str, rows: Sequence[tuple[Any, ...]]) -> None:
        self.connection.execute(sql, [list(column) for column in zip(*rows, strict=True)], binary=True)

    def _save_events(self, changes: Changes) -> None:
        if self._next_event is None:
            row = self.connection.execute("SELECT coalesce(max(seq), 0) + 1 FROM events").fetchone()
            assert row is not None
            self._next_event = int(row[0])
        rows = [
            (event.id, seq, event.type, event.owner, event.operation, event.at, event.body)
            for seq, event in enumerate(changes.events, self._next_event)
        ]
        self._write(self._insert(EVENTS), rows)
        self._next_event += len(rows)

    def commit(self) -> None:
        """See Store.commit. Everything is sent by now; here it is waited for."""
        self._writes.close()
        self.connection.execute("COMMIT")

    def rollback(self) -> None:
        """See Store.rollback."""
        self._next_event = None
        with suppress(psycopg.Error):
            self._writes.close()
        with suppress(psycopg.Error):
            if self.connection.info.transaction_status == TransactionStatus.INERROR:
                # A pipeline that failed leaves psycopg believing in prepared statements that the server never saw;
                # this call, unlike the statement, makes it forget them all.
                self.connection.rollback()
            elif not self.connection.closed:
                self.connection.execute("ROLLBACK")

    def unavailable(self, error: Exception) -> Unavailable | None:
        """See Store.unavailable."""
        return unavailable(error)


def unavailable(error: Exception) -> Unavailable | None:
    """The refusal that an error of PostgreSQL's means, or None where it is not the database's state but our fault."""
    if isinstance(error, (psycopg.OperationalError, psycopg.InterfaceError, psycopg.InternalError)):
        return Unavailable("store_unavailable", "the database cannot be used now; ask again with the same key")
    return None


_END = """
SELECT pg_terminate_backend(pid, 5000) FROM pg_locks
WHERE locktype = 'advisory' AND classid = 0 AND objid = %s AND pid = %s
"""


def _locked(db: psycopg.Connection[Any]) -> bool:
    row = db.execute("SELECT pg_try_advisory_lock(%s)", (LOCK,)).fetchone()
    return row is not None and bool(row[0])


def _arrays(table: Table[Any]) -> str:
    return "unnest(" + ", ".join(f"%b::{kind}[]" for kind in table.kinds) + ")"


class PostgresReader:
    """Fills the Reader port: read-only, and never sees half a batch."""

    def __init__(self, url: str) -> None:
        self._db = connect(url)
        self._db.execute("SET default_transaction_read_only = on")

    def rows(self, sql: str, params: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """See Reader.rows."""
        return self._db.execute(_marked(sql), tuple(params)).fetchall()

    def stream(self, sql: str, params: Sequence[Any] = ()) -> Iterator[tuple[Any, ...]]:
        """See Reader.stream."""
        with self._db.cursor(name="stream") as cursor:
            cursor.itersize = 2000
            cursor.execute(_marked(sql), tuple(params))
            yield from cursor

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """See Reader.snapshot."""
        self._db.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        try:
            yield
        finally:
            self._db.execute("ROLLBACK")

    def close(self) -> None:
        """See Reader.close."""
        self._db.close()


def _marked(sql: str) -> str:
    """A reader's SQL with psycopg's marks."""
    return sql.replace("%", "%%").replace("?", "%s")
