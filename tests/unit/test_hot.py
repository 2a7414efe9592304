"""The short way of payments: nobody can tell from an answer which way it came, and a connection stays what it was."""

import asyncio
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
import uvicorn
from tests.conftest import NewDatabase
from tests.unit.gateways.native.street import Street, opened
from tests.unit.test_protocol import Wire
from uvicorn.server import ServerState

from handfast.app.edge import asgi
from handfast.app.hot import Hot
from handfast.app.protocol import HEAD_BYTES, Protocol
from handfast.app.telemetry import HttpCounts, http_counts
from handfast.core.errors import Declined, Unavailable
from handfast.store.intake import Intake, Pairs
from handfast.store.verb import Answer


@pytest.fixture
def street(new_sqlite: NewDatabase) -> Iterator[Street]:
    with opened(new_sqlite(), Street) as street:
        yield street


class Town:
    """The street's API on two sockets: one that offers the short way, and one that has none."""

    def __init__(self, street: Street, monkeypatch: pytest.MonkeyPatch) -> None:
        self.street = street
        self.taken: list[bool] = []
        self.ways: list[list[bool]] = []
        self.counts = http_counts()
        take = Hot.take

        def watched(hot: Hot, *given: Any) -> bool:
            self.taken.append(take(hot, *given))
            return self.taken[-1]

        monkeypatch.setattr(Hot, "take", watched)

    async def exchange(self, scripts: list[tuple[list[bytes], int]]) -> list[tuple[bytes, bytes]]:
        """What comes back on a connection of its own for each script, by the short way's socket and by the other."""
        intake = Intake(self.street.desk, 64, 100)
        intake.start()
        services = replace(self.street.api.services, hand=intake)
        found: list[list[bytes]] = []
        for offered in (intake, None):
            config = uvicorn.Config(
                asgi(services, self.counts, offered), http=Protocol, lifespan="off", log_config=None
            )
            state = ServerState()
            loop = asyncio.get_running_loop()
            server = await loop.create_server(partial(Protocol, config, state, {}), "127.0.0.1", 0)
            port = server.sockets[0].getsockname()[1]
            await _speak(port, [self.request(b"{}")])  # whoever is to be remembered has to come once
            found.append([await self.speak(port, *script) for script in scripts])
            server.close()
        intake.stop()
        return list(zip(*found, strict=True))

    async def speak(self, port: int, script: list[bytes], answers: int) -> bytes:
        """One script; each way has idempotency keys of its own."""
        before = len(self.taken)
        told = await _speak(port, [part.replace(b"{way}", b"way-%d" % port) for part in script], answers)
        self.ways.append(self.taken[before:])
        return told

    def request(self, body: bytes | None = None, *more: str, head: str = "", kind: str = "application/json") -> bytes:
        """A payment's request."""
        if body is None:
            body = self.order()
        lines = [
            head or "POST /v1/payments HTTP/1.1",
            "Host: x",
            f"Authorization: Bearer {self.street.keys['shop']}",
            f"Content-Type: {kind}",
            f"Content-Length: {len(body)}",
            *more,
        ]
        return "\r\n".join([*lines, "", ""]).encode() + body

    def order(self, **more: Any) -> bytes:
        return json.dumps({"currency": "USD", "amount": 500, "payer": self.street.id("fang"), **more}).encode()


async def _speak(port: int, script: list[bytes], answers: int = 1) -> bytes:
    """Send the parts, each after a turn of the loop (an empty one ends sending); what comes until so many answers.

    Where the connection is to be closed, `answers` is 0.
    """
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for part in script:
        if part:
            writer.write(part)
        else:
            writer.write_eof()
        await asyncio.sleep(0)
    found = b""
    if not answers:
        found = await reader.read() + b"(closed)"
    while answers:
        head = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", head)
        found += head + await reader.readexactly(int(length[1]) if length else 0)
        answers -= 1
    writer.close()
    return found


def masked(answer: bytes) -> bytes:
    """The answer without what differs each time; `date` is uvicorn's own and told by the second."""
    answer = re.sub(rb"(pay|req)_[0-9a-f]{26}", rb"\1_", answer)
    return re.sub(rb"date: [^\r]*", b"date:", answer)


