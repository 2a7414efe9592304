"""A front process: HTTP on an inherited socket, verbs handed to the desk's process that started it."""

import asyncio
import os
import signal
import socket
import sys

import msgspec
import uvloop

from handfast.app import front_services, memory
from handfast.app.edge import asgi
from handfast.app.serve import HttpServer, run_until, stop_on
from handfast.app.telemetry import HttpCounts, http_counts, set_up_logs
from handfast.core.errors import Unavailable
from handfast.core.settings import Settings, restore
from handfast.services import Services

COUNT_EVERY = 1.0
"""Seconds between tellings of what was counted."""


def main() -> None:
    """Serve until standard input ends: its first line is the front's number, its socket, and the settings."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the desk's process too, which ends us in order
    number, descriptor, settings = sys.stdin.buffer.readline().split(b" ", 2)
    given = restore(settings)
    set_up_logs(given)
    door = socket.socket(fileno=int(descriptor))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(given, int(number), door))


async def _serve(settings: Settings, number: int, door: socket.socket) -> None:
    stop = stop_on(signal.SIGTERM)
    asyncio.get_running_loop().add_reader(sys.stdin.fileno(), stop.set)
    async with front_services(settings) as services:
        counts = http_counts()
        counting = asyncio.create_task(_tell(services, number, counts))
        app = asgi(services, counts)
        memory.settle()
        await run_until(HttpServer(app, _say_ready), [door], stop)
        counting.cancel()


def _say_ready() -> None:
    os.write(1, b"ready\n")


async def _tell(services: Services, number: int, counts: HttpCounts) -> None:
    while True:
        try:
            await services.hand.control("http.count", number, msgspec.to_builtins(counts))
        except Unavailable:
            return  # the desk is going, and so are we
        await asyncio.sleep(COUNT_EVERY)


if __name__ == "__main__":
    main()
