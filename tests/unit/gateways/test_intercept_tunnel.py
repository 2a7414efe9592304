"""Other hosts through the proxy: only where they are public, at the very address that was checked, or where allowed."""

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.unit.gateways.fronts import ALIPAY, PATIENCE, Handfast, answering, front, handfast, said

from handfast.gateways.intercept import Outside, dialling


@pytest.fixture
def service() -> Iterator[Handfast]:
    with handfast() as running:
        yield running


class Names:
    """A name server that says something else each time, and counts."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, int]] = []

    async def __call__(self, host: str, port: int) -> list[str]:
        self.asked.append((host, port))
        return self.answers.pop(0)


def code_of(answer: bytes) -> str:
    code: str = json.loads(answer.partition(b"\r\n\r\n")[2])["error"]["code"]
    return code


def asked(data: Path, outside: Outside, *texts: str) -> list[bytes]:
    """What a front that reaches outside says to each text."""
    answers = []
    with front(data, "http://127.0.0.1:9", outside) as doors:
        for text in texts:
            with doors.connect(doors.proxy) as client:
                client.sendall(text.encode())
                answers.append(said(client))
    return answers


def connect(authority: str) -> str:
    return f"CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n\r\n"


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0",
        "10.1.2.3",
        "169.254.169.254",
        "192.168.0.1",
        "100.64.0.1",
        "localhost",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[fe80::1]",
        "[fd00::1]",
        "[64:ff9b::7f00:1]",
    ],
)
def test_no_way_to_this_network(tmp_path: Path, host: str) -> None:
    texts = (connect(f"{host}:443"), f"GET http://{host}/ HTTP/1.1\r\nHost: {host}\r\n\r\n")
    assert {code_of(answer) for answer in asked(tmp_path, Outside(private=False), *texts)} == {"address_refused"}


def test_one_private_address_among_public_ones(tmp_path: Path) -> None:
    names = Names(["93.184.216.34", "10.0.0.1"])
    (answer,) = asked(tmp_path, Outside(private=False, resolve=names), connect("example.com:443"))
    assert code_of(answer) == "address_refused"


@pytest.mark.parametrize("port", [22, 25, 8080])
def test_other_ports(tmp_path: Path, port: int) -> None:
    texts = (connect(f"example.com:{port}"), f"GET http://example.com:{port}/ HTTP/1.1\r\nHost: example.com\r\n\r\n")
    names = Names()
    answers = asked(tmp_path, Outside(private=True, resolve=names), *texts)
    assert {code_of(answer) for answer in answers} == {"port_refused"}
    assert names.asked == []


def test_a_name_without_address(tmp_path: Path) -> None:
    async def nobody(_host: str, _port: int) -> list[str]:
        raise socket.gaierror(socket.EAI_NONAME, "nobody")

    answers = asked(tmp_path, Outside(private=False, resolve=nobody), connect("example.com:443"))
    answers += asked(tmp_path, Outside(private=False), connect(f"{'a' * 64}.com:443"), connect("a..b:443"))
    assert [code_of(answer) for answer in answers] == ["name_unknown"] * 3


def test_https_of_others_needs_a_tunnel(tmp_path: Path) -> None:
    text = "GET https://example.com/ HTTP/1.1\r\nHost: example.com\r\n\r\n"
    (answer,) = asked(tmp_path, Outside(private=True), text)
    assert code_of(answer) == "request_malformed"


def test_the_address_that_was_checked_is_the_one_that_is_dialled(
    tmp_path: Path, service: Handfast, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The name is asked for once; what it would say the next time changes nothing."""
    monkeypatch.setattr(dialling, "TUNNEL_PORTS", (service.server_port,))
    checked: list[str] = []

    def is_public(address: str) -> bool:
        checked.append(address)
        return address == "127.0.0.1"

    monkeypatch.setattr(dialling, "is_public", is_public)
    names = Names(["127.0.0.1"], ["10.0.0.1"])
    authority = f"rebound.example:{service.server_port}"
    text = f"GET http://{authority}/path?q HTTP/1.1\r\nHost: {authority}\r\nConnection: close\r\n\r\n"
    (answer,) = asked(tmp_path, Outside(private=False, resolve=names), text)
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert (checked, names.asked) == (["127.0.0.1"], [("rebound.example", service.server_port)])
    (seen,) = service.seen
    assert (seen.line, seen.header("host")) == ("GET /path?q HTTP/1.1", authority)
    assert seen.header("x-forwarded-proto") is None


def test_a_tunnel_hands_through_both_ways_and_both_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[bytes] = []

    def talk(connection: socket.socket) -> None:
        heard.append(said(connection))  # until the client has said all
        connection.sendall(b"answer" * 100_000)

    with answering(talk) as to:
        port = int(to.rpartition(":")[2])
        monkeypatch.setattr(dialling, "TUNNEL_PORTS", (port,))
        outside = Outside(private=True)
        with front(tmp_path, "http://127.0.0.1:9", outside) as doors, doors.connect(doors.proxy) as client:
            client.sendall(connect(f"127.0.0.1:{port}").encode() + b"early, ")
            assert client.recv(1_000) == b"HTTP/1.1 200 Connection established\r\n\r\n"
            client.sendall(b"late")
            client.shutdown(socket.SHUT_WR)
            assert said(client) == b"answer" * 100_000
    assert heard == [b"early, late"]


def test_a_tunnel_ends_with_the_front(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ended: list[bytes] = []
    with answering(lambda connection: ended.append(said(connection))) as to:
        port = int(to.rpartition(":")[2])
        monkeypatch.setattr(dialling, "TUNNEL_PORTS", (port,))
        with front(tmp_path, "http://127.0.0.1:9", Outside(private=True)) as doors:
            client = doors.connect(doors.proxy)
            client.sendall(connect(f"127.0.0.1:{port}").encode())
            assert client.recv(1_000) == b"HTTP/1.1 200 Connection established\r\n\r\n"
        with client:
            assert said(client) == b""
    assert ended == [b""]


def test_an_idle_tunnel_is_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("handfast.gateways.intercept.tunnel.IDLE_LIMIT", 0.05)
    ended: list[bytes] = []
    with answering(lambda connection: ended.append(said(connection))) as to:
        port = int(to.rpartition(":")[2])
        monkeypatch.setattr(dialling, "TUNNEL_PORTS", (port,))
        (answer,) = asked(tmp_path, Outside(private=True), connect(f"127.0.0.1:{port}"))
    assert answer == b"HTTP/1.1 200 Connection established\r\n\r\n"


def test_a_vendors_host_is_never_reached_outside(tmp_path: Path) -> None:
    names = Names()
    outside = Outside(private=True, resolve=names)
    text = f"GET http://{ALIPAY}/ HTTP/1.1\r\nHost: {ALIPAY}\r\n\r\n"
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        port = nobody.getsockname()[1]
    with front(tmp_path, f"http://127.0.0.1:{port}", outside) as doors, doors.connect(doors.proxy) as client:
        client.settimeout(PATIENCE)
        client.sendall(text.encode())
        assert code_of(said(client)) == "upstream_unreachable"
    assert names.asked == []
