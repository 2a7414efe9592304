"""One request and its answer, passed on as they come: the body there while the answer may already come back."""

from collections.abc import Sequence

import anyio
import h11

from handfast.gateways.intercept.addressing import kept_headers
from handfast.gateways.intercept.refusals import Refused
from handfast.gateways.intercept.wire import PATIENCE, Lost, Wire

BODY_BYTES = 16 * 1024 * 1024
"""The longest body that is passed on: twice what Handfast reads anywhere."""

_BROKE_OFF = "the connection broke off before an answer; the outcome is unknown"
_TOO_LONG = Refused("body_too_large", f"a body has at most {BODY_BYTES} bytes")


class Exchange:
    """Passes one request on, from a client to an upstream that was dialled for it."""

    def __init__(self, client: Wire, upstream: Wire) -> None:
        self._client = client
        self._upstream = upstream
        self._fault: Exception | None = None
        self._status = 0
        self._moved = False

    async def run(self, request: h11.Request, target: bytes, headers: Sequence[tuple[bytes, bytes]]) -> int:
        """The status that the client was answered.

        Raises Refused while nothing was answered yet, and Lost where the client is gone, or an answer broke off.
        """
        head = h11.Request(method=request.method, target=target, headers=list(headers))
        if any(name == b"content-length" and int(value) > BODY_BYTES for name, value in request.headers):
            raise _TOO_LONG
        if self._client.http.they_are_waiting_for_100_continue:
            await self._client.send(h11.InformationalResponse(status_code=100, headers=[]))
        async with anyio.create_task_group() as both:
            both.start_soon(self._body, head, both.cancel_scope)
            try:
                await self._answer()
            except (Refused, Lost) as fault:
                self._fault = self._fault or fault
            both.cancel_scope.cancel()
        if self._fault is not None:
            raise Lost if self._status else self._fault
        return self._status

    async def _body(self, head: h11.Request, both: anyio.CancelScope) -> None:
        """Send the head and then the body as it comes; that the upstream takes no more, its answer will tell."""
        try:
            await self._upstream.send(head)
            taken = 0
            while not isinstance(event := await self._read_body(), h11.EndOfMessage):
                taken += len(event.data)
                if taken > BODY_BYTES:
                    raise _TOO_LONG
                await self._upstream.send(h11.Data(data=event.data))
                self._moved = True
            await self._upstream.send(h11.EndOfMessage())
            self._moved = True
        except (Refused, _ClientLost) as fault:
            self._fault = Lost() if isinstance(fault, _ClientLost) else fault
            both.cancel()
        except Lost:
            return

    async def _read_body(self) -> h11.Data | h11.EndOfMessage:
        try:
            event = await self._client.event(PATIENCE)
        except Lost as lost:
            if lost.slow:
                raise Refused("request_timed_out", "the rest of the body did not come") from None
            raise _ClientLost from None
        except h11.RemoteProtocolError:
            raise Refused("request_malformed", "the body is not as announced") from None
        assert isinstance(event, h11.Data | h11.EndOfMessage)
        return event

    async def _answer(self) -> None:
        while True:
            try:
                event = await self._upstream.event(PATIENCE)
            except Lost as lost:
                if lost.slow and self._moved:
                    self._moved = False  # the body went on meanwhile: nothing is overdue
                    continue
                if lost.slow:
                    raise Refused("upstream_timed_out", "no answer came in time; its outcome is unknown") from None
                raise Refused("upstream_unreachable", _BROKE_OFF) from None
            except h11.RemoteProtocolError:
                if self._upstream.http.trailing_data[1]:  # its end
                    raise Refused("upstream_unreachable", _BROKE_OFF) from None
                raise Refused("upstream_malformed", "what came back is no answer; the outcome is unknown") from None
            match event:
                case h11.InformationalResponse():
                    continue
                case h11.Response():
                    self._status = event.status_code
                    chunked = any(name == b"transfer-encoding" for name, _ in event.headers)
                    headers = kept_headers(event, {b"content-length"} if chunked else None)
                    await self._client.send(
                        h11.Response(status_code=event.status_code, headers=headers, reason=event.reason)
                    )
                case h11.Data():
                    await self._client.send(h11.Data(data=event.data))
                case h11.EndOfMessage():
                    await self._client.send(h11.EndOfMessage())
                    return
                case _:
                    raise Refused("upstream_unreachable", _BROKE_OFF)


class _ClientLost(Exception):
    """The client is gone before its body was there."""
