"""The demo's report and orders served beside the running API, in one process on one port."""

import asyncio
import signal
import socket
from collections.abc import Callable

import uvloop
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.types import Receive, Scope, Send

from handfast.app import office
from handfast.app.edge import asgi
from handfast.app.serve import HttpServer, run_until, stop_on
from handfast.app.telemetry import http_counts
from handfast.core.errors import Refusal
from handfast.core.settings import Settings
from handfast.gateways.native.errors import status_of
from handfast.sandbox.pages import routes
from handfast.sandbox.report import pages


def serve(settings: Settings, report: str, door: socket.socket, ready: Callable[[], None]) -> None:
    """Serve until a signal asks to stop. Raises what app.office does."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(settings, report, door, ready))


async def _serve(settings: Settings, report: str, door: socket.socket, ready: Callable[[], None]) -> None:
    loop = asyncio.get_running_loop()
    stop = stop_on(signal.SIGTERM, signal.SIGINT)

    def ended() -> None:
        loop.call_soon_threadsafe(stop.set)

    async with office(settings, ended) as running:
        counts = http_counts()
        running.counts.take(0, counts)
        api = asgi(running.services, counts)
        demo = Starlette(routes=routes(running.services, report), exception_handlers={Refusal: _refused})

        async def both(scope: Scope, receive: Receive, send: Send) -> None:
            ours = scope["type"] == "http" and (scope["path"] == "/" or scope["path"].startswith("/demo"))
            await (demo if ours else api)(scope, receive, send)

        await run_until(HttpServer(both, ready), [door], stop)


async def _refused(_request: Request, fault: Exception) -> Response:
    assert isinstance(fault, Refusal)
    return HTMLResponse(pages().get_template("refused.html").render(message=fault.message), status_of(fault))
