"""What the front refuses, whoever sends what: each code of its table, and nothing that a stranger sends ends it."""

import json
import re
import socket
import ssl
import struct
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs
from tests.unit.gateways.fronts import ALIPAY, ANTOM, PATIENCE, Doors, Handfast, answering, front, handfast, said

from handfast.gateways.intercept import exchange
from handfast.gateways.intercept import front as front_room
from handfast.gateways.intercept.refusals import REFUSALS

PAGE = Path(__file__).parents[3] / "docs/intercept.md"
ROW = re.compile(r"^\| `(\w+)` \| (\d+) \| .+\. \|$", re.MULTILINE)
HEAD = f"GET / HTTP/1.1\r\nHost: {ALIPAY}\r\n"


@pytest.fixture
def service() -> Iterator[Handfast]:
    with handfast() as running:
        yield running


@pytest.fixture
def doors(service: Handfast, tmp_path: Path) -> Iterator[Doors]:
    with front(tmp_path, service.url) as running:
        yield running
        client = running.tunnelled(ALIPAY)  # whatever came before, it serves on
        client.request("GET", "/still-there")
        assert client.getresponse().status == 200
        client.close()
        assert service.seen[-1].line == "GET /still-there HTTP/1.1"


def refusal(answer: bytes) -> tuple[int, str]:
    """Status and code of a refusal."""
    head, _, body = answer.partition(b"\r\n\r\n")
    status = int(head.split()[1])
    code: str = json.loads(body)["error"]["code"]
    assert REFUSALS[code] == status
    return status, code


def sent(doors: Doors, port: int, text: str | bytes) -> bytes:
    """What comes back for some bytes."""
    with doors.connect(port) as client:
        client.sendall(text.encode() if isinstance(text, str) else text)
        return said(client)


