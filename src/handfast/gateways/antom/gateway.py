"""The ASGI side under /ams: lets a client in by its signature, runs its call, signs whatever goes back."""

from hashlib import sha256
from typing import Any

from starlette.types import Receive, Scope, Send

from handfast.core.clocks import DAY, SECOND
from handfast.core.errors import Refusal
from handfast.core.ids import Id
from handfast.core.keyring import signing_key
from handfast.gateways.antom.bodies import MOST_BYTES, read_body
from handfast.gateways.antom.callers import Caller, Callers
from handfast.gateways.antom.calls import Call, Endpoint, Pending
from handfast.gateways.antom.endpoints import ENDPOINTS, UNSUPPORTED
from handfast.gateways.antom.orders import read_time
from handfast.gateways.antom.refusals import LONGEST, TABLE, refused
from handfast.gateways.antom.results import Refused, answer, refusal
from handfast.gateways.antom.signing import (
    ROOTS,
    Headers,
    Signed,
    answer_headers,
    claimed_client,
    read_headers,
    verify_request,
)
from handfast.gateways.antom.wire import read, write
from handfast.services import REQUEST, Services

PATH = "/ams/"

MOST_OFF = DAY
"""How far a request's time may be off: a call may be repeated, so an old one is harmless."""

KEY_VERSION = 1
"""The version of a client's key: it has one, which changes as a whole."""


class Gone(Exception):
    """The client hung up before its body was there."""


class Antom:
    """The gateway as an ASGI application, for paths that begin with /ams/; its status is 200 whatever is said."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._callers = Callers(services)

    def serves(self, path: str) -> bool:
        """Whether the path is this gateway's."""
        return path.startswith(PATH)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        try:
            body = await read_request(receive)
        except Gone:
            return
        hang_up = [(b"connection", b"close")] if len(body) > MOST_BYTES else []
        await self._answer(scope, send, await self._said(scope, body), hang_up)

    async def fail(self, scope: Scope, send: Send) -> None:
        """Answer a request that met an unexpected fault: signed, as all else."""
        await self._answer(scope, send, refusal(Refused("UNKNOWN_EXCEPTION")), [])

    async def _answer(self, scope: Scope, send: Send, said: bytes, more: Headers) -> None:
        key = signing_key(self._services.settings.signing_key_file)
        client = claimed_client(dict(scope["headers"]))
        headers = answer_headers(key, path_of(scope), client, self._services.wall(), said)
        headers += [(b"content-type", b"application/json;charset=UTF-8"), (b"content-length", b"%d" % len(said))]
        headers += [(b"cache-control", b"no-store"), *more]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": said})

    async def _said(self, scope: Scope, body: bytes) -> bytes:
        headers, path = dict(scope["headers"]), path_of(scope)
        try:
            line = endpoint_of(scope["method"], path)
            signed = read_headers(headers)
            check_time(signed.time, self._services.wall())
            caller = await self._callers.find(signed.client_id)
            check_signature(caller, path, signed, body)
            return await self._run(scope, line, caller, headers, body)
        except Refused as no:
            return refusal(no)
        except Refusal as no:
            return refusal(refused(TABLE, no))

    async def _run(
        self, scope: Scope, line: Endpoint, caller: Caller, headers: dict[bytes, bytes], body: bytes
    ) -> bytes:
        """Run the call of a client that was let in. Raises Refused."""
        if line.product not in caller.products:
            raise Refused("ACCESS_DENIED", f"This client lacks the permission {line.product!r}.")
        members = read_body(body, headers.get(b"content-type", b""))
        request: Id = scope.get(REQUEST) or self._services.new_id(self._services.wall())
        base_url = base_url_of(self._services, scope, headers)
        call: Call[Any] = Call(self._services, request, caller, read(line.given, members), base_url)
        try:
            told = await line.run(call)
        except Refusal as no:
            raise refused(line.refusals, no) from no
        if isinstance(told, Pending):
            return answer(write(told.told), told.code)
        return answer(write(told))


def path_of(scope: Scope) -> bytes:
    """The path as it was sent, without a query: that is what is signed."""
    raw: bytes = scope.get("raw_path") or scope["path"].encode()
    return raw.partition(b"?")[0]


def endpoint_of(method: str, path: bytes) -> Endpoint:
    """The call that a path names. Raises Refused(NO_INTERFACE_DEF, METHOD_NOT_SUPPORTED, BUSINESS_NOT_SUPPORT)."""
    root = next((root for root in ROOTS if path.startswith(root)), None)
    name = path[len(root) :].decode("latin-1") if root else ""
    family = name.partition("/")[0]
    line = ENDPOINTS.get(name)
    if line is None and family in UNSUPPORTED:
        raise Refused("BUSINESS_NOT_SUPPORT", f"{family}/ is not supported here: {UNSUPPORTED[family]}.")
    if line is None:
        raise Refused("NO_INTERFACE_DEF")
    if method != "POST":
        raise Refused("METHOD_NOT_SUPPORTED")
    return line


def check_time(text: str, now: int) -> None:
    """Raises Refused for a Request-Time that is none, or far off; ISO 8601, or milliseconds since the epoch."""
    milliseconds = int(text) * 1000 if text.isdecimal() and len(text) == 13 else None
    time = milliseconds if milliseconds is not None else read_time(text)
    if time is None:
        raise Refused("PARAM_ILLEGAL", "the header request-time is a moment in ISO 8601 with its zone")
    if abs(time - now) > MOST_OFF:
        raise Refused("PARAM_ILLEGAL", f"the header request-time is {abs(time - now) // SECOND} seconds off")


def check_signature(caller: Caller, path: bytes, signed: Signed, body: bytes) -> None:
    """Raises Refused, in words about what was verified, where the client did not sign this."""
    if signed.key_version != KEY_VERSION:
        raise Refused("KEY_NOT_FOUND", f"This client's key has the version {KEY_VERSION}.")
    if not verify_request(caller.key, path, signed, body):
        content = f"body of {len(body)} bytes with SHA-256 {sha256(body).hexdigest()}"
        text = f"POST {path.decode('latin-1')}\\n{signed.client_id}.{signed.time}.<{content}>"
        raise Refused("INVALID_SIGNATURE", f"Verified was: {text}"[:LONGEST])


def base_url_of(services: Services, scope: Scope, headers: dict[bytes, bytes]) -> str:
    """Where buyers reach this service, as the settings say or as this request did."""
    known = services.settings.public_url.rstrip("/")
    host = headers.get(b"host", b"").decode("latin-1")
    return known or f"{scope['scheme']}://{host}"


async def read_request(receive: Receive) -> bytes:
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
