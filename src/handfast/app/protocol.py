"""HTTP/1.1 on a connection: uvicorn's, with a bound on what comes before a body, and refusals that look like ours."""

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from handfast.core.clocks import wall_clock
from handfast.core.errors import Invalid, Refusal, TooLarge
from handfast.core.ids import random_ids
from handfast.gateways.native.errors import error_body, status_of

HEAD_BYTES = 64 * 1024
"""The longest request line with its headers that is taken, give or take what one read of the socket brings."""

MESSAGE_BYTES = 8 * 1024 * 1024
"""When a connection is given up whatever it brings: the longest body, chunked by the byte, fits in."""

_WORDS = {400: b"Bad Request", 413: b"Content Too Large"}
_new_id = random_ids()


class Protocol(HttpToolsProtocol):
    """The parser puts a header together by copying what it has: one without end would take all time and memory."""

    _begun = False
    _taken = 0

    def data_received(self, data: bytes) -> None:
        """Read on."""
        self._taken += len(data)
        super().data_received(data)
        if self._taken > HEAD_BYTES and not self.transport.is_closing():
            if not self._begun or "method" not in self.scope:
                self._refuse(TooLarge("headers_too_large", f"a request's head has at most {HEAD_BYTES} bytes"))
            elif self._taken > MESSAGE_BYTES:
                self.transport.close()

    def on_message_begin(self) -> None:
        """Count anew."""
        super().on_message_begin()
        self._begun = True
        self._taken = 0

    def send_400_response(self, msg: str) -> None:
        """Refuse what is not HTTP."""
        self._refuse(Invalid("request_malformed", msg))

    def _refuse(self, no: Refusal) -> None:
        status, body = status_of(no), error_body(no, _new_id(wall_clock()))
        head = b"HTTP/1.1 %d %s\r\ncontent-type: application/json\r\ncontent-length: %d\r\nconnection: close\r\n\r\n"
        self.transport.write(head % (status, _WORDS[status], len(body)) + body)
        self.transport.close()
