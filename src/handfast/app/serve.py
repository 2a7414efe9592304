"""The processes of a running service: a desk that speaks HTTP itself, or a desk and the fronts that it looks after."""

import asyncio
import os
import signal
import socket
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, contextmanager, suppress

import structlog
import uvicorn
import uvloop
from starlette.types import ASGIApp

from handfast.app import Office, memory, office, resolve
from handfast.app.edge import asgi
from handfast.app.protocol import Protocol
from handfast.app.standby import stand_by
from handfast.app.telemetry import http_counts
from handfast.core.errors import Conflict, Invalid, Unavailable
from handfast.core.settings import Settings, dump

PATIENCE = 10
"""Seconds that requests under way are given when the service stops."""

_BACKLOG = 2048
_log = structlog.get_logger("handfast")


class HttpServer(uvicorn.Server):
    """uvicorn, stopped by `should_exit` alone: signals are its caller's."""

    def __init__(self, app: ASGIApp, on_started: Callable[[], None]) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http=Protocol,
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                timeout_keep_alive=75,
                timeout_graceful_shutdown=PATIENCE,
                backlog=_BACKLOG,
            )
        )
        self._on_started = on_started

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals alone."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and say so."""
        await super().startup(sockets)
        self._on_started()


def serve(settings: Settings, ready: Callable[[str], None], waits: Callable[[], None] | None = None) -> None:
    """Run the service until a signal asks it to stop; `ready` is told its address.

    With `waits` it stands by: that is called, and the service opens once the database has no living desk.

    Raises what `office` does, Invalid(settings_invalid) for a port that cannot be had, Unavailable(desk_fenced) when
    another desk has taken over, Unavailable(internal) when a front does not start.
    """
    settings = resolve(settings)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(settings, ready, waits))


async def _serve(settings: Settings, ready: Callable[[str], None], waits: Callable[[], None] | None) -> None:
    loop = asyncio.get_running_loop()
    stop = stop_on(signal.SIGTERM, signal.SIGINT)

    def ended() -> None:
        loop.call_soon_threadsafe(stop.set)

    if waits is not None:
        waits()
    async with AsyncExitStack() as opened:
        running: Office | None = None
        while running is None:
            if waits is not None and not await stand_by(settings, stop):
                return
            try:
                running = await opened.enter_async_context(office(settings, ended))
            except Conflict as taken:
                if waits is None or taken.code != "database_in_use":  # another one that stood by was faster
                    raise
        await _run(settings, running, stop, ready)


async def _run(settings: Settings, running: Office, stop: asyncio.Event, ready: Callable[[str], None]) -> None:
    sockets = listen(settings.host, settings.port, max(1, settings.fronts))
    host, port = sockets[0].getsockname()[:2]
    address = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    memory.settle()
    if settings.fronts:
        await _look_after_fronts(settings, sockets, stop, lambda: ready(address))
    else:
        await _speak_http(running, sockets, stop, lambda: ready(address))
    if running.intake.failed is not None:
        raise running.intake.failed


def stop_on(*signals: signal.Signals) -> asyncio.Event:
    """An event that is set when one of the signals comes."""
    stop = asyncio.Event()
    for each in signals:
        asyncio.get_running_loop().add_signal_handler(each, stop.set)
    return stop


def listen(host: str, port: int, count: int) -> list[socket.socket]:
    """Sockets that share one port, one for each process. Raises Invalid(settings_invalid).

    The kernel spreads connections over them; those for a front that died wait for its successor.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sockets: list[socket.socket] = []
    try:
        socket.getaddrinfo(host, port, family)
    except (OSError, UnicodeError):
        raise Invalid("settings_invalid", f"there is no address {host!r} to listen on", "host") from None
    try:
        # Sharing would let a stranger's service in on the port, so it must be had alone first.
        with socket.create_server((host, port), family=family) as probe:
            port = probe.getsockname()[1]
        while len(sockets) < count:
            sockets.append(socket.create_server((host, port), family=family, backlog=_BACKLOG, reuse_port=count > 1))
    except OSError as fault:
        for each in sockets:
            each.close()
        raise Invalid(
            "settings_invalid", f"cannot listen on {host}:{port}: {os.strerror(fault.errno or 0)}", "port"
        ) from None
    return sockets


async def _speak_http(
    running: Office, sockets: list[socket.socket], stop: asyncio.Event, ready: Callable[[], None]
) -> None:
    counts = http_counts()
    running.counts.take(0, counts)
    server = HttpServer(asgi(running.services, counts, running.intake), ready)
    await run_until(server, sockets, stop)


async def run_until(server: HttpServer, sockets: list[socket.socket], stop: asyncio.Event) -> None:
    """Serve until the event is set, then finish what is under way."""
    serving = asyncio.create_task(server.serve(sockets))
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait((serving, stopping), return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    server.should_exit = True
    await serving


async def _look_after_fronts(
    settings: Settings, sockets: list[socket.socket], stop: asyncio.Event, ready: Callable[[], None]
) -> None:
    fronts = [_Front(settings, number, door, stop) for number, door in enumerate(sockets, 1)]
    try:
        await asyncio.gather(*(front.start() for front in fronts))
        ready()
        await asyncio.gather(*(front.keep_alive() for front in fronts))
    finally:
        await asyncio.gather(*(front.end() for front in fronts))


class _Front:
    """A front process. It reads its task from its standard input, and ends when that does: so it never outlives us."""

    _process: Process

    def __init__(self, settings: Settings, number: int, door: socket.socket, stop: asyncio.Event) -> None:
        self._task = b"%d %d " % (number, door.fileno()) + dump(settings) + b"\n"
        self._door = door
        self._stop = stop
        self.number = number

    async def start(self) -> None:
        """Start it and wait until it serves. Raises Unavailable(internal)."""
        words = (sys.executable, "-m", "handfast.app.front")
        self._process = await asyncio.create_subprocess_exec(
            *words, stdin=PIPE, stdout=PIPE, pass_fds=(self._door.fileno(),)
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with suppress(ConnectionError):
            self._process.stdin.write(self._task)
            await self._process.stdin.drain()
        if await self._process.stdout.readline() != b"ready\n":
            raise Unavailable("internal", f"front {self.number} did not start")

    async def keep_alive(self) -> None:
        """Start it again whenever it dies, until the service stops."""
        stopping = asyncio.create_task(self._stop.wait())
        while True:
            ended = asyncio.create_task(self._process.wait())
            await asyncio.wait((ended, stopping), return_when=asyncio.FIRST_COMPLETED)
            if stopping.done():
                ended.cancel()
                return
            _log.error("front ended", front=self.number, exit=self._process.returncode)
            try:
                await self.start()
            except Unavailable:
                await asyncio.sleep(1)
            else:
                _log.info("front started anew", front=self.number)

    async def end(self) -> None:
        """Let it finish what is under way, and wait for its end."""
        with suppress(AttributeError, ProcessLookupError):
            assert self._process.stdin is not None
            self._process.stdin.close()
            try:
                await asyncio.wait_for(self._process.wait(), PATIENCE + 5)
            except TimeoutError:
                self._process.kill()
                await self._process.wait()
        self._door.close()
