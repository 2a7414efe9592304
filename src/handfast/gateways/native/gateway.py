"""The ASGI side of /v1: finds the route, lets the caller in, reads what is given, writes what comes back."""

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

from msgspec import Struct
from starlette.types import Receive, Scope, Send

from handfast.core.errors import Conflict, Invalid, NotFound, Refusal, TooLarge
from handfast.core.ids import Id
from handfast.gateways.native.auth import Doorkeeper
from handfast.gateways.native.body import converter, decoder
from handfast.gateways.native.calls import BODY_BYTES, Call, Reply, Route, route
from handfast.gateways.native.errors import error_body, error_headers, status_of
from handfast.gateways.native.idempotency import operation_id
from handfast.gateways.native.lists import Query
from handfast.gateways.native.openapi import document
from handfast.gateways.native.prefixes import read, show
from handfast.gateways.native.quick import Quick
from handfast.gateways.native.routes import ROUTES
from handfast.gateways.native.showing import encode
from handfast.services import REQUEST, Services

Headers = list[tuple[bytes, bytes]]

_READ = frozenset({b"authorization", b"content-type", b"idempotency-key"})
_LISTS = frozenset({"expand[]"})
_MOST_FIELDS = 50


class _Gone(Exception):
    """The client hung up before its body was there."""


class _Line(Struct, frozen=True):
    """A line of the table with what reads its input, made once."""

    route: Route
    body: Callable[[bytes], Any] | None
    query: Callable[[dict[str, Any]], Any]


async def see_document(_call: Call[Any]) -> Reply:
    """Get this document: what the API takes and gives, as OpenAPI 3.1."""
    return Reply(document(TABLE), b"application/json")


TABLE = (*ROUTES, route("GET", "/v1/openapi.json", None, see_document))
"""All routes."""

_LONGER = {tuple(line.path.split("/")): line.longest for line in TABLE if line.longest != BODY_BYTES}


def longest_body(path: str) -> int:
    """How many bytes of a body are read at this path."""
    parts = path.split("/")
    return _LONGER.get((*parts[:3], "{id}", *parts[4:]), BODY_BYTES)


