"""Operations whose keys wait to be filed: known, found and kept apart whatever happens meanwhile."""

import random
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import apsw
import pytest
from structlog.testing import capture_logs
from tests.conftest import Engine, NewDatabase, open_engine
from tests.unit.store.counters import Add, Bench, oid, prepare

from handfast.core.ids import Id, digest_id
from handfast.store import filing
from handfast.store.reader import find, get, select
from handfast.store.rows import KNOWN_OPERATIONS
from handfast.store.sqlite import SqliteReader, SqliteStore


@pytest.fixture
def bench(new_sqlite: NewDatabase, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    monkeypatch.setattr(filing, "UNFILED", 20)
    monkeypatch.setattr(filing, "SLICES", 8)
    made = prepare(open_engine(new_sqlite()))
    yield made
    made.engine.store.close()


def reopened(bench: Bench) -> Bench:
    """The service after a crash: what was in memory is gone."""
    bench.engine.store.close()
    again = open_engine(bench.engine.url)
    bench.engine = Engine(bench.engine.url, again.store, again.ledger, again.inside)
    bench.desk.store = again.store
    return bench


def waiting(bench: Bench) -> dict[Id, int]:
    """What the database says is not filed."""
    sql = "SELECT id, place FROM operations WHERE id NOT IN (SELECT id FROM operation_keys)"
    return dict(bench.rows(sql))


def check(bench: Bench, keys: set[Id]) -> None:
    """Every operation is there once, filed or waiting, with nothing unfiled below the mark; readers find each."""
    places = dict(bench.rows("SELECT id, place FROM operations"))
    filed = dict(bench.rows("SELECT id, place FROM operation_keys"))
    assert places.keys() == keys
    assert filed.items() <= places.items()
    mark = bench.rows("SELECT filed FROM desk")[0][0]
    assert all(place > mark for place in waiting(bench).values())
    with closing(SqliteReader(Path(bench.engine.url.removeprefix("sqlite:///")))) as reader:
        assert sorted(row.id for row in find(reader, KNOWN_OPERATIONS, "1 = 1")) == sorted(keys)
        for key in keys:
            row = get(reader, KNOWN_OPERATIONS, key)
            assert row is not None
            assert row.id == key
        assert get(reader, KNOWN_OPERATIONS, digest_id(b"never asked")) is None


def test_keys_wait_until_they_are_many_and_are_then_filed_in_slices(bench: Bench) -> None:
    for n in range(20):
        bench.run(bench.ask("add", Add(oid(n)), key=f"k{n}"))
    assert bench.rows("SELECT count(*) FROM operation_keys") == [(0,)]
    bench.run(bench.ask("add", Add(oid(20)), key="k20"))
    filed = bench.rows("SELECT id FROM operation_keys")
    assert filed
    assert {key[0] >> 5 for (key,) in filed} == {0}
    check(bench, {digest_id(f"k{n}".encode()) for n in range(21)})


def test_what_comes_without_a_key_is_filed_in_slices_too(bench: Bench) -> None:
    for n in range(60):
        bench.run(bench.ask("add", Add(oid(n))))
    assert 10 <= len(waiting(bench)) <= 20
    check(bench, {key for (key,) in bench.rows("SELECT id FROM operations")})


def test_after_two_rounds_the_mark_has_moved_and_little_is_read_back(bench: Bench) -> None:
    for n in range(0, 400, 10):
        bench.run(*(bench.ask("add", Add(oid(k)), key=f"k{k}") for k in range(n, n + 10)))
    assert len(waiting(bench)) <= 20
    assert bench.rows("SELECT filed > 200 FROM desk") == [(1,)]
    check(bench, {digest_id(f"k{n}".encode()) for n in range(400)})


@pytest.mark.parametrize("seed", range(6))
def test_a_key_is_answered_once_through_rollbacks_lost_answers_and_restarts(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    chance = random.Random(seed)
    given: dict[str, int] = {}
    value = 0
    for _ in range(60):
        names = [f"k{chance.randrange(300)}" for _ in range(chance.randrange(1, 16))]
        asked = [bench.ask("add", Add(oid(1)), key=name) for name in names]
        fault = chance.choice(["none", "none", "lost", "undone", "broken", "restart"])
        if fault in ("lost", "undone"):
            with monkeypatch.context() as patch:
                store, commit = bench.engine.store, bench.engine.store.commit

                def fail(durable: bool = fault == "lost", commit: object = commit) -> None:
                    if durable:
                        assert callable(commit)
                        commit()
                    raise apsw.IOError("disk I/O error")

                patch.setattr(store, "commit", fail)
                assert set(bench.run(*asked)) <= {"store_unavailable", *given.values()}
        elif fault == "broken":
            with capture_logs():
                assert bench.run(bench.ask("add", Add(oid(2), 1000), key="guilty"), *asked)[0] == "internal"
        elif fault == "restart":
            bench = reopened(bench)
        for name, answer in zip(names, bench.run(*asked), strict=True):
            if name not in given:
                value += 1
                given[name] = answer
            assert answer == given[name]
        assert sorted(given.values()) == list(range(1, value + 1))
        check(bench, {digest_id(name.encode()) for name in given})


def test_a_desk_that_takes_over_again_reads_back_what_another_filed(bench: Bench) -> None:
    store = bench.engine.store
    assert isinstance(store, SqliteStore)
    bench.run(*(bench.ask("add", Add(oid(n)), key=f"k{n}") for n in range(15)))
    with closing(apsw.Connection(bench.engine.url.removeprefix("sqlite:///"))) as other:
        other.execute("UPDATE desk SET epoch = epoch + 1")
        other.execute("INSERT INTO operation_keys (id, place) SELECT id, place FROM operations WHERE place < 9")
        assert bench.run(bench.ask("add", Add(oid(50)), key="late")) == ["desk_fenced"]
    store.take_over()
    bench.run(*(bench.ask("add", Add(oid(n)), key=f"k{n}") for n in range(10, 60)))
    check(bench, {digest_id(f"k{n}".encode()) for n in range(60)})


def test_the_database_itself_keeps_the_keys(bench: Bench) -> None:
    for n in range(30):
        bench.run(bench.ask("add", Add(oid(n)), key=f"k{n}"))
    for sql in ("UPDATE operation_keys SET place = 1", "DELETE FROM operation_keys"):
        with pytest.raises(apsw.ConstraintError, match="operation_keys refuses"):
            bench.rows(sql)


def test_an_operation_is_found_by_the_index_of_keys_or_after_the_mark(bench: Bench) -> None:
    plan = bench.rows(f"EXPLAIN QUERY PLAN {select(KNOWN_OPERATIONS)} WHERE id = x'00' LIMIT 1")
    steps = [step for *_, step in plan]
    assert "SEARCH operation_keys USING PRIMARY KEY (id=?)" in steps
    assert steps.count("SEARCH operations USING INTEGER PRIMARY KEY (rowid=?)") == 1
    assert steps.count("SEARCH operations USING INTEGER PRIMARY KEY (rowid>?)") == 1
    assert "SCAN operations" not in steps
