"""The ASGI side: /gateway.do in protocol 1.0, /v3/ in OpenAPI v3; reads what comes, writes what goes."""

from starlette.types import Receive, Scope, Send

from handfast.core.ids import Id
from handfast.gateways.alipay.billing import BILLS, download
from handfast.gateways.alipay.callers import Callers
from handfast.gateways.alipay.forms import MOST_BYTES
from handfast.gateways.alipay.house import house
from handfast.gateways.alipay.legacy import Legacy, is_legacy
from handfast.gateways.alipay.protocol1 import Protocol1, unavailable
from handfast.gateways.alipay.protocol3 import Asked, Protocol3
from handfast.gateways.alipay.v3 import Headers
from handfast.services import REQUEST, Services

PATH = "/gateway.do"
PATH_V3 = "/v3/"

_JSON = ((b"content-type", b"application/json;charset=utf-8"),)


class Gone(Exception):
    """The client hung up before its body was there."""


class Alipay:
    """The gateway as an ASGI application, for its paths: two protocols, and the bills that they lead to."""

    def __init__(self, services: Services) -> None:
        self._services = services
        callers = Callers(services)
        self._protocol1 = Protocol1(services, callers)
        self._protocol3 = Protocol3(services, callers)
        self._legacy = Legacy(services)

    def serves(self, path: str) -> bool:
        """Whether the path is this gateway's."""
        return path in (PATH, BILLS) or path.startswith(PATH_V3)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        headers = dict(scope["headers"])
        request: Id = scope.get(REQUEST) or self._services.new_id(self._services.wall())
        try:
            body = await read_body(receive)
        except Gone:
            return
        hang_up = [(b"connection", b"close")] if len(body) > MOST_BYTES else []
        own, base, query = (
            house(self._services.settings),
            base_url(self._services, scope, headers),
            scope["query_string"],
        )
        if scope["path"] == BILLS:
            given = await download(self._services, query)
            await write(send, given.status, given.headers, given.body)
            return
        if scope["path"] != PATH:
            raw_path = scope.get("raw_path") or scope["path"].encode()
            asked = Asked(scope["method"], raw_path.partition(b"?")[0], query, headers, body)
            told = await self._protocol3.answer(own, asked, request, base)
            await write(send, told.status, told.headers + hang_up, told.body)
            return
        if is_legacy(query, body):
            content_type = headers.get(b"content-type", b"")
            location, written, kind = await self._legacy.answer(own, query, body, content_type, request)
            if location:
                await write(send, 302, [(b"location", location.encode())], b"")
            else:
                await write(send, 200, [(b"content-type", kind.encode()), *hang_up], written)
            return
        said = await self._protocol1.answer(own, query, body, headers.get(b"content-type", b""), request, base)
        if said.location:
            await write(send, 302, [(b"location", said.location.encode())], b"")
        else:
            await write(send, 200, [*_JSON, *hang_up], said.body)

    async def fail(self, scope: Scope, send: Send) -> None:
        """Answer a request that met an unexpected fault: signed, as all else."""
        own = house(self._services.settings)
        if scope["path"] != PATH:
            told = self._protocol3.unavailable(own, scope[REQUEST])
            await write(send, told.status, told.headers, told.body)
        else:
            await write(send, 200, list(_JSON), unavailable(own, scope["query_string"]))


def base_url(services: Services, scope: Scope, headers: dict[bytes, bytes]) -> str:
    """Where buyers reach this service, as the settings say or as this request did."""
    known = services.settings.public_url.rstrip("/")
    host = headers.get(b"host", b"").decode("latin-1")
    return known or f"{scope['scheme']}://{host}"


async def read_body(receive: Receive) -> bytes:
    """The body; of one that is too long so much that it is seen to be. Raises Gone."""
    chunks: list[bytes] = []
    size, more = 0, True
    while more and size <= MOST_BYTES:
        message = await receive()
        if message["type"] != "http.request":
            raise Gone
        chunks.append(message.get("body", b""))
        size += len(chunks[-1])
        more = message.get("more_body", False)
    return b"".join(chunks)


async def write(send: Send, status: int, headers: Headers, body: bytes) -> None:
    """Send an answer."""
    headers += [(b"content-length", b"%d" % len(body)), (b"cache-control", b"no-store")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
