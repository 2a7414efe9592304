"""The desk's end of the local socket: takes requests into the intake, and writes each batch's answers in one go.

The socket's file is open to its owner only, and who connects must run as the same user or as root.
"""

import asyncio
import os
import socket
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import msgspec
import structlog
from msgspec import msgpack

from handfast.core.errors import Conflict, Invalid, Refusal, Unavailable
from handfast.store.frames import Ask, Do, Frames, decode_ask, reply_frame
from handfast.store.intake import Intake, Pairs
from handfast.store.verb import Answer, Request, Verb

_log = structlog.get_logger("handfast.handover")
_PATH_BYTES = 103  # what a socket's name may have on macOS; Linux has room for 107


class Handover:
    """The desk's end: takes requests off the socket into the intake, and writes each batch's answers in one go."""

    def __init__(self, path: Path, intake: Intake, verbs: Mapping[str, Verb]) -> None:
        self.intake = intake
        self.decoders = {name: msgpack.Decoder(verb.command).decode for name, verb in verbs.items()}
        self.links: set[_DeskLink] = set()
        self._path = path
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen. Raises Conflict(database_in_use) where a desk listens there, Invalid for a path where none can."""
        _check_path(self._path)
        if _listening(self._path):
            raise Conflict("database_in_use", f"a desk is running on {self._path.parent}")
        door = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._path.unlink(missing_ok=True)
            door.bind(os.fspath(self._path))
            self._path.chmod(0o600)
        except OSError as fault:
            door.close()
            no = f"the desk cannot listen on {self._path}: {fault.strerror}"
            raise Invalid("settings_invalid", no, "data") from None
        loop = asyncio.get_running_loop()
        self._server = await loop.create_unix_server(lambda: _DeskLink(self), sock=door, backlog=128)

    async def stop(self) -> None:
        """Listen no more, and close what is open once its answers are written."""
        if self._server is not None:
            self._server.close()
            self._path.unlink(missing_ok=True)
        for link in list(self.links):
            link.transport.close()


class _DeskLink(asyncio.Protocol):
    """One connection at the desk's end; as an outlet, its tags are the requests' numbers."""

    transport: asyncio.Transport

    def __init__(self, handover: Handover) -> None:
        self._handover = handover
        self._loop = asyncio.get_running_loop()
        self._frames = Frames()
        self._tasks: set[asyncio.Task[None]] = set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's is one in all but its class
        user = _peer_user(self.transport.get_extra_info("socket"))
        if user not in {None, 0, os.getuid()}:
            _log.warning("connection refused", user=user)
            self.transport.abort()
        else:
            self._handover.links.add(self)

    def connection_lost(self, _fault: Exception | None) -> None:
        self._handover.links.discard(self)

    def data_received(self, data: bytes) -> None:
        if self not in self._handover.links:
            return
        requests: list[tuple[Request, Any]] = []
        refused: Pairs = []
        try:
            for frame in self._frames.feed(data):
                message = decode_ask(frame)
                if isinstance(message, Do):
                    self._start(message)
                else:
                    try:
                        requests.append((self._request(message), message.number))
                    except Refusal as no:
                        refused.append((message.number, Answer(message.key or b"", None, no)))
        except ValueError as fault:  # what msgspec raises is one, too
            _log.warning("connection ended: not a frame of ours", error=str(fault))
            self.transport.abort()
        refused += self._handover.intake.give(requests, self)
        if refused:
            self._write(refused)

    def _request(self, ask: Ask) -> Request:
        decode = self._handover.decoders.get(ask.verb)
        if decode is None:
            raise Invalid("field_invalid", "there is no such verb", "verb")
        try:
            command = decode(ask.command)
        except msgspec.MsgspecError as fault:
            raise Invalid("field_invalid", f"not a command of {ask.verb}: {fault}", "command") from None
        return Request(ask.verb, command, ask.actor, ask.request, ask.key, ask.fingerprint)

    def deliver(self, pairs: Pairs) -> None:
        """See Outlet.deliver."""
        self._loop.call_soon_threadsafe(self._write, pairs)

    def _write(self, pairs: Pairs) -> None:
        if not self.transport.is_closing():
            self.transport.write(b"".join([reply_frame(number, answer) for number, answer in pairs]))

    def _start(self, message: Do) -> None:
        task = self._loop.create_task(self._do(message))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _do(self, message: Do) -> None:
        try:
            answer = Answer(b"", await self._handover.intake.control(message.name, *message.arguments))
        except Refusal as no:
            answer = Answer(b"", None, no)
        except Exception as fault:
            _log.exception("control failed", name=message.name, error=type(fault).__name__)
            answer = Answer(b"", None, Unavailable("internal", "an unexpected fault"))
        self._write([(message.number, answer)])


def _check_path(path: Path) -> None:
    if len(os.fsencode(path)) > _PATH_BYTES:
        no = (
            f"a local socket's path has at most {_PATH_BYTES} bytes: choose a shorter data directory than {path.parent}"
        )
        raise Invalid("settings_invalid", no, "data")


def _listening(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        return probe.connect_ex(os.fspath(path)) == 0


def _peer_user(connected: socket.socket) -> int | None:
    """The user id at the other end, or None where the system does not tell; the file's mode guards there alone."""
    option = getattr(socket, "SO_PEERCRED", None)
    if option is None:
        return None
    _, user, _ = struct.unpack("3i", connected.getsockopt(socket.SOL_SOCKET, option, struct.calcsize("3i")))
    return int(user)
