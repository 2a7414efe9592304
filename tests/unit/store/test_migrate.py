"""The schema: what the tables' structs say is what migrations make, on both stores, wholly or not at all."""

import importlib
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import apsw
import psycopg
import pytest
from tests.conftest import NewDatabase

from handfast.core.errors import Conflict, Invalid
from handfast.store import migrate, rows
from handfast.store.table import Table

DOMAIN = Path(migrate.__file__).parents[1] / "domain"
ROOMS = [importlib.import_module(f"handfast.domain.{p.parent.name}.tables") for p in sorted(DOMAIN.glob("*/tables.py"))]
SPECS = {made.name: made for room in [rows, *ROOMS] for made in vars(room).values() if isinstance(made, Table)}
INDEXES = {(table, columns) for room in ROOMS for table, columns, _ in getattr(room, "INDEXES", ())}
LEDGER = {
    "accounts": {"id", "debits_pending", "debits_posted", "credits_pending", "credits_posted", "newest"},
    "statements": {"account", "first", "places"},
    "entries": {"id", "seq", "kind", "at", "postings"},
    "pendings": {"id", "debit", "credit", "amount", "state"},
    "refused_entries": {"id"},
    "desk": {"id", "epoch", "commits"},
    "alembic_version": {"version_num"},
}
FILING = {
    "desk": {*LEDGER["desk"], "hand", "lap", "filed"},
    "operation_keys": {"id", "place"},
    **{name: {"owner", "seq"} for name in ("new_events", "due_events", "event_owners")},
}
SQLITE = {"BLOB": "bytea", "INTEGER": "bigint", "TEXT": "text", "VARCHAR(32)": "character varying"}

Columns = dict[str, dict[str, tuple[str, bool]]]
"""By table and column: the type, and whether it may be null."""


@contextmanager
def connected(url: str) -> Iterator[Any]:
    path = migrate.sqlite_path(url)
    db: Any = psycopg.connect(url, autocommit=True) if path is None else apsw.Connection(path)
    try:
        yield db
    finally:
        db.close()


def columns(db: Any) -> Columns:
    found: Columns = {}
    if isinstance(db, apsw.Connection):
        sql = 'SELECT t.name, c.name, c.type, NOT c."notnull" FROM pragma_table_list t, pragma_table_xinfo(t.name) c'
        told = db.execute(f"{sql} WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%'").fetchall()
        told = [(table, column, SQLITE[str(kind)], nullable) for table, column, kind, nullable in told]
    else:
        sql = "SELECT table_name, column_name, data_type, is_nullable = 'YES' FROM information_schema.columns"
        told = db.execute(
            f"{sql} WHERE table_schema = 'public' AND table_name NOT IN ('known_operations', 'owed_events')"
        ).fetchall()
    for table, column, kind, nullable in told:
        found.setdefault(str(table), {})[str(column)] = (str(kind), bool(nullable))
    return found


def test_every_table_has_the_columns_of_its_struct(new_database: NewDatabase) -> None:
    with connected(new_database()) as db:
        found = columns(db)
        lite = isinstance(db, apsw.Connection)
    specs: Columns = {
        name: dict(zip(made.columns, zip(made.kinds, made.nullable, strict=True), strict=True))
        for name, made in SPECS.items()
        if made not in (rows.KNOWN_OPERATIONS, rows.OWED_EVENTS)
    }
    if lite:
        assert found["operations"].pop("place") == ("bigint", False)
    assert {name: found.get(name) for name in specs} == specs
    assert {name: set(found[name]) for name in found.keys() - specs.keys()} == (LEDGER | FILING if lite else LEDGER)


def test_every_index_that_a_room_asks_for_is_there(new_database: NewDatabase) -> None:
    with connected(new_database()) as db:
        lite = isinstance(db, apsw.Connection)
        names = db.execute(
            "SELECT name FROM sqlite_schema WHERE type = 'index'" if lite else "SELECT indexname FROM pg_indexes"
        ).fetchall()
    wanted = {f"{table}_by_{columns.replace(', ', '_')}" for table, columns in INDEXES}
    assert wanted <= {name for (name,) in names}


