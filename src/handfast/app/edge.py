"""The HTTP edge: the way to each gateway, request ids, the bound of bodies, counts, and the last word on faults."""

from collections.abc import Sequence
from typing import Protocol

import structlog
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from handfast.app.hot import Hot
from handfast.app.telemetry import HttpCounts, timer
from handfast.core.errors import Conflict, Invalid, NotFound, Refusal, TooLarge, Unavailable
from handfast.core.ids import Id
from handfast.core.keyring import signing_key
from handfast.gateways import alipay, antom
from handfast.gateways.alipay import Alipay, Explanation
from handfast.gateways.native import Native
from handfast.gateways.native.errors import error_body, error_headers, status_of
from handfast.gateways.native.gateway import longest_body
from handfast.gateways.native.prefixes import show
from handfast.pages import Cashier, Kept, selftest_routes, static_routes
from handfast.services import REQUEST, Services
from handfast.store.intake import Intake

_GONE = 499
_log = structlog.get_logger("handfast.http")


class Gateway(Protocol):
    """A gateway that answers at paths of its own, in its own manner also what went wrong."""

    def serves(self, path: str) -> bool:
        """Whether the path is the gateway's."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, whose body the gateway bounds."""

    async def fail(self, scope: Scope, send: Send) -> None:
        """Answer a request that met an unexpected fault."""


class Edge:
    """ASGI middleware around everything: numbers each request, bounds its body, counts its answer, logs its fault.

    `hot` is the short way that a connection may take past all this, where the desk is in this process.
    """

    def __init__(
        self,
        native: ASGIApp,
        gateways: Sequence[Gateway],
        rest: ASGIApp,
        services: Services,
        counts: HttpCounts,
        hot: Hot | None = None,
    ) -> None:
        self.hot = hot
        self._native = native
        self._gateways = gateways
        self._rest = rest
        self._new_id = services.new_id
        self._wall = services.wall
        self._counts = counts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._rest(scope, receive, send)
            return
        start = timer()
        request = scope[REQUEST] = self._new_id(self._wall())
        header = (b"request-id", show("request", request).encode())
        status = 0
        no: Refusal

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"].append(header)
            await send(message)

        gateway = next((each for each in self._gateways if each.serves(scope["path"])), None)
        try:
            longest = longest_body(scope["path"])
            if gateway is not None:
                await gateway(scope, receive, answer)
            elif _announces_more(scope, longest):
                no = TooLarge("body_too_large", f"a body has at most {longest} bytes here")
                await problem(no, request)(scope, receive, answer)
            elif scope["path"].startswith("/v1/"):
                await self._native(scope, receive, answer)
            else:
                await self._rest(scope, receive, answer)
        except Exception:
            _log.exception("request failed", request=show("request", request), path=scope["path"])
            if not status and gateway is not None:
                await gateway.fail(scope, answer)
            elif not status:
                no = Unavailable("internal", "an unexpected fault; ask again with the same key")
                await problem(no, request)(scope, receive, answer)
        finally:
            self._counts.add(status or _GONE, timer() - start)


def _announces_more(scope: Scope, longest: int) -> bool:
    """Whether a longer body is announced than the path takes; one that comes unannounced, the gateway counts."""
    for name, value in scope["headers"]:
        if name == b"content-length":
            return int(value) > longest
    return False


def problem(no: Refusal, request: Id) -> Response:
    """The answer that tells of a refusal; whoever sends too much is hung up on, or the rest would have to be read."""
    status = status_of(no)
    headers = {name.decode(): value.decode() for name, value in error_headers(status)}
    if isinstance(no, TooLarge):
        headers["connection"] = "close"
    return Response(error_body(no, request), status, headers, "application/json")


def asgi(services: Services, counts: HttpCounts, intake: Intake | None = None) -> Edge:
    """The whole HTTP side over some services: the gateways, /health and /metrics; `intake` if it is in this process."""

    async def health(_request: Request) -> Response:
        await services.hand.control("status")
        await services.read.short(lambda reader: reader.rows("SELECT 1"))
        return Response(b'{"status":"ok"}', media_type="application/json")

    async def metrics(_request: Request) -> Response:
        text = await services.hand.control("metrics")
        return Response(text, media_type="text/plain; version=0.0.4; charset=utf-8")

    routes = [Route("/health", health), Route("/metrics", metrics)]
    routes += people(services)
    rest = Starlette(routes=routes, exception_handlers={HTTPException: _no_route, Refusal: _refused})
    rest.router.redirect_slashes = False
    native = Native(services)
    hot = Hot(native.quick, services, intake, counts) if intake else None
    return Edge(native, (Alipay(services), antom.Antom(services)), rest, services, counts, hot)


def people(services: Services) -> list[Route]:
    """The routes of what people see."""
    kept: dict[str, Kept] = {
        "alipay": alipay.AlipayCashier(services),
        alipay.LEGACY: alipay.LegacyCashier(services),
        "antom": antom.AntomCashier(services),
    }

    async def find_user(number: str) -> Id | None:
        return await alipay.party_of(services, number)

    def examine(text: str, key_text: str, notice: bool) -> Explanation:  # noqa: FBT001 - the page's port
        key = signing_key(services.settings.signing_key_file)
        return alipay.examine(text, key_text, notice=notice, server_key=key.public_key())

    cashier = Cashier(services, kept, find_user)
    return [*static_routes(), *cashier.routes(), *selftest_routes(examine)]


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
