"""The connections that a front opens: to Handfast, and, where that is allowed, to other hosts."""

import ssl
from collections.abc import Awaitable, Callable
from socket import SOCK_STREAM, gaierror
from urllib.parse import urlsplit

import anyio
from anyio.abc import ByteStream
from anyio.streams.tls import TLSStream
from msgspec import Struct

from handfast.core.errors import Invalid
from handfast.domain.notifications import is_public
from handfast.gateways.intercept.refusals import Refused
from handfast.gateways.intercept.vendors import HOSTS, plain

CONNECT_LIMIT = 5
"""Seconds for the connection to one address, TLS included."""

MAX_ADDRESSES = 3
TUNNEL_PORTS = (80, 443)

Resolve = Callable[[str, int], Awaitable[list[str]]]


class Upstream(Struct, frozen=True):
    """The Handfast that requests are passed on to."""

    host: str
    port: int
    tls: bool


def parse_upstream(url: str) -> Upstream:
    """The upstream of `--to`. Raises Invalid(settings_invalid)."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise Invalid("settings_invalid", f"{url!r} is not an address", "to") from None
    if parts.scheme not in {"http", "https"} or not host or parts.username is not None:
        raise Invalid("settings_invalid", "an address is http://host:port or https://host:port", "to")
    if parts.path not in {"", "/"} or parts.query or parts.fragment:
        raise Invalid("settings_invalid", "an address has no path here: paths are passed on as they are signed", "to")
    if plain(host) in HOSTS:
        raise Invalid("settings_invalid", f"{host} is what this stands in for: name where Handfast runs", "to")
    tls = parts.scheme == "https"
    return Upstream(host, port or (443 if tls else 80), tls)


async def dial_upstream(upstream: Upstream) -> ByteStream:
    """A connection to Handfast. Raises Refused(upstream_unreachable)."""
    try:
        with anyio.fail_after(CONNECT_LIMIT):
            stream = await anyio.connect_tcp(upstream.host, upstream.port)
            if not upstream.tls:
                return stream
            try:
                return await TLSStream.wrap(
                    stream, server_side=False, hostname=upstream.host, ssl_context=ssl.create_default_context()
                )
            except BaseException:
                await anyio.aclose_forcefully(stream)
                raise
    except (OSError, anyio.BrokenResourceError, anyio.EndOfStream):
        raise Refused("upstream_unreachable", "there is no Handfast where --to says; is it running?") from None


async def lookup(host: str, port: int) -> list[str]:
    """The addresses of a name, by the system's resolver, in its order of preference."""
    found = await anyio.getaddrinfo(host, port, type=SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


class Outside:
    """Connects to other hosts. Unless `private`, each of a name's addresses must be public, by the IANA registries.

    The connection goes to exactly the address that was checked, so a name that answers differently the next time
    (DNS rebinding) gains nothing.
    """

    def __init__(self, *, private: bool, resolve: Resolve = lookup) -> None:
        self._private = private
        self._resolve = resolve

    async def dial(self, host: str, port: int) -> ByteStream:
        """A connection. Raises Refused (port_refused, name_unknown, address_refused, upstream_unreachable)."""
        if port not in TUNNEL_PORTS:
            raise Refused("port_refused", "other hosts are reached at ports 80 and 443 only")
        try:
            with anyio.fail_after(CONNECT_LIMIT):
                found = await self._resolve(host, port)
        except (gaierror, UnicodeError):
            raise Refused("name_unknown", "that host has no address") from None
        except (OSError, TimeoutError):
            raise Refused("name_unknown", "no name server said where that host is") from None
        if not self._private and not all(map(is_public, found)):
            raise Refused("address_refused", "that host's address is not public (see --allow-private)")
        for address in found[:MAX_ADDRESSES]:
            try:
                with anyio.fail_after(CONNECT_LIMIT):
                    return await anyio.connect_tcp(address, port)
            except OSError:  # TimeoutError is one
                continue
        raise Refused("upstream_unreachable", "that host takes no connection")
