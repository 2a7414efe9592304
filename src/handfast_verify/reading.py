"""Where the books lie: a SQLite file, a PostgreSQL database, or an export directory; all read as one instant."""

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any, Protocol

import apsw
import psycopg
from msgspec import msgpack

FETCH = 2_000
BEGIN = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
COMMITS = "SELECT commits FROM desk"


class Unreadable(Exception):
    """The books cannot be read at all; the words say why."""


class Books(Protocol):
    """Books that stand still. SQL is common to both databases but for ids that derive from others.

    `url` is where they lie, so that they can be opened once more.
    """

    url: str

    def stream(self, sql: str) -> Iterator[tuple[Any, ...]]:
        """The rows of a query; several may be read in turns."""

    def last_event(self, alias: str) -> str:
        """The SQL of the id of the event that tells of a row's version."""

    def derived(self, alias: str, tail: str) -> str:
        """The SQL of the id that derives from a row's, by its last three bytes (hexadecimal)."""

    def columns(self, table: str) -> list[str]:
        """A table's columns, in order; none where there is no such table."""

    def again(self) -> int:
        """Read as of now from here on; the number of the desk's last commit."""

    def damage(self) -> str | None:
        """What the database itself says is broken in its file, if it can say so."""


class _Sqlite:
    def __init__(self, db: apsw.Connection) -> None:
        self._db = db
        self.url = f"sqlite:///{db.filename}"

    def stream(self, sql: str) -> Iterator[tuple[Any, ...]]:
        """See Books."""
        return iter(self._db.cursor().execute(sql))

    def last_event(self, alias: str) -> str:
        """See Books."""
        return f"unhex(hex(substr({alias}.id, 1, 13)) || printf('%06x', {alias}.version))"

    def derived(self, alias: str, tail: str) -> str:
        """See Books."""
        return f"unhex(hex(substr({alias}.id, 1, 13)) || '{tail}')"

    def columns(self, table: str) -> list[str]:
        """See Books."""
        return [row[0] for row in self._db.execute("SELECT name FROM pragma_table_info(?)", (table,))]

    def again(self) -> int:
        """See Books."""
        self._db.execute("ROLLBACK; BEGIN")
        return int(self._db.execute(COMMITS).get)

    def damage(self) -> str | None:
        """See Books. A connection of its own: the library works outside Python's lock, beside the other checks."""
        db = apsw.Connection(self._db.filename, flags=apsw.SQLITE_OPEN_READONLY)
        try:
            ((found,),) = db.execute("PRAGMA integrity_check(1)").fetchall()
        except apsw.Error as fault:
            return str(fault)
        finally:
            db.close()
        return None if found == "ok" else str(found)


class _Postgres:
    def __init__(self, db: psycopg.Connection[Any], url: str) -> None:
        self._db = db
        self.url = url
        self._cursors = 0

    def stream(self, sql: str) -> Iterator[tuple[Any, ...]]:
        """See Books."""
        self._cursors += 1
        with self._db.cursor(name=f"verify_{self._cursors}") as cursor:
            cursor.itersize = FETCH
            cursor.execute(sql.encode(), binary=True)
            yield from cursor

    def last_event(self, alias: str) -> str:
        """See Books."""
        return f"(substr({alias}.id, 1, 13) || decode(lpad(to_hex({alias}.version), 6, '0'), 'hex'))"

    def derived(self, alias: str, tail: str) -> str:
        """See Books."""
        return f"(substr({alias}.id, 1, 13) || decode('{tail}', 'hex'))"

    def columns(self, table: str) -> list[str]:
        """See Books."""
        sql = (
            "SELECT attname FROM pg_attribute WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped"
            " ORDER BY attnum"
        )
        return [row[0] for row in self._db.execute(sql, (table,)).fetchall()]

    def again(self) -> int:
        """See Books."""
        self._db.execute("ROLLBACK")
        self._db.execute(BEGIN)
        ((commits,),) = self._db.execute(COMMITS).fetchall()
        return int(commits)

    def damage(self) -> str | None:
        """See Books."""
        return None


