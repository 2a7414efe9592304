"""The private authority: who may read it, how long it lasts, and that it counts for the vendors' hosts only."""

import os
import shutil
import socket
import ssl
import subprocess
import threading
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from handfast.core.clocks import DAY, wall_clock
from handfast.core.errors import Invalid
from handfast.gateways.intercept import authority as room
from handfast.gateways.intercept import export_lines, hosts_lines, open_authority, variables, write_bundle
from handfast.gateways.intercept.authority import AUTHORITY_DAYS, LEAF_DAYS, REMAKE_DAYS, leaf_certificate
from handfast.gateways.intercept.vendors import HOSTS, VENDORS

ALIPAY = "openapi.alipay.com"


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def handshake(client: ssl.SSLContext, server: ssl.SSLContext, host: str) -> x509.Certificate:
    """What a client sees of a server; raises what it says of it."""
    near, far = socket.socketpair()

    def serve() -> None:
        with far, suppress(OSError):
            server.wrap_socket(far, server_side=True).close()

    serving = threading.Thread(target=serve)
    serving.start()
    try:
        with near, client.wrap_socket(near, server_hostname=host) as tls:
            shown = tls.getpeercert(binary_form=True)
            assert shown is not None
            return x509.load_der_x509_certificate(shown)
    finally:
        serving.join()


def stolen(data: Path) -> EllipticCurvePrivateKey:
    """The authority's key, as a thief has it."""
    key = load_pem_private_key((data / "intercept/authority.key").read_bytes(), None)
    assert isinstance(key, EllipticCurvePrivateKey)
    return key


def test_it_is_made_once_for_its_owners_eyes(tmp_path: Path) -> None:
    data = tmp_path / "data"
    first = open_authority(data, wall_clock)
    assert first.fresh
    assert mode(data / "intercept") == 0o700
    assert mode(data / "intercept/authority.key") == 0o600
    again = open_authority(data, wall_clock)
    assert (again.fresh, again.certificate) == (False, first.certificate)
    assert again.certificate_file.read_bytes() == first.pem
    assert b"PRIVATE" not in first.pem
    first.context(ALIPAY)
    assert sorted(path.name for path in (data / "intercept").iterdir()) == ["authority.key", "ca.pem"]


def test_two_that_make_it_at_once_have_the_same(tmp_path: Path) -> None:
    made: list[x509.Certificate] = []
    start = threading.Barrier(8)

    def make() -> None:
        start.wait()
        made.append(open_authority(tmp_path, wall_clock).certificate)

    makers = [threading.Thread(target=make) for _ in range(8)]
    for maker in makers:
        maker.start()
    for maker in makers:
        maker.join()
    assert len(made) == 8
    assert len(set(made)) == 1


@pytest.mark.parametrize("host", sorted(HOSTS))
def test_a_client_believes_it_for_every_host_of_the_table(tmp_path: Path, host: str) -> None:
    keys = open_authority(tmp_path, wall_clock)
    client = ssl.create_default_context(cafile=str(keys.certificate_file))
    client.verify_flags |= ssl.VERIFY_X509_STRICT
    shown = handshake(client, keys.context(host), host)
    names = shown.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == [host]
    assert shown.not_valid_after_utc <= datetime.now(UTC) + timedelta(days=LEAF_DAYS)


@pytest.mark.parametrize("host", ["example.com", "alipay.com", "render.alipay.com", "127.0.0.1"])
def test_whoever_steals_the_key_cannot_sign_for_another_host(tmp_path: Path, host: str) -> None:
    keys = open_authority(tmp_path, wall_clock)
    mine = generate_private_key(SECP256R1())
    forged = leaf_certificate(host, mine, stolen(tmp_path), keys.certificate, datetime.now(UTC))
    if host == "127.0.0.1":
        forged = for_an_address(forged, mine, stolen(tmp_path))
    file = tmp_path / "forged.pem"
    key = mine.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file.write_bytes(key + forged.public_bytes(Encoding.PEM))
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(file)
    client = ssl.create_default_context(cafile=str(keys.certificate_file))
    with pytest.raises(ssl.SSLCertVerificationError, match="subtree violation"):
        handshake(client, server, host)


def for_an_address(
    like: x509.Certificate, mine: EllipticCurvePrivateKey, signer: EllipticCurvePrivateKey
) -> x509.Certificate:
    """The same certificate for an address in place of a name."""
    name = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    issuer = like.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value
    return (
        x509.CertificateBuilder(like.issuer, like.subject, mine.public_key(), like.serial_number)
        .not_valid_before(like.not_valid_before_utc)
        .not_valid_after(like.not_valid_after_utc)
        .add_extension(name, critical=False)
        .add_extension(issuer, critical=False)
        .sign(signer, SHA256())
    )


