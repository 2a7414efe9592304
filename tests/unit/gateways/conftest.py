"""A house for the tests of what gateways tell."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from tests.conftest import NewDatabase, open_engine
from tests.unit.domain.conftest import Market
from tests.unit.timers.house import House

from handfast.store.sqlite import SqliteReader
from handfast.timers import deliver


@pytest.fixture
def house(new_sqlite: NewDatabase, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    monkeypatch.setattr(deliver, "IDLE", 0.001)
    engine = open_engine(new_sqlite())
    with closing(SqliteReader(Path(engine.url.removeprefix("sqlite:///")))) as reader, closing(engine.store):
        house = House(Market(engine), reader)
        yield house
        house.sender.close()
