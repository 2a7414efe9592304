"""The batch that begins while the one before is being committed: it sees what that leaves, if that was committed."""

from collections.abc import Iterator, Sequence
from threading import Semaphore

import pytest
from tests.conftest import NewDatabase, open_engine
from tests.unit.store.counters import COUNTERS, Add, Bench, Counter, Pay, oid, prepare

from handfast.core.errors import NotFound, Unavailable
from handfast.store.verb import Request, Tx, verb

AWAY = Unavailable("store_unavailable", "the disk is away")


@pytest.fixture
def bench(new_database: NewDatabase) -> Iterator[Bench]:
    made = prepare(open_engine(new_database()))
    yield made
    made.engine.store.close()


class Sequel:
    """Runs a batch and the one that waits behind it; the commit waits until that one has begun, and may then fail."""

    def __init__(self, bench: Bench, monkeypatch: pytest.MonkeyPatch, *, durable: bool = True, fails: bool = False):
        self.desk = bench.desk
        begun, store = Semaphore(0), bench.engine.store
        clock, commit = self.desk.clock, store.commit

        def now() -> int:
            begun.release()
            return clock()

        def slow() -> None:
            monkeypatch.setattr(store, "commit", commit)
            for _ in range(2):
                assert begun.acquire(timeout=20)
            if durable:
                commit()
            if fails:
                raise OSError

        monkeypatch.setattr(self.desk, "clock", now)
        monkeypatch.setattr(store, "commit", slow)
        monkeypatch.setattr(type(store), "unavailable", lambda _self, _error: AWAY)

    def run(self, first: Sequence[Request], second: Sequence[Request]) -> list[object]:
        answers = self.desk.run(first, lambda: second)
        answers += self.desk.run(second)
        return [answer.result if answer.refusal is None else answer.refusal.code for answer in answers]


def test_it_sees_what_the_one_before_leaves(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    sequel = Sequel(bench, monkeypatch)
    first = [bench.ask("add", Add(oid(1))), bench.ask("add", Add(oid(2)))]
    second = [bench.ask("add", Add(oid(2))), bench.ask("add", Add(oid(1))), bench.ask("add", Add(oid(2)))]
    assert sequel.run(first, second) == [1, 1, 2, 2, 3]


@pytest.mark.parametrize(("durable", "then"), [(False, 1), (True, 2)])
def test_it_begins_anew_if_that_commit_fails(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, durable: bool, then: int
) -> None:
    """What was decided on a batch that may not be there is thrown away, whether it is there or not."""
    sequel = Sequel(bench, monkeypatch, durable=durable, fails=True)
    answers = sequel.run([bench.ask("add", Add(oid(1)))], [bench.ask("add", Add(oid(1)))])
    assert answers == ["store_unavailable", then]


def test_a_key_of_the_batch_before_is_replayed(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    sequel = Sequel(bench, monkeypatch)
    once = bench.ask("add", Add(oid(1)), key="once")
    other = bench.ask("add", Add(oid(1)), key="once", body=b"another body")
    assert sequel.run([once], [once, bench.ask("add", Add(oid(1))), other]) == [1, 1, 2, "idempotency_key_reused"]


def test_money_that_the_batch_before_has_spent_is_not_spent_again(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The wallet has 100; each pays 60."""
    sequel = Sequel(bench, monkeypatch)
    answers = sequel.run([bench.ask("pay", Pay(oid(7), 60))], [bench.ask("pay", Pay(oid(8), 60))])
    assert answers[1] == "balance_insufficient"


def test_a_batch_that_changes_nothing_has_none_begun_behind_it(bench: Bench) -> None:
    def following() -> Sequence[Request]:
        raise AssertionError("asked for")

    (answer,) = bench.desk.run([bench.ask("guarded", Add(oid(404)))], following)
    assert answer.refusal is not None
    assert answer.refusal.code == "object_not_found"


def test_a_fault_of_the_next_batch_is_none_of_the_one_that_is_committed(bench: Bench) -> None:
    def following() -> Sequence[Request]:
        raise ZeroDivisionError

    (answer,) = bench.desk.run([bench.ask("add", Add(oid(1)))], following)
    assert answer.unwrap() == 1
    assert bench.run(bench.ask("add", Add(oid(1)))) == [2]


def test_who_lacks_a_row_waits_for_one_that_came_before_and_may_bring_it(bench: Bench) -> None:
    """Three write row 1, so two of them are held; the last of these brings row 2, on which the fourth depends."""

    @verb("bring")
    async def bring(tx: Tx, command: Add) -> int:
        assert await tx.get(COUNTERS, command.row) is not None
        tx.put(COUNTERS, Counter(oid(2), 5, None, 1))
        return 5

    @verb("need")
    async def need(tx: Tx, command: Add) -> int:
        found = await tx.get(COUNTERS, command.row)
        if found is None:
            raise NotFound("object_not_found", "no such row", "row")
        return found.value

    bench.desk.verbs = {**bench.desk.verbs, "bring": bring, "need": need}
    asked = [("add", 1), ("add", 1), ("bring", 1), ("need", 2)]
    assert bench.run(*(bench.ask(name, Add(oid(n))) for name, n in asked)) == [1, 2, 5, 5]
