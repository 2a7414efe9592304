"""The front passes requests on unchanged: through the proxy and in the hosts' place, for the library's own clients."""

import socket
import threading
import urllib.request
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path

import pytest
from tests.unit.gateways.fronts import ALIPAY, ANTOM, PATIENCE, Doors, Handfast, answering, front, handfast, said


@pytest.fixture
def service() -> Iterator[Handfast]:
    with handfast() as running:
        yield running


@pytest.fixture
def doors(service: Handfast, tmp_path: Path) -> Iterator[Doors]:
    with front(tmp_path, service.url) as running:
        yield running


def opener(doors: Doors) -> urllib.request.OpenerDirector:
    proxy = f"http://127.0.0.1:{doors.proxy}"
    proxies = urllib.request.ProxyHandler({"http": proxy, "https": proxy})
    return urllib.request.build_opener(proxies, urllib.request.HTTPSHandler(context=doors.trust()))


@pytest.mark.parametrize("scheme", ["https", "http"])
def test_urllib_through_the_proxy(doors: Doors, service: Handfast, scheme: str) -> None:
    url = f"{scheme}://{ALIPAY}/gateway.do?sign=a%2Fb%3D&x=%E4%B8%AD"
    with opener(doors).open(url, b"biz_content=%7B%7D", PATIENCE) as answer:
        assert (answer.status, answer.read()) == (200, b"biz_content=%7B%7D")
    (seen,) = service.seen
    assert seen.line == "POST /gateway.do?sign=a%2Fb%3D&x=%E4%B8%AD HTTP/1.1"
    assert seen.header("host") == f"127.0.0.1:{service.server_port}"  # links that are made of it lead to Handfast
    assert seen.header("x-forwarded-host") == ALIPAY
    assert seen.header("x-forwarded-proto") == scheme
    assert seen.header("via") == "1.1 handfast-intercept"
    assert seen.body == b"biz_content=%7B%7D"


def test_one_connection_carries_many_requests(doors: Doors, service: Handfast) -> None:
    client = doors.tunnelled(ANTOM)
    for path in ("/ams/api/v1/payments/pay", "/ams/sandbox/api/v1/payments/pay"):
        client.request("POST", path, b"{}", {"Client-Id": "SANDBOX_1"})
        assert client.getresponse().read() == b"{}"
    client.close()
    assert [seen.line.split()[1] for seen in service.seen] == [
        "/ams/api/v1/payments/pay",
        "/ams/sandbox/api/v1/payments/pay",  # the path that was signed
    ]
    assert ("Client-Id", "SANDBOX_1") in service.seen[1].headers


def test_a_vendors_plain_http_by_connect(doors: Doors, service: Handfast) -> None:
    client = doors.tunnelled(ALIPAY, 80)
    client.request("GET", "/gateway.do?a=1")
    assert client.getresponse().status == 200
    client.close()
    assert service.seen[0].header("x-forwarded-proto") == "http"


def test_a_client_that_names_no_host_in_tls(doors: Doors, service: Handfast) -> None:
    """CONNECT has named it; without that, nobody would know whose certificate is wanted."""
    trust = doors.trust()
    trust.check_hostname = False
    with doors.connect(doors.proxy) as bare:
        bare.sendall(f"CONNECT {ALIPAY}:443 HTTP/1.1\r\nHost: {ALIPAY}:443\r\n\r\n".encode())
        assert bare.recv(1000) == b"HTTP/1.1 200 Connection established\r\n\r\n"
        with trust.wrap_socket(bare) as client:
            client.sendall(f"GET / HTTP/1.1\r\nHost: {ALIPAY}\r\nConnection: close\r\n\r\n".encode())
            assert said(client).startswith(b"HTTP/1.1 200 OK\r\n")
    assert service.seen[0].header("x-forwarded-host") == ALIPAY


