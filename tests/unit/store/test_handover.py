"""The local socket: what the desk answers over it is what it answers at once, and a lost connection is said plainly."""

import asyncio
import os
import socket
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from msgspec import Raw, msgpack
from tests.conftest import NewDatabase
from tests.unit.store.talk import NOW, Pause, Said, request, run, say, say_long, serving

from handfast.core.errors import Conflict, Declined, Invalid, NotFound, Refusal, Unavailable
from handfast.core.ids import digest_id, seeded_ids
from handfast.store import handover as handover_module
from handfast.store.desk import Desk
from handfast.store.frames import FRAME_BYTES, Ask, Frames, frame
from handfast.store.handover import Handover
from handfast.store.remote import Line, Remote
from handfast.store.sqlite import SqliteStore
from handfast.store.verb import Answer, Verb


@pytest.fixture
def pause() -> Iterator[Pause]:
    pause = Pause()
    yield pause
    pause.go_on.set()


@pytest.fixture
def verbs(pause: Pause) -> dict[str, Verb]:
    return {each.name: each for each in (say, say_long, pause.verb)}


@pytest.fixture
def desk(new_sqlite: NewDatabase, verbs: dict[str, Verb]) -> Iterator[Desk]:
    store = SqliteStore(Path(new_sqlite().removeprefix("sqlite:///")))
    store.take_over()
    yield Desk(store, lambda entries, at: [], verbs, lambda: NOW, seeded_ids(1))
    store.close()


def test_answers_over_the_socket_equal_answers_at_once(desk: Desk, tmp_path: Path, verbs: dict[str, Verb]) -> None:
    async def main() -> None:
        async with serving(desk, tmp_path / "desk.sock") as handover:
            remote = Remote(tmp_path / "desk.sock", verbs)
            key = digest_id(b"key")
            first = await remote.call(request("aye", 2, key=key))
            assert first == Answer(key, Said(("aye", "aye"), b"anna"))
            again = await handover.intake.call(request("aye", 2, key=key))
            assert again == await remote.call(request("aye", 2, key=key)) == Answer(key, first.result, None, True)
            refused = await remote.call(request(""))
            assert str(refused.refusal) == "balance_insufficient: no words left (word)"
            assert isinstance(refused.refusal, Declined)
            await remote.close()

    run(main())


def test_many_in_flight_keep_their_order(desk: Desk, tmp_path: Path, verbs: dict[str, Verb]) -> None:
    async def main() -> None:
        async with serving(desk, tmp_path / "desk.sock"):
            remote = Remote(tmp_path / "desk.sock", verbs)
            words = [str(n) for n in range(500)]
            many = await remote.call_many([request(word) for word in words])
            single = await asyncio.gather(*(remote.call(request(word)) for word in words))
            for answers in (many, single):
                assert [answer.result.words for answer in answers] == [(word,) for word in words]
            await remote.close()

    run(main())


def test_a_turn_of_the_loop_is_one_write(desk: Desk, tmp_path: Path, verbs: dict[str, Verb]) -> None:
    async def main() -> None:
        async with serving(desk, tmp_path / "desk.sock") as handover:
            remote = Remote(tmp_path / "desk.sock", verbs)
            await remote.call(request("warm"))
            link = await remote._connected()
            writes: list[int] = []
            for each in (link.transport, *(at_desk.transport for at_desk in handover.links)):
                noted(each, writes)
            await asyncio.gather(*(remote.call(request("aye")) for _ in range(20)))
            assert len(writes) == 2, "the requests in one, the answers in one"
            await remote.close()

    asyncio.run(main())  # uvloop's transports cannot be watched


def noted(transport: asyncio.Transport, writes: list[int]) -> None:
    write = transport.write

    def counted(data: Any) -> None:
        writes.append(len(data))
        write(data)

    transport.write = counted  # type: ignore[method-assign]


def test_controls(desk: Desk, tmp_path: Path, verbs: dict[str, Verb]) -> None:
    async def main() -> None:
        async with serving(desk, tmp_path / "desk.sock"):
            remote = Remote(tmp_path / "desk.sock", verbs)
            assert await remote.control("double", 21) == 42
            with pytest.raises(Invalid, match="only upwards"):
                await remote.control("double", -1)
            with pytest.raises(NotFound):
                await remote.control("treble", 1)
            with pytest.raises(Unavailable, match="internal"):
                await remote.control("double", "a", "b")
            await remote.close()

    run(main())


