"""Services for fault tests: a data directory, a migrated database, and the command that serves it."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.conftest import NewDatabase
from tests.faults.service import Service

from handfast.core.settings import load, make_master_key


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data directory with a master key."""
    data = tmp_path / "data"
    make_master_key(load({}, data=data))
    return data


@pytest.fixture
def sqlite_url(data: Path, sqlite_template: Path) -> str:
    """A migrated SQLite database in the data directory."""
    shutil.copyfile(sqlite_template, data / "handfast.db")
    return f"sqlite:///{data / 'handfast.db'}"


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest) -> str:
    """A migrated database; a test that asks for it runs over both stores."""
    if request.param == "sqlite":
        return str(request.getfixturevalue("sqlite_url"))
    new: NewDatabase = request.getfixturevalue("new_postgres")
    return new()


@pytest.fixture
def service(data: Path) -> Iterator[Service]:
    """A service that is not started yet; one that is left running is ended."""
    service = Service(data)
    yield service
    service.close()
