"""Rows that the desk keeps: read once, never staler than the database, and not more than it may keep."""

from collections.abc import Iterator

import apsw
import pytest
from tests.conftest import NewDatabase, open_engine
from tests.unit.store.counters import COUNTERS, Add, Bench, Counter, oid, prepare

from handfast.core.errors import Unavailable
from handfast.core.ids import Id
from handfast.store import kept
from handfast.store.kept import Found, Kept, Wants

AWAY = Unavailable("store_unavailable", "the disk is away")


class Books:
    """A store that counts what it is asked for."""

    def __init__(self) -> None:
        self.asked: list[Id] = []

    def load(self, wants: Wants) -> Found:
        self.asked += [key for keys in wants.values() for key in keys]
        return {table: [Counter(key, 1, None, 1) for key in keys if key != oid(404)] for table, keys in wants.items()}


def values(rows: Kept, books: Books, *numbers: int) -> list[int]:
    keys = [oid(n) for n in numbers]
    found = {row.id: row.value for row in rows.load({COUNTERS: keys}, books.load)[COUNTERS]}
    return [found.get(key, 0) for key in keys]


def test_a_row_is_read_once_and_what_is_not_there_is_asked_for_again() -> None:
    rows, books = Kept(), Books()
    assert values(rows, books, 1, 2, 404) == [1, 1, 0]
    assert values(rows, books, 2, 3, 404, 1) == [1, 1, 0, 1]
    assert books.asked == [oid(1), oid(2), oid(404), oid(3), oid(404)]


def test_what_was_written_is_what_is_read_and_what_is_forgotten_is_read_anew() -> None:
    rows, books = Kept(), Books()
    values(rows, books, 1, 2)
    rows.written({COUNTERS: [Counter(oid(1), 7, None, 2)]})
    assert values(rows, books, 1, 2) == [7, 1]
    rows.forget()
    assert values(rows, books, 1) == [1]


def test_no_more_than_two_generations_are_kept_and_what_is_asked_for_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "MOST", 10)
    rows, books = Kept(), Books()
    for n in range(100):
        values(rows, books, 1000, n)
    assert books.asked.count(oid(1000)) == 1
    books.asked.clear()
    values(rows, books, *range(100))
    assert 80 <= len(books.asked) <= 90


@pytest.fixture
def bench(new_database: NewDatabase) -> Iterator[Bench]:
    made = prepare(open_engine(new_database()))
    yield made
    made.engine.store.close()


def test_a_commit_whose_outcome_is_unknown_leaves_nothing_that_is_kept(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert bench.run(bench.ask("add", Add(oid(1))), bench.ask("add", Add(oid(1)))) == [1, 2]
    assert bench.run(bench.ask("add", Add(oid(1)))) == [3]
    for durable, after in ((True, 5), (False, 6)):
        with monkeypatch.context() as patch:
            commit = bench.engine.store.commit

            def fail(durable: bool = durable, commit: object = commit) -> None:
                if durable:
                    assert callable(commit)
                    commit()
                raise apsw.IOError("disk I/O error")

            patch.setattr(bench.engine.store, "commit", fail)
            patch.setattr(type(bench.engine.store), "unavailable", lambda _self, _error: AWAY)
            assert bench.run(bench.ask("add", Add(oid(1)))) == ["store_unavailable"]
        assert bench.run(bench.ask("add", Add(oid(1)))) == [after]