def test_nor_for_another_authority(tmp_path: Path) -> None:
    constraints = open_authority(tmp_path, wall_clock).certificate.extensions
    assert constraints.get_extension_for_class(x509.BasicConstraints).value.path_length == 0
    assert {extension.oid for extension in constraints if extension.critical} == {
        x509.BasicConstraints.oid,
        x509.KeyUsage.oid,
        x509.NameConstraints.oid,
    }


def test_a_leaf_is_kept_and_renewed_in_time(tmp_path: Path) -> None:
    now = wall_clock()
    keys = open_authority(tmp_path, lambda: now)
    first = keys.context(ALIPAY)
    now += (LEAF_DAYS - 2) * DAY
    assert keys.context(ALIPAY) is first
    now += DAY
    assert keys.context(ALIPAY) is not first


def test_it_is_made_anew_before_it_ends(tmp_path: Path) -> None:
    now = wall_clock()
    first = open_authority(tmp_path, lambda: now)
    now += (AUTHORITY_DAYS - REMAKE_DAYS - 1) * DAY
    assert not open_authority(tmp_path, lambda: now).fresh
    now += DAY
    second = open_authority(tmp_path, lambda: now)
    assert second.fresh
    assert second.certificate != first.certificate
    assert second.certificate_file.read_bytes() == second.pem
    assert mode(tmp_path / "intercept/authority.key") == 0o600


def test_it_is_made_anew_for_a_new_row_of_the_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    open_authority(tmp_path, wall_clock)
    monkeypatch.setattr(room, "HOSTS", {**HOSTS, "api-m.paypal.com": "PayPal"})
    assert open_authority(tmp_path, wall_clock).fresh
    assert not open_authority(tmp_path, wall_clock).fresh


def test_a_key_that_others_can_read_is_not_used(tmp_path: Path) -> None:
    open_authority(tmp_path, wall_clock)
    (tmp_path / "intercept/authority.key").chmod(0o640)
    with pytest.raises(Invalid, match="chmod 600"):
        open_authority(tmp_path, wall_clock)


@pytest.mark.parametrize("text", [b"", b"no key", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"])
def test_a_key_that_is_none_is_not_written_over(tmp_path: Path, text: bytes) -> None:
    path = tmp_path / "intercept/authority.key"
    path.parent.mkdir()
    path.write_bytes(text)
    path.chmod(0o600)
    with pytest.raises(Invalid, match="holds no key"):
        open_authority(tmp_path, wall_clock)
    assert path.read_bytes() == text


def test_no_folder_can_be_made(tmp_path: Path) -> None:
    (tmp_path / "intercept").write_text("a file is in the way")
    with pytest.raises(Invalid, match="settings_invalid"):
        open_authority(tmp_path, wall_clock)


def test_the_bundle_is_the_systems_roots_and_ours(tmp_path: Path) -> None:
    other = open_authority(tmp_path / "other", wall_clock)
    keys = open_authority(tmp_path, wall_clock)
    roots = tmp_path / "roots.pem"
    roots.write_bytes(other.pem.rstrip())
    bundle = write_bundle(keys, [tmp_path / "nothing", roots, other.certificate_file])
    assert bundle.read_bytes() == other.pem + keys.pem
    # Where the environment names the bundle already, it does not grow by itself.
    assert write_bundle(keys, [bundle, roots]).read_bytes() == other.pem + keys.pem
    assert write_bundle(keys, []).read_bytes() == keys.pem


def test_the_lines_for_a_shell_say_it_to_a_shell(tmp_path: Path) -> None:
    place = tmp_path / "it's a $HOME"
    values = variables("http://127.0.0.1:8899", place / "bundle.pem", place / "ca.pem")
    shell = shutil.which("sh")
    assert shell is not None
    script = export_lines(values) + "\nexec env -0"
    told = subprocess.run([shell, "-c", script], capture_output=True, check=True, env={}, text=True).stdout
    found = dict(line.split("=", 1) for line in told.split("\0") if line)
    assert {name: found[name] for name in values} == values
    assert values["HTTPS_PROXY"] == values["https_proxy"] == "http://127.0.0.1:8899"
    assert values["SSL_CERT_FILE"] == values["REQUESTS_CA_BUNDLE"] == os.fspath(place / "bundle.pem")
    assert values["NODE_EXTRA_CA_CERTS"] == os.fspath(place / "ca.pem")
    assert not any("proxy" in name.lower() for name in variables(None, place, place))


def test_the_hosts_lines_name_every_host() -> None:
    lines = hosts_lines("127.0.0.1").splitlines()
    assert lines == [f"127.0.0.1 {host}" for vendor in VENDORS for host in vendor.hosts]
    assert {vendor.name for vendor in VENDORS} == {"Alipay", "Antom"}
    assert all(host == host.lower() for host in HOSTS)
    assert len(HOSTS) == len(lines)
