"""One HTTP POST to somebody else's server, over a connection to an address that was checked, within bounds.

The answer is its status and its body, as much of it as came within a bound. No redirect is followed, no proxy is asked,
no connection is kept.
"""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import httptools
from msgspec import Struct

from handfast.core.errors import Invalid
from handfast.domain.notifications import Target, is_public, parse_url

TIME_LIMIT = 15
"""Seconds for everything: name, connection, TLS, request and answer."""

CONNECT_LIMIT = 5
"""Seconds for one of a name's addresses."""

ANSWER_LIMIT = 64 * 1024
"""Bytes of an answer that are read, headers included."""

MAX_ADDRESSES = 3
_LOOKUPS = 128

Resolve = Callable[[str, int], Sequence[str]]
Connect = Callable[..., Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]]]


class Outcome(Struct, frozen=True):
    """The HTTP status and body of an answer, or 0 and the code of what kept it from coming.

    Codes: url_refused, name_unknown, address_refused, connection_failed, tls_failed, answer_malformed, timed_out.
    """

    status: int
    error: str = ""
    body: bytes = b""


class Refused(Exception):
    """An address that may not be called."""


def lookup(host: str, port: int) -> list[str]:
    """The addresses of a name, by the system's resolver, in its order of preference."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


class Sender:
    """Posts to URLs. `private` (a setting) allows plain http and addresses that are not public."""

    def __init__(
        self,
        *,
        private: bool,
        resolve: Resolve = lookup,
        connect: Connect = asyncio.open_connection,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._private = private
        self._resolve = resolve
        self._connect = connect
        self._tls = tls or ssl.create_default_context()
        # A lookup in a thread cannot be cancelled, so slow name servers get more threads than there are posts at once.
        self._lookups = ThreadPoolExecutor(_LOOKUPS, thread_name_prefix="lookup")

    def close(self) -> None:
        """Let the threads go; a lookup under way is not waited for."""
        self._lookups.shutdown(wait=False, cancel_futures=True)

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Outcome:
        """Send the body; never raises. An answer whose head came counts, however its body goes on."""
        answer = _Answer()
        error = ""
        try:
            target = parse_url(url, private=self._private)
            async with asyncio.timeout(TIME_LIMIT):
                await self._exchange(target, request_bytes(target, headers, body), answer)
        except Invalid:
            error = "url_refused"
        except Refused:
            error = "address_refused"
        except socket.gaierror:
            error = "name_unknown"
        except TimeoutError:
            error = "timed_out"
        except ssl.SSLError:
            error = "tls_failed"
        except OSError:
            error = "connection_failed"
        except httptools.HttpParserError:
            error = "answer_malformed"
        if answer.status:
            return Outcome(answer.status, body=answer.body)
        return Outcome(0, error or "answer_malformed")

    async def _exchange(self, target: Target, request: bytes, answer: "_Answer") -> None:
        reader, writer = await self._open(target, await self._addresses(target))
        try:
            writer.write(request)
            left = ANSWER_LIMIT
            while not answer.complete and left > 0 and (data := await reader.read(left)):
                left -= len(data)
                answer.feed(data)
        finally:
            writer.transport.abort()

    async def _addresses(self, target: Target) -> Sequence[str]:
        """The addresses to connect to, all of them checked. Raises Refused if one is not public."""
        if target.literal:
            return [target.host]
        loop = asyncio.get_running_loop()
        found = await loop.run_in_executor(self._lookups, self._resolve, target.host, target.port)
        if not self._private and not all(map(is_public, found)):
            raise Refused(target.host)
        return found[:MAX_ADDRESSES]

    async def _open(
        self, target: Target, addresses: Sequence[str]
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A connection to the first address that takes one; the name serves TLS only. Raises OSError."""
        tls = {"ssl": self._tls, "server_hostname": target.host} if target.scheme == "https" else {}
        failed: OSError = socket.gaierror(socket.EAI_NONAME, "no address")
        for address in addresses:
            try:
                async with asyncio.timeout(CONNECT_LIMIT):
                    return await self._connect(address, target.port, **tls)
            except OSError as error:
                failed = error
        raise failed


def request_bytes(target: Target, headers: Mapping[str, str], body: bytes) -> bytes:
    """What goes over the wire."""
    lines = {
        "host": target.authority,
        "user-agent": "handfast",
        "connection": "close",
        "content-length": str(len(body)),
        **headers,
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"POST {target.path} HTTP/1.1\r\n{head}\r\n".encode("ascii") + body


class _Answer:
    """An answer as it comes in: `status` once its head is there, `complete` at its end; interim ones do not count."""

    def __init__(self) -> None:
        self.status = 0
        self.body = b""
        self.complete = False
        self._parser = httptools.HttpResponseParser(self)

    def feed(self, data: bytes) -> None:
        """Take what came. Raises httptools.HttpParserError."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            raise httptools.HttpParserError("the protocol was not to be switched") from None

    def on_headers_complete(self) -> None:
        """Called by the parser."""
        status = self._parser.get_status_code()
        if status >= 200 and not self.status:
            self.status = status

    def on_body(self, data: bytes) -> None:
        """Called by the parser."""
        if not self.complete:
            self.body += data

    def on_message_complete(self) -> None:
        """Called by the parser."""
        self.complete = self.status > 0
