"""A seed's world: the office and whatever befalls it, its callers, receivers and bank, and the judge of them all."""

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path
from random import Random
from typing import Any

import apsw
from msgspec import Struct
from tests.simulation import town
from tests.simulation.bankers import Bankers
from tests.simulation.history import History, Sent, must
from tests.simulation.invariants import Judge
from tests.simulation.machine import Loop, Machine, Office
from tests.simulation.mishaps import CRASHES, ERRORS, Crash, Mishaps
from tests.simulation.receivers import Receivers

from handfast.core.clocks import DAY
from handfast.core.errors import Unavailable
from handfast.core.ids import Id
from handfast.sandbox.opening import day_of
from handfast.store.verb import Answer, Request

MOST_AT_ONCE = 24


class Result(Struct):
    """What came of a seed: equal seeds have equal traces. `broken` names the invariant (or says "fault")."""

    seed: int
    trace: str = ""
    actions: int = 0
    batches: int = 0
    crashes: int = 0
    mishaps: Counter[str] = Counter()
    checked: Counter[str] = Counter()
    done: Counter[str] = Counter()
    refused: Counter[str] = Counter()
    broken: str = ""
    words: str = ""


class World:
    """What there is; `told` is shown each line of the trace."""

    def __init__(self, seed: int, folder: Path, told: Callable[[str], None] = lambda _line: None) -> None:
        self.result = Result(seed, mishaps=Counter(), checked=Counter(), done=Counter(), refused=Counter())
        self.dice = Random(f"handfast {seed}")
        self.town = town.opened()
        self.machine = Machine(folder, self.town.template, seed)
        self.machine.wall += DAY
        self.loop = Loop(self.machine)
        self._told = told
        self._trace = blake2b(digest_size=16)
        self.mishaps = Mishaps(self.dice, self._happened, self._log_size)
        self.receivers = Receivers(self.dice, self.machine.clock, self._happened)
        self.bankers = Bankers(self.town.bank, day_of(self.machine.wall), self.dice, self._happened)
        self.history = History(self.dice, self._new_id, self._happened)
        self.judge = Judge(self.history, self.receivers, self.bankers, checked=self.result.checked)
        self.zombie: Office | None = None
        self._timers: deque[Request] = deque(maxlen=200)
        self.calm = False
        self.office = self._open()

    def _new_id(self) -> Id:
        return self.machine.new_id(self.machine.wall)

    def _open(self) -> Office:
        return Office(self.machine, self.mishaps.wrap, self.run, self.receivers)

    def _log_size(self) -> int:
        return self.machine.log.stat().st_size if self.machine.log.exists() else 0

    def _happened(self, kind: str) -> None:
        self.result.mishaps[kind] += 1
        self.note("mishap", kind)

    def note(self, kind: str, *what: object) -> None:
        """Add a line to the trace."""
        line = f"{kind} {' '.join(map(str, what))}"
        self._trace.update(line.encode() + b"\n")
        self._told(line)

    def close(self) -> None:
        """Free everything."""
        self._bury()
        self._stop_sending()
        with suppress(apsw.ConnectionClosedError):
            self.office.close()
        self.loop.close()

    # The desk, and what goes wrong with it.

    def run(self, mine: Sequence[Request]) -> list[Answer]:
        """The answers to these, run in one batch with some of what waits. Raises Crash."""
        others = self.history.take(self.dice.choice((1, 2, 4, 8, MOST_AT_ONCE)))
        self.history.note(mine)
        self._timers.extend(request for request in mine if request.actor == "timers" and request.key)
        together = [*((request, None) for request in mine), *((sent.request, sent) for sent in others)]
        if not together:
            return []
        self.dice.shuffle(together)
        self._arm()
        self.result.batches += 1
        self.machine.wall += self.dice.randrange(1, 2_000)
        try:
            answers = self.office.desk.run([request for request, _ in together])
        except Crash:
            for sent in others:
                self.history.unheard(sent)
            raise
        self._tell(together, answers)
        found = {id(request): answer for (request, sent), answer in zip(together, answers, strict=True) if sent is None}
        return [found[id(request)] for request in mine]

    def _arm(self) -> None:
        if not self.calm and not self.mishaps.plan.kind and self.dice.random() < 0.10:
            self.mishaps.arm(self.dice.choice((*CRASHES, *ERRORS)))
        self.mishaps.between = self._read_meanwhile if self.dice.random() < 0.05 else None

    def _read_meanwhile(self) -> None:
        """Beside an open transaction, readers see the state before it, whole."""
        ((total,),) = self.office.reader.rows("SELECT coalesce(sum(debits_posted - credits_posted), 0) FROM accounts")
        must(total == 0, "B13", f"a reader sees a sum of {total}")

    def _tell(self, together: Sequence[tuple[Request, Sent | None]], answers: Sequence[Answer]) -> None:
        """The answers go out; some never arrive."""
        must(len(answers) == len(together), "B12", "not everybody was answered")
        for (request, sent), answer in zip(together, answers, strict=True):
            code = answer.refusal.code if answer.refusal else ""
            self.note("ran", request.verb, code or "done", answer.operation.hex())
            self.result.done[request.verb] += not code
            self.result.refused[code] += bool(code)
            if sent is None:
                must(code != "internal", "D1", f"{request.verb} broke the desk")
            elif not self.calm and self.dice.random() < 0.03:
                self._happened("answer_lost")
                self.history.unheard(sent)
            else:
                self.history.heard(sent, answer)

    def _die(self, cut: int | None) -> None:
        """Killed: the files stay as they are, the next process opens them, and everything is judged."""
        self.result.crashes += 1
        self.note("died")
        self._bury()
        self._stop_sending()
        dead = self.office
        self.machine.survive(cut)
        self._tear()
        dead.close()
        self.machine.discard()
        self.mishaps.between = None
        self.office = self._open()
        self.judge.check(self.office.reader)

    def _tear(self) -> None:
        """A death may tear the line that was being written to the published heads."""
        if self.machine.heads.exists() and self.dice.random() < 0.1:
            self._happened("torn_head_line")
            ended = b"" if self.machine.heads.read_bytes().endswith(b"\n") else b"\n"
            with self.machine.heads.open("ab") as file:
                file.write(ended + b'{"object":"head","number":'[: self.dice.randrange(1, 26)])

    def _stop_sending(self) -> None:
        sending = list(self.office.deliverer.sending)
        for task in sending:
            task.cancel()
        if sending:
            self.loop.run_until_complete(asyncio.gather(*sending, return_exceptions=True))

    def take_over(self) -> None:
        """Another process becomes the desk while this one lives on and does not know."""
        self._happened("take_over")
        self._bury()
        self._stop_sending()
        self.zombie = self.office
        self.zombie.unlock()
        self.office = self._open()

    def wake(self) -> None:
        """The deposed one takes requests again: whatever it writes must come to nothing."""
        zombie = self.zombie
        assert zombie is not None
        self._happened("deposed_desk_wakes")
        others = self.history.take(MOST_AT_ONCE)
        before = self._mark()
        answers = zombie.desk.run([sent.request for sent in others])
        must(self._mark() == before, "F1", "a deposed desk has committed")
        for sent, answer in zip(others, answers, strict=True):
            no = answer.refusal
            known = answer.replayed or (no is not None and no.code == "idempotency_key_reused")
            must(known or isinstance(no, Unavailable), "F1", f"a deposed desk answers {sent.request.verb}: {answer}")
            self.history.heard(sent, answer)

    def _mark(self) -> Any:
        return self.office.reader.rows(
            "SELECT commits, epoch, (SELECT max(seq) FROM entries), (SELECT max(seq) FROM events) FROM desk"
        )

    def _bury(self) -> None:
        if self.zombie is not None:
            self.zombie.close()
            self.zombie = None