def inside(doors: Doors, host: str, text: str) -> bytes:
    """What comes back for some text, said inside of TLS to a host."""
    with doors.connect(doors.secure) as bare, doors.trust().wrap_socket(bare, server_hostname=host) as client:
        client.sendall(text.encode())
        return said(client)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n", "host_refused"),
        ("CONNECT 127.0.0.1:443 HTTP/1.1\r\nHost: x\r\n\r\n", "host_refused"),
        ("CONNECT [::1]:443 HTTP/1.1\r\nHost: x\r\n\r\n", "host_refused"),
        (f"CONNECT {ALIPAY}.example.com:443 HTTP/1.1\r\nHost: x\r\n\r\n", "host_refused"),
        (f"CONNECT {ALIPAY}:22 HTTP/1.1\r\nHost: x\r\n\r\n", "port_refused"),
        (f"CONNECT {ALIPAY}:8443 HTTP/1.1\r\nHost: x\r\n\r\n", "port_refused"),
        (f"CONNECT {ALIPAY} HTTP/1.1\r\nHost: x\r\n\r\n", "request_malformed"),
        (f"CONNECT {ALIPAY}:0 HTTP/1.1\r\nHost: x\r\n\r\n", "request_malformed"),
        (f"CONNECT {ALIPAY}:65979 HTTP/1.1\r\nHost: x\r\n\r\n", "request_malformed"),
        (f"CONNECT https://{ALIPAY}/ HTTP/1.1\r\nHost: x\r\n\r\n", "request_malformed"),
        (f"CONNECT user@{ALIPAY}:443 HTTP/1.1\r\nHost: x\r\n\r\n", "request_malformed"),
        (f"CONNECT {ALIPAY}:443 HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx", "request_malformed"),
        ("GET http://example.com/ HTTP/1.1\r\nHost: example.com\r\n\r\n", "host_refused"),
        (f"GET http://example.com/ HTTP/1.1\r\nHost: {ALIPAY}\r\n\r\n", "host_refused"),
        (f"GET http://{ALIPAY}:8080/ HTTP/1.1\r\nHost: {ALIPAY}\r\n\r\n", "port_refused"),
        (f"GET http://{ALIPAY}@example.com/ HTTP/1.1\r\nHost: x\r\n\r\n", "request_malformed"),
        (f"GET http://{ALIPAY}\\.example.com/ HTTP/1.1\r\nHost: x\r\n\r\n", "request_malformed"),
        ("GET http:///path HTTP/1.1\r\nHost: x\r\n\r\n", "request_malformed"),
        (f"GET / HTTP/1.1\r\nHost: {ALIPAY}\r\n\r\n", "request_malformed"),  # a page in a browser can send no more
        (f"GET ftp://{ALIPAY}/ HTTP/1.1\r\nHost: {ALIPAY}\r\n\r\n", "request_malformed"),
        ("OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", "request_malformed"),
    ],
)
def test_the_proxy_refuses(doors: Doors, service: Handfast, text: str, code: str) -> None:
    assert refusal(sent(doors, doors.proxy, text))[1] == code
    assert service.seen == []


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("GET / HTTP/1.1\r\nHost: example.com\r\n\r\n", "host_refused"),
        ("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", "host_refused"),
        (f"GET http://example.com/ HTTP/1.1\r\nHost: {ALIPAY}\r\n\r\n", "host_refused"),
        (f"GET / HTTP/1.1\r\nHost: {ALIPAY}:8080\r\n\r\n", "port_refused"),
        (f"CONNECT {ALIPAY}:443 HTTP/1.1\r\nHost: x\r\n\r\n", "request_malformed"),
        ("GET / HTTP/1.1\r\n\r\n", "request_malformed"),
        ("GET / HTTP/1.0\r\n\r\n", "request_malformed"),
        (f"{HEAD}Host: example.com\r\n\r\n", "request_malformed"),
        (f"{HEAD}Content-Length: 1\r\nContent-Length: 2\r\n\r\nab", "request_malformed"),
        (f"{HEAD}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "request_malformed"),
        (f"{HEAD}Transfer-Encoding: chunked\r\n\r\nzz\r\n", "request_malformed"),
        (f"{HEAD}Content-Length: -1\r\n\r\n", "request_malformed"),
        (f"{HEAD}X: a\rb\r\n\r\n", "request_malformed"),
        (f"{HEAD}X: a\0b\r\n\r\n", "request_malformed"),
        (f"{HEAD}X Y: a\r\n\r\n", "request_malformed"),
        (f"GET /a b HTTP/1.1\r\nHost: {ALIPAY}\r\n\r\n", "request_malformed"),
        (f"GET / HTTP/1.1\r\nHost: {ALIPAY}\r\n folded\r\n\r\n", "request_malformed"),
        ("\x16\x03\x01 no TLS here\r\n\r\n", "request_malformed"),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "request_malformed"),
        ("\0" * 100_000, "request_malformed"),
        (f"{HEAD}X: {'a' * 140_000}\r\n\r\n", "headers_too_large"),
        (f"{HEAD}{'X: a' * 40_000}", "headers_too_large"),
        (f"GET /{'a' * 140_000} HTTP/1.1\r\nHost: {ALIPAY}\r\n\r\n", "headers_too_large"),
        (f"{HEAD}Content-Length: 16777217\r\n\r\n", "body_too_large"),
        (f"{HEAD}Via: 1.1 other, 1.1 handfast-intercept\r\n\r\n", "loop_detected"),
    ],
)
def test_the_door_of_plain_http_refuses(doors: Doors, service: Handfast, text: str, code: str) -> None:
    assert refusal(sent(doors, doors.plain, text))[1] == code
    assert service.seen == []


