"""Bulk loading of either store, past the desk: no log, no indexes while rows come, all as the desk expects it after."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

import apsw
import psycopg

from handfast.store.migrate import sqlite_path

Row = tuple[Any, ...]


class Load(Protocol):
    """An empty database that is being filled."""

    def last_event(self) -> int:
        """The place of the last event that is there."""

    def rows(self, table: str, columns: Sequence[str], rows: Iterable[Row]) -> None:
        """Add rows; best in the order of their keys."""

    def finish(self) -> None:
        """Bring indexes and what derives from the rows up to date."""


class _Sqlite:
    """Its operations have a place, and their keys and the events' owners tables of their own (store/filing, owed)."""

    def __init__(self, db: apsw.Connection) -> None:
        self._db = db
        made = "SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL"
        self._indexes: list[Any] = db.execute(made).fetchall()
        for name, _ in self._indexes:
            db.execute(f"DROP INDEX {name}")

    def last_event(self) -> int:
        """See Load."""
        return int(self._db.execute("SELECT coalesce(max(seq), 0) FROM events").get)

    def rows(self, table: str, columns: Sequence[str], rows: Iterable[Row]) -> None:
        """See Load."""
        if table == "operations":
            first = int(self._db.execute("SELECT coalesce(max(place), 0) + 1 FROM operations").get)
            columns, rows = ("place", *columns), ((place, *row) for place, row in enumerate(rows, first))
        marks = ", ".join("?" * len(columns))
        with self._db:
            self._db.executemany(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})", rows)

    def finish(self) -> None:
        """See Load."""
        with self._db:
            self._db.execute(
                "INSERT INTO operation_keys (id, place) SELECT id, place FROM operations"
                " WHERE place > (SELECT filed FROM desk)"
                " AND NOT EXISTS (SELECT 1 FROM operation_keys k WHERE k.id = operations.id) ORDER BY id"
            )
            self._db.execute("UPDATE desk SET hand = 0, lap = (SELECT max(place) FROM operations), filed = lap")
            self._db.execute("UPDATE desk SET filed = lap")
            self._db.execute("DELETE FROM new_events")
            self._db.execute("DELETE FROM due_events")
            self._db.execute(
                "INSERT INTO event_owners (owner, seq) SELECT owner, seq FROM events"
                " WHERE NOT EXISTS (SELECT 1 FROM event_owners o WHERE (o.owner, o.seq) = (events.owner, events.seq))"
                " ORDER BY owner, seq"
            )
        for _, made in self._indexes:
            self._db.execute(made)


class _Postgres:
    """Its keys are constraints, which are dropped and made anew too."""

    def __init__(self, db: psycopg.Connection[Any]) -> None:
        self._db = db
        self._dropped: dict[str, list[str]] = {}

    def last_event(self) -> int:
        """See Load."""
        return int(self._one("SELECT coalesce(max(seq), 0) FROM events"))

    def _one(self, sql: str) -> Any:
        row = self._db.execute(sql).fetchone()
        assert row is not None
        return row[0]

    def rows(self, table: str, columns: Sequence[str], rows: Iterable[Row]) -> None:
        """See Load."""
        self._drop(table)
        kinds = dict(
            self._db.execute(
                "SELECT attname, format_type(atttypid, NULL) FROM pg_attribute WHERE attrelid = %s::regclass", (table,)
            ).fetchall()
        )
        to = f"COPY {table} ({', '.join(columns)}) FROM STDIN (FORMAT binary)"
        with self._db.cursor() as cursor, cursor.copy(to) as copy:
            copy.set_types([kinds[column] for column in columns])
            for row in rows:
                copy.write_row(row)
        for made in self._dropped.pop(table):
            self._db.execute(made)

    def _drop(self, table: str) -> None:
        again = self._dropped.setdefault(table, [])
        named = "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = %s::regclass"
        for name, definition in self._db.execute(f"{named} AND contype IN ('p', 'u')", (table,)).fetchall():
            self._db.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
            again.append(f"ALTER TABLE {table} ADD CONSTRAINT {name} {definition}")
        indexes = "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = %s"
        for name, definition in self._db.execute(indexes, (table,)).fetchall():
            self._db.execute(f"DROP INDEX {name}")
            again.append(definition)

    def finish(self) -> None:
        """See Load."""
        self._db.execute("VACUUM (ANALYZE)")
        self._db.execute("CHECKPOINT")


@contextmanager
def load(url: str) -> Iterator[Load]:
    """A way to fill the database that no desk owns now."""
    path = sqlite_path(url)
    if path is None:
        with psycopg.connect(url, autocommit=True) as db:
            db.execute("SET synchronous_commit = off; SET maintenance_work_mem = '1GB'")
            yield _Postgres(db)
        return
    to = apsw.Connection(str(path))
    # Nobody else has the file, and a book that was not finished is thrown away.
    for pragma in ("journal_mode = OFF", "synchronous = OFF", "locking_mode = EXCLUSIVE", "cache_size = -1048576"):
        to.execute(f"PRAGMA {pragma}")
    yield _Sqlite(to)
    to.execute("PRAGMA locking_mode = NORMAL")
    to.execute("PRAGMA journal_mode = WAL")
    to.close()
