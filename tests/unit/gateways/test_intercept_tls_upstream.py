"""A Handfast behind TLS: it is verified as any server is, by what this machine trusts."""

import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from tests.unit.gateways.fronts import ALIPAY, Handfast, front, handfast


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate for 127.0.0.1 that nobody trusts yet, and its key, in one file."""
    key = generate_private_key(SECP256R1())
    name = x509.Name([])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    itself = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    made = builder.add_extension(itself, critical=True).sign(key, SHA256())
    path = tmp_path / "service.pem"
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(pem + made.public_bytes(Encoding.PEM))
    return path


@pytest.fixture
def service(certificate: Path) -> Iterator[Handfast]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with handfast(context) as running:
        yield running


def asked(service: Handfast, data: Path) -> tuple[int, bytes]:
    with front(data, f"https://127.0.0.1:{service.server_port}") as doors:
        client = doors.tunnelled(ALIPAY)
        client.request("POST", "/gateway.do", b"x" * 100_000)
        answer = client.getresponse()
        read = answer.status, answer.read()
        client.close()
    return read


def test_one_that_is_trusted(
    service: Handfast, certificate: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    assert asked(service, tmp_path) == (200, b"x" * 100_000)
    assert service.seen[0].header("host") == f"127.0.0.1:{service.server_port}"


def test_one_that_is_not(service: Handfast, tmp_path: Path) -> None:
    status, body = asked(service, tmp_path)
    assert (status, b"upstream_unreachable" in body) == (502, True)
    assert service.seen == []
