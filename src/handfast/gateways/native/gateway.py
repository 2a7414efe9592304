"""The ASGI side of /v1: finds the route, lets the caller in, reads what is given, writes what comes back."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, MutableMapping
from typing import Any
from urllib.parse import parse_qsl

import structlog
from msgspec import Struct

from handfast.core.errors import Conflict, Invalid, NotFound, Refusal, TooLarge, Unavailable
from handfast.core.ids import Id
from handfast.gateways.native.auth import Doorkeeper
from handfast.gateways.native.body import converter, decoder
from handfast.gateways.native.calls import Call, Reply, Route, route
from handfast.gateways.native.errors import error_body, error_headers, status_of
from handfast.gateways.native.idempotency import operation_id
from handfast.gateways.native.openapi import document
from handfast.gateways.native.prefixes import read, show
from handfast.gateways.native.routes import ROUTES
from handfast.gateways.native.showing import encode
from handfast.services import REQUEST, Services

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

BODY_BYTES = 1024 * 1024
"""The longest body that is read."""

_JSON = b"application/json"
_XML = (b"application/xml", b"text/xml")
_log = structlog.get_logger("handfast.native")


class _Gone(Exception):
    """The client hung up before its body was there."""


class _Ready(Struct, frozen=True):
    """A route with what reads its input, made once."""

    route: Route
    decode: Callable[[bytes], Any] | None
    convert: Callable[[dict[str, Any]], Any] | None


async def see_document(_call: Call[Any]) -> Reply:
    """Get this document: what the API takes and gives, as OpenAPI 3.1."""
    return Reply(document(TABLE), b"application/json")


TABLE = (*ROUTES, route("GET", "/v1/openapi.json", None, see_document))


class Native:
    """The native API as an ASGI application, for paths that begin with /v1/."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._door = Doorkeeper(services)
        self._paths: dict[tuple[str, ...], dict[str, _Ready]] = {}
        for line in TABLE:
            ready = _Ready(line, line.body and decoder(line.body), line.query and converter(line.query))
            self._paths.setdefault(tuple(line.path.split("/")[2:]), {})[line.method] = ready

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request: Id | None = scope.get(REQUEST)
        headers: Headers = []
        if request is None:
            request = self._services.new_id(self._services.wall())
            headers.append((b"request-id", show("request", request).encode()))
        call: Call[Any] = Call(self._services, request, scope["path"])
        status, media_type = 200, _JSON
        try:
            found = await self._answer(call, scope, receive, headers)
            if isinstance(found, Reply):
                content, media_type = found.content, found.media_type
            else:
                content = encode(found)
        except _Gone:
            return
        except Exception as fault:
            no = fault if isinstance(fault, Refusal) else _internal(fault, request, scope["path"])
            status = status_of(no)
            content = error_body(no, request)
            headers += error_headers(status)
        if call.replayed:
            headers.append((b"idempotent-replayed", b"true"))
        headers += ((b"content-type", media_type), (b"cache-control", b"no-store"))
        await _write(send, status, headers, content, bodiless=scope["method"] == "HEAD")

    async def _answer(self, call: Call[Any], scope: Scope, receive: Receive, headers: Headers) -> Any:
        """What the route makes of the request. Raises every kind of Refusal, _Gone."""
        ready = self._find(call, scope, headers)
        if ready is None:
            return Reply(b"", b"text/plain")
        line = ready.route
        given = {name: value for name, value in scope["headers"] if name in _READ}
        if line.scope is not None:
            call.caller = await self._door.caller(given.get(b"authorization"))
            call.caller.need(line.scope)
        if line.kind:
            call.id = read(line.kind, call.id.decode())
        return await line.run(call)

    def _find(self, call: Call[Any], scope: Scope, headers: Headers) -> _Ready | None:
        """The route, or None where only its methods were asked for."""