def test_more_connections_than_are_served_wait(
    service: Handfast, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("handfast.gateways.intercept.front.CONNECTIONS", 1)
    with front(tmp_path, service.url) as doors:
        first = HTTPConnection("127.0.0.1", doors.plain, timeout=PATIENCE)
        second = HTTPConnection("127.0.0.1", doors.plain, timeout=PATIENCE)
        first.request("GET", "/1", headers={"Host": ALIPAY})
        assert first.getresponse().read() == b""
        second.request("GET", "/2", headers={"Host": ALIPAY})
        first.request("GET", "/3", headers={"Host": ALIPAY})
        assert first.getresponse().read() == b""
        first.close()
        assert second.getresponse().status == 200
        second.close()
    assert [seen.line.split()[1] for seen in service.seen] == ["/1", "/3", "/2"]


def test_in_the_hosts_place(doors: Doors, service: Handfast) -> None:
    client = doors.direct(ANTOM)
    client.request("POST", "/ams/api/v1/payments/pay", b"{}")
    assert client.getresponse().read() == b"{}"
    client.close()
    plain = HTTPConnection("127.0.0.1", doors.plain, timeout=PATIENCE)
    plain.request("GET", "/gateway.do", headers={"Host": ALIPAY})
    assert plain.getresponse().status == 200
    plain.close()
    assert [(seen.header("x-forwarded-host"), seen.header("x-forwarded-proto")) for seen in service.seen] == [
        (ANTOM, "https"),
        (ALIPAY, "http"),
    ]


@pytest.mark.parametrize("target", ["?a=1", "/?a=1", ""])
def test_an_absolute_target_becomes_a_path(doors: Doors, service: Handfast, target: str) -> None:
    """Two SDKs send one inside of TLS, and many servers take it for a path."""
    client = doors.direct(ALIPAY)
    client.request("POST", f"https://{ALIPAY}{target}", b"")
    assert client.getresponse().status == 200
    client.close()
    assert service.seen[0].line.split()[1] == f"/{target.removeprefix('/')}"


def test_the_host_in_any_spelling(doors: Doors, service: Handfast) -> None:
    client = doors.direct(ALIPAY)
    client.request("GET", "/", headers={"Host": "OpenAPI.Alipay.com.:443"})
    assert client.getresponse().status == 200
    client.close()
    assert service.seen[0].header("x-forwarded-host") == ALIPAY


def test_what_a_client_says_for_the_proxy_or_of_forwarding_stays_here(doors: Doors, service: Handfast) -> None:
    ours = {
        "Proxy-Authorization": "Basic c2VjcmV0",
        "X-Forwarded-Proto": "ftp",
        "X-Forwarded-Host": "example.com",
        "X-Forwarded-For": "8.8.8.8",
        "Forwarded": "host=example.com",
        "Connection": "keep-alive, X-Hop",
        "X-Hop": "1",
        "X-Stays": "1",
    }
    client = doors.direct(ALIPAY)
    client.request("GET", "/", headers=ours)
    assert client.getresponse().status == 200
    client.close()
    assert sorted(name.lower() for name, _ in service.seen[0].headers) == [
        "accept-encoding",
        "connection",
        "host",
        "via",
        "x-forwarded-host",
        "x-forwarded-proto",
        "x-stays",
    ]
    assert service.seen[0].header("x-forwarded-proto") == "https"
    assert service.seen[0].header("connection") == "close"


def test_an_answer_comes_as_it_was_given(doors: Doors, service: Handfast) -> None:
    service.answer = (404, [("response-time", "1"), ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")], b"\0\xff")
    client = doors.direct(ALIPAY)
    client.request("GET", "/nothing")
    answer = client.getresponse()
    assert (answer.status, answer.reason, answer.read()) == (404, "Not Found", b"\0\xff")
    assert answer.getheaders() == [*service.answer[1], ("content-length", "2")]  # as spelt: an SDK compares so
    client.request("HEAD", "/")
    answer = client.getresponse()
    assert (answer.getheader("content-length"), answer.read()) == ("2", b"")
    client.close()


def test_large_bodies_both_ways(doors: Doors, service: Handfast) -> None:
    body = bytes(range(256)) * (48 * 1024)
    for client in (doors.direct(ALIPAY), doors.tunnelled(ALIPAY)):
        client.request("POST", "/", body)
        assert client.getresponse().read() == body
        client.request("POST", "/", iter([body[:100], body[100:]]), encode_chunked=True)
        assert client.getresponse().read() == body
        client.close()
    assert {len(seen.body) for seen in service.seen} == {len(body)}


def test_a_client_that_waits_to_be_told_to_go_on(doors: Doors, service: Handfast) -> None:
    with doors.connect(doors.plain) as client:
        head = f"POST / HTTP/1.1\r\nHost: {ALIPAY}\r\nContent-Length: 2\r\nExpect: 100-continue\r\n"
        client.sendall(f"{head}Connection: close\r\n\r\n".encode())
        assert client.recv(1000) == b"HTTP/1.1 100 \r\n\r\n"
        client.sendall(b"ok")
        assert said(client).endswith(b"\r\n\r\nok")
    assert service.seen[0].body == b"ok"


def test_an_old_client_gets_an_end_that_it_knows(tmp_path: Path) -> None:
    def talk(connection: socket.socket) -> None:
        connection.recv(10_000)
        chunks = b"3\r\nabc\r\n0\r\n\r\n"
        connection.sendall(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" + chunks)

    with answering(talk) as to, front(tmp_path, to) as doors, doors.connect(doors.plain) as client:
        client.sendall(f"GET / HTTP/1.0\r\nHost: {ALIPAY}\r\n\r\n".encode())
        assert said(client) == b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nabc"


def test_an_answer_streams(tmp_path: Path) -> None:
    """The second half is sent only when the first has been read at the other end."""
    read = threading.Event()

    def talk(connection: socket.socket) -> None:
        connection.recv(10_000)
        connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\none")
        assert read.wait(PATIENCE)
        connection.sendall(b"two")

    with answering(talk) as to, front(tmp_path, to) as doors:
        client = doors.tunnelled(ALIPAY)
        client.request("GET", "/")
        answer = client.getresponse()
        assert answer.read(3) == b"one"
        read.set()
        assert answer.read() == b"two"
        client.close()


def test_a_body_streams(tmp_path: Path) -> None:
    """The second half is sent only when the first has arrived."""
    arrived = threading.Event()

    def talk(connection: socket.socket) -> None:
        heard = b""
        while b"one" not in heard:
            heard += connection.recv(10_000)
        arrived.set()
        while b"two" not in heard:
            heard += connection.recv(10_000)
        connection.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")

    def halves() -> Iterator[bytes]:
        yield b"one"
        assert arrived.wait(PATIENCE)
        yield b"two"

    with answering(talk) as to, front(tmp_path, to) as doors:
        client = doors.tunnelled(ALIPAY)
        client.request("POST", "/", halves(), encode_chunked=True)
        assert client.getresponse().status == 204
        client.close()


def test_an_answer_before_the_body_is_there(tmp_path: Path) -> None:
    def talk(connection: socket.socket) -> None:
        connection.recv(1_000)
        connection.sendall(b"HTTP/1.1 413 Content Too Large\r\ncontent-length: 2\r\n\r\nno")

    with answering(talk) as to, front(tmp_path, to) as doors, doors.connect(doors.plain) as client:
        client.sendall(f"POST / HTTP/1.1\r\nHost: {ALIPAY}\r\nContent-Length: 1000000\r\n\r\nabc".encode())
        head = b"HTTP/1.1 413 Content Too Large\r\ncontent-length: 2\r\n\r\nno"
        heard = b""
        while len(heard) < len(head):
            heard += client.recv(1_000)
        assert heard == head


def test_what_is_under_way_is_finished_at_the_end(tmp_path: Path) -> None:
    asked, stopping = threading.Event(), threading.Event()

    def talk(connection: socket.socket) -> None:
        connection.recv(10_000)
        asked.set()
        assert stopping.wait(PATIENCE)
        connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\ndone")

    heard: list[bytes] = []

    def ask(doors: Doors) -> None:
        client = doors.tunnelled(ALIPAY)
        client.request("POST", "/", b"pay")
        heard.append(client.getresponse().read())
        client.close()

    with answering(talk) as to:
        with front(tmp_path, to, stopping=stopping) as doors:
            asking = threading.Thread(target=ask, args=(doors,))
            asking.start()
            assert asked.wait(PATIENCE)
        asking.join(PATIENCE)
    assert heard == [b"done"]
