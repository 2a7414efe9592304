"""One POST: to the address that was checked, within bounds, whatever the other side does."""

import asyncio
import ssl
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from tests.unit.timers.receivers import OK, Answer, Receiver, drip, flood, flood_of_headers, stall

from handfast.timers import sender as module
from handfast.timers.sender import Outcome, Sender

pytestmark = pytest.mark.anyio

NAME = "shop.example.com"
SAID = Outcome(200, body=b"ok")
PUBLIC, PUBLIC_6 = "93.184.215.14", "2606:2800:21f::1"


@pytest.fixture(params=[False, True], ids=["asyncio", "uvloop"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, bool]]:
    return "asyncio", {"use_uvloop": request.param}


@pytest.fixture
def open_sender() -> Iterator[Sender]:
    """A sender that may go everywhere, for receivers on loopback."""
    sender = Sender(private=True)
    yield sender
    sender.close()


async def answered(sender: Sender, *answers: Answer) -> Outcome:
    async with Receiver(*answers) as receiver:
        return await sender.post(receiver.url, {"x-a": "b"}, b"{}")


async def test_what_reaches_the_receiver(open_sender: Sender, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(variable, "http://127.0.0.1:9/")
    async with Receiver() as receiver:
        assert await open_sender.post(receiver.url, {"x-a": "b"}, b'{"c":1}') == SAID
    (received,) = receiver.received
    assert received.line == "POST /hook?a=1 HTTP/1.1"
    assert received.body == b'{"c":1}'
    assert received.headers == {
        "host": f"127.0.0.1:{receiver.port}",
        "user-agent": "handfast",
        "connection": "close",
        "content-length": "7",
        "x-a": "b",
    }


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (OK, SAID),
        (b"HTTP/1.1 204 No Content\r\n\r\n", Outcome(204)),
        (b"HTTP/1.0 200 OK\r\n\r\nuntil the end", Outcome(200, body=b"until the end")),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n" + OK, SAID),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\ncut", Outcome(200, body=b"cut")),
        (b"HTTP/1.1 500 Fault\r\ncontent-length: 0\r\n\r\n" + OK, Outcome(500)),
        (b"HTTP/1.1 410 Gone\r\nconnection: close\r\ncontent-length: 0\r\n\r\nmore", Outcome(410)),
        (b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n" + OK, "answer_malformed"),
        (b"HTTP/1.1 100 Continue\r\n\r\n", "answer_malformed"),
        (b"HTTP/1.1 2000 OK\r\n\r\n", "answer_malformed"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n", "answer_malformed"),
        (b"SSH-2.0-OpenSSH_9.6\r\n", "answer_malformed"),
        (b"HTTP/1.1 200 OK\r\nserv", "answer_malformed"),
        (b"", "answer_malformed"),
        (flood_of_headers, "answer_malformed"),
    ],
)
async def test_an_answer_is_its_status_and_body(open_sender: Sender, answer: Answer, outcome: Outcome | str) -> None:
    expected = outcome if isinstance(outcome, Outcome) else Outcome(0, outcome)
    assert await answered(open_sender, answer) == expected


async def test_a_body_is_read_up_to_a_bound(open_sender: Sender) -> None:
    outcome = await answered(open_sender, flood)
    assert outcome.status == 200
    assert 0 < len(outcome.body) <= module.ANSWER_LIMIT


@pytest.mark.parametrize("answer", [flood, flood_of_headers])
async def test_an_answer_without_end_is_hung_up_on(open_sender: Sender, answer: Answer) -> None:
    async with Receiver(answer) as receiver:
        await open_sender.post(receiver.url, {}, b"")
        await asyncio.wait_for(receiver.hung_up.wait(), 30)


@pytest.mark.parametrize("answer", [stall, drip])
async def test_an_answer_that_does_not_come_times_out(
    open_sender: Sender, answer: Answer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "TIME_LIMIT", 0.05)
    assert await answered(open_sender, answer) == Outcome(0, "timed_out")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_no_redirect_is_followed(open_sender: Sender, status: int) -> None:
    async with Receiver() as elsewhere:
        answer = f"HTTP/1.1 {status} Moved\r\nlocation: {elsewhere.url}\r\ncontent-length: 0\r\n\r\n"
        assert await answered(open_sender, answer.encode()) == Outcome(status)
    assert elsewhere.connections == 0


async def test_nobody_listens(open_sender: Sender) -> None:
    async with Receiver() as receiver:
        pass
    assert await open_sender.post(receiver.url, {}, b"") == Outcome(0, "connection_failed")


