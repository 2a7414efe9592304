"""The hand that plays the market: gives requests to a desk that may die, and asks again what was not answered."""

from collections import Counter
from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Any, Protocol

from msgspec import Struct, msgpack

from handfast.core.ids import digest_id
from handfast.sandbox.faults import Crash, Faults, check_restart
from handfast.store.desk import Desk, Store
from handfast.store.reader import Reader
from handfast.store.verb import Answer, Request

BATCH = 256


class OpenDesk(Protocol):
    """A desk that is the desk of its database."""

    desk: Desk

    def close(self) -> None:
        """Give the database up, as a process does by dying: what is not committed is gone."""


Opener = Callable[[Callable[[Store], Store]], OpenDesk]
"""Opens the desk anew; the store passes through the given function on its way into the desk."""


def ask(verb: str, command: Any, actor: str, key: str) -> Request:
    """A request under an idempotency key of the actor's own."""
    fingerprint = sha256(verb.encode() + msgpack.encode(command)).digest()
    operation = digest_id(b"sandbox", actor.encode(), key.encode())
    return Request(verb, command, actor, digest_id(b"request", operation), operation, fingerprint)


class Counts(Struct):
    """What was done so far: `refusals` by code, `faults` by kind."""

    commands: int = 0
    batches: int = 0
    refusals: Counter[str] = Counter()
    faults: Counter[str] = Counter()


class Batch(Struct, frozen=True):
    """What was asked together and answered, the copies that came along by kind of fault, the deaths on the way."""

    number: int
    requests: Sequence[Request]
    answers: Sequence[Answer]
    copies: Sequence[tuple[str, Request]]
    deaths: Sequence[str]


class Driver:
    """Runs requests on a desk, in batches of at most BATCH, with the faults of a plan; `watch` is shown each batch."""

    def __init__(
        self,
        opener: Opener,
        read: Callable[[], Reader],
        faults: Faults,
        watch: Callable[[Batch], None] = lambda _batch: None,
    ) -> None:
        self._opener = opener
        self._faults = faults
        self._watch = watch
        self.counts = Counts(refusals=Counter(), faults=Counter())
        self._open = opener(faults.wrap)
        self.reader = read()

    def close(self) -> None:
        """Give the database up."""
        self.reader.close()
        self._open.close()

    def run(self, requests: Sequence[Request]) -> list[Answer]:
        """The answers, in order, whatever happened on the way. Raises PromiseBroken."""
        answers: list[Answer] = []
        for start in range(0, len(requests), BATCH):
            answers += self._batch(requests[start : start + BATCH])
        return answers

    def done(self, requests: Sequence[Request]) -> list[Any]:
        """The results of what cannot be refused in this market; raises a refusal."""
        return [answer.unwrap() for answer in self.run(requests)]

    def _batch(self, requests: Sequence[Request]) -> list[Answer]:
        counts = self.counts
        counts.batches += 1
        copies = self._faults.copies(requests, counts.batches)
        together = [*requests, *(copy for _, copy in copies)]
        self._faults.arm(counts.batches)
        deaths: list[str] = []
        answers = self._until_answered(together, deaths)
        counts.commands += len(together)
        counts.faults.update(self._faults.judge(requests, answers))
        first = answers[: len(requests)]
        counts.refusals.update(answer.refusal.code for answer in first if answer.refusal)
        self._watch(Batch(counts.batches, requests, first, copies, deaths))
        return first

    def _until_answered(self, requests: Sequence[Request], deaths: list[str]) -> list[Answer]:
        while True:
            try:
                answers = self._open.desk.run(requests)
            except Crash as crash:
                deaths.append(crash.kind)
                self.counts.faults[crash.kind] += 1
                self._open.close()
                self._open = self._opener(self._faults.wrap)
                continue
            check_restart(deaths[-1] if deaths else "", requests, answers)
            return answers
