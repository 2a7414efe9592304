"""The private certificate authority of a data directory, which can vouch for the vendors' hosts and for nothing else.

It is made at first use in the folder `intercept`: `authority.key` (its key and certificate, 0600), `ca.pem` (the
certificate, for clients to trust). Its name constraints (RFC 5280, section 4.2.1.10) permit exactly the hosts of the
table and no IP address, so a key that leaks cannot sign for anything else that a client talks to.
"""

import os
import ssl
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from pathlib import Path
from tempfile import NamedTemporaryFile

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from msgspec import Struct

from handfast.core.clocks import Clock
from handfast.core.errors import Invalid
from handfast.core.ids import entropy
from handfast.gateways.intercept.vendors import HOSTS

FOLDER = "intercept"
AUTHORITY_DAYS = 730
LEAF_DAYS = 7
REMAKE_DAYS = 30
"""With fewer days left, the authority is made anew."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY = timedelta(days=1)
_KEY_FILE = "authority.key"
_CERTIFICATE_FILE = "ca.pem"
_USAGE = {
    "digital_signature": False,
    "content_commitment": False,
    "key_encipherment": False,
    "data_encipherment": False,
    "key_agreement": False,
    "key_cert_sign": False,
    "crl_sign": False,
    "encipher_only": False,
    "decipher_only": False,
}


class _Leaf(Struct, frozen=True):
    context: ssl.SSLContext
    renew: datetime


class Authority:
    """Signs a certificate for a host when one is first asked for; each lives a week, in memory only."""

    def __init__(
        self, folder: Path, key: EllipticCurvePrivateKey, certificate: x509.Certificate, wall: Clock, *, fresh: bool
    ) -> None:
        self.folder = folder
        self.certificate = certificate
        self.fresh = fresh
        """Whether it was made just now, so that no client trusts it yet."""
        self._key = key
        self._wall = wall
        self._leaves: dict[str, _Leaf] = {}

    @property
    def pem(self) -> bytes:
        """The certificate that clients are to trust."""
        return self.certificate.public_bytes(Encoding.PEM)

    @property
    def certificate_file(self) -> Path:
        """Where it lies."""
        return self.folder / _CERTIFICATE_FILE

    def context(self, host: str) -> ssl.SSLContext:
        """What speaks TLS for a host of the table. Raises OSError where the folder cannot be written."""
        now = _time(self._wall)
        leaf = self._leaves.get(host)
        if leaf is None or leaf.renew <= now:
            leaf = self._leaves[host] = _Leaf(self._loaded(host, now), now + (LEAF_DAYS - 1) * _DAY)
        return leaf.context

    def _loaded(self, host: str, now: datetime) -> ssl.SSLContext:
        key = generate_private_key(SECP256R1())
        certificate = leaf_certificate(host, key, self._key, self.certificate, now)
        context = tls_context()
        # The standard library reads keys from files only: this one exists for that moment, for its owner's eyes.
        with NamedTemporaryFile(dir=self.folder, prefix=".leaf-") as file:
            file.write(_private_pem(key) + certificate.public_bytes(Encoding.PEM))
            file.flush()
            context.load_cert_chain(file.name)
        return context


def tls_context() -> ssl.SSLContext:
    """The server's side of TLS, for HTTP/1.1."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    return context


def open_authority(data: Path, wall: Clock) -> Authority:
    """The data directory's authority, made where there is none, where the table has grown, or where it ends soon.

    Raises Invalid(settings_invalid) where its key cannot be read or written, or can be read by others.
    """
    folder = data / FOLDER
    path = folder / _KEY_FILE
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh = not path.exists()
        if fresh:
            _write_key(path, _time(wall), replace=False)
        key, certificate = _read_key(path)
        if not _serves(certificate, _time(wall)):
            _write_key(path, _time(wall), replace=True)
            fresh = True
            key, certificate = _read_key(path)
        authority = Authority(folder, key, certificate, wall, fresh=fresh)
        write_whole(authority.certificate_file, authority.pem)
    except OSError as fault:
        raise Invalid("settings_invalid", f"{path}: {os.strerror(fault.errno or 0)}", "data") from None
    return authority


