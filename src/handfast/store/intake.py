"""The desk's thread: takes what has arrived, up to a batch, and delivers each batch's answers at one go.

There is no delay timer: while a batch is being committed, the next one gathers.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from queue import SimpleQueue
from threading import Lock, Thread
from typing import Any, Protocol

import structlog

from handfast.core.errors import Invalid, NotFound, Refusal, Unavailable
from handfast.store.desk import Following
from handfast.store.verb import Answer, Request, Verb

_log = structlog.get_logger("handfast.desk")

Control = Callable[..., Awaitable[Any]]
"""A function of the running service that is no verb; its arguments and its result are plain msgpack values."""

Pairs = list[tuple[Any, Answer]]
_Item = tuple[Request, "Outlet", Any]
_Taken = tuple[list[_Item], list[Request], bool]


class Outlet(Protocol):
    """Where answers go. The tag is what the outlet gave with the request."""

    def deliver(self, pairs: Pairs) -> None:
        """Take a batch's answers that are for this outlet; called in the desk's thread, must not block."""


class Runs(Protocol):
    """What the intake asks of a desk."""

    @property
    def verbs(self) -> Mapping[str, Verb]:
        """The verbs that it knows."""

    def run(self, requests: Sequence[Request], following: Following | None = None) -> list[Answer]:
        """See Desk.run."""


class _Calls:
    """The outlet of coroutines on one event loop; a tag is the future that one of them awaits."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    def deliver(self, pairs: Pairs) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(settle, pairs)


def settle(pairs: Pairs) -> None:
    """Give each future its answer; one whose caller has gone is passed over, its verb was run all the same."""
    for future, answer in pairs:
        if not future.done():
            future.set_result(answer)


class _Together:
    """The outlet of one call for many requests: one future serves them all; a tag is an answer's place."""

    def __init__(self, loop: asyncio.AbstractEventLoop, count: int) -> None:
        self._loop = loop
        self._answers: dict[int, Answer] = {}
        self._count = count
        self._all: asyncio.Future[list[Answer]] = loop.create_future()

    def deliver(self, pairs: Pairs) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self.take, pairs)

    def take(self, pairs: Pairs) -> None:
        """Take answers in, on the loop."""
        self._answers.update(pairs)
        if len(self._answers) == self._count and not self._all.done():
            self._all.set_result([self._answers[place] for place in range(self._count)])

    async def answers(self) -> list[Answer]:
        """All answers, in order."""
        return await self._all


class _Callbacks:
    """The outlet of callers in other threads; a tag is the function to call with the answer, in the desk's thread."""

    def deliver(self, pairs: Pairs) -> None:
        for done, answer in pairs:
            done(answer)


