"""HTTP/1.1 on a connection: uvicorn's, with a bound on what comes before a body, and refusals that look like ours.

A payment that arrives whole is offered to the short way (see app/hot.py), before uvicorn makes a task of it.
"""

from collections.abc import Iterable
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from handfast.app.hot import Hot
from handfast.core.clocks import wall_clock
from handfast.core.errors import Invalid, Refusal, TooLarge
from handfast.core.ids import random_ids
from handfast.gateways.native.errors import error_body, status_of
from handfast.gateways.native.quick import PATH

HEAD_BYTES = 64 * 1024
"""The longest request line with its headers that is taken, give or take what one read of the socket brings."""

MESSAGE_BYTES = 8 * 1024 * 1024
"""When a connection is given up whatever it brings: a body of 1 MiB, chunked by the byte, fits in, and the longest."""

_WORDS = {400: b"Bad Request", 413: b"Content Too Large"}
_new_id = random_ids()


class Protocol(HttpToolsProtocol):
    """The parser puts a header together by copying what it has: one without end would take all time and memory."""

    _headed = False
    _taken = 0
    _held: bytes | None = None
    """What has come of the body of a payment that uvicorn does not know of yet."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._hot: Hot | None = getattr(self.config.app, "hot", None)

    def data_received(self, data: bytes) -> None:
        """Read on."""
        self._taken += len(data)
        super().data_received(data)
        if self._held is not None:
            self._go_ordinary_way()  # it has not come whole
        if self._taken > HEAD_BYTES and not self.transport.is_closing():
            if not self._headed:
                self._refuse(TooLarge("headers_too_large", f"a request's head has at most {HEAD_BYTES} bytes"))
            elif self._taken > MESSAGE_BYTES:
                self.transport.close()

    def on_message_begin(self) -> None:
        """Count anew."""
        super().on_message_begin()
        self._headed = False
        self._taken = 0

    def on_headers_complete(self) -> None:
        """Hold back what may go the short way until its body is there."""
        self._headed = True
        if (
            self._hot is not None
            and self.url == PATH
            and self.parser.get_method() == b"POST"
            and self.parser.get_http_version() == "1.1"
            and self.parser.should_keep_alive()
            and not (self.expect_100_continue or self.parser.should_upgrade() or self.flow.write_paused)
            and not self._answering
        ):
            self._held = b""
        else:
            super().on_headers_complete()

    @property
    def _answering(self) -> bool:
        """Whether an earlier request on this connection has not been answered yet."""
        cycle: Any = self.cycle  # uvicorn declares it as if there always were one
        return cycle is not None and not cycle.response_complete

    def on_body(self, body: bytes) -> None:
        """Read on."""
        if self._held is None:
            super().on_body(body)
        else:
            self._held += body

    def on_message_complete(self) -> None:
        """Offer what was held back to the short way."""
        if self._held is not None:
            awaiting = _Awaiting(self)
            if self._hot is not None and self._hot.take(awaiting, self.headers, self._held):
                self._held = None
                self.cycle = awaiting  # type: ignore[assignment]  # it has all that a connection asks of its cycle
                return
            self._go_ordinary_way()
        super().on_message_complete()

    def _go_ordinary_way(self) -> None:
        """Tell uvicorn what it has not been told."""
        body, self._held = self._held, None
        if not self.transport.is_closing():
            super().on_headers_complete()
            if body:
                super().on_body(body)

    def send_400_response(self, msg: str) -> None:
        """Refuse what is not HTTP."""
        self._refuse(Invalid("request_malformed", msg))

    def _refuse(self, no: Refusal) -> None:
        status, body = status_of(no), error_body(no, _new_id(wall_clock()))
        head = b"HTTP/1.1 %d %s\r\ncontent-type: application/json\r\ncontent-length: %d\r\nconnection: close\r\n\r\n"
        self.transport.write(head % (status, _WORDS[status], len(body)) + body)
        self.transport.close()


class _Awaiting:
    """A payment's answer that a connection owes: uvicorn waits for it as for one of its own."""

    __slots__ = ("_protocol", "disconnected", "keep_alive", "response_complete")

    def __init__(self, protocol: Protocol) -> None:
        self._protocol = protocol
        self.response_complete = False
        self.disconnected = False
        self.keep_alive = True

    @property
    def message_event(self) -> "_Awaiting":
        """What is set when the client is gone."""
        return self

    def set(self) -> None:
        """Nobody waits: the desk answers all the same."""

    def answer(self, status: int, headers: Iterable[tuple[bytes, bytes]], body: bytes) -> None:
        """Write the answer in one go, and go on with what came after its request."""
        self.response_complete = True
        protocol = self._protocol
        if self.disconnected:
            return
        lines = [b"%b: %b\r\n" % header for header in (*protocol.server_state.default_headers, *headers)]
        if not self.keep_alive:
            lines.append(b"connection: close\r\n")
        protocol.transport.write(b"".join((STATUS_LINE[status], *lines, b"\r\n", body)))
        if not self.keep_alive:
            protocol.transport.close()
        protocol.on_response_complete()