def test_a_table_is_strict(new_sqlite: NewDatabase) -> None:
    with connected(new_sqlite()) as db:
        loose = db.execute("SELECT name FROM pragma_table_list WHERE NOT strict AND type = 'table'").fetchall()
    assert {name for (name,) in loose} == {"sqlite_schema", "sqlite_temp_schema", "alembic_version"}


def test_a_migrated_database_is_at_head_and_migrating_again_changes_nothing(new_database: NewDatabase) -> None:
    url = new_database()
    with connected(url) as db:
        assert migrate.revision(db) == migrate.HEAD
        before = columns(db)
        migrate.migrate(url)
        migrate.check(db)
        assert columns(db) == before


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database without a schema."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'empty.db'}"
    new_postgres: NewDatabase = request.getfixturevalue("new_postgres")
    url = new_postgres()
    with psycopg.connect(url, autocommit=True) as db:
        db.execute("DROP SCHEMA public CASCADE")
        db.execute("CREATE SCHEMA public")
    return url


def test_an_empty_database_is_older(empty: str) -> None:
    with connected(empty) as db:
        assert migrate.revision(db) is None
        with pytest.raises(Conflict) as caught:
            migrate.check(db)
    assert caught.value.code == "schema_older"


def test_a_newer_database_is_left_alone(new_database: NewDatabase) -> None:
    url = new_database()
    with connected(url) as db:
        db.execute("UPDATE alembic_version SET version_num = '9999'")
        with pytest.raises(Conflict, match="schema_newer"):
            migrate.check(db)
        with pytest.raises(Conflict, match="schema_newer"):
            migrate.migrate(url)
        assert migrate.revision(db) == "9999"


def test_a_migration_that_fails_leaves_nothing(empty: str) -> None:
    with connected(empty) as db:
        db.execute("CREATE TABLE trades (id TEXT)")
    with pytest.raises(Exception, match="trades"):
        migrate.migrate(empty)
    with connected(empty) as db:
        assert set(columns(db)) == {"trades"}
        db.execute("DROP TABLE trades")
    migrate.migrate(empty)
    with connected(empty) as db:
        migrate.check(db)


def alone(program: str) -> str:
    """What a program prints in a process of its own."""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return done.stdout


def test_migrations_at_once_come_one_after_the_other(empty: str) -> None:
    program = f"from handfast.store.migrate import migrate; migrate({empty!r})"
    both = [subprocess.Popen([sys.executable, "-c", program]) for _ in range(2)]
    assert [process.wait() for process in both] == [0, 0]
    with connected(empty) as db:
        migrate.check(db)


def test_one_sqlite_in_the_process_and_no_tool_where_there_is_no_work(empty: str) -> None:
    program = f"""
import sys
from handfast.store.migrate import migrate
migrate({empty!r})
print(sorted({{"alembic", "sqlalchemy", "sqlite3", "_sqlite3"}} & sys.modules.keys()))
"""
    assert alone(program) == "['alembic', 'sqlalchemy']\n"
    assert alone(program) == "[]\n"


@pytest.mark.parametrize("url", ["", "mysql://x/y", "sqlite://", "sqlite:///", "postgres:", "/tmp/x.db"])
def test_other_databases_are_refused(url: str) -> None:
    with pytest.raises(Invalid) as caught:
        migrate.migrate(url)
    assert caught.value.code == "settings_invalid"


def test_head_is_the_newest_script() -> None:
    from alembic.script import ScriptDirectory

    scripts = ScriptDirectory(str(Path(migrate.__file__).with_name("migrations")))
    assert scripts.get_current_head() == migrate.HEAD
    assert all(len(script.revision) == 4 and script.revision.isdecimal() for script in scripts.walk_revisions())