@pytest.mark.parametrize(
    "text",
    [
        "GET / HTTP/1.1\r\nHost: example.com\r\n\r\n",
        f"GET / HTTP/1.1\r\nHost: {ANTOM}\r\n\r\n",
        f"GET / HTTP/1.1\r\nHost: {ALIPAY}:8443\r\n\r\n",
        f"GET https://{ANTOM}/ HTTP/1.1\r\nHost: {ALIPAY}\r\n\r\n",
        f"GET http://{ALIPAY}/ HTTP/1.1\r\nHost: {ALIPAY}\r\n\r\n",
        f"GET https://example.com/ HTTP/1.1\r\nHost: {ALIPAY}\r\n\r\n",
    ],
)
def test_a_connection_for_one_host_is_for_no_other(doors: Doors, service: Handfast, text: str) -> None:
    assert refusal(inside(doors, ALIPAY, text)) == (421, "host_mismatch")
    assert service.seen == []


@pytest.mark.parametrize("name", ["example.com", f"x.{ALIPAY}", "xn--a", "a" * 60, None])
def test_tls_for_another_name_does_not_begin(doors: Doors, name: str | None) -> None:
    anyone = ssl._create_unverified_context()
    with doors.connect(doors.secure) as bare, pytest.raises(ssl.SSLError, match="UNRECOGNIZED_NAME"):
        anyone.wrap_socket(bare, server_hostname=name)


@pytest.mark.parametrize("name", [ANTOM, "example.com"])
def test_tls_for_another_name_than_connect_named(doors: Doors, name: str) -> None:
    with doors.connect(doors.proxy) as bare:
        bare.sendall(f"CONNECT {ALIPAY}:443 HTTP/1.1\r\nHost: {ALIPAY}:443\r\n\r\n".encode())
        assert bare.recv(1000) == b"HTTP/1.1 200 Connection established\r\n\r\n"
        with pytest.raises(ssl.SSLError, match="UNRECOGNIZED_NAME"):
            doors.trust().wrap_socket(bare, server_hostname=name)


@pytest.mark.parametrize(
    "text",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"\x16\x03\x01\xff\xff" + b"\0" * 70_000,
        b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\xff",
        b"\0",
        b"",
    ],
)
def test_garbage_instead_of_tls(doors: Doors, text: bytes) -> None:
    with doors.connect(doors.secure) as client:
        client.sendall(text)
        client.shutdown(socket.SHUT_WR)
        assert said(client)[:1] in {b"", b"\x15"}  # nothing, or an alert


def test_who_speaks_before_being_let_in_is_hung_up_on(doors: Doors) -> None:
    text = f"CONNECT {ALIPAY}:443 HTTP/1.1\r\nHost: {ALIPAY}:443\r\n\r\n\x16\x03\x01"
    assert sent(doors, doors.proxy, text) == b"HTTP/1.1 200 Connection established\r\n\r\n"


def test_hanging_up_anywhere(doors: Doors, service: Handfast) -> None:
    request = f"POST / HTTP/1.1\r\nHost: {ALIPAY}\r\nContent-Length: 5\r\n\r\nab".encode()
    for end in range(len(request)):
        with doors.connect(doors.plain) as client:
            client.sendall(request[:end])
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, end % 2))
    assert service.seen == []  # half a body is none


def test_a_refused_body_that_is_still_coming(doors: Doors) -> None:
    """Closing on unread bytes resets a connection, and the client would never read why."""
    body = b"x" * 500_000
    text = f"POST / HTTP/1.1\r\nHost: example.com\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    assert refusal(sent(doors, doors.plain, text + body)) == (403, "host_refused")


def test_chunks_without_end(doors: Doors) -> None:
    chunk = b"100000\r\n" + b"x" * 0x100000 + b"\r\n"
    with doors.connect(doors.plain) as client:
        client.sendall(f"{HEAD}Transfer-Encoding: chunked\r\n\r\n".encode())
        for _ in range(16):
            client.sendall(chunk)
        client.sendall(b"1\r\nx")
        assert refusal(said(client)) == (413, "body_too_large")


