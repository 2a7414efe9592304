"""The front: it takes connections for the vendors' hosts, as a proxy or in their place, and passes requests on."""

import ssl
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from socket import socket

import anyio
import h11
import structlog
from anyio.abc import ByteStream, SocketListener, SocketStream, TaskGroup
from anyio.streams.tls import TLSStream

from handfast.gateways.intercept.addressing import (
    PORTS,
    Address,
    Entrance,
    address_of,
    authority,
    host_header,
    request_headers,
)
from handfast.gateways.intercept.authority import Authority, tls_context
from handfast.gateways.intercept.dialling import Outside, Upstream, dial_upstream
from handfast.gateways.intercept.exchange import Exchange
from handfast.gateways.intercept.refusals import Refused, answer
from handfast.gateways.intercept.tunnel import tunnel
from handfast.gateways.intercept.vendors import HOSTS, plain
from handfast.gateways.intercept.wire import LOST, Lost, Wire

CONNECTIONS = 200
"""How many are served at once; one more waits in the system's queue."""

HEAD_LIMIT = 30
"""Seconds in which a request's head must be there, from the connection or the last answer on; also TLS's handshake."""

STOP_LIMIT = 10
"""Seconds that requests under way are given at the end."""

_CLOSING = 1  # second for the client's side of TLS's end
_PAUSE = 0.1  # seconds
_UNRECOGNIZED_NAME = bytes((21, 3, 3, 0, 2, 2, ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME))  # RFC 8446, section 6
_log = structlog.get_logger("handfast.intercept")

Handler = Callable[[SocketStream], Awaitable[None]]
Door = tuple[socket, Handler]
"""A socket that listens, and what serves its connections."""