def test_no_answer_tells_which_way_it_came(street: Street, monkeypatch: pytest.MonkeyPatch) -> None:
    town = Town(street, monkeypatch)
    whole = town.request
    chunked = whole(b"").replace(b"Content-Length: 0", b"Transfer-Encoding: chunked")
    piece = town.order()
    cases: list[tuple[list[bytes], int, list[bool]]] = [
        ([whole()], 1, [True]),
        ([whole(town.order(metadata={"a": "ü"}), "Idempotency-Key: {way}-1")], 1, [True]),
        ([whole(town.order(metadata={"a": "ü"}), "Idempotency-Key: {way}-1")], 1, [True]),
        ([whole(town.order(reference="other"), "Idempotency-Key: {way}-1")], 1, [True]),
        ([whole(town.order(amount=90_000))], 1, [True]),
        ([whole(b'{"currency":"USD","amount":5}')], 1, [True]),
        ([whole(b'{"currency":"XXY","amount":5}')], 1, [True]),
        ([whole(b'{"currency":"USD","amount":-5}')], 1, [False]),
        ([whole(b'{"currency":"USD","amount":5,"amount":6}')], 1, [False]),
        ([whole(b"")], 1, [False]),
        ([whole(b"[" * 2000)], 1, [False]),
        ([whole(None, "Idempotency-Key: " + "k" * 256)], 1, [False]),
        ([whole(None, "Idempotency-Key: a", "Idempotency-Key: b")], 1, [False]),
        ([whole(kind="text/plain")], 1, [False]),
        ([whole(kind="application/json; charset=utf-8")], 1, [False]),
        ([whole().replace(b"Bearer hf_", b"Bearer hf_x")], 1, [False]),
        ([whole().replace(b"Authorization", b"X")], 1, [False]),
        ([whole(None, "Connection: close")], 0, []),
        ([whole(head="POST /v1/payments HTTP/1.0")], 0, []),
        ([whole(head="POST /v1/payments?limit=1 HTTP/1.1")], 1, []),
        ([whole(head="PUT /v1/payments HTTP/1.1")], 1, []),
        ([whole(None, "Expect: 100-continue")], 2, []),
        ([whole(None, "Connection: upgrade", "Upgrade: h2c")], 1, []),
        ([chunked + b"%x\r\n%b\r\n0\r\n\r\n" % (len(piece), piece)], 1, [False]),
        ([whole() + whole(b"{}") + whole()], 3, [True]),
        ([whole(), whole()], 2, [True]),
        ([whole() + b"\x00\x01 no http"], 0, [True]),
        ([whole(), b""], 0, [True]),
    ]
    with asyncio.Runner() as runner:
        told = runner.run(town.exchange([(script, answers) for script, answers, _ in cases]))
    for n, (hot, plain) in enumerate(told):
        assert masked(hot) == masked(plain), cases[n]
    assert town.ways == [taken for _, _, taken in cases] + [[] for _ in cases]
    assert told[0][0].startswith(b"HTTP/1.1 200 OK\r\n")
    assert told[2][0].count(b"idempotent-replayed: true") == 1
    assert b"consent_exceeded" in told[4][0]
    assert told[24][0].count(b"HTTP/1.1 ") == 3
    assert town.counts.statuses.keys() >= {200, 400, 401, 402, 405, 409}


class Desk:
    """An intake that answers when it is told to."""

    def __init__(self) -> None:
        self.asked: list[Any] = []
        self.full = False

    def give(self, requests: Any, _outlet: Any) -> Pairs:
        if self.full:
            no = Unavailable("desk_overloaded", "too many requests wait; ask again with the same key")
            return [(tag, Answer(b"", None, no)) for _, tag in requests]
        self.asked.extend(requests)
        return []


class Quick:
    """Takes every request."""

    def ask(self, _headers: Any, body: bytes, _request: bytes) -> Any:
        return body, None


REFUSED = Answer(b"", None, Declined("balance_insufficient", "the balance does not cover this"))
ASKED = b"POST /v1/payments HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}"


