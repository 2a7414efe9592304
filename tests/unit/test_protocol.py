"""What comes before HTTP is understood: endless heads and what is no HTTP at all are refused with our own codes."""

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest
import uvicorn
from uvicorn.server import ServerState

from handfast.app.protocol import HEAD_BYTES, MESSAGE_BYTES, Protocol


class Wire(asyncio.Transport):
    """A connection without a network: what was written, and whether it was closed."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.closed = False

    def write(self, data: Any) -> None:
        self.written += data

    def close(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass


@pytest.fixture
def connect() -> Iterator[Callable[[], tuple[Protocol, Wire]]]:
    async def app(_scope: Any, receive: Any, _send: Any) -> None:
        await receive()

    loop = asyncio.new_event_loop()
    config = uvicorn.Config(app, http=Protocol, ws="none", lifespan="off", log_config=None)

    def connected() -> tuple[Protocol, Wire]:
        wire = Wire()
        protocol = Protocol(config, ServerState(), {}, loop)
        protocol.connection_made(wire)
        return protocol, wire

    yield connected
    for task in asyncio.all_tasks(loop):
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            loop.run_until_complete(task)
    loop.close()


Connect = Callable[[], tuple[Protocol, Wire]]
KIB = b"a" * 1024


def code(wire: Wire) -> str:
    head, _, body = wire.written.partition(b"\r\n\r\n")
    assert b"content-length: %d\r\n" % len(body) in head
    told: str = msgspec.json.decode(body)["error"]["code"]
    return told


@pytest.mark.parametrize("begins", [b"GET /", b"GET / HTTP/1.1\r\nX: ", b"\r\nGET / HTTP/1.1\r\nHost: x\r\n"])
def test_a_head_without_end_is_refused_as_soon_as_it_is_too_long(connect: Connect, begins: bytes) -> None:
    protocol, wire = connect()
    protocol.data_received(begins)
    sent = 0
    while not wire.closed:
        protocol.data_received(KIB + b": " if begins.endswith(b"\n") else KIB)
        sent += 1
    assert sent <= HEAD_BYTES // 1024 + 1
    assert code(wire) == "headers_too_large"


def test_a_body_does_not_count_as_head(connect: Connect) -> None:
    protocol, wire = connect()
    protocol.data_received(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1048576\r\n\r\n")
    for _ in range(1024):
        protocol.data_received(KIB)
    assert not wire.closed
    assert wire.written == b""


def test_trailers_without_end_end_the_connection(connect: Connect) -> None:
    protocol, wire = connect()
    protocol.data_received(b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: ")
    for _ in range(MESSAGE_BYTES // (64 * 1024) + 1):
        protocol.data_received(KIB * 64)
    assert wire.closed


@pytest.mark.parametrize(
    "what",
    [
        b"FOO / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nX: \x01\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01",
        b"POST / HTTP/1.1\r\nContent-Length: -5\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
    ],
)
def test_what_is_no_http_is_refused_with_a_code(connect: Connect, what: bytes) -> None:
    protocol, wire = connect()
    protocol.data_received(what)
    assert wire.written.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert code(wire) == "request_malformed"
    assert wire.closed