class Front:
    """Serves connections. `outside` reaches hosts that are no vendor's; without it they are refused."""

    def __init__(self, keys: Authority, upstream: Upstream, outside: Outside | None = None) -> None:
        self._keys = keys
        self._upstream = upstream
        self._name = host_header("https" if upstream.tls else "http", upstream.host, upstream.port)
        self._outside = outside
        self._places = anyio.Semaphore(CONNECTIONS)
        self._under_way = 0
        self._quiet = anyio.Event()

    async def serve(self, doors: Sequence[Door], stop: anyio.Event) -> None:
        """Take connections at sockets that listen, each for its handler, until the event is set."""
        listeners = [(await SocketListener.from_socket(door), handler) for door, handler in doors]
        async with anyio.create_task_group() as connections:
            async with anyio.create_task_group() as accepting:
                for listener, handler in listeners:
                    accepting.start_soon(self._accept, listener, handler, connections)
                await stop.wait()
                accepting.cancel_scope.cancel()
            for listener, _ in listeners:
                await listener.aclose()
            with anyio.move_on_after(STOP_LIMIT):
                while self._under_way:
                    self._quiet = anyio.Event()
                    await self._quiet.wait()
            connections.cancel_scope.cancel()

    async def _accept(self, listener: SocketListener, handler: Handler, connections: TaskGroup) -> None:
        while True:
            try:
                stream = await listener.accept()
            except OSError as fault:  # such as too many open files: for now
                _log.warning("no connection taken", reason=fault.strerror)
                await anyio.sleep(_PAUSE)
                continue
            try:
                await self._places.acquire()
            except BaseException:  # the end
                await anyio.aclose_forcefully(stream)
                raise
            connections.start_soon(self._guard, handler, stream)

    async def _guard(self, handler: Handler, stream: SocketStream) -> None:
        """Run the handler; whatever it meets ends its own connection only."""
        try:
            await handler(stream)
        except (Lost, *LOST):
            pass
        except Exception:
            _log.exception("connection failed")
        finally:
            self._places.release()
            await anyio.aclose_forcefully(stream)

    async def proxy(self, stream: SocketStream) -> None:
        """A connection to the proxy: CONNECT, or requests with absolute targets."""
        await self._converse(stream, Entrance("http", proxy=True))

    async def plain(self, stream: SocketStream) -> None:
        """A connection that came as if to port 80 of a vendor's host."""
        await self._converse(stream, Entrance("http"))

    async def secure(self, stream: ByteStream, only: str = "") -> None:
        """A connection that came as if to port 443 of a vendor's host, of `only` that one if CONNECT named it."""
        named: list[str] = []
        strange = False

        def choose(tls: ssl.SSLObject, name: str | None, _first: ssl.SSLContext) -> int | None:
            nonlocal strange
            host = plain(name) if name else only
            strange = host not in HOSTS or host != (only or host)
            if strange:
                return ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME
            try:
                tls.context = self._keys.context(host)
            except OSError as fault:
                _log.error("no certificate", host=host, reason=fault.strerror)
                return ssl.ALERT_DESCRIPTION_INTERNAL_ERROR
            named.append(host)
            return None

        context = tls_context()
        context.sni_callback = choose
        try:
            with anyio.fail_after(HEAD_LIMIT):
                tls = await TLSStream.wrap(stream, server_side=True, ssl_context=context)
        except ssl.SSLError as fault:
            _log.warning("no TLS", host=only or None, reason=fault.reason)
            if strange:
                await stream.send(_UNRECOGNIZED_NAME)  # the library fails before it has sent its own
            return
        try:
            await self._converse(tls, Entrance("https", named[0]))
        except Lost as lost:
            if isinstance(lost.__cause__, ssl.SSLError):  # how a client says that it does not trust the authority
                _log.warning("TLS failed", host=named[0], reason=lost.__cause__.reason)
        finally:
            with anyio.move_on_after(_CLOSING, shield=True), suppress(*LOST):
                await tls.aclose()

    async def _converse(self, stream: ByteStream, entrance: Entrance) -> None:
        """Requests one after another, until the client or a refusal ends it."""
        client = Wire(stream, h11.SERVER)
        while True:
            request = None
            try:
                request = await self._head(client)
                if request is None:
                    return
                if request.method == b"CONNECT":
                    await self._connect(client, request, entrance)
                    return
                await self._pass_on(client, request, entrance)
            except Refused as no:
                _log.warning("refused", code=no.code, host=_shown(request))
                await self._refuse(client, no, request)
                return
            if client.http.our_state is not h11.DONE or client.http.their_state is not h11.DONE:
                await client.linger()
                return
            client.http.start_next_cycle()

    async def _head(self, client: Wire) -> h11.Request | None:
        """The next request's head, or None where the client has no more. Raises Refused."""
        try:
            event = await client.event(HEAD_LIMIT)
        except Lost as lost:
            if lost.slow and client.http.trailing_data[0]:
                raise Refused("request_timed_out", f"a request's head did not come in {HEAD_LIMIT} s") from None
            raise
        except h11.RemoteProtocolError as fault:
            if fault.error_status_hint == 431:
                raise Refused("headers_too_large", "a request's head is longer than is read here") from None
            raise Refused("request_malformed", "that is no HTTP/1.1 request") from None
        return event if isinstance(event, h11.Request) else None

    async def _pass_on(self, client: Wire, request: h11.Request, entrance: Entrance) -> None:
        address = address_of(request, entrance)
        headers = request_headers(request, address, self._name if address.host in HOSTS else None)
        self._under_way += 1
        try:
            stream = await self._dial(address, entrance)
            try:
                exchange = Exchange(client, Wire(stream, h11.CLIENT))
                status = await exchange.run(request, address.target, headers)
            finally:
                await anyio.aclose_forcefully(stream)
        finally:
            self._under_way -= 1
            self._quiet.set()
        # A query may hold signatures and keys, so the path is all that is told.
        path = address.target.partition(b"?")[0].decode("ascii", "replace")
        _log.info("passed on", host=address.host, method=request.method.decode(), path=path, status=status)

    async def _dial(self, address: Address, entrance: Entrance) -> ByteStream:
        if address.host in HOSTS:
            if address.port != PORTS[address.scheme]:
                raise Refused("port_refused", "a vendor's host is answered for at ports 80 and 443 only")
            return await dial_upstream(self._upstream)
        if self._outside is None or not entrance.proxy:
            raise Refused("host_refused", "this answers for the vendors' hosts only (see --others)")
        if address.scheme == "https":
            raise Refused("request_malformed", "another host's https is reached by CONNECT only")
        return await self._outside.dial(address.host, address.port)

    async def _connect(self, client: Wire, request: h11.Request, entrance: Entrance) -> None:
        """CONNECT (RFC 9110, section 9.3.6): a vendor's host is answered for, others are reached."""
        if not entrance.proxy:
            raise Refused("request_malformed", "this is no proxy")
        host, port = authority(request.target, 0)
        if host in HOSTS and port not in PORTS.values():
            raise Refused("port_refused", "a vendor's host is answered for at ports 80 and 443 only")
        if host not in HOSTS and self._outside is None:
            raise Refused("host_refused", "this answers for the vendors' hosts only (see --others)")
        if not isinstance(await client.event(HEAD_LIMIT), h11.EndOfMessage):
            raise Refused("request_malformed", "CONNECT has no body")
        beyond = None if host in HOSTS or self._outside is None else await self._outside.dial(host, port)
        try:
            await client.send(h11.Response(status_code=200, headers=[], reason=b"Connection established"))
            early = client.http.trailing_data[0]
            if beyond is not None:
                _log.info("tunnelled", host=host, port=port)
                await tunnel(client.stream, beyond, early)
            elif early:
                _log.warning("spoke too early", host=host)  # before it could know that it was let through
            elif port == PORTS["https"]:
                await self.secure(client.stream, host)
            else:
                await self._converse(client.stream, Entrance("http", host))
        finally:
            if beyond is not None:
                await anyio.aclose_forcefully(beyond)

    async def _refuse(self, client: Wire, no: Refused, request: h11.Request | None) -> None:
        if client.http.our_state not in {h11.IDLE, h11.SEND_RESPONSE}:
            return
        head, body = answer(no)
        await client.send(head)
        if request is None or request.method != b"HEAD":
            await client.send(h11.Data(data=body))
        await client.send(h11.EndOfMessage())
        await client.linger()


def _shown(request: h11.Request | None) -> str | None:
    """The Host that a refused request named: what a person needs to see why."""
    if request is None:
        return None
    named = (value for name, value in request.headers if name == b"host")
    return next(named, request.target if request.method == b"CONNECT" else b"").decode("ascii", "replace")
