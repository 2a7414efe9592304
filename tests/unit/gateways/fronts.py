"""A front on loopback with all its doors, and the servers that stand where Handfast would."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPSConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

import anyio
from anyio.from_thread import start_blocking_portal

from handfast.core.clocks import wall_clock
from handfast.gateways.intercept import Front, Outside, open_authority, parse_upstream

ALIPAY = "openapi.alipay.com"
ANTOM = "open-na-global.alipay.com"
PATIENCE = 30


class Seen(NamedTuple):
    """A request as it reached the upstream."""

    line: str
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str | None:
        return {key.lower(): value for key, value in self.headers}.get(name)


Answer = tuple[int, list[tuple[str, str]], bytes]


class Handfast(ThreadingHTTPServer):
    """Keeps what it is asked, and answers 200 and the body that came, or what it was told to."""

    daemon_threads = False  # so that each is waited for

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.seen: list[Seen] = []
        self.answer: Answer | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Handfast

    def do_POST(self) -> None:
        body = self._chunks() if self.headers["transfer-encoding"] else self._whole()
        if body is None:
            return
        self.server.seen.append(Seen(self.requestline, self.headers.items(), body))
        status, headers, answer = self.server.answer or (200, [], body)
        self.send_response_only(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer)

    do_GET = do_HEAD = do_POST  # noqa: N815 - http.server's names

    def _whole(self) -> bytes | None:
        length = int(self.headers["content-length"] or 0)
        body = self.rfile.read(length)
        return body if len(body) == length else None

    def _chunks(self) -> bytes:
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def log_message(self, *_words: Any) -> None:
        """Say nothing."""


@contextmanager
def handfast(tls: ssl.SSLContext | None = None) -> Iterator[Handfast]:
    """An upstream that behaves."""
    with Handfast() as server:
        if tls is not None:
            server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def answering(talk: Callable[[socket.socket], None]) -> Iterator[str]:
    """An upstream that does to one connection what it is told; its address."""
    with socket.create_server(("127.0.0.1", 0)) as door:

        def serve() -> None:
            connection, _ = door.accept()
            with connection:
                connection.settimeout(PATIENCE)
                talk(connection)

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{door.getsockname()[1]}"
        thread.join(PATIENCE)
        assert not thread.is_alive(), "the upstream still talks"


class Doors(NamedTuple):
    """A running front: its ports, and the files that clients trust."""

    proxy: int
    secure: int
    plain: int
    authority: Path

    def trust(self) -> ssl.SSLContext:
        """What a client that trusts the authority, and nobody else, speaks TLS with."""
        return ssl.create_default_context(cafile=str(self.authority))

    def connect(self, port: int) -> socket.socket:
        """A bare connection."""
        return socket.create_connection(("127.0.0.1", port), PATIENCE)

    def tunnelled(self, host: str, port: int = 443) -> HTTPConnection:
        """The standard library's client, by CONNECT."""
        kind: Any = HTTPSConnection if port == 443 else HTTPConnection
        more = {"context": self.trust()} if port == 443 else {}
        client: HTTPConnection = kind("127.0.0.1", self.proxy, timeout=PATIENCE, **more)
        client.set_tunnel(host, port)
        return client

    def direct(self, host: str) -> HTTPSConnection:
        """The standard library's client, as if the hosts file led here."""
        client = HTTPSConnection(host, timeout=PATIENCE, context=self.trust())
        client._create_connection = lambda *_: self.connect(self.secure)  # type: ignore[attr-defined]
        return client


@contextmanager
def front(
    data: Path, to: str, outside: Outside | None = None, stopping: threading.Event | None = None
) -> Iterator[Doors]:
    """A running front; at the end it is told to stop, which `stopping` tells, and waited for."""
    keys = open_authority(data, wall_clock)
    doors = [socket.create_server(("127.0.0.1", 0)) for _ in range(3)]
    proxy, secure, plain = (door.getsockname()[1] for door in doors)
    running = Front(keys, parse_upstream(to), outside)
    with start_blocking_portal() as portal:
        stop = portal.call(anyio.Event)
        handlers = (running.proxy, running.secure, running.plain)
        served = portal.start_task_soon(running.serve, list(zip(doors, handlers, strict=True)), stop)
        try:
            yield Doors(proxy, secure, plain, keys.certificate_file)
        finally:
            portal.call(stop.set)
            if stopping is not None:
                stopping.set()
            served.result(PATIENCE)


def said(connection: socket.socket) -> bytes:
    """Everything that comes until the end; a reset counts as one."""
    heard = b""
    try:
        while data := connection.recv(65_536):
            heard += data
    except ConnectionResetError:
        pass
    return heard