class Native:
    """The native API as an ASGI application, for paths that begin with /v1/. Its router is a dictionary.

    `quick` is a shorter way for payments. Unexpected faults are left to whoever calls it.
    """

    def __init__(self, services: Services) -> None:
        self._services = services
        self._door = Doorkeeper(services)
        self.quick = Quick(self._door)
        self._lines: dict[tuple[str, ...], dict[str, _Line]] = {}
        for each in TABLE:
            reads = each.reads or (decoder(each.body) if each.body else None)
            line = _Line(each, reads, converter(each.query or Query))
            self._lines.setdefault(tuple(each.path.split("/")), {})[each.method] = line

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        headers: Headers = []
        request: Id | None = scope.get(REQUEST)
        if request is None:
            request = self._services.new_id(self._services.wall())
            headers.append((b"request-id", show("request", request).encode()))
        call: Call[Any] = Call(self._services, request, scope["path"])
        try:
            found = await self._answer(call, scope, receive, headers)
            reply = found if isinstance(found, Reply) else Reply(encode(found))
        except Refusal as no:
            status = status_of(no)
            headers += error_headers(status)
            reply = Reply(error_body(no, request), status=status)
        except _Gone:
            return
        if call.replayed:
            headers.append((b"idempotent-replayed", b"true"))
        await _write(send, reply, headers, bodiless=scope["method"] == "HEAD")

    async def _answer(self, call: Call[Any], scope: Scope, receive: Receive, headers: Headers) -> Any:
        """What the route makes of the request. Raises every kind of Refusal, and _Gone."""
        lines, key = self._find(scope["path"])
        method = scope["method"]
        line = lines.get("GET" if method == "HEAD" else method)
        if line is None:
            allowed = [*lines, *(["HEAD"] if "GET" in lines else []), "OPTIONS"]
            headers.append((b"allow", ", ".join(allowed).encode()))
            if method == "OPTIONS":
                return Reply(b"", status=204)
            raise Conflict("method_not_allowed", f"this path takes {', '.join(allowed)}")
        its = line.route
        given = _headers(scope)
        if its.scope is not None:
            call.caller = await self._door.caller(given.get(b"authorization"))
            call.caller.need(its.scope)
        if its.kind:
            call.id = read(its.kind, key)
        if its.method == "GET":
            call.given = line.query(_query(scope))
        else:
            await self._take(call, line, given, scope, receive)
        return await its.run(call)

    def _find(self, path: str) -> tuple[dict[str, _Line], str]:
        """The routes of a path, by method, and the id in it. Raises NotFound(route_not_found)."""
        parts = tuple(path.split("/"))
        lines = self._lines.get(parts)
        if lines is None and len(parts) > 3 and parts[3]:
            lines = self._lines.get((*parts[:3], "{id}", *parts[4:]))
        if lines is None:
            raise NotFound("route_not_found", "there is nothing at this path")
        return lines, parts[3] if len(parts) > 3 else ""

    async def _take(
        self, call: Call[Any], line: _Line, given: dict[bytes, bytes], scope: Scope, receive: Receive
    ) -> None:
        """Read the body and the idempotency key. Raises Invalid, TooLarge, _Gone."""
        if scope["query_string"]:
            line.query(_query(scope))
        key = given.get(b"idempotency-key")
        if key is not None:
            call.key = operation_id(call.caller.party, key.decode("latin-1"))
        call.content = content = await _read(receive, line.route.longest)
        media_type = given.get(b"content-type", b"").partition(b";")[0].strip().lower()
        wanted = line.route.media_type or "application/json"
        if content and media_type != wanted.encode():
            raise Invalid("body_malformed", f"send the body as {wanted}", "Content-Type")
        if line.body is not None:
            call.given = line.body(content or b"{}")


def _headers(scope: Scope) -> dict[bytes, bytes]:
    """Those headers that matter. Raises Invalid where one of them came twice: readers may differ about it."""
    found: dict[bytes, bytes] = {}
    for name, value in scope["headers"]:
        if name in _READ:
            if name in found:
                raise Invalid("field_invalid", "this header came twice", name.decode().title())
            found[name] = value
    return found


def _query(scope: Scope) -> dict[str, Any]:
    """The members of the query. Raises Invalid(field_invalid)."""
    raw = scope["query_string"]
    if not raw:
        return {}
    found: dict[str, Any] = {}
    try:
        pairs = parse_qsl(raw.decode("latin-1"), keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except ValueError:
        raise Invalid("field_invalid", f"a query has at most {_MOST_FIELDS} members", "query") from None
    for name, value in pairs:
        if name in _LISTS:
            found.setdefault(name, []).append(value)
        elif name in found:
            raise Invalid("field_invalid", "this came twice", name[:100])
        else:
            found[name] = value
    return found


async def _read(receive: Receive, longest: int) -> bytes:
    """The whole body. Raises TooLarge(body_too_large), _Gone."""
    chunks = []
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] != "http.request":
            raise _Gone
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > longest:
            raise TooLarge("body_too_large", f"a body has at most {longest} bytes here")
        chunks.append(chunk)
        more = message.get("more_body", False)
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


async def _write(send: Send, reply: Reply, headers: Headers, *, bodiless: bool) -> None:
    content = reply.content
    headers += ((b"content-type", reply.media_type), (b"cache-control", b"no-store"), *reply.headers)
    if isinstance(content, bytes):
        headers.append((b"content-length", b"%d" % len(content)))
        await send({"type": "http.response.start", "status": reply.status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if bodiless else content})
        return
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    async for chunk in content:
        if not bodiless:
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
    await send({"type": "http.response.body", "body": b""})
