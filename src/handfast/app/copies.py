"""Backups while the service runs, and restoring them elsewhere: whole books, with idempotency keys and signed heads.

Of SQLite a backup is the file as of one instant; of PostgreSQL an export, a file for each table, read in one snapshot.
Keys are never in it: back up the master key apart.
"""

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from shutil import copyfile
from typing import Any

from msgspec import Struct, json, msgpack

from handfast.app import database, make_directory, owning, resolve
from handfast.core.errors import Conflict, Invalid
from handfast.core.settings import Settings
from handfast.store import migrate, sqlite
from handfast.store.reader import Reader

MANIFEST = "manifest.json"
FILE = "handfast.db"
HEADS = "heads.jsonl"
_TABLES = (
    "SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema()"
    " AND table_type = 'BASE TABLE' ORDER BY table_name"
)
_COLUMNS = (
    "SELECT column_name FROM information_schema.columns WHERE table_schema = current_schema() AND table_name = ?"
    " ORDER BY ordinal_position"
)
_CHUNK = 1 << 20
_AT_ONCE = 1_000
_encode = msgpack.Encoder().encode


class Exported(Struct, frozen=True):
    """A table's file: its columns, how many rows it has, and its SHA-256 in hexadecimal."""

    columns: list[str]
    rows: int
    sha256: str


class Manifest(Struct, frozen=True):
    """What a backup holds: the digest of the SQLite file, or the exported tables."""

    schema: str
    file: str | None = None
    tables: dict[str, Exported] = {}


def backup(settings: Settings, target: Path) -> Manifest:
    """Write a backup into a directory that is empty or not there, beside whoever writes the books meanwhile.

    Raises Invalid(settings_invalid), Unavailable(store_unavailable), Conflict(schema_older).
    """
    settings = resolve(settings)
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise Invalid("settings_invalid", f"{target} is not an empty directory", "target")
    make_directory(target)
    if settings.heads_file.exists():
        # Before the books: what was published by then is in them.
        copyfile(settings.heads_file, target / HEADS)
    path = migrate.sqlite_path(settings.database_url)
    if path is not None:
        sqlite.copy(Path(path), target / FILE)
        manifest = Manifest(migrate.HEAD, file=_digest(target / FILE))
    else:
        reader = database(settings.database_url).read()
        try:
            manifest = _export(reader, target)
        finally:
            reader.close()
    (target / MANIFEST).write_bytes(json.format(json.encode(manifest), indent=1) + b"\n")
    return manifest


def _export(reader: Reader, target: Path) -> Manifest:
    tables: dict[str, Exported] = {}
    with reader.snapshot():
        for (table,) in reader.rows(_TABLES):
            columns = [column for (column,) in reader.rows(_COLUMNS, (table,))]
            order = "seq" if "seq" in columns else columns[0]
            count, state = 0, sha256()
            with (target / f"{table}.msgpack").open("wb") as out:
                for row in reader.stream(f"SELECT {', '.join(columns)} FROM {table} ORDER BY {order}"):
                    body = _encode(row)
                    frame = len(body).to_bytes(4, "big") + body
                    out.write(frame)
                    state.update(frame)
                    count += 1
            tables[table] = Exported(columns, count, state.hexdigest())
        ((schema,),) = reader.rows("SELECT version_num FROM alembic_version")
    return Manifest(schema, tables=tables)


def restore(settings: Settings, source: Path) -> Manifest:
    """Bring a backup back, into a data directory and a database that have no books yet.

    Raises Invalid(settings_invalid) for what is no backup, or not whole, Conflict(object_exists) where books are there,
    Conflict(schema_newer) where the backup is of a newer version.
    """
    manifest = _manifest(source)
    if manifest.schema > migrate.HEAD:
        raise Conflict("schema_newer", f"the backup is at schema {manifest.schema}, this version at {migrate.HEAD}")
    settings = resolve(settings)
    path = migrate.sqlite_path(settings.database_url)
    if settings.heads_file.exists() or (path is not None and Path(path).exists()):
        raise Conflict("object_exists", "there are books already: restore into an empty data directory", "data")
    if manifest.file is not None:
        _restore_file(source, manifest.file, path)
    else:
        _restore_tables(settings, source, manifest)
    if (source / HEADS).exists():
        copyfile(source / HEADS, settings.heads_file)
    return manifest


def _manifest(source: Path) -> Manifest:
    try:
        return json.decode((source / MANIFEST).read_bytes(), type=Manifest)
    except (OSError, ValueError) as fault:
        raise Invalid("settings_invalid", f"{source} is no backup: {fault}", "source") from None


def _restore_file(source: Path, digest: str, path: str | None) -> None:
    if path is None:
        raise Invalid("settings_invalid", "a backup of SQLite is restored as sqlite:///path", "database")
    if not (source / FILE).exists() or _digest(source / FILE) != digest:
        raise Invalid("settings_invalid", f"{source / FILE} is not the file that was backed up", "source")
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    copyfile(source / FILE, path)


def _restore_tables(settings: Settings, source: Path, manifest: Manifest) -> None:
    """Fill a fresh schema with the exported rows, in one transaction."""
    near = migrate.sqlite_path(settings.database_url) is not None
    with owning(settings) as (store, _):
        db = store.connection
        if db.execute("SELECT 1 FROM operations LIMIT 1").fetchall():
            raise Conflict("object_exists", "there are books in this database already", "database")
        db.execute("BEGIN")
        try:
            db.execute("DELETE FROM desk")
            for table, it in manifest.tables.items():
                if table == "alembic_version":
                    continue
                marks = ", ".join(["?" if near else "%s"] * len(it.columns))
                sql = f"INSERT INTO {table} ({', '.join(it.columns)}) VALUES ({marks})"
                for rows in _chunks(_rows(source / f"{table}.msgpack", it)):
                    (db if near else db.cursor()).executemany(sql, rows)
        except BaseException:
            db.execute("ROLLBACK")
            raise
        db.execute("COMMIT")


def _rows(path: Path, it: Exported) -> Iterator[tuple[Any, ...]]:
    count, state = 0, sha256()
    try:
        with path.open("rb") as file:
            while header := file.read(4):
                body = file.read(int.from_bytes(header, "big"))
                state.update(header + body)
                count += 1
                yield tuple(msgpack.decode(body))
    except (OSError, ValueError) as fault:
        raise Invalid("settings_invalid", f"{path} cannot be read: {fault}", "source") from None
    if (count, state.hexdigest()) != (it.rows, it.sha256):
        raise Invalid("settings_invalid", f"{path} is not the file that was backed up", "source")


def _chunks(rows: Iterator[tuple[Any, ...]]) -> Iterator[list[tuple[Any, ...]]]:
    chunk: list[tuple[Any, ...]] = []
    for row in rows:
        chunk.append(row)
        if len(chunk) == _AT_ONCE:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _digest(path: Path) -> str:
    state = sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            state.update(chunk)
    return state.hexdigest()
