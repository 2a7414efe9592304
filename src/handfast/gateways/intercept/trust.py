"""What a user sets so that other people's code comes to the front and believes it: certificates, variables, hosts."""

import shlex
import ssl
from collections.abc import Iterable, Iterator
from pathlib import Path

from handfast.gateways.intercept.authority import Authority, write_whole
from handfast.gateways.intercept.vendors import VENDORS

BUNDLE = "bundle.pem"

_ROOTS = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)
"""Where systems keep the roots that they trust, as one file."""


def roots_files() -> Iterator[Path]:
    """Where roots may be: what OpenSSL is told, or built, to read, and then the usual places."""
    told = ssl.get_default_verify_paths()
    for name in (told.cafile, told.openssl_cafile, *_ROOTS):
        if name:
            yield Path(name)


def write_bundle(authority: Authority, places: Iterable[Path]) -> Path:
    """Write the system's roots and the authority's certificate as one file: most clients take one list, not two.

    The first of the places that is there counts. Where none is, the file holds the one certificate, and other hosts
    cannot be verified with it. A bundle of an earlier run is no system's, though the environment may name it.
    """
    bundle = authority.folder / BUNDLE
    files = (place for place in places if place.is_file() and place.resolve() != bundle.resolve())
    roots = next(files, None)
    write_whole(bundle, (roots.read_bytes().rstrip() + b"\n" if roots else b"") + authority.pem)
    return bundle


def variables(proxy: str | None, bundle: Path, authority: Path) -> dict[str, str]:
    """The environment variables that lead clients to a proxy, if there is one, and make them trust what it shows."""
    led: dict[str, str] = {}
    if proxy:
        near = "localhost,127.0.0.1,::1"
        for name, value in (("HTTPS_PROXY", proxy), ("HTTP_PROXY", proxy), ("NO_PROXY", near)):
            led |= {
                name: value,
                name.lower(): value,
            }  # some read one spelling only, and prefer either where both are set
        led["NODE_USE_ENV_PROXY"] = "1"
    lists = dict.fromkeys(("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"), str(bundle))
    return led | lists | {"NODE_EXTRA_CA_CERTS": str(authority)}


def export_lines(values: dict[str, str]) -> str:
    """The variables as lines for a shell."""
    return "\n".join(f"export {name}={shlex.quote(value)}" for name, value in values.items())


def hosts_lines(address: str) -> str:
    """The lines for the file of hosts that lead every vendor's host to an address."""
    return "\n".join(f"{address} {host}" for vendor in VENDORS for host in vendor.hosts)
