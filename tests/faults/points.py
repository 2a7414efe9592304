"""Breaks flows at every write: each point in a process of its own, then a restart, the same requests, and a check.

`python -m tests.faults.points` runs all and prints a line of JSON for each flow; --help tells what can be picked.
A point is a flow, the kind of the break and the number of the write or sync at which it comes.
"""

import argparse
import json
import logging
import os
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from functools import partial
from hashlib import blake2b
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import apsw
import structlog
from tests.faults.breaking import DEATHS, KINDS, Disk
from tests.faults.flows import FLOWS, FRESH, Flow
from tests.faults.stepped import Founded, Play, Stepped, found
from tests.faults.town import audit_books, audit_events
from tests.faults.tracing import BREAKS, Call, Tracer

from handfast.app import database
from handfast.core.errors import Unavailable

SEED = 20141027

VOLATILE = {
    "desk": {"epoch", "commits"},
    "operations": {"id", "request"},
    "events": {"operation"},
    "bank_lines": {"details"},
    "payout_files": {"content"},
    "claims": {"words", "answer"},
    "evidence": {"sealed", "digest"},
    "deliveries": {"due", "last_try", "tries", "created"},
    "attempts": {"id", "delivery", "number", "at", "status", "error", "answer"},
}
"""Columns by which two right courses may differ: ids of what nobody keyed, nonces of seals, tries and their times."""


PATIENCE = 120
"""Seconds after which a process that hangs is ended, and found guilty."""

NOT_OPENED = 3
"""The exit code of a process whose service could not be opened."""


State = dict[str, str]


class Broken(Exception):
    """The service did not keep its word."""


class Course(NamedTuple):
    """What a process told of its way through a flow: states (if asked for), answers, events sent, its end."""

    states: list[State]
    commits: int
    answers: dict[int, Any]
    sent: set[str]
    acts: int
    calls: list[Call]
    fault: str
    exit: int