@contextmanager
def opened(database: str | None, export: Path | None) -> Iterator[Books]:
    """The books at sqlite:///path or postgresql://…, or in an export directory. Raises Unreadable."""
    try:
        if export is not None:
            with tempfile.TemporaryDirectory(prefix="handfast-verify-") as folder:
                file = Path(folder, "export.db")
                load(export, file)
                with _sqlite(file) as books:
                    yield books
        elif database is not None and database.startswith("postgresql://"):
            with _postgres(database) as books:
                yield books
        elif database is not None and database.startswith("sqlite:///"):
            with _sqlite(Path(database.removeprefix("sqlite:///"))) as books:
                yield books
        else:
            raise Unreadable("a database is sqlite:///path or postgresql://…")
    except (apsw.Error, psycopg.Error, OSError) as fault:
        raise Unreadable(f"the books cannot be read: {str(fault).strip()}") from fault


@contextmanager
def _sqlite(path: Path) -> Iterator[Books]:
    if not path.is_file():
        raise Unreadable(f"there is no file {path}")
    db = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        db.set_busy_timeout(10_000)
        db.execute("PRAGMA cache_size = -65536")
        db.execute("BEGIN")
        yield _Sqlite(db)
    finally:
        db.close(force=True)


@contextmanager
def _postgres(url: str) -> Iterator[Books]:
    with psycopg.connect(url, autocommit=True) as db:
        db.execute("SET cursor_tuple_fraction = 1.0")
        db.execute(BEGIN)
        yield _Postgres(db, url)


def load(export: Path, file: Path) -> None:
    """Put an export's tables into a SQLite file. Raises Unreadable where a file is not what the manifest says."""
    try:
        manifest = json.loads((export / "manifest.json").read_text())
        tables = {
            str(name): (list(it["columns"]), int(it["rows"]), str(it["sha256"]))
            for name, it in manifest["tables"].items()
        }
    except (OSError, ValueError, KeyError, TypeError) as fault:
        raise Unreadable(f"{export} has no manifest of an export: {fault}") from fault
    db = apsw.Connection(str(file))
    try:
        db.execute("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF")
        for table, (columns, count, digest) in tables.items():
            if not all(name.isidentifier() for name in (table, *columns)):
                raise Unreadable(f"{table!r} is no table of Handfast's")
            names = ", ".join(columns)
            key = "seq" if "seq" in columns and "id" in columns else ""
            shape = ", ".join(f"{column} INTEGER PRIMARY KEY" if column == key else column for column in columns)
            with db:
                db.execute(f"CREATE TABLE {table} ({shape})")
                db.executemany(
                    f"INSERT INTO {table} ({names}) VALUES ({', '.join('?' * len(columns))})",
                    exported(export / f"{table}.msgpack", count, digest),
                )
                if "id" in columns:
                    db.execute(f"CREATE INDEX {table}_by_id ON {table} (id)")
    finally:
        db.close()


def exported(path: Path, count: int, digest: str) -> Iterator[tuple[Any, ...]]:
    """The rows of an exported table: each four bytes of length (big-endian) and that much MessagePack.

    Raises Unreadable at the end where their number or the file's SHA-256 is not what was noted.
    """
    seen, state = 0, sha256()
    with path.open("rb") as file:
        while header := file.read(4):
            body = file.read(int.from_bytes(header, "big"))
            state.update(header + body)
            seen += 1
            try:
                yield tuple(msgpack.decode(body))
            except ValueError as fault:
                raise Unreadable(f"{path.name}: row {seen} cannot be read") from fault
    if (seen, state.hexdigest()) != (count, digest):
        raise Unreadable(f"{path.name} is not the file that was exported: {seen} rows of {count}, or other bytes")