def test_a_lost_desk_leaves_the_outcome_unknown_and_then_comes_back(
    desk: Desk, tmp_path: Path, verbs: dict[str, Verb], pause: Pause
) -> None:
    path = tmp_path / "desk.sock"

    async def main() -> None:
        remote = Remote(path, verbs)
        away = await remote.call(request("aye"))
        assert str(away.refusal) == "desk_unreachable: no desk is running; nothing was done"
        assert [answer.refusal and answer.refusal.code for answer in await remote.call_many([request("aye")] * 2)] == [
            "desk_unreachable"
        ] * 2
        with pytest.raises(Unavailable):
            await remote.control("double", 1)
        async with serving(desk, path) as handover:
            waiting = asyncio.ensure_future(remote.call(request("aye", verb="pause", key=b"k" * 16)))
            assert await asyncio.to_thread(pause.entered.wait, 20)
            for link in handover.links:
                link.transport.abort()
            lost = await waiting
            assert lost.operation == b"k" * 16
            assert lost.refusal is not None
            assert (lost.refusal.code, "unknown" in lost.refusal.message) == ("desk_unreachable", True)
            pause.go_on.set()
            assert (await remote.call(request("aye"))).result == Said(("aye",), b"anna"), "it connects anew"
            assert (await remote.call(request("aye", verb="pause", key=b"k" * 16))).replayed, "asked again, it is told"
            await remote.close()

    run(main())


def test_stopping_writes_the_answers_first(desk: Desk, tmp_path: Path, verbs: dict[str, Verb], pause: Pause) -> None:
    path = tmp_path / "desk.sock"

    async def main() -> None:
        remote = Remote(path, verbs)
        async with serving(desk, path):
            waiting = asyncio.ensure_future(remote.call(request("aye", verb="pause")))
            assert await asyncio.to_thread(pause.entered.wait, 20)
            pause.go_on.set()
        assert (await waiting).result.words == ("aye",)
        assert not path.exists()

    run(main())


def test_the_socket_is_its_owners_only(
    desk: Desk, tmp_path: Path, verbs: dict[str, Verb], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "desk.sock"

    async def main() -> None:
        async with serving(desk, path):
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
            monkeypatch.setattr(handover_module, "_peer_user", lambda connected: os.getuid() + 1)
            answer = await Remote(path, verbs).call(request("aye"))
            assert answer.refusal is not None
            assert answer.refusal.code == "desk_unreachable"

    run(main())


def test_the_peers_user_is_told() -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX)
    with ours, theirs:
        assert handover_module._peer_user(ours) == os.getuid()


def test_a_second_desk_is_kept_out_and_a_dead_ones_socket_is_taken_over(desk: Desk, tmp_path: Path) -> None:
    path = tmp_path / "desk.sock"

    async def main() -> None:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as dead:
            dead.bind(str(path))
        async with serving(desk, path) as handover:
            with pytest.raises(Conflict, match="database_in_use"):
                await Handover(path, handover.intake, {}).start()

    run(main())


def test_a_path_too_long_for_a_socket_is_refused(desk: Desk, tmp_path: Path) -> None:
    async def main() -> None:
        with pytest.raises(Invalid, match="choose a shorter data directory") as no:
            async with serving(desk, tmp_path / ("a" * 100) / "desk.sock"):
                pass
        assert no.value.param == "data"

    run(main())


def ask(**changed: Any) -> bytes:
    given = {
        "number": 7,
        "verb": "say",
        "command": Raw(msgpack.encode({"word": "aye"})),
        "actor": "anna",
        "request": b"r" * 16,
        "key": None,
        "fingerprint": b"",
    }
    return frame(Ask(**{**given, **changed}))


