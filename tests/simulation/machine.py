"""The simulated machine: a database's files, clocks that only the simulation moves, and processes that can be killed.

A killed process leaves its files as they are: they are copied, and the next one opens the copy and recovers by itself.
"""

import asyncio
import fcntl
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import structlog

from handfast.app import VERBS
from handfast.core.clocks import MarketClock
from handfast.core.errors import Refusal
from handfast.core.ids import seeded_draw, seeded_ids
from handfast.core.settings import Settings
from handfast.domain.parties import Vault
from handfast.gateways.native import Webhooks, render_event
from handfast.ledger import refusal_of
from handfast.ledger.engines.sqlite import SqliteLedger
from handfast.services import Services
from handfast.store.desk import Desk, Store
from handfast.store.reader import Reader
from handfast.store.sqlite import SqliteReader, SqliteStore
from handfast.store.verb import Answer, Request
from handfast.timers.clock import Advancer, read_offset
from handfast.timers.deliver import Deliverer
from handfast.timers.expire import Expirer
from handfast.timers.seal import Sealer

START = 1_414_454_400_000_000
"""28 October 2014, 00:00 UTC: USD 100 = CNY 611.35 by the ECB's table of that day."""

VAULT = Vault(bytes(range(32)), seeded_draw(0))
SEAL_KEY = bytes(range(32, 64))
SLICE = 400
"""Leaves a head: so few that there are several heads."""

Value = TypeVar("Value")
Run = Callable[[Sequence[Request]], list[Answer]]


class Loop(asyncio.SelectorEventLoop):
    """An event loop whose time is the simulation's: nothing in it ever waits for the real one."""

    def __init__(self, machine: "Machine") -> None:
        super().__init__()
        self._machine = machine

    def time(self) -> float:
        return self._machine.wall / 1_000_000

    def run_in_executor(self, _executor: Any, func: Any, *args: Any) -> Any:  # type: ignore[override]
        """Do it here and now: no thread runs in a simulation."""
        future = self.create_future()
        future.set_result(func(*args))
        return future


class Machine:
    """Files in a folder, ids and secrets from a seed, and the wall clock (µs)."""

    def __init__(self, folder: Path, template: Path, seed: int) -> None:
        self.wall = START
        self.new_id = seeded_ids(seed)
        self._folder = folder
        self._generation = 0
        self.heads = folder / "heads.jsonl"
        self.path = folder / "0.db"
        shutil.copyfile(template, self.path)

    def clock(self) -> int:
        return self.wall

    @property
    def log(self) -> Path:
        """SQLite's write-ahead log."""
        return self.path.with_name(self.path.name + "-wal")

    def survive(self, cut: int | None) -> None:
        """Leave the files as a killed process does; with `cut`, so many bytes of the log had been written."""
        old, old_log = self.path, self.log
        self._generation += 1
        self.path = self._folder / f"{self._generation}.db"
        shutil.copyfile(old, self.path)
        if old_log.exists():
            shutil.copyfile(old_log, self.log)
            if cut is not None:
                with self.log.open("r+b") as log:
                    log.truncate(cut)

    def discard(self) -> None:
        """Remove the files of every generation but this one."""
        for path in self._folder.iterdir():
            if not path.name.startswith(self.path.name) and path != self.heads:
                path.unlink()


class Office:
    """One process: the desk, its readers and its timers. `wrap` puts itself between the desk and its store."""

    def __init__(self, machine: Machine, wrap: Callable[[Store], Store], run: Run, sender: Any) -> None:
        self.machine = machine
        self.store = SqliteStore(machine.path)
        self.store.connection.execute("PRAGMA synchronous = OFF")  # no machine loses its power here
        self.store.take_over()
        self.ledger = SqliteLedger(self.store)
        self.reader = SqliteReader(machine.path)
        self.market = MarketClock(machine.clock, read_offset(self.reader))
        self.desk = Desk(wrap(self.store), self._post, VERBS, self.market, machine.new_id)
        settings = Settings(market="sandbox", allow_private_webhooks=True)
        self.services = Services(
            _Hand(run), _Readers(self.reader), VAULT, settings, machine.clock, self.market, machine.new_id
        )
        self.expirer = Expirer(self.services)
        self.advancer = Advancer(self.services, self.market, self.expirer)
        self.sealer = Sealer(self.services, SEAL_KEY, machine.heads, limit=SLICE)
        webhooks = Webhooks(VAULT, machine.clock, partial(render_event, self.services.read))
        self.deliverer = Deliverer(self.services, {"native": webhooks}, sender)

    def _post(self, entries: Any, at: int) -> list[Refusal | None]:
        return [refusal_of(outcome) for outcome in self.ledger.post(entries, at)]

    def unlock(self) -> None:
        """Lose the lock that keeps a second process out, as on a file system that forgets locks."""
        fcntl.flock(self.store._lock, fcntl.LOCK_UN)

    def close(self) -> None:
        """Free what the process held; its transaction, if one is open, is gone."""
        self.store.connection.exec_trace = None
        self.reader.close()
        self.store.close()


class _Hand:
    """Hands the timers' requests to the simulation, which runs them on the desk in its own time."""

    def __init__(self, run: Run) -> None:
        self._run = run

    async def call(self, request: Request) -> Answer:
        return self._run([request])[0]

    async def call_many(self, requests: Sequence[Request]) -> list[Answer]:
        return self._run(requests)

    async def control(self, name: str, *arguments: Any) -> Any:
        raise NotImplementedError


class _Readers:
    """Reads beside the desk."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def short(self, query: Callable[[Reader], Value]) -> Value:
        return query(self._reader)

    long = short


@contextmanager
def quiet() -> Iterator[None]:
    """A silent log, as long as it lasts."""
    told = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    try:
        yield
    finally:
        structlog.configure(**told)
