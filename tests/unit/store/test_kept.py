"""Rows that the desk keeps: read once, never staler than the database, and not more than it may keep."""

from collections.abc import Iterator

import apsw
import pytest
from tests.conftest import NewDatabase, open_engine
from tests.unit.store.counters import COUNTERS, Add, Bench, Counter, oid, prepare

from handfast.core.errors import Unavailable
from handfast.core.ids import Id
from handfast.store import kept
from handfast.store.kept import Kept

AWAY = Unavailable("store_unavailable", "the disk is away")


def values(rows: Kept, asked: list[Id], *numbers: int) -> list[int]:
    """What is kept, or else read of a database that has 1 in every row but that of 404, and notes what it is asked."""
    found = []
    for key in map(oid, numbers):
        row = rows.get((COUNTERS, key))
        if row is None:
            asked.append(key)
            row = Counter(key, int(key != oid(404)), None, 1)
            rows.read({COUNTERS: [row] if row.value else []})
        found.append(row.value)
    return found


def test_a_row_is_read_once_and_what_is_not_there_is_asked_for_again() -> None:
    rows, asked = Kept(), list[Id]()
    assert values(rows, asked, 1, 2, 404) == [1, 1, 0]
    assert values(rows, asked, 2, 3, 404, 1) == [1, 1, 0, 1]
    assert asked == [oid(1), oid(2), oid(404), oid(3), oid(404)]


def test_what_was_written_is_what_is_read_and_what_is_forgotten_is_read_anew() -> None:
    rows, asked = Kept(), list[Id]()
    values(rows, asked, 1, 2)
    rows.written({COUNTERS: [Counter(oid(1), 7, None, 2)]})
    assert values(rows, asked, 1, 2) == [7, 1]
    rows.forget()
    assert values(rows, asked, 1) == [1]


def test_no_more_than_two_generations_are_kept_and_what_is_asked_for_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "MOST", 10)
    rows, asked = Kept(), list[Id]()
    for n in range(100):
        values(rows, asked, 1000, n)
    assert asked.count(oid(1000)) == 1
    asked.clear()
    values(rows, asked, *reversed(range(100)))
    assert 80 <= len(asked) <= 90


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
