"""Where a webhook may go: strictly written URLs, and addresses that are on the public internet."""

import re
from ipaddress import AddressValueError, IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from msgspec import Struct

from handfast.core.errors import Invalid

MAX_URL = 2000
"""In characters."""

# RFC 3986 without userinfo and fragment; a name's last label begins with a letter (RFC 3696, section 2), so no text
# that some resolver would read as a number ("2130706433", "0x7f.1", "127.1") is a name.
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_NAME = re.compile(rf"(?=.{{1,253}}\Z)(?:{_LABEL}\.)*[a-z](?:[a-z0-9-]{{0,61}}[a-z0-9])?")
_CHARACTER = r"(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})"
_URL = re.compile(
    r"(https?)://(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9.-]+))(?::([1-9][0-9]{0,4}))?"
    rf"((?:/{_CHARACTER}*)*(?:\?(?:{_CHARACTER}|[/?])*)?)"
)

# IANA IPv4 and IPv6 Special-Purpose Address Registries and RFC 5771 (multicast). Of IPv6 only global unicast is public
# (RFC 4291, section 2.4), which leaves out loopback, local, mapped and translated (RFC 6052) addresses at one stroke.
_NOT_PUBLIC_4 = tuple(
    map(
        IPv4Network,
        (
            *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
            *("192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16"),
            *("192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
        ),
    )
)
_PUBLIC_6 = IPv6Network("2000::/3")
_NOT_PUBLIC_6 = tuple(map(IPv6Network, ("2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20")))


class Target(Struct, frozen=True):
    """A URL's parts: `host` in lower case and without brackets, `literal` where it is an address itself.

    `path` includes the query and begins with a slash.
    """

    scheme: str
    host: str
    port: int
    path: str
    literal: bool

    @property
    def authority(self) -> str:
        """What the Host header says: the port only where it is not the scheme's own (RFC 9112, section 3.2)."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"


_PORTS = {"http": 80, "https": 443}


def parse_url(url: str, *, private: bool = False) -> Target:
    """The parts of a URL that a webhook may go to: https, to a name or a public address.

    `private` (a setting) also allows plain http, names of one label and addresses that are not public. A name's
    addresses are judged when it is called. Raises Invalid(url_invalid).
    """
    match = _URL.fullmatch(url) if len(url) <= MAX_URL else None
    if match is None:
        raise _invalid("an address is https://name/path: no user, no fragment, only the characters of RFC 3986")
    scheme, six, host, port, path = match.groups()
    if scheme != "https" and not private:
        raise _invalid("an address begins with https://")
    if int(port or 1) > 65_535:
        raise _invalid("a port is at most 65535")
    literal = _literal(six, host)
    if literal is None and (_NAME.fullmatch(host.lower()) is None or ("." not in host and not private)):
        raise _invalid("the host is neither a full domain name nor an address")
    if literal is not None and not private and not is_public(literal):
        raise _invalid("the address is not on the public internet")
    path = path if path.startswith("/") else "/" + path
    return Target(scheme, literal or host.lower(), int(port or _PORTS[scheme]), path, literal is not None)


def _literal(six: str | None, host: str) -> str | None:
    try:
        return str(IPv6Address(six) if six is not None else IPv4Address(host))
    except AddressValueError:
        if six is not None:
            raise _invalid("the host is not an address") from None
        return None


def is_public(address: str) -> bool:
    """Whether an IP address is a host on the public internet, as far as the registries tell."""
    ip = ip_address(address)
    if isinstance(ip, IPv4Address):
        return not any(ip in network for network in _NOT_PUBLIC_4)
    return ip.scope_id is None and ip in _PUBLIC_6 and not any(ip in network for network in _NOT_PUBLIC_6)


def _invalid(message: str) -> Invalid:
    return Invalid("url_invalid", message, "url")
