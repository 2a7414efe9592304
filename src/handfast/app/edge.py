"""The HTTP edge: routes of all gateways, request ids, the bound of bodies, counts, and the last word on faults."""

from collections.abc import Sequence

import structlog
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from handfast.app.telemetry import HttpCounts, timer
from handfast.core.errors import Conflict, Invalid, NotFound, Refusal, TooLarge, Unavailable
from handfast.core.ids import Id
from handfast.gateways.native.errors import error_body, error_headers, status_of
from handfast.gateways.native.prefixes import show
from handfast.services import REQUEST, Services

BODY_BYTES = 1024 * 1024
"""The longest body that is taken."""

_GONE = 499
_log = structlog.get_logger("handfast.http")


class Edge:
    """ASGI middleware around everything: numbers each request, bounds its body, counts its answer, logs its fault."""

    def __init__(self, app: ASGIApp, services: Services, counts: HttpCounts) -> None:
        self._app = app
        self._new_id = services.new_id
        self._wall = services.wall
        self._counts = counts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        start = timer()
        request = scope[REQUEST] = self._new_id(self._wall())
        header = (b"request-id", show("request", request).encode())
        status = 0

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), header]
            await send(message)

        try:
            await self._app(scope, _bounded(scope, receive), answer)
        except Exception as fault:
            if isinstance(fault, TooLarge) and not status:
                await problem(fault, request)(scope, receive, answer)
            else:
                _log.exception("request failed", request=show("request", request), path=scope["path"])
                if not status:
                    no = Unavailable("internal", "an unexpected fault")
                    await problem(no, request)(scope, receive, answer)
        finally:
            self._counts.add(status or _GONE, timer() - start)


def _bounded(scope: Scope, receive: Receive) -> Receive:
    """What gives the body, but no more of it than may be. Raises TooLarge(body_too_large), now or while it is read."""
    for name, value in scope["headers"]:
        if name == b"content-length":
            if int(value) > BODY_BYTES:
                raise _too_large()
            return receive
        if name == b"transfer-encoding":
            return _counted(receive)
    return receive


def _counted(receive: Receive) -> Receive:
    left = BODY_BYTES

    async def count() -> Message:
        nonlocal left
        message = await receive()
        left -= len(message.get("body", b""))
        if left < 0:
            raise _too_large()
        return message

    return count


def _too_large() -> TooLarge:
    return TooLarge("body_too_large", f"a body has at most {BODY_BYTES} bytes")


def problem(no: Refusal, request: Id) -> Response:
    """The answer that tells of a refusal; whoever sends too much is hung up on, or the rest would have to be read."""
    status = status_of(no)
    headers = {name.decode(): value.decode() for name, value in error_headers(status)}
    if isinstance(no, TooLarge):
        headers["connection"] = "close"
    return Response(error_body(no, request), status, headers, "application/json")


def asgi(services: Services, counts: HttpCounts, routes: Sequence[BaseRoute]) -> Edge:
    """The whole HTTP side over some services: the gateways' routes, /health and /metrics."""

    async def health(_request: Request) -> Response:
        await services.hand.control("status")
        await services.read.short(lambda reader: reader.rows("SELECT 1"))
        return Response(b'{"status":"ok"}', media_type="application/json")

    async def metrics(_request: Request) -> Response:
        text = await services.hand.control("metrics")
        return Response(text, media_type="text/plain; version=0.0.4; charset=utf-8")

    own = [Route("/health", health), Route("/metrics", metrics)]
    handlers = {HTTPException: _no_route, Refusal: _refused}
    return Edge(Starlette(routes=[*own, *routes], exception_handlers=handlers), services, counts)


async def _no_route(request: Request, fault: Exception) -> Response:
    assert isinstance(fault, HTTPException)
    no: Refusal
    match fault.status_code:
        case 404:
            no = NotFound("route_not_found", "there is nothing at this path")
        case 405:
            no = Conflict("method_not_allowed", "this path does not take that method")
        case _:
            no = Invalid("body_malformed", fault.detail)
    answer = problem(no, request.scope[REQUEST])
    answer.headers.update(fault.headers or {})
    return answer


async def _refused(request: Request, fault: Exception) -> Response:
    assert isinstance(fault, Refusal)
    return problem(fault, request.scope[REQUEST])