def _read_key(path: Path) -> tuple[EllipticCurvePrivateKey, x509.Certificate]:
    if path.stat().st_mode & 0o077:
        raise Invalid("settings_invalid", f"{path} can be read by others: chmod 600 it", "data")
    pem = path.read_bytes()
    try:
        key, certificate = load_pem_private_key(pem, None), x509.load_pem_x509_certificate(pem)
        if isinstance(key, EllipticCurvePrivateKey):
            return key, certificate
    except ValueError:
        pass
    raise Invalid("settings_invalid", f"{path} holds no key: remove it, and a new one is made", "data")


def _write_key(path: Path, now: datetime, *, replace: bool) -> None:
    """Write a new key with its certificate, as a whole; without `replace`, whoever comes first wins."""
    key = generate_private_key(SECP256R1())
    pem = _private_pem(key) + authority_certificate(key, now).public_bytes(Encoding.PEM)
    with NamedTemporaryFile(dir=path.parent, prefix=".authority-") as file:
        file.write(pem)
        file.flush()
        os.fsync(file.fileno())
        if replace:
            draft = path.with_name(f"{Path(file.name).name}.pem")
            draft.hardlink_to(file.name)
            draft.replace(path)
        else:
            with suppress(FileExistsError):
                path.hardlink_to(file.name)


def write_whole(path: Path, text: bytes) -> None:
    """Write a file that clients read, as a whole, where it is not there yet."""
    with suppress(FileNotFoundError):
        if path.read_bytes() == text:
            return
    draft = path.with_name(f".{path.name}.{entropy(4).hex()}")
    draft.write_bytes(text)
    draft.replace(path)


def authority_certificate(key: EllipticCurvePrivateKey, now: datetime) -> x509.Certificate:
    """A certificate signed with its own key, for servers at the hosts of the table."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"Handfast intercept {entropy(4).hex()}")])
    builder = _builder(name, name, key, now, AUTHORITY_DAYS)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    builder = builder.add_extension(x509.KeyUsage(**_USAGE | {"key_cert_sign": True}), critical=True)
    return builder.add_extension(_constraints(), critical=True).sign(key, SHA256())


def _constraints() -> x509.NameConstraints:
    # Each kind of name is constrained by itself: with no word on addresses, any would be permitted.
    addresses = [x509.IPAddress(ip_network(every)) for every in ("0.0.0.0/0", "::/0")]
    return x509.NameConstraints([x509.DNSName(host) for host in HOSTS], addresses)


def leaf_certificate(
    host: str,
    key: EllipticCurvePrivateKey,
    signer: EllipticCurvePrivateKey,
    authority: x509.Certificate,
    now: datetime,
) -> x509.Certificate:
    """A certificate for a server at that host."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    builder = _builder(name, authority.subject, key, now, LEAF_DAYS)
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    builder = builder.add_extension(x509.KeyUsage(**_USAGE | {"digital_signature": True}), critical=True)
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key())
    return builder.add_extension(issuer, critical=False).sign(signer, SHA256())


def _builder(
    subject: x509.Name, issuer: x509.Name, key: EllipticCurvePrivateKey, now: datetime, days: int
) -> x509.CertificateBuilder:
    """What both kinds have; valid from the day before, for clients whose clock is behind."""
    public = key.public_key()
    return (
        x509.CertificateBuilder(issuer, subject, public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _DAY)
        .not_valid_after(now + days * _DAY)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
    )


def _serves(certificate: x509.Certificate, now: datetime) -> bool:
    """Whether it is for the hosts of today's table, and for some time still."""
    constraints = certificate.extensions.get_extension_for_class(x509.NameConstraints).value
    return constraints == _constraints() and certificate.not_valid_after_utc > now + REMAKE_DAYS * _DAY


def _private_pem(key: EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _time(wall: Clock) -> datetime:
    return _EPOCH + timedelta(microseconds=wall())
