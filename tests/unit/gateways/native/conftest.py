"""The street over SQLite: what differs between stores is the stores' own suites' business."""

from collections.abc import Iterator

import pytest
from tests.conftest import NewDatabase
from tests.unit.gateways.native.street import Street, opened


@pytest.fixture
def street(new_sqlite: NewDatabase) -> Iterator[Street]:
    """A street of its own for each test."""
    with opened(new_sqlite(), Street) as street:
        yield street