class Line:
    """A connection to a service whose desk has not answered yet."""

    def __init__(self, street: Street) -> None:
        self.desk, self.counts, self.wire = Desk(), http_counts(), Wire()
        self.ordinary = 0

        async def app(_scope: Any, _receive: Any, send: Any) -> None:
            self.ordinary += 1
            await send({"type": "http.response.start", "status": 204, "headers": []})
            await send({"type": "http.response.body", "body": b""})

        quick: Any = Quick()
        intake: Any = self.desk
        self.hot = app.hot = Hot(quick, street.api.services, intake, self.counts)  # type: ignore[attr-defined]
        config = uvicorn.Config(app, http=Protocol, lifespan="off", log_config=None)
        self.protocol = Protocol(config, ServerState(), {})
        self.protocol.connection_made(self.wire)

    async def turn(self, data: bytes = b"") -> None:
        """Let something arrive, and the loop turn."""
        if data:
            self.protocol.data_received(data)
        for _ in range(3):
            await asyncio.sleep(0)

    async def answer(self) -> None:
        """Have the desk answer what it was asked, as from its thread."""
        asked, self.desk.asked = self.desk.asked, []
        self.hot.deliver([(tag, REFUSED) for _, tag in asked])
        await self.turn()


def played(street: Street, play: Any) -> tuple[bytes, bool, HttpCounts]:
    async def run() -> Line:
        line = Line(street)
        await play(line)
        return line

    with asyncio.Runner() as runner:
        line = runner.run(run())
    return line.wire.written, line.wire.closed, line.counts


def test_what_follows_on_the_connection_waits_for_the_answer(street: Street) -> None:
    async def play(line: Line) -> None:
        await line.turn(ASKED + ASKED)
        assert (line.wire.written, len(line.desk.asked), line.ordinary) == (b"", 1, 0)
        await line.answer()
        assert line.ordinary == 1
        await line.turn(ASKED)
        assert len(line.desk.asked) == 1

    written, closed, _ = played(street, play)
    assert re.findall(rb"HTTP/1.1 (\d+)", written) == [b"402", b"204"]
    assert not closed


def test_a_payment_that_comes_in_pieces_goes_the_ordinary_way(street: Street) -> None:
    async def play(line: Line) -> None:
        await line.turn(ASKED[:-1])
        await line.turn(ASKED[-1:])
        assert (line.desk.asked, line.ordinary) == ([], 1)

    written, _, _ = played(street, play)
    assert written.startswith(b"HTTP/1.1 204 ")


def test_a_long_body_behind_a_head_in_pieces_is_no_long_head(street: Street) -> None:
    async def play(line: Line) -> None:
        await line.turn(ASKED[:40])
        size = 2 * HEAD_BYTES
        await line.turn(ASKED[40:-2].replace(b"Length: 2", b"Length: %d" % size) + bytes(size))
        assert len(line.desk.asked) == 1
        await line.answer()

    written, closed, _ = played(street, play)
    assert written.startswith(b"HTTP/1.1 402 ")
    assert not closed


def test_a_service_that_stops_answers_first_and_hangs_up(street: Street) -> None:
    async def play(line: Line) -> None:
        await line.turn(ASKED)
        line.protocol.shutdown()
        assert not line.wire.closed
        await line.answer()

    written, closed, _ = played(street, play)
    assert b"\r\nconnection: close\r\n" in written
    assert closed


def test_an_answer_to_a_client_that_has_gone_is_counted_and_dropped(street: Street) -> None:
    async def play(line: Line) -> None:
        await line.turn(ASKED)
        line.protocol.connection_lost(None)
        await line.answer()

    written, _, counts = played(street, play)
    assert written == b""
    assert counts.statuses == {402: 1}


def test_a_full_desk_refuses_at_once(street: Street) -> None:
    async def play(line: Line) -> None:
        line.desk.full = True
        await line.turn(ASKED)

    written, closed, counts = played(street, play)
    assert written.startswith(b"HTTP/1.1 503 ")
    assert b"retry-after: 1\r\n" in written
    assert b"desk_overloaded" in written
    assert not closed
    assert counts.statuses == {503: 1}


def test_a_fault_in_an_answer_is_told_and_spares_the_others(street: Street, monkeypatch: pytest.MonkeyPatch) -> None:
    async def play(line: Line) -> None:
        await line.turn(ASKED)
        ((_, tag),) = line.desk.asked
        line.hot.deliver([(tag, Answer(b"", object()))])
        await line.turn()

    written, _, counts = played(street, play)
    assert written.startswith(b"HTTP/1.1 503 ")
    assert b'"internal"' in written
    assert counts.statuses == {503: 1}