class Authority:
    """Issues certificates for receivers, and is trusted by `trusting`."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test Authority")])
        self._certificate = self._issue(self._key, self._name, timedelta(days=1), authority=True)
        self.trusting = ssl.create_default_context(
            cadata=self._certificate.public_bytes(serialization.Encoding.PEM).decode()
        )

    def _issue(self, key: Any, subject: x509.Name, until: timedelta, *, authority: bool) -> x509.Certificate:
        now = datetime.now(UTC)
        return (
            x509.CertificateBuilder(self._name, subject, key.public_key(), x509.random_serial_number())
            .not_valid_before(now - timedelta(days=2))
            .not_valid_after(now + until)
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
            .sign(self._key, hashes.SHA256())
        )

    def server(self, folder: Path, until: timedelta = timedelta(days=1)) -> ssl.SSLContext:
        """A server of that name, whose certificate ends then."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
        path = folder / "server.pem"
        path.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
            + self._issue(key, subject, until, authority=False).public_bytes(serialization.Encoding.PEM)
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return context


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


class Network:
    """A name server with its answers, and a network in which every address is the receiver."""

    def __init__(self, receiver: Receiver, *answers: Sequence[str]) -> None:
        self.receiver = receiver
        self.answers = list(answers)
        self.asked: list[str] = []
        self.dialled: list[str] = []
        self.names: list[str | None] = []
        self.dead: set[str] = set()

    def resolve(self, host: str, port: int) -> Sequence[str]:
        self.asked.append(f"{host}:{port}")
        return self.answers.pop(0)

    async def connect(self, address: str, _: int, **tls: Any) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        self.dialled.append(address)
        if address in self.dead:
            raise ConnectionRefusedError
        self.names.append(tls.get("server_hostname"))
        return await asyncio.open_connection("127.0.0.1", self.receiver.port, **tls)


async def post(network: Network, authority: Authority, url: str = f"https://{NAME}:8443/hook") -> Outcome:
    sender = Sender(private=False, resolve=network.resolve, connect=network.connect, tls=authority.trusting)
    try:
        return await sender.post(url, {}, b"{}")
    finally:
        sender.close()


async def test_the_checked_address_is_dialled_under_the_name(authority: Authority, tmp_path: Path) -> None:
    async with Receiver(tls=authority.server(tmp_path)) as receiver:
        network = Network(receiver, [PUBLIC])
        assert await post(network, authority) == SAID
    assert (network.asked, network.dialled, network.names) == ([f"{NAME}:8443"], [PUBLIC], [NAME])
    assert receiver.received[0].headers["host"] == f"{NAME}:8443"


async def test_a_name_that_rebinds_to_loopback_is_never_dialled_there(authority: Authority, tmp_path: Path) -> None:
    async with Receiver(tls=authority.server(tmp_path)) as receiver:
        network = Network(receiver, [PUBLIC], ["127.0.0.1"], [PUBLIC, "127.0.0.1"])
        assert await post(network, authority) == SAID
        assert await post(network, authority) == Outcome(0, "address_refused")
        assert await post(network, authority) == Outcome(0, "address_refused")
    assert len(network.asked) == 3
    assert network.dialled == [PUBLIC]
    assert receiver.connections == 1


@pytest.mark.parametrize("address", ["10.0.0.1", "169.254.169.254", "::1", "::ffff:127.0.0.1", "fe80::1%lo", "0.0.0.0"])
async def test_a_name_of_a_private_address_is_not_dialled(authority: Authority, address: str) -> None:
    async with Receiver() as receiver:
        network = Network(receiver, [address])
        assert await post(network, authority) == Outcome(0, "address_refused")
    assert network.dialled == []


@pytest.mark.parametrize("url", ["https://127.0.0.1/", "http://shop.example.com/", "https://shop.example.com/#a", "x"])
async def test_a_url_is_judged_again_when_it_is_called(authority: Authority, url: str) -> None:
    async with Receiver() as receiver:
        network = Network(receiver)
        assert await post(network, authority, url) == Outcome(0, "url_refused")
    assert network.asked == network.dialled == []


async def test_a_name_without_addresses(authority: Authority) -> None:
    async with Receiver() as receiver:
        assert await post(Network(receiver, []), authority) == Outcome(0, "name_unknown")


async def test_the_next_address_is_tried(authority: Authority, tmp_path: Path) -> None:
    async with Receiver(tls=authority.server(tmp_path)) as receiver:
        network = Network(receiver, [PUBLIC_6, PUBLIC])
        network.dead = {PUBLIC_6}
        assert await post(network, authority) == SAID
    assert network.dialled == [PUBLIC_6, PUBLIC]


async def test_an_expired_certificate_and_a_foreign_name(authority: Authority, tmp_path: Path) -> None:
    async with Receiver(tls=authority.server(tmp_path, until=timedelta(days=-1))) as receiver:
        assert await post(Network(receiver, [PUBLIC]), authority) == Outcome(0, "tls_failed")
        assert receiver.received == []
    async with Receiver(tls=authority.server(tmp_path)) as receiver:
        other = Network(receiver, [PUBLIC])
        assert await post(other, authority, "https://other.example.com/") == Outcome(0, "tls_failed")
        assert receiver.received == []
