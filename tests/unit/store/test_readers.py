"""The pool of read-only connections: where queries run, and what becomes of a connection that broke."""

import asyncio
import threading
from collections.abc import Iterator

import pytest
from tests.conftest import Engine

from handfast.app import database
from handfast.core.errors import Unavailable
from handfast.store.reader import Reader
from handfast.store.readers import ReaderPool


class Lost(Exception):
    """What the database says when it is gone."""


class Opened:
    """Counts connections."""

    def __init__(self, engine: Engine) -> None:
        self._database = database(engine.url)
        self.count = 0
        self.away = False

    def __call__(self) -> Reader:
        if self.away:
            raise Lost
        self.count += 1
        return self._database.read()


def meaning(fault: Exception) -> Unavailable | None:
    return Unavailable("store_unavailable", "gone") if isinstance(fault, Lost) else None


@pytest.fixture
def opened(engine: Engine) -> Opened:
    return Opened(engine)


@pytest.fixture
def pool(opened: Opened) -> Iterator[ReaderPool]:
    pool = ReaderPool(opened, meaning, inline=True)
    yield pool
    pool.close()


def here(reader: Reader) -> int:
    assert reader.rows("SELECT 1") == [(1,)]
    return threading.get_ident()


def test_short_queries_run_here_where_the_database_is_near_and_long_ones_never(opened: Opened) -> None:
    async def main(pool: ReaderPool) -> tuple[bool, bool]:
        mine = threading.get_ident()
        return await pool.short(here) == mine, await pool.long(here) == mine

    for inline in (True, False):
        pool = ReaderPool(opened, meaning, inline=inline)
        assert asyncio.run(main(pool)) == (inline, False)
        pool.close()


def test_a_connection_is_used_again(opened: Opened, pool: ReaderPool) -> None:
    for _ in range(5):
        pool.run(here)
    assert opened.count == 1
    with pytest.raises(ZeroDivisionError):
        pool.run(lambda reader: 1 // 0)
    pool.run(here)
    assert opened.count == 1, "a fault of ours is not the connection's"


def test_queries_at_the_same_time_have_a_connection_each(opened: Opened, pool: ReaderPool) -> None:
    pool.run(lambda reader: [here(reader), pool.run(here)])
    assert opened.count == 2
    pool.run(here)
    assert opened.count == 2


def test_a_broken_connection_is_replaced(opened: Opened, pool: ReaderPool) -> None:
    def lose(reader: Reader) -> None:
        raise Lost

    pool.run(here)
    with pytest.raises(Unavailable, match="store_unavailable"):
        pool.run(lose)
    opened.away = True
    with pytest.raises(Unavailable):
        pool.run(here)
    opened.away = False
    pool.run(here)
    assert opened.count == 2
