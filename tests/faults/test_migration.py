"""The schema changes while a desk serves, and an older program meets a newer schema: nothing is lost."""

import asyncio
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.faults.service import COMMAND, PATIENCE, Service
from tests.faults.town import Town

from handfast.app import database

SEED = 12

STEP = """
from alembic import op

revision = "9999"
down_revision = {head!r}


def upgrade() -> None:
    op.execute("ALTER TABLE transfers ADD COLUMN purpose text")
    op.execute("UPDATE transfers SET purpose = reference")
"""

RUN = """
import sys
from pathlib import Path
from handfast.store import migrate

migrate.HEAD, migrate._MIGRATIONS = "9999", Path(sys.argv[2])
migrate.migrate(sys.argv[1])
"""
"""A later program's migration: this one's, and a step more."""


@pytest.fixture
def later(tmp_path: Path) -> Path:
    """A later program's migrations."""
    from shutil import copytree

    from handfast.store import migrate

    place = tmp_path / "migrations"
    copytree(migrate._MIGRATIONS, place)
    (place / "versions/v9999_later.py").write_text(STEP.format(head=migrate.HEAD))
    return place


def start_migration(url: str, later: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", RUN, url, str(later)], stderr=subprocess.PIPE)


def test_a_migration_under_traffic(url: str, later: Path, service: Service) -> None:
    """The step is taken between two batches; the desk knows nothing of the column, serves on and loses nothing."""
    town = Town(url, SEED)

    async def traffic() -> None:
        await town.live(service.socket, 40)
        migration = await asyncio.to_thread(start_migration, url, later)
        await asyncio.to_thread(migration.wait, PATIENCE)
        assert migration.stderr is not None
        with migration.stderr as said:
            assert migration.returncode == 0, said.read().decode()
        town.more(100)
        await town.enough.wait()
        await town.after()

    service.start("--database", url)
    asyncio.run(traffic())
    asyncio.run(town.settle(service.socket))
    service.kill()
    reader = database(url).read()
    town.audit(reader)
    assert reader.rows("SELECT count(*) FROM transfers WHERE purpose IS NOT NULL AND purpose <> reference") == [(0,)]
    reader.close()


def test_a_migration_that_is_killed_under_traffic(url: str, later: Path, service: Service) -> None:
    town = Town(url, SEED + 1)

    async def traffic() -> None:
        await town.live(service.socket, 20)
        migration = await asyncio.to_thread(start_migration, url, later)
        town.more(60)
        await town.enough.wait()
        migration.kill()
        await asyncio.to_thread(migration.wait)
        assert migration.stderr is not None
        migration.stderr.close()
        town.more(60)
        await town.enough.wait()
        await town.after()

    service.start("--database", url)
    asyncio.run(traffic())
    asyncio.run(town.settle(service.socket))
    service.kill()
    reader = database(url).read()
    town.audit(reader)
    reader.close()


@pytest.mark.parametrize("command", ["serve", "migrate"])
def test_an_older_program_refuses_a_newer_schema(
    url: str, later: Path, data: Path, command: str, tell: Callable[[str], None]
) -> None:
    migration = start_migration(url, later)
    migration.communicate(timeout=PATIENCE)
    assert migration.returncode == 0
    words = [*COMMAND, command, "--data", str(data), "--database", url]
    told = subprocess.run(words, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert told.returncode == 1
    assert told.stderr.startswith("schema_newer: ")
