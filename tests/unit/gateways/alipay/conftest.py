"""The counter over SQLite: what differs between stores is the stores' own suites' business."""

from collections.abc import Iterator

import pytest
from tests.conftest import NewDatabase
from tests.unit.gateways.alipay.counter import Counter, opened


@pytest.fixture
def counter(new_sqlite: NewDatabase) -> Iterator[Counter]:
    """A counter of its own for each test."""
    with opened(new_sqlite()) as counter:
        yield counter
