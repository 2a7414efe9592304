"""The proof at the end of a run: it names what does not hold."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import apsw
import pytest

from handfast.app import reading
from handfast.core.settings import Settings
from handfast.sandbox.figures import read_books
from handfast.sandbox.run import Plan, Run


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    chosen = Settings(data=tmp_path, market="sandbox")
    with closing(Run(Plan(seed=2, days=2, shops=3, trades_a_day=20), chosen)) as run:
        assert run.play().broken == ()
    return chosen


@pytest.fixture
def database(settings: Settings) -> Iterator[apsw.Connection]:
    with closing(apsw.Connection(str(settings.data / "handfast.db"))) as db:
        yield db


def faults(settings: Settings) -> tuple[str, ...]:
    with closing(reading(settings)) as reader:
        return read_books(reader).faults


def first(database: apsw.Connection, query: str) -> bytes:
    key = database.execute(query).fetchall()[0][0]
    assert isinstance(key, bytes)
    return key


def test_sound_books_read_twice_hash_alike(settings: Settings) -> None:
    with closing(reading(settings)) as reader:
        first, second = read_books(reader), read_books(reader)
    assert first == second
    assert (first.postings_sum, first.faults) == (0, ())


def test_a_balance_that_was_changed_is_named(settings: Settings, database: apsw.Connection) -> None:
    key = first(database, "SELECT id FROM accounts ORDER BY id LIMIT 1")
    database.execute("UPDATE accounts SET credits_posted = credits_posted + 1 WHERE id = ?", (key,))
    assert faults(settings) == (f"account {key.hex()}: balance and postings differ",)


def test_a_trade_that_says_something_else_than_its_account_is_named(
    settings: Settings, database: apsw.Connection
) -> None:
    key = first(database, "SELECT id FROM trades WHERE state = 'held' ORDER BY id LIMIT 1")
    database.execute("UPDATE trades SET refunded = refunded + 1 WHERE id = ?", (key,))
    assert faults(settings) == (f"trade {key.hex()}: its account holds another amount than it says",)
