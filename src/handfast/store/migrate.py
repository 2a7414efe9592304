"""Brings a database to the schema that this version of Handfast works with, and tells whether it is there.

The server asks on each start, so asking is one query; SQLAlchemy and Alembic are loaded only where there is work.
"""

from contextlib import closing
from pathlib import Path
from typing import Any

import apsw

from handfast.core.errors import Conflict, Invalid

HEAD = "0001"
"""The newest migration. Revisions are numbers of four digits, so that older and newer can be told."""

_LOCK = 0x48414E45
_MIGRATIONS = Path(__file__).with_name("migrations")


def revision(db: Any) -> str | None:
    """The revision of the database behind an apsw or psycopg connection, None where there is no schema yet."""
    if isinstance(db, apsw.Connection):
        there = db.execute("SELECT 1 FROM sqlite_schema WHERE name = 'alembic_version'").fetchall()
    else:
        there = db.execute("SELECT 1 WHERE to_regclass('alembic_version') IS NOT NULL").fetchall()
    rows = db.execute("SELECT version_num FROM alembic_version").fetchall() if there else []
    return rows[0][0] if rows else None


def check(db: Any) -> None:
    """Do nothing where the schema is this version's. Raises Conflict(schema_older, schema_newer)."""
    found = revision(db)
    _refuse_newer(found)
    if found != HEAD:
        raise Conflict(
            "schema_older", f"the database is at schema {found or 'none'}, {HEAD} is needed: handfast migrate"
        )


def migrate(url: str) -> None:
    """Bring the database at sqlite:///path or postgresql://… to HEAD: wholly or, if interrupted, not at all.

    Several at once come one after the other. Raises Conflict(schema_newer), Invalid(settings_invalid).
    """
    with closing(_open(url)) as db:
        found = revision(db)
    _refuse_newer(found)
    if found != HEAD:
        _upgrade(url)


def _refuse_newer(found: str | None) -> None:
    if found is not None and found > HEAD:
        raise Conflict("schema_newer", f"the database is at schema {found}, this version knows none above {HEAD}")


def sqlite_path(url: str) -> str | None:
    """The file of a sqlite:///path URL, None for a PostgreSQL one. Raises Invalid(settings_invalid) for any other."""
    scheme, _, path = url.partition(":///")
    if scheme == "sqlite" and path:
        return path
    if url.startswith("postgresql://"):
        return None
    raise Invalid("settings_invalid", "a database is sqlite:///path or postgresql://…", "database")


def _open(url: str) -> Any:
    path = sqlite_path(url)
    if path is not None:
        db = apsw.Connection(path)
        db.set_busy_timeout(30_000)
        return db
    import psycopg

    return psycopg.connect(url)


def _upgrade(url: str) -> None:
    from alembic import command
    from alembic.config import Config
    from sqlalchemy import NullPool, create_engine
    from sqlalchemy.dialects import registry

    registry.register("sqlite.apsw", "handfast.store.dbapi", "ApswDialect")
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    path = sqlite_path(url)
    if path is not None:
        from handfast.store import dbapi

        engine = create_engine("sqlite+apsw://", creator=lambda: dbapi.connect(path), poolclass=NullPool)
    else:
        engine = create_engine("postgresql+psycopg://", creator=lambda: _open(url), poolclass=NullPool)
    with engine.begin() as connection:
        if path is None:
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
        config.attributes["connection"] = connection
        command.upgrade(config, HEAD)