def test_half_a_head(doors: Doors, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(front_room, "HEAD_LIMIT", 0.05)
    assert refusal(sent(doors, doors.plain, HEAD)) == (408, "request_timed_out")
    assert sent(doors, doors.plain, "") == b""  # who says nothing is told nothing
    assert sent(doors, doors.secure, "") == b""
    monkeypatch.setattr(front_room, "HEAD_LIMIT", PATIENCE)


def test_half_a_body(doors: Doors, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange, "PATIENCE", 0.05)
    assert refusal(sent(doors, doors.plain, f"{HEAD}Content-Length: 5\r\n\r\nab"))[1] in {
        "request_timed_out",
        "upstream_timed_out",
    }
    monkeypatch.setattr(exchange, "PATIENCE", PATIENCE)


def silent(connection: socket.socket) -> None:
    while connection.recv(10_000):
        pass


def hurried(connection: socket.socket) -> None:
    connection.recv(10_000)


def babbling(connection: socket.socket) -> None:
    connection.recv(10_000)
    connection.sendall(b"SSH-2.0\r\n\r\n")


def endless(connection: socket.socket) -> None:
    connection.recv(10_000)
    try:
        while True:
            connection.sendall(b"HTTP/1.1 200 OK\r\n" + b"X: a\r\n" * 20_000)
    except OSError:
        pass


@pytest.mark.parametrize(
    ("talk", "code"),
    [
        (silent, "upstream_timed_out"),
        (hurried, "upstream_unreachable"),
        (babbling, "upstream_malformed"),
        (endless, "upstream_malformed"),
    ],
)
def test_an_upstream_that_gives_no_answer(
    talk: Callable[[socket.socket], None], code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exchange, "PATIENCE", 0.2 if talk is silent else PATIENCE)
    with answering(talk) as to, front(tmp_path, to) as doors:
        assert refusal(sent(doors, doors.plain, f"{HEAD}Connection: close\r\n\r\n"))[1] == code


def test_an_answer_that_breaks_off_is_not_made_whole(tmp_path: Path) -> None:
    def talk(connection: socket.socket) -> None:
        connection.recv(10_000)
        connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\none")

    with answering(talk) as to, front(tmp_path, to) as doors:
        assert sent(doors, doors.plain, f"{HEAD}\r\n").endswith(b"\r\n\r\none")


def test_nobody_is_there(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as door:
        port = door.getsockname()[1]
    with front(tmp_path, f"http://127.0.0.1:{port}") as doors:
        answer = sent(doors, doors.plain, f"{HEAD}\r\n")
    assert refusal(answer) == (502, "upstream_unreachable")
    assert answer.startswith(b"HTTP/1.1 502 Bad Gateway\r\ncontent-type: application/json\r\n")


def test_what_leads_back_here_goes_round_once(tmp_path: Path) -> None:
    """The hosts file may lead `--to` itself here: the address is known only when all stands."""
    with answering(silent) as somewhere, front(tmp_path, somewhere) as first:
        with front(tmp_path, f"http://127.0.0.1:{first.plain}") as doors:
            assert refusal(sent(doors, doors.plain, f"{HEAD}Connection: close\r\n\r\n")) == (508, "loop_detected")
        first.connect(int(somewhere.rpartition(":")[2])).close()


def test_logs_hold_no_secret(doors: Doors) -> None:
    with capture_logs() as logs:
        text = f"POST /gateway.do?sign=SECRET HTTP/1.1\r\nHost: {ALIPAY}\r\nAuthorization: SECRET\r\n"
        assert b"200" in sent(doors, doors.plain, f"{text}Connection: close\r\nContent-Length: 6\r\n\r\nSECRET")
        sent(doors, doors.proxy, text + "\r\n")
    told = [{key: log[key] for key in sorted(log) if key != "log_level"} for log in logs]
    assert told == [
        {"event": "passed on", "host": ALIPAY, "method": "POST", "path": "/gateway.do", "status": 200},
        {"code": "request_malformed", "event": "refused", "host": ALIPAY},
    ]


def test_every_code_is_documented_with_its_status() -> None:
    documented = {code: int(status) for code, status in ROW.findall(PAGE.read_text())}
    assert documented == dict(REFUSALS)