def state(data: Path) -> State:
    """A digest of each table but its volatile columns. Raises Broken for a damaged file."""
    told: State = {}
    with closing(apsw.Connection(str(data / "handfast.db"), flags=apsw.SQLITE_OPEN_READWRITE, vfs="unix")) as db:
        found = db.execute("PRAGMA integrity_check").fetchall()
        _must(found == [("ok",)], f"the file is damaged: {found}")
        for (table,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name").fetchall():
            columns = [str(row[1]) for row in db.execute(f"PRAGMA table_info({table})").fetchall()]
            kept = ", ".join(name for name in columns if name not in VOLATILE.get(str(table), ()))
            if not kept:
                continue
            rows = sorted(map(repr, db.execute(f"SELECT {kept} FROM {table}").fetchall()))
            told[str(table)] = blake2b("\n".join(rows).encode(), digest_size=8).hexdigest()
    return told


def difference(found: State, wanted: State) -> list[str]:
    """The tables in which two states differ."""
    return [table for table in found.keys() | wanted.keys() if found.get(table) != wanted.get(table)]


def audit(data: Path) -> None:
    """The books fold to the balances, and the events are complete."""
    with closing(database(f"sqlite:///{data / 'handfast.db'}").read()) as reader:
        audit_books(reader)
        audit_events(reader)


def live(
    flow: str, founded: Founded, data: Path, life: int, kind: str = "", at: int = 0, trace: Sequence[Call | None] = ()
) -> Course:
    """Go through a flow in a process of its own, whose disk breaks; the kind "watch" notes every state instead.

    With `trace` strace breaks that call of the process, or, if it is None, counts them.
    """
    (ours, its), (wait, go) = os.pipe(), os.pipe()
    child = os.fork()
    if child == 0:
        os.close(ours)
        os.close(go)
        os.read(wait, 1)
        signal.alarm(PATIENCE)
        disk = None if trace else Disk(kind, at)
        os._exit(_child(FLOWS[flow], founded, data, life, kind, disk, its))
    os.close(its)
    os.close(wait)
    tracer = Tracer(child, data.with_name("calls"), kind, trace[0]) if trace else None
    os.close(go)
    with os.fdopen(ours, "rb") as told:
        lines = [json.loads(line) for line in told.read().splitlines()]
    calls = tracer.calls() if tracer else []
    _, status = os.waitpid(child, 0)
    said = {word: [line[1] for line in lines if line[0] == word] for word in ("state", "sent", "fault", "acts")}
    return Course(
        states=said["state"],
        commits=sum(line[0] == "commit" for line in lines),
        answers={line[1]: line[2] for line in lines if line[0] == "answer"},
        sent=set(said["sent"]),
        acts=sum(said["acts"]),
        calls=calls,
        fault="".join(said["fault"]),
        exit=os.waitstatus_to_exitcode(status),
    )


def _child(flow: Flow, founded: Founded, data: Path, life: int, kind: str, disk: Disk | None, pipe: int) -> int:
    """What the process does; its exit code."""

    def tell(*words: Any) -> None:
        os.write(pipe, json.dumps(words).encode() + b"\n")

    def committed() -> None:
        tell("commit")
        if kind == "watch":
            audit(data)
            tell("state", state(data))

    try:
        try:
            service = Stepped(data, life, committed)
        except (Unavailable, apsw.Error) as away:
            tell("fault", str(away))
            return NOT_OPENED
        if life == 0 and (plant := os.environ.get(PLANT)):
            PLANTS[plant](service)
        committed()
        flow(Play(service, founded, partial(tell, "answer"), partial(tell, "stumble"), partial(tell, "sent")))
        with suppress(apsw.Error):  # what the last checkpoint cannot copy, the log still holds
            service.close()
        tell("acts", disk.acts if disk else 0)
    except BaseException:  # noqa: BLE001 -- it is told, and judged
        tell("fault", traceback.format_exc())
        return 1
    return 0


def _no_sync(service: Stepped) -> None:
    """Commits that are not durable: only the loss of power shows it."""
    service.store.connection.execute("PRAGMA synchronous = OFF")


def _no_transactions(service: Stepped) -> None:
    """Each statement for itself, so that a verb can be half done."""
    vars(service.store).update(begin=lambda: None, commit=lambda: None)


def _early_answer(service: Stepped) -> None:
    """The answer leaves before the commit."""
    told, run = service.committed, service.desk.run
    service.committed = lambda: None

    def early(requests: Any) -> Any:
        told()
        return run(requests)

    vars(service.desk).update(run=early)


PLANT = "HANDFAST_PLANT"
"""The variable that names a fault to be planted in the service, for the test of these tests."""

PLANTS = {"no sync": _no_sync, "no transactions": _no_transactions, "early answer": _early_answer}


class Trial:
    """A flow, how it goes when nothing breaks, and what to hold a broken course against."""

    def __init__(self, flow: str, founded: Founded, template: Path) -> None:
        self.flow = flow
        self._founded = founded
        self._template = template
        with self._copy() as data:
            self.right = live(flow, founded, data, 0, "watch")
            _must(self.right.exit == 0, self.right.fault)
            self.end = state(data)
            again = live(flow, founded, data, 1)
            _must(again.exit == 0, again.fault)
            self._judge_end(data)
            self._judge_answers(again)

    def boundaries(self, *, traced: bool) -> Sequence[int | Call]:
        """Where it can break: the acts of its disk by number, or its system calls as strace counts them."""
        if not traced:
            return range(1, self.right.acts + 1)
        with self._copy() as data:
            return live(self.flow, self._founded, data, 0, trace=(None,)).calls

    @contextmanager
    def _copy(self) -> Iterator[Path]:
        with tempfile.TemporaryDirectory(prefix="handfast-", dir=_memory()) as folder:
            data = Path(folder, "data")
            shutil.copytree(self._template, data)
            yield data

    def run(self, kind: str, at: int | Call) -> None:
        """Break one point and judge what is left. Raises Broken."""
        with self._copy() as data:
            if isinstance(at, Call):
                broken = live(self.flow, self._founded, data, 0, kind, trace=(at,))
            else:
                broken = live(self.flow, self._founded, data, 0, kind, at)
            if kind in DEATHS:
                self._judge_death(broken, kind, data)
            else:
                self._judge_failure(broken)
            again = live(self.flow, self._founded, data, 1)
            _must(again.exit == 0, f"it does not go on after a restart: {again.fault}")
            self._judge_end(data)
            self._judge_answers(again)
            _must(broken.sent | again.sent == self.right.sent, "not every event was delivered")

    def _judge_death(self, broken: Course, kind: str, data: Path) -> None:
        """What was acknowledged is there, and of what was under way all or nothing."""
        _must(broken.exit == -signal.SIGKILL, f"it did not come to this point: {broken.fault}")
        if kind == "power":
            (data / "handfast.db-shm").unlink(missing_ok=True)
        if broken.commits:
            found = state(data)
            possible = self.right.states[broken.commits - 1 : broken.commits + 1]
            _must(found in possible, f"after commit {broken.commits} it holds neither that nor the next")
        self._judge_answers(broken)

    def _judge_failure(self, broken: Course) -> None:
        """A failure is refused or borne, and the same process goes on; or it comes so early that nothing opens."""
        _must(broken.exit in {0, NOT_OPENED}, broken.fault)
        self._judge_answers(broken)

    def _judge_end(self, data: Path) -> None:
        differs = difference(state(data), self.end)
        _must(not differs, f"asked again, it came to something else in {differs}")

    def _judge_answers(self, broken: Course) -> None:
        for step, answer in broken.answers.items():
            first = self.right.answers[step]
            _must(answer == first, f"step {step} was answered {answer}, and not {first}")


def _must(true: bool, says: str) -> None:
    if not true:
        raise Broken(says)


def _memory() -> str | None:
    """Where files cost no disk: a process that dies loses nothing there that a disk would keep."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


@contextmanager
def _noting(faults: list[str], point: str) -> Iterator[None]:
    try:
        yield
    except Broken as fault:
        faults.append(f"{point}: {fault}")


def chosen(where: Sequence[int | Call], kinds: Sequence[str], share: float, seed: int) -> list[tuple[str, int | Call]]:
    """A flow's points; of each kind a share, drawn from the seed, but at least one."""
    dice = Random(seed)
    many = len(where) if share >= 1 else max(1, round(len(where) * share))
    return [(kind, at) for kind in kinds for at in dice.sample(where, many)]


def main() -> int:
    """Run the points that the command line picks."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--flows", default=",".join(FLOWS), help="names, with commas between")
    parser.add_argument("--kinds", default="", help=f"of {', '.join(KINDS)}; all by default")
    parser.add_argument("--strace", action="store_true", help=f"break system calls; kinds: {', '.join(BREAKS)}")
    parser.add_argument("--share", type=float, default=1.0, help="of each flow's points; 1 is all")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--at", help="one boundary alone, as it was printed")
    asked = parser.parse_args()
    faults = 0
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    with tempfile.TemporaryDirectory(prefix="handfast-", dir=_memory()) as folder:
        street, empty = Path(folder, "street"), Path(folder, "empty")
        street.mkdir()
        empty.mkdir()
        founded = found(street)
        for flow in asked.flows.split(","):
            faults += _flow(flow, founded, empty if flow in FRESH else street, asked)
    return 1 if faults else 0


def _flow(flow: str, founded: Founded, template: Path, asked: argparse.Namespace) -> int:
    """Run one flow's points and print what came of them; how many faults there were."""
    started = time.monotonic()
    kinds = asked.kinds.split(",") if asked.kinds else [*BREAKS] if asked.strace else KINDS
    faults: list[str] = []
    points: Counter[str] = Counter()
    boundaries: Sequence[int | Call] = ()
    try:
        trial = Trial(flow, founded, template)
        boundaries = trial.boundaries(traced=asked.strace)
        where = [at for at in boundaries if str(at) == asked.at] if asked.at else boundaries
        for kind, at in chosen(where, kinds, asked.share, asked.seed):
            points[kind] += 1
            with _noting(faults, f"--flows {flow} --kinds {kind} --at {at}"):
                trial.run(kind, at)
    except Broken as fault:
        faults.append(f"{flow}, undisturbed: {fault}")
    told = {"flow": flow, "boundaries": len(boundaries), "points": points, "faults": faults}
    sys.stdout.write(json.dumps(told | {"seconds": round(time.monotonic() - started, 1)}) + "\n")
    sys.stdout.flush()
    return len(faults)


if __name__ == "__main__":
    sys.exit(main())