class Intake:
    """Owns a desk's thread. At most `bound` requests wait.

    `on_end` is called in the desk's thread when it ends; `failed` then says why, if the desk was fenced. `controls` are
    the functions of the running service that are no verbs, by name.
    """

    def __init__(self, desk: Runs, max_batch: int, bound: int, on_end: Callable[[], None] | None = None) -> None:
        self.failed: Refusal | None = None
        self.controls: Mapping[str, Control] = {}
        self._desk = desk
        self._max_batch = max_batch
        self._bound = bound
        self._on_end = on_end
        self._queue: SimpleQueue[tuple[Request, Outlet, Any] | None] = SimpleQueue()
        self._closed: Refusal | None = Unavailable("desk_unreachable", "the desk has not started")
        self._gate = Lock()
        self._callbacks = _Callbacks()
        self._calls: dict[asyncio.AbstractEventLoop, _Calls] = {}
        self._thread = Thread(target=self._run, name="desk", daemon=True)
        self._next: _Taken | None = None

    def start(self) -> None:
        """Open for requests."""
        self._closed = None
        self._thread.start()

    def stop(self) -> None:
        """Finish what was taken, refuse what comes later, and wait for the thread's end."""
        self._close(Unavailable("desk_unreachable", "the desk is stopping"))
        if self._thread.ident is not None:
            self._thread.join()

    @property
    def running(self) -> bool:
        """Whether requests are taken."""
        return self._closed is None

    @property
    def waiting(self) -> int:
        """How many requests wait."""
        return self._queue.qsize()

    def give(self, requests: Sequence[tuple[Request, Any]], outlet: Outlet) -> Pairs:
        """Hand over requests with their tags. Those that cannot be taken come back with their refusals, at once."""
        queue, verbs = self._queue, self._desk.verbs
        refused: Pairs = []
        with self._gate:  # closing puts the end mark under the same lock, so nothing is ever behind the mark
            for request, tag in requests:
                if self._closed is not None:
                    refused.append((tag, _refused(request, self._closed)))
                elif request.verb not in verbs:
                    refused.append((tag, _refused(request, Invalid("field_invalid", "there is no such verb", "verb"))))
                elif queue.qsize() >= self._bound:
                    no = Unavailable("desk_overloaded", "too many requests wait; ask again with the same key")
                    refused.append((tag, _refused(request, no)))
                else:
                    queue.put((request, outlet, tag))
        return refused

    def submit(self, request: Request, done: Callable[[Answer], None]) -> None:
        """Hand a request over; `done` gets the answer, in the desk's thread or, if refused at once, in this."""
        for _, answer in self.give(((request, done),), self._callbacks):
            done(answer)

    async def call(self, request: Request) -> Answer:
        """See Hand.call."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Answer] = loop.create_future()
        if refused := self.give(((request, future),), self._outlet(loop)):
            return refused[0][1]
        return await future

    async def call_many(self, requests: Sequence[Request]) -> list[Answer]:
        """See Hand.call_many."""
        together = _Together(asyncio.get_running_loop(), len(requests))
        together.take(self.give([(request, place) for place, request in enumerate(requests)], together))
        return await together.answers()

    async def control(self, name: str, *arguments: Any) -> Any:
        """See Hand.control."""
        control = self.controls.get(name)
        if control is None:
            raise NotFound("route_not_found", f"the service has no function {name}")
        return await control(*arguments)

    def _outlet(self, loop: asyncio.AbstractEventLoop) -> _Calls:
        outlet = self._calls.get(loop)
        if outlet is None:
            outlet = self._calls[loop] = _Calls(loop)
        return outlet

    def _close(self, no: Refusal) -> None:
        with self._gate:
            if self._closed is None:
                self._closed = no
                self._queue.put(None)

    def _run(self) -> None:
        try:
            while self._serve(*(self._next or self._take())):
                pass
        except BaseException:
            self.failed = Unavailable("internal", "the desk ended by an unexpected fault")
            self._close(self.failed)
            raise
        finally:
            if self._on_end is not None:
                self._on_end()

    def _take(self) -> "_Taken":
        """What has arrived, at most a batch; waits for the first. And whether there is to be more."""
        queue = self._queue
        taken = [queue.get()]
        taken += [queue.get_nowait() for _ in range(min(queue.qsize(), self._max_batch - 1))]
        batch = [item for item in taken if item is not None]
        return batch, [request for request, _, _ in batch], len(batch) == len(taken)

    def _following(self) -> Sequence[Request]:
        """What waits already while a batch is being committed; it is the next to be served."""
        self._next = self._take()
        return self._next[1]

    def _serve(self, batch: list[_Item], requests: list[Request], go_on: bool) -> bool:  # noqa: FBT001
        """Run one batch and deliver its answers; whether there is to be another."""
        self._next = None
        if not batch:
            return go_on
        try:
            # With nothing waiting, beginning it would only delay the answers.
            following = self._following if go_on and self._queue.qsize() else None
            answers: Sequence[Answer] = self._desk.run(requests, following)
        except Exception as fault:
            _log.exception("desk fault", error=type(fault).__name__)
            no = Unavailable("internal", "an unexpected fault; ask again with the same key")
            answers = [_refused(request, no) for request in requests]
        _deliver(batch, answers)
        last = answers[-1].refusal
        if last is not None and last.code == "desk_fenced":
            self.failed = last
            self._close(last)
            if self._next is not None:
                begun, _, go_on = self._next
                _deliver(begun, [_refused(request, last) for request, _, _ in begun])
            if go_on:
                self._refuse_rest(last)
            return False
        return go_on

    def _refuse_rest(self, no: Refusal) -> None:
        while (item := self._queue.get()) is not None:
            _deliver([item], [_refused(item[0], no)])


def _deliver(batch: Sequence[tuple[Request, Outlet, Any]], answers: Sequence[Answer]) -> None:
    by_outlet: dict[Outlet, Pairs] = {}
    for (_, outlet, tag), answer in zip(batch, answers, strict=True):
        pairs = by_outlet.get(outlet)
        if pairs is None:
            pairs = by_outlet[outlet] = []
        pairs.append((tag, answer))
    for outlet, pairs in by_outlet.items():
        try:
            outlet.deliver(pairs)
        except Exception as fault:
            _log.exception("answers not delivered", error=type(fault).__name__)


def _refused(request: Request, no: Refusal) -> Answer:
    return Answer(request.key or b"", None, no)
