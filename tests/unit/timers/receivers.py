"""Merchants' servers on loopback, which note what reaches them and answer as a test wants."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import NamedTuple, Self

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
FAULT = b"HTTP/1.1 500 Internal Server Error\r\ncontent-length: 0\r\n\r\n"

Answer = bytes | Callable[["Receiver", asyncio.StreamWriter], Awaitable[None]]


class Received(NamedTuple):
    """A request as it came."""

    line: str
    headers: dict[str, str]
    body: bytes

    @property
    def event(self) -> str:
        """The event's public id."""
        return self.headers["webhook-id"]


class Receiver:
    """Gives its answers one after the other, and the last one from then on. As a context it listens."""

    def __init__(self, *answers: Answer, tls: ssl.SSLContext | None = None) -> None:
        self.answers = list(answers or (OK,))
        self.received: list[Received] = []
        self.connections = 0
        self.released = asyncio.Event()
        self.hung_up = asyncio.Event()
        self._tls = tls
        self._serving: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._tls)
        self.port: int = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self.released.set()
        self._server.close()
        await asyncio.gather(*self._serving)
        await self._server.wait_closed()

    @property
    def url(self) -> str:
        """Where a webhook reaches it."""
        return f"http://127.0.0.1:{self.port}/hook?a=1"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        with suppress(OSError, asyncio.IncompleteReadError):
            line, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().strip().split("\r\n")
            headers = dict(header.split(": ", 1) for header in lines)
            body = await reader.readexactly(int(headers["content-length"]))
            self.received.append(Received(line, headers, body))
            answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
            if isinstance(answer, bytes):
                writer.write(answer)
                await writer.drain()
            else:
                await answer(self, writer)
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()
        self._serving.discard(task)


async def stall(receiver: Receiver, _: asyncio.StreamWriter) -> None:
    """Say nothing until the test releases the receiver."""
    await receiver.released.wait()


async def drip(receiver: Receiver, writer: asyncio.StreamWriter) -> None:
    """Begin an answer and never end it."""
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-")
    await receiver.released.wait()


async def flood(receiver: Receiver, writer: asyncio.StreamWriter) -> None:
    """Answer without end, until the other side hangs up."""
    writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
    try:
        while True:
            writer.write(b"10000\r\n" + bytes(65_536) + b"\r\n")
            await writer.drain()
    finally:
        receiver.hung_up.set()


async def flood_of_headers(receiver: Receiver, writer: asyncio.StreamWriter) -> None:
    """Answer with headers without end, until the other side hangs up."""
    writer.write(b"HTTP/1.1 200 OK\r\n")
    try:
        while True:
            writer.write(b"x-filler: " + b"a" * 1000 + b"\r\n")
            await writer.drain()
    finally:
        receiver.hung_up.set()
