"""Events that wait to be filed by owner: each is found once, in order, whatever happens meanwhile."""

import random
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import apsw
import pytest
from structlog.testing import capture_logs
from tests.conftest import Engine, NewDatabase, open_engine
from tests.unit.store.counters import Add, Bench, oid, prepare

from handfast.store import owed
from handfast.store.reader import find, select
from handfast.store.rows import EVENTS, OWED_EVENTS, Event
from handfast.store.sqlite import SqliteReader


@pytest.fixture
def bench(new_sqlite: NewDatabase, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    monkeypatch.setattr(owed, "GATHERED", 20)
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


def kept(bench: Bench, table: str) -> int:
    """How many rows a table has."""
    count: int = bench.rows(f"SELECT count(*) FROM {table}")[0][0]
    return count


def check(bench: Bench) -> None:
    """Each owner's events are found, all and once, by either way of reading them."""
    with closing(SqliteReader(Path(bench.engine.url.removeprefix("sqlite:///")))) as reader:
        by_owner: dict[bytes, list[Event]] = {}
        for event in find(reader, EVENTS, "1 = 1 ORDER BY seq"):
            by_owner.setdefault(event.owner, []).append(event)
        for owner, events in by_owner.items():
            assert find(reader, OWED_EVENTS, "owner = ? ORDER BY seq", owner) == events
            newest = find(reader, OWED_EVENTS, "owner = ? AND seq < ? ORDER BY seq DESC LIMIT 3", owner, 2**62)
            assert newest == events[::-1][:3]
        assert len(find(reader, OWED_EVENTS, "1 = 1")) == sum(map(len, by_owner.values()))


def test_events_gather_until_they_are_many_and_are_then_filed_as_others_come(bench: Bench) -> None:
    bench.run(*(bench.ask("tell", Add(oid(n), 7 * n % 5)) for n in range(19)))
    assert (kept(bench, "new_events"), kept(bench, "due_events")) == (19, 0)
    bench.run(bench.ask("tell", Add(oid(3), 1)))
    assert (kept(bench, "new_events"), kept(bench, "due_events")) == (0, 20)
    for n in range(1, 10):
        bench.run(*(bench.ask("tell", Add(oid(n), k)) for k in range(2)))
        counts = kept(bench, "new_events"), kept(bench, "due_events"), kept(bench, "event_owners")
        assert counts == (2 * n, max(0, 20 - 3 * n), min(20, 3 * n))
        check(bench)


def test_what_waits_does_not_grow(bench: Bench) -> None:
    for size in (1, 10, 3, 50, 7, 1) * 20:
        bench.run(*(bench.ask("tell", Add(oid(n), n % 11)) for n in range(size)))
        assert kept(bench, "new_events") + kept(bench, "due_events") <= 2 * (20 + 2 * 50)
        check(bench)


@pytest.mark.parametrize("seed", range(6))
def test_each_event_is_owed_once_through_rollbacks_lost_answers_and_restarts(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    chance = random.Random(seed)
    for _ in range(60):
        asked = [
            bench.ask("tell", Add(oid(chance.randrange(9)), chance.randrange(5)))
            for _ in range(chance.randrange(1, 16))
        ]
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
                assert set(bench.run(*asked)) == {"store_unavailable"}
        elif fault == "broken":
            with capture_logs():
                assert bench.run(bench.ask("add", Add(oid(50), 1000), key="guilty"), *asked)[0] == "internal"
        elif fault == "restart":
            bench = reopened(bench)
        bench.run(
            *(
                bench.ask("tell", Add(oid(chance.randrange(9)), chance.randrange(5)))
                for _ in range(chance.randrange(1, 16))
            )
        )
        assert kept(bench, "new_events") + kept(bench, "due_events") <= 2 * (20 + 2 * 16)
        check(bench)


def test_the_database_itself_keeps_what_is_filed(bench: Bench) -> None:
    for n in range(60):
        bench.run(bench.ask("tell", Add(oid(n), n % 11)))
    for sql in ("UPDATE event_owners SET seq = 1", "DELETE FROM event_owners"):
        with pytest.raises(apsw.ConstraintError, match="event_owners refuses"):
            bench.rows(sql)


def test_a_page_walks_both_places_in_order_and_sorts_nothing(bench: Bench) -> None:
    for order, bound in (("seq DESC", "seq < 100"), ("seq", "seq > 100")):
        sql = f"{select(OWED_EVENTS)} WHERE owner = x'00' AND {bound} ORDER BY {order} LIMIT 9"
        steps = [step for *_, step in bench.rows(f"EXPLAIN QUERY PLAN {sql}")]
        assert any(step.startswith("SEARCH event_owners USING PRIMARY KEY (owner=? AND seq") for step in steps)
        assert any(step.startswith("SEARCH due_events USING PRIMARY KEY (owner=? AND seq") for step in steps)
        assert any(step.startswith("SEARCH new_events USING INTEGER PRIMARY KEY (rowid") for step in steps)
        assert not any("TEMP B-TREE" in step or step == "SCAN events" for step in steps)
