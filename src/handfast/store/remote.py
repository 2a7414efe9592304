"""The other ends of the local socket: a front's, which offers what the intake offers, and a command's, which blocks."""

import asyncio
import os
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import structlog
from msgspec import msgpack

from handfast.core.errors import Invalid, TooLarge, Unavailable
from handfast.core.ids import Id
from handfast.store.frames import (
    Decode,
    Do,
    Frames,
    Reply,
    answer_of,
    ask_frame,
    decode_reply,
    frame,
    gone,
    result_decoders,
    unreachable,
)
from handfast.store.intake import Pairs, settle
from handfast.store.verb import Answer, Request, Verb

_log = structlog.get_logger("handfast.handover")


class Remote:
    """A front's end: offers what the intake offers, over one connection that is opened when needed."""

    def __init__(self, path: Path, verbs: Mapping[str, Verb]) -> None:
        self._path = path
        self._decoders = result_decoders(verbs)
        self._link: _FrontLink | None = None
        self._opening = asyncio.Lock()

    async def call(self, request: Request) -> Answer:
        """See Hand.call."""
        try:
            link = await self._connected()
        except Unavailable as no:
            return Answer(request.key or b"", None, no)
        return await link.ask(request)

    async def call_many(self, requests: Sequence[Request]) -> list[Answer]:
        """See Hand.call_many."""
        try:
            link = await self._connected()
        except Unavailable as no:
            return [Answer(request.key or b"", None, no) for request in requests]
        return [await future for future in [link.ask(request) for request in requests]]

    async def control(self, name: str, *arguments: Any) -> Any:
        """See Hand.control."""
        link = await self._connected()
        return (await link.do(name, list(arguments))).unwrap()

    async def close(self) -> None:
        """Close the connection."""
        if self._link is not None:
            self._link.transport.close()

    async def _connected(self) -> "_FrontLink":
        link = self._link
        if link is not None and not link.lost:
            return link
        async with self._opening:
            if self._link is None or self._link.lost:
                loop = asyncio.get_running_loop()
                try:
                    _, self._link = await loop.create_unix_connection(
                        lambda: _FrontLink(self._decoders), os.fspath(self._path)
                    )
                except OSError:
                    raise unreachable() from None
            return self._link


class _FrontLink(asyncio.Protocol):
    """One connection at a front's end: what one turn of the loop asks leaves in one write."""

    transport: asyncio.Transport

    def __init__(self, decoders: Mapping[str, Decode]) -> None:
        self.lost = False
        self._decoders = decoders
        self._loop = asyncio.get_running_loop()
        self._frames = Frames()
        self._number = 0
        self._waiting: dict[int, tuple[asyncio.Future[Answer], Id | None, Decode]] = {}
        self._out: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's is one in all but its class

    def connection_lost(self, _fault: Exception | None) -> None:
        self.lost = True
        waiting, self._waiting = self._waiting, {}
        settle([(future, Answer(key or b"", None, gone())) for future, key, _ in waiting.values()])

    def ask(self, request: Request) -> asyncio.Future[Answer]:
        """Send a request; the future gets its answer."""
        decode = self._decoders.get(request.verb)
        if decode is None:
            no = Invalid("field_invalid", "there is no such verb", "verb")
            return self._answered(Answer(request.key or b"", None, no))
        try:
            return self._send(ask_frame(self._number + 1, request), request.key, decode)
        except TooLarge as over:
            return self._answered(Answer(request.key or b"", None, over))

    def do(self, name: str, arguments: list[Any]) -> asyncio.Future[Answer]:
        """Send a control call; the future gets its answer."""
        return self._send(frame(Do(self._number + 1, name, arguments)), None, msgpack.decode)

    def _answered(self, answer: Answer) -> asyncio.Future[Answer]:
        future = self._loop.create_future()
        future.set_result(answer)
        return future

    def _send(self, framed: bytes, key: Id | None, decode: Decode) -> asyncio.Future[Answer]:
        self._number += 1
        future: asyncio.Future[Answer] = self._loop.create_future()
        self._waiting[self._number] = (future, key, decode)
        if not self._out:
            self._loop.call_soon(self._flush)
        self._out.append(framed)
        return future

    def _flush(self) -> None:
        out, self._out = self._out, []
        if not self.transport.is_closing():
            self.transport.write(b"".join(out))

    def data_received(self, data: bytes) -> None:
        pairs: Pairs = []
        try:
            for framed in self._frames.feed(data):
                reply = decode_reply(framed)
                future, _, decode = self._waiting.pop(reply.number)
                pairs.append((future, answer_of(reply, decode)))
        except (ValueError, LookupError) as fault:
            _log.warning("connection ended: not a frame of ours", error=str(fault))
            self.transport.abort()
        settle(pairs)


class Line:
    """A command's end: one call at a time, blocking. Raises Unavailable(desk_unreachable) where no desk is running."""

    def __init__(self, path: Path, verbs: Mapping[str, Verb]) -> None:
        self._decoders = result_decoders(verbs)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._socket.connect(os.fspath(path))
        except OSError:
            self._socket.close()
            raise unreachable() from None

    def call(self, request: Request) -> Answer:
        """The answer to a request; one whose connection is lost has an unknown outcome."""
        return answer_of(self._exchange(ask_frame(1, request)), self._decoders[request.verb])

    def control(self, name: str, *arguments: Any) -> Any:
        """The result of a control call. Raises what it refuses."""
        return answer_of(self._exchange(frame(Do(1, name, list(arguments))))).unwrap()

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()

    def _exchange(self, framed: bytes) -> Reply:
        frames = Frames()
        try:
            self._socket.sendall(framed)
            while data := self._socket.recv(1 << 16):
                for whole in frames.feed(data):
                    return decode_reply(whole)
        except OSError:
            pass
        raise gone()
