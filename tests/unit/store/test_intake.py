"""The desk's thread: what arrives together runs together, what cannot be taken is refused, and it stops clean."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue
from threading import Event
from typing import Any

import apsw
import pytest
from msgspec import Struct
from tests.conftest import NewDatabase

from handfast.core.errors import Refusal, Unavailable
from handfast.core.ids import digest_id, seeded_ids
from handfast.domain.notifications.model import Mark
from handfast.domain.notifications.tables import MARKS
from handfast.store.desk import Desk
from handfast.store.intake import Intake
from handfast.store.sqlite import SqliteStore
from handfast.store.verb import Answer, Request, Tx, verb

NOW = 1_414_454_400_000_000


class Count(Struct, frozen=True):
    name: str


class Hold(Struct, frozen=True):
    pass


class Counting:
    """A desk that counts by name, and can be held in the middle of a batch; batches are noted."""

    def __init__(self, path: Path) -> None:
        self.entered = Event()
        self.go_on = Event()
        self.batches: list[int] = []
        self.store = SqliteStore(path)
        self.store.take_over()

        @verb("count")
        async def count(tx: Tx, command: Count) -> int:
            key = digest_id(command.name.encode())
            mark = await tx.get(MARKS, key)
            changed = Mark(key, 1 if mark is None else mark.value + 1)
            tx.put(MARKS, changed)
            return changed.value

        @verb("hold")
        async def hold(tx: Tx, command: Hold) -> int:
            self.entered.set()
            assert self.go_on.wait(20)
            return 0

        verbs = {"count": count, "hold": hold}
        self.desk = Desk(self.store, lambda entries, at: [], verbs, lambda: NOW, seeded_ids(1))
        run = self.desk.run

        def noted(requests: Any, following: Any = None) -> list[Answer]:
            self.batches.append(len(requests))
            return run(requests, following)

        self.desk.run = noted  # type: ignore[method-assign]


@pytest.fixture
def counting(new_sqlite: NewDatabase) -> Iterator[Counting]:
    counting = Counting(Path(new_sqlite().removeprefix("sqlite:///")))
    yield counting
    counting.store.close()


@contextmanager
def running(counting: Counting, max_batch: int = 100, bound: int = 100) -> Iterator[Intake]:
    intake = Intake(counting.desk, max_batch, bound)
    intake.start()
    try:
        yield intake
    finally:
        counting.go_on.set()
        intake.stop()


def count(name: str, key: bytes | None = None) -> Request:
    return Request("count", Count(name), "test", digest_id(b"request"), key)


HOLD = Request("hold", Hold(), "test", digest_id(b"request"))


def wait_for(ask: Callable[[Callable[[Answer], None]], None]) -> Answer:
    answers: SimpleQueue[Answer] = SimpleQueue()
    ask(answers.put)
    return answers.get(timeout=20)


def test_what_arrives_while_a_batch_runs_is_the_next_batch(counting: Counting) -> None:
    answers: SimpleQueue[Answer] = SimpleQueue()
    with running(counting) as intake:
        intake.submit(HOLD, answers.put)
        assert counting.entered.wait(20)
        for _ in range(7):
            intake.submit(count("a"), answers.put)
        counting.go_on.set()
        assert [answers.get(timeout=20).result for _ in range(8)] == [0, 1, 2, 3, 4, 5, 6, 7]
    assert counting.batches == [1, 7]


def test_a_batch_has_a_bound(counting: Counting) -> None:
    answers: SimpleQueue[Answer] = SimpleQueue()
    with running(counting, max_batch=3) as intake:
        intake.submit(HOLD, answers.put)
        assert counting.entered.wait(20)
        for _ in range(7):
            intake.submit(count("a"), answers.put)
        counting.go_on.set()
        assert [answers.get(timeout=20).result for _ in range(8)] == [0, 1, 2, 3, 4, 5, 6, 7]
    assert counting.batches == [1, 3, 3, 1]


def test_a_full_queue_refuses_what_comes_and_keeps_what_waits(counting: Counting) -> None:
    answers: SimpleQueue[Answer] = SimpleQueue()
    with running(counting, bound=2) as intake:
        intake.submit(HOLD, answers.put)
        assert counting.entered.wait(20)
        for _ in range(3):
            intake.submit(count("a"), answers.put)
        refused = answers.get(timeout=20)
        assert refused.refusal is not None
        assert refused.refusal.code == "desk_overloaded"
        counting.go_on.set()
        assert [answers.get(timeout=20).result for _ in range(3)] == [0, 1, 2]
        assert wait_for(lambda done: intake.submit(count("a"), done)).result == 3


def test_an_unknown_verb_is_refused(counting: Counting) -> None:
    with running(counting) as intake:
        answer = wait_for(lambda done: intake.submit(Request("pray", Hold(), "test", b"", b"k" * 16), done))
        assert answer.operation == b"k" * 16
        with pytest.raises(Refusal) as no:
            answer.unwrap()
    assert (no.value.code, no.value.param) == ("field_invalid", "verb")
    assert counting.batches == []


def test_coroutines_get_their_answers_in_order(counting: Counting) -> None:
    async def main(intake: Intake) -> None:
        answers = await intake.call_many([count(name) for name in ("a", "b", "a", "b", "a")])
        assert [answer.result for answer in answers] == [1, 1, 2, 2, 3]
        assert (await intake.call(count("b"))).unwrap() == 3
        assert await intake.call_many([]) == []

    with running(counting) as intake:
        asyncio.run(main(intake))


def test_a_batch_wakes_an_event_loop_once(counting: Counting) -> None:
    async def main(intake: Intake) -> int:
        loop = asyncio.get_running_loop()
        wakes = 0
        call_soon_threadsafe = loop.call_soon_threadsafe

        def counted(*given: Any, **named: Any) -> asyncio.Handle:
            nonlocal wakes
            wakes += 1
            return call_soon_threadsafe(*given, **named)

        loop.call_soon_threadsafe = counted  # type: ignore[assignment, method-assign]
        held = asyncio.ensure_future(intake.call(HOLD))
        await asyncio.sleep(0)  # one turn of the loop: the request is handed over
        calls = [asyncio.ensure_future(intake.call(count("a"))) for _ in range(50)]
        await asyncio.sleep(0)
        counting.go_on.set()
        answers = await asyncio.gather(held, *calls)
        assert sorted(answer.result for answer in answers) == list(range(51))
        return wakes

    with running(counting) as intake:
        wakes = asyncio.run(main(intake))
    assert wakes == len(counting.batches) <= 2


def test_a_caller_that_went_away_harms_nobody(counting: Counting) -> None:
    async def main(intake: Intake) -> None:
        held = asyncio.ensure_future(intake.call(HOLD))
        gone = asyncio.ensure_future(intake.call(count("a")))
        stays = asyncio.ensure_future(intake.call(count("a")))
        await asyncio.sleep(0)
        gone.cancel()
        counting.go_on.set()
        await held
        assert (await stays).result == 2, "the verb of the caller that went was run all the same"

    with running(counting) as intake:
        asyncio.run(main(intake))


def test_stopping_finishes_what_was_taken_and_refuses_the_rest(counting: Counting) -> None:
    answers: SimpleQueue[Answer] = SimpleQueue()
    with running(counting) as intake:
        intake.submit(HOLD, answers.put)
        assert counting.entered.wait(20)
        for _ in range(5):
            intake.submit(count("a"), answers.put)
        counting.go_on.set()
        intake.stop()
        assert not intake.running
        assert [answers.get_nowait().result for _ in range(6)] == [0, 1, 2, 3, 4, 5]
        late = wait_for(lambda done: intake.submit(count("a"), done))
        assert late.refusal is not None
        assert late.refusal.code == "desk_unreachable"
    assert intake.failed is None


def test_before_the_start_nothing_is_taken(counting: Counting) -> None:
    intake = Intake(counting.desk, 10, 10)
    answer = wait_for(lambda done: intake.submit(count("a"), done))
    assert isinstance(answer.refusal, Unavailable)
    intake.stop()


def test_a_fenced_desk_ends_and_says_so(counting: Counting) -> None:
    ended = Event()
    answers: SimpleQueue[Answer] = SimpleQueue()
    intake = Intake(counting.desk, 2, 100, on_end=ended.set)
    intake.start()
    intake.submit(HOLD, answers.put)
    assert counting.entered.wait(20)
    for _ in range(5):
        intake.submit(count("a"), answers.put)
    counting.store.epoch -= 1
    counting.go_on.set()
    assert ended.wait(20)
    codes = [answer.refusal and answer.refusal.code for answer in (answers.get(timeout=20) for _ in range(6))]
    assert codes == ["desk_fenced"] * 6, "the batch at hand and what waits"
    assert intake.failed is not None
    assert intake.failed.code == "desk_fenced"
    late = wait_for(lambda done: intake.submit(count("a"), done))
    assert late.refusal is not None
    assert late.refusal.code == "desk_fenced"
    assert counting.store.connection.execute("SELECT count(*) FROM marks").fetchall() == [(0,)], "nothing is half done"


def test_a_database_that_goes_away_comes_back(counting: Counting) -> None:
    begin = counting.store.begin

    def away() -> None:
        raise apsw.FullError("database or disk is full")

    with running(counting) as intake:
        counting.store.begin = away  # type: ignore[method-assign]
        for _ in range(2):
            answer = wait_for(lambda done: intake.submit(count("a"), done))
            assert answer.refusal is not None
            assert answer.refusal.code == "store_unavailable"
        counting.store.begin = begin  # type: ignore[method-assign]
        assert wait_for(lambda done: intake.submit(count("a"), done)).result == 1


def test_a_fault_in_the_desk_itself_ends_a_batch_only(counting: Counting) -> None:
    run = counting.desk.run

    def broken(requests: Any, following: Any = None) -> list[Answer]:
        raise ZeroDivisionError

    with running(counting) as intake:
        counting.desk.run = broken  # type: ignore[method-assign]
        answer = wait_for(lambda done: intake.submit(count("a"), done))
        assert answer.refusal is not None
        assert answer.refusal.code == "internal"
        counting.desk.run = run  # type: ignore[method-assign]
        assert wait_for(lambda done: intake.submit(count("a"), done)).result == 1


def test_an_outlet_that_fails_keeps_nobody_else_waiting(counting: Counting) -> None:
    class Broken:
        def deliver(self, pairs: Any) -> None:
            raise ZeroDivisionError

    with running(counting) as intake:
        intake.give([(count("a"), None)], Broken())
        assert wait_for(lambda done: intake.submit(count("a"), done)).result == 2


def test_a_control_is_called_by_its_name(counting: Counting) -> None:
    async def double(number: int) -> int:
        return 2 * number

    async def main() -> None:
        intake = Intake(counting.desk, 1, 1)
        intake.controls = {"double": double}
        assert await intake.control("double", 21) == 42
        with pytest.raises(Refusal) as no:
            await intake.control("triple", 14)
        assert no.value.code == "route_not_found"

    asyncio.run(main())
