"""SQLAlchemy over apsw: as much of the Python DB-API (PEP 249) as migrations need, and the dialect that asks for it.

SQLAlchemy's own SQLite dialects load the interpreter's SQLite, and two builds of SQLite in one process drop each
other's file locks (sqlite.org/howtocorrupt.html, section 2.2.1).
"""

import sys
from collections import deque
from collections.abc import Iterable, Sequence
from types import ModuleType
from typing import Any

import apsw
from sqlalchemy.dialects.sqlite.base import SQLiteDialect

apilevel = "2.0"
threadsafety = 1
paramstyle = "qmark"
sqlite_version_info = tuple(map(int, apsw.sqlitelibversion().split(".")))

Error = DatabaseError = InterfaceError = DataError = InternalError = NotSupportedError = apsw.Error
OperationalError = ProgrammingError = apsw.SQLError
IntegrityError = apsw.ConstraintError


class Cursor:
    """A PEP 249 cursor. Rows are read at once: what migrations read is small."""

    arraysize = 1

    def __init__(self, db: apsw.Connection) -> None:
        self._cursor = db.cursor()
        self._cursor.exec_trace = self._started
        self._rows: deque[tuple[Any, ...]] = deque()
        self.description: tuple[tuple[Any, ...], ...] | None = None
        self.rowcount = -1
        self.lastrowid: int | None = None

    def _started(self, cursor: apsw.Cursor, _sql: str, _bindings: Any) -> bool:
        # After the last row apsw knows the columns no longer, so they are taken down before the first.
        columns = cursor.get_description()
        self.description = tuple((name, kind, None, None, None, None, None) for name, kind in columns) or None
        return True

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> "Cursor":
        """Run a statement."""
        return self.executemany(sql, (tuple(parameters),))

    def executemany(self, sql: str, parameters: Iterable[Sequence[Any]]) -> "Cursor":
        """Run a statement for each of the parameters."""
        db = self._cursor.connection
        before = db.total_changes()
        self._rows = deque(self._cursor.executemany(sql, parameters))
        self.rowcount = db.total_changes() - before
        self.lastrowid = db.last_insert_rowid()
        return self

    def fetchone(self) -> tuple[Any, ...] | None:
        """The next row, or None after the last."""
        return self._rows.popleft() if self._rows else None

    def fetchmany(self, size: int = arraysize) -> list[tuple[Any, ...]]:
        """The next rows, `size` at most."""
        return [self._rows.popleft() for _ in range(min(size, len(self._rows)))]

    def fetchall(self) -> list[tuple[Any, ...]]:
        """The rows that are left."""
        return self.fetchmany(len(self._rows))

    def close(self) -> None:
        """Drop what was not read."""
        self._rows.clear()
        self._cursor.close()


class Connection:
    """A PEP 249 connection; the dialect begins its transactions."""

    def __init__(self, path: str) -> None:
        self.db = apsw.Connection(path)
        self.db.set_busy_timeout(30_000)

    def cursor(self) -> Cursor:
        """A new cursor."""
        return Cursor(self.db)

    def commit(self) -> None:
        """Commit the open transaction, if any."""
        if self.db.in_transaction:
            self.db.execute("COMMIT")

    def rollback(self) -> None:
        """Undo the open transaction, if any."""
        if self.db.in_transaction:
            self.db.execute("ROLLBACK")

    def close(self) -> None:
        """Close the connection; an open transaction is undone."""
        self.db.close()


connect = Connection


class ApswDialect(SQLiteDialect):
    """SQLite's dialect over this module.

    A transaction writes from its start, so two migrations come one after the other.
    """

    driver = "apsw"
    default_paramstyle = paramstyle
    supports_statement_cache = True
    returns_native_bytes = True

    @classmethod
    def import_dbapi(cls) -> ModuleType:
        """This module."""
        return sys.modules[__name__]

    def do_begin(self, dbapi_connection: Any) -> None:
        """Begin as a writer."""
        dbapi_connection.db.execute("BEGIN IMMEDIATE")

    def _get_server_version_info(self, connection: Any) -> tuple[int, ...]:
        return sqlite_version_info