@pytest.mark.parametrize(
    ("sent", "param"),
    [
        (ask(verb="pray"), "verb"),
        (ask(command=Raw(msgpack.encode({"word": 1}))), "command"),
        (ask(command=Raw(msgpack.encode({"word": "aye", "times": "2"}))), "command"),
        (ask(command=Raw(msgpack.encode(None))), "command"),
        (ask(command=Raw(msgpack.encode({}))), "command"),
    ],
)
def test_a_command_of_another_shape_is_refused(
    desk: Desk, tmp_path: Path, verbs: dict[str, Verb], sent: bytes, param: str
) -> None:
    async def main() -> bytes:
        async with serving(desk, tmp_path / "desk.sock"):
            reader, writer = await asyncio.open_unix_connection(tmp_path / "desk.sock")
            writer.write(sent)
            size = int.from_bytes(await reader.readexactly(4), "big")
            reply = await reader.readexactly(size)
            writer.close()
            return reply

    number, _, result, (code, _, guilty), _ = msgpack.decode(run(main()))
    assert (number, result, code, guilty) == (7, None, "field_invalid", param)


@pytest.mark.parametrize(
    "sent",
    [
        (FRAME_BYTES + 1).to_bytes(4, "big"),
        b"GET / HTTP/1.1\r\n\r\n",
        b"\0\0\0\1\xc1",
        frame(Ask(1, "say", Raw(b"\x80"), "anna", b"", None, b""))[:4] + b"\x90" * 40,
    ],
)
def test_what_is_no_frame_ends_the_connection(desk: Desk, tmp_path: Path, verbs: dict[str, Verb], sent: bytes) -> None:
    async def main() -> None:
        async with serving(desk, tmp_path / "desk.sock"):
            reader, writer = await asyncio.open_unix_connection(tmp_path / "desk.sock")
            writer.write(sent)
            with suppress(ConnectionError):
                assert await reader.read() == b""
            writer.close()
            answer = await Remote(tmp_path / "desk.sock", verbs).call(request("aye"))
            assert answer.result.words == ("aye",), "others are served"

    run(main())


def test_the_bound_of_a_frame_is_kept_on_both_ways(desk: Desk, tmp_path: Path, verbs: dict[str, Verb]) -> None:
    async def main() -> None:
        async with serving(desk, tmp_path / "desk.sock"):
            remote = Remote(tmp_path / "desk.sock", verbs)
            there = await remote.call(request("a" * FRAME_BYTES))
            back = await remote.call(request("a", FRAME_BYTES, verb="say.long"))
            most = await remote.call(request("a", FRAME_BYTES - 2048, verb="say.long"))
            assert [answer.refusal and answer.refusal.code for answer in (there, back, most)] == [
                "body_too_large",
                "body_too_large",
                None,
            ]
            assert len(most.result) == FRAME_BYTES - 2048
            await remote.close()

    run(main())


def test_frames_are_cut_wherever_the_stream_is() -> None:
    whole = ask(number=1) + ask(number=2) + ask(number=300)
    for size in (1, 2, 3, 5, 50, len(whole)):
        frames = Frames()
        cut = [bytes(each) for at in range(0, len(whole), size) for each in frames.feed(whole[at : at + size])]
        assert cut == [ask(number=number)[4:] for number in (1, 2, 300)]


def blocking(desk: Desk, path: Path, talk: Callable[[], None]) -> None:
    async def main() -> None:
        async with serving(desk, path):
            await asyncio.to_thread(talk)

    run(main())


def test_a_command_talks_over_its_own_line(desk: Desk, tmp_path: Path, verbs: dict[str, Verb]) -> None:
    path = tmp_path / "desk.sock"

    def talk() -> None:
        line = Line(path, verbs)
        assert line.call(request("aye", 3)).unwrap() == Said(("aye",) * 3, b"anna")
        assert line.control("double", 4) == 8
        with pytest.raises(Declined):
            line.call(request("")).unwrap()
        with pytest.raises(Invalid):
            line.control("double", -4)
        line.close()

    blocking(desk, path, talk)


def test_a_command_without_a_desk_is_told(tmp_path: Path, verbs: dict[str, Verb]) -> None:
    with pytest.raises(Unavailable, match="no desk is running"):
        Line(tmp_path / "desk.sock", verbs)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as door:
        door.bind(str(tmp_path / "desk.sock"))
        door.listen()

        def hang_up() -> None:
            connected, _ = door.accept()
            connected.recv(1 << 16)
            connected.close()

        thread = threading.Thread(target=hang_up)
        thread.start()
        line = Line(tmp_path / "desk.sock", verbs)
        with pytest.raises(Refusal, match="outcome is unknown"):
            line.call(request("aye"))
        line.close()
        thread.join()
