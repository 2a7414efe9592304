"""The desk over SQLite: what differs between stores is the stores' own suites' business."""

from collections.abc import Iterator

import pytest
from tests.conftest import NewDatabase
from tests.unit.gateways.antom.desk import AntomDesk, opened


@pytest.fixture
def desk(new_sqlite: NewDatabase) -> Iterator[AntomDesk]:
    """A desk of its own for each test."""
    with opened(new_sqlite()) as desk:
        yield desk
