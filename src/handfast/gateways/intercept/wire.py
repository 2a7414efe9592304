"""HTTP/1.1 on a byte stream: h11 reads and writes it, and this keeps it within bounds of size and time."""

from contextlib import suppress
from typing import cast

import anyio
import h11
from anyio.abc import ByteStream

HEAD_BYTES = 64 * 1024
"""The longest request or status line with its headers, give or take what one read brings."""

PATIENCE = 60
"""Seconds that a peer may take for what is next due from it, or to take what is sent."""

LINGER = 2
"""Seconds, and READ times sixteen bytes, in which what a refused client still sends is read, so that it sees why."""

READ = 64 * 1024

LOST = (OSError, anyio.BrokenResourceError, anyio.ClosedResourceError, anyio.BusyResourceError)
"""How a stream says that it is no more; faults of TLS are OSErrors."""


class Lost(Exception):
    """The peer is gone, or too slow (`slow`)."""

    def __init__(self, *, slow: bool = False) -> None:
        super().__init__(slow)
        self.slow = slow


Event = h11.Event | type[h11.PAUSED]


class Wire:
    """One peer's connection."""

    def __init__(self, stream: ByteStream, role: type[h11.CLIENT | h11.SERVER]) -> None:
        self.stream = stream
        self.http = h11.Connection(role, max_incomplete_event_size=HEAD_BYTES)

    async def event(self, patience: float) -> Event:
        """What the peer says next. Raises Lost, and h11.RemoteProtocolError for what is no HTTP."""
        try:
            with anyio.fail_after(patience):
                while (event := self.http.next_event()) is h11.NEED_DATA:
                    self.http.receive_data(await self._receive())
        except TimeoutError:
            raise Lost(slow=True) from None
        except LOST as fault:
            raise Lost from fault
        return cast("Event", event)

    async def _receive(self) -> bytes:
        try:
            return await self.stream.receive(READ)
        except anyio.EndOfStream:
            return b""

    async def send(self, event: h11.Event) -> None:
        """Say something. Raises Lost."""
        data = self.http.send(event)
        if not data:
            return
        try:
            with anyio.fail_after(PATIENCE):
                await self.stream.send(data)
        except TimeoutError:
            raise Lost(slow=True) from None
        except LOST as fault:
            raise Lost from fault

    def _has_said_all(self) -> bool:
        """Whether a whole request has come, as far as what was received tells."""
        if self.http.their_state is not h11.SEND_BODY:
            return self.http.their_state is not h11.ERROR
        try:
            return isinstance(self.http.next_event(), h11.EndOfMessage)
        except h11.RemoteProtocolError:
            return False

    async def linger(self) -> None:
        """Read on for a moment where the client still sends: closing on that would take back what it was answered."""
        if self._has_said_all():
            return
        with anyio.move_on_after(LINGER), suppress(*LOST):
            with suppress(NotImplementedError):  # TLS
                await self.stream.send_eof()
            for _ in range(16):
                if not await self._receive():
                    return
