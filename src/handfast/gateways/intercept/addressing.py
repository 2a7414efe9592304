"""Whom a request is for, and what is passed on of its head."""

import re
from collections.abc import Iterator

import h11
from msgspec import Struct

from handfast.gateways.intercept.refusals import Refused
from handfast.gateways.intercept.vendors import plain

PORTS = {"http": 80, "https": 443}

_ABSOLUTE = re.compile(rb"(https?)://([^/?#]*)([^#]*)", re.IGNORECASE)
_AUTHORITY = re.compile(rb"([A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::([0-9]{1,5}))?")
_PSEUDONYM = b"handfast-intercept"
_HOP = frozenset(
    {
        b"connection",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    }
)
"""Headers for the next hop only (RFC 9110, section 7.6.1)."""

Headers = list[tuple[bytes, bytes]]


class Entrance(Struct, frozen=True):
    """Where a request came in: its scheme, the one host that TLS or CONNECT named, and whether this is the proxy."""

    scheme: str
    host: str = ""
    proxy: bool = False


class Address(Struct, frozen=True):
    """Whom a request is for: scheme, host and port, and the target in origin form, as sent."""

    scheme: str
    host: str
    port: int
    target: bytes


def authority(text: bytes, port: int) -> tuple[str, int]:
    """Host and port; `port` where none is named. Raises Refused(request_malformed)."""
    found = _AUTHORITY.fullmatch(text)
    if found is None or int(found[2] or port) not in range(1, 65_536):
        raise Refused("request_malformed", "that is not a host, or a host and a port")
    return plain(found[1].decode()).strip("[]"), int(found[2] or port)


def address_of(request: h11.Request, entrance: Entrance) -> Address:
    """Whom the request is for: an absolute target tells, and otherwise the Host header (RFC 9112, section 3.3).

    Raises Refused(request_malformed), and Refused(host_mismatch) for another host than the connection is for.
    """
    if absolute := _ABSOLUTE.fullmatch(request.target):
        scheme, named, target = absolute[1].decode().lower(), absolute[2], absolute[3]
        target = target if target.startswith(b"/") else b"/" + target
    elif entrance.proxy:
        raise Refused("request_malformed", "this is a proxy: it takes CONNECT and absolute targets (see --direct)")
    elif request.target.startswith(b"/"):
        scheme, named, target = entrance.scheme, _host_header(request), request.target
    else:
        raise Refused("request_malformed", "the request's target is neither a path nor an address")
    host, port = authority(named, PORTS[scheme])
    if entrance.host and (scheme, host, port) != (entrance.scheme, entrance.host, PORTS[scheme]):
        raise Refused("host_mismatch", f"this connection is for {entrance.scheme}://{entrance.host}")
    return Address(scheme, host, port, target)


def _host_header(request: h11.Request) -> bytes:
    for name, value in request.headers:
        if name == b"host":
            return value
    raise Refused("request_malformed", "the Host header is missing")


def request_headers(request: h11.Request, address: Address, upstream: bytes | None) -> Headers:
    """The headers to pass on.

    The upstream's own name goes in Host, since it makes links of that which must lead to it, and what was asked for in
    X-Forwarded-Host and X-Forwarded-Proto. Without an upstream it goes where it was to go, and Host says just that.
    What the client itself says of forwarding is dropped: only the front knows. Raises Refused(loop_detected) for what
    it has passed on before, and Refused(request_malformed) for a body of two lengths, which two readers could see in
    two ways.
    """
    lengths = [(name, value) for name, value in request.headers if name == b"content-length"]
    chunked = any(name == b"transfer-encoding" for name, _ in request.headers)
    if lengths and chunked:
        raise Refused("request_malformed", "a body has a length or comes in chunks, not both")
    host = host_header(address.scheme, address.host, address.port)
    headers: Headers = [(b"Host", upstream or host)]
    headers += kept_headers(request, {b"host", b"expect", b"forwarded", b"content-length"})
    headers = [(name, value) for name, value in headers if not name.lower().startswith(b"x-forwarded-")]
    if any(name.lower() == b"via" and _PSEUDONYM in value for name, value in headers):
        raise Refused("loop_detected", "this request was here before: --to leads back to this front")
    if upstream:
        headers += [(b"X-Forwarded-Proto", address.scheme.encode()), (b"X-Forwarded-Host", host)]
    headers += [(b"Via", b"1.1 " + _PSEUDONYM), (b"Connection", b"close"), *lengths]
    return [*headers, (b"Transfer-Encoding", b"chunked")] if chunked else headers


def host_header(scheme: str, host: str, port: int) -> bytes:
    """A Host header: the port only where it is not the scheme's own."""
    named = f"[{host}]" if ":" in host else host
    return (named if port == PORTS[scheme] else f"{named}:{port}").encode()


def kept_headers(message: h11.Request | h11.Response, without: set[bytes] | None = None) -> Headers:
    """Those that are not for this hop only, in their order and spelling, some others left out as well."""
    dropped = _HOP | set(_named(message)) - {b"content-length"} | (without or set())
    return [(name, value) for name, value in message.headers.raw_items() if name.lower() not in dropped]


def _named(message: h11.Request | h11.Response) -> Iterator[bytes]:
    for name, value in message.headers:
        if name == b"connection":
            yield from (token.strip().lower() for token in value.split(b","))
