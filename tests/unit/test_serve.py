"""The service as a process: it says when it is ready, keeps others out, looks after its fronts, and ends in order."""

import asyncio
import os
import select
import shutil
import signal
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest
from tests.faults.service import COMMAND, PATIENCE, Service

from handfast.app import VERBS, asking, owning
from handfast.app.serve import listen
from handfast.core.errors import Conflict, Invalid, Unavailable
from handfast.core.ids import digest_id
from handfast.core.settings import load, make_master_key
from handfast.domain.parties import HOUSE, CreateParty, Party
from handfast.store.remote import Line
from handfast.store.verb import Request

SETTLE = 200


@pytest.fixture
def data(tmp_path: Path, sqlite_template: Path) -> Path:
    data = tmp_path / "data"
    make_master_key(load({}, data=data))
    shutil.copyfile(sqlite_template, data / "handfast.db")
    return data


@pytest.fixture
def service(data: Path) -> Iterator[Service]:
    service = Service(data)
    yield service
    service.close()


def run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *words], capture_output=True, text=True, timeout=PATIENCE, check=False)


def founding(key: str = "founding") -> Request:
    made = digest_id(key.encode())
    return Request("parties.create", CreateParty(HOUSE, "operator", "US", b"", b"d"), "test", made, made)


def fronts(service: Service) -> set[int]:
    """The process ids of the service's fronts."""
    pid = service.process.pid
    return set(map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()))


def wait_for_end(pids: Iterable[int]) -> None:
    """Wait until processes, not our own children, have ended."""
    for pid in pids:
        with suppress(ProcessLookupError):
            handle = os.pidfd_open(pid)
            ended, _, _ = select.select([handle], [], [], PATIENCE)
            os.close(handle)
            assert ended, f"process {pid} goes on"


def test_a_service_is_made_from_nothing_and_ends_in_order(tmp_path: Path) -> None:
    service = Service(tmp_path / "new")
    service.data.mkdir()
    service.start()
    try:
        assert service.get("/health") == (200, {"status": "ok"})
        assert {path.name for path in service.data.iterdir()} >= {"handfast.db", "master.key", "desk.sock"}
        service.stop()
        assert not service.socket.exists()
        assert (service.data / "log").read_text() == ""
    finally:
        service.close()


def test_what_is_loaded_late_is_not_loaded_to_serve(service: Service) -> None:
    service.start()
    mapped = Path(f"/proc/{service.process.pid}/maps").read_text()
    assert "apsw" in mapped
    assert "psycopg" not in mapped
    assert "sqlalchemy" not in mapped
    service.stop()


def test_a_second_service_on_the_same_data_is_kept_out(service: Service) -> None:
    service.start()
    for words in (["serve", "--port", "0"], ["migrate"]):
        second = run(*words, "--data", str(service.data))
        assert second.returncode == 1
        assert second.stderr.startswith("database_in_use: ")
    assert service.get("/health")[0] == 200
    service.stop()


def test_a_port_that_is_taken_is_refused(data: Path) -> None:
    (door,) = listen("127.0.0.1", 0, 1)
    with door:
        port = door.getsockname()[1]
        taken = run("serve", "--data", str(data), "--port", str(port))
        assert (taken.returncode, taken.stderr) == (
            1,
            f"settings_invalid: cannot listen on 127.0.0.1:{port}: Address already in use (port)\n",
        )
        with pytest.raises(Invalid):
            listen("127.0.0.1", port, 2)


def test_wrong_usage_and_wrong_settings_are_told(tmp_path: Path) -> None:
    assert run("serve", "--fronts", "many").returncode == 2
    assert run("sell").returncode == 2
    assert run("explain").returncode == 2
    (tmp_path / "handfast.toml").write_text("colour = 'red'")
    wrong = run("serve", "--data", str(tmp_path))
    assert (wrong.returncode, wrong.stderr) == (1, "settings_invalid: there is no setting 'colour' (colour)\n")
    long = run("serve", "--data", str(tmp_path / ("a" * 100)), "--port", "0")
    assert long.returncode == 1
    assert "choose a shorter data directory" in long.stderr


@pytest.mark.parametrize("host", ["999.1.1.1", "a" * 70, "", "no..where"])
def test_an_address_that_is_none_is_told_by_name(data: Path, host: str) -> None:
    wrong = run("serve", "--data", str(data), "--port", "0", "--host", host)
    assert wrong.returncode == 1
    assert wrong.stderr.startswith("settings_invalid: ")
    assert wrong.stderr.endswith(" (host)\n")


def test_a_place_where_nothing_can_be_kept_is_told(data: Path) -> None:
    def told(*words: str | Path) -> str:
        done = run(*map(str, words))
        assert done.returncode == 1
        return done.stderr

    file = data / "master.key"
    assert told("sandbox", "init", file / "x").startswith(f"settings_invalid: {file / 'x'} cannot be made a directory")
    assert told("serve", "--data", "/proc/none").startswith("settings_invalid: /proc/none cannot be made a directory")
    away = told("serve", "--data", data, "--database", "sqlite:////proc/none/books.db")
    assert away.startswith("store_unavailable: the database cannot be opened: ")
    (data / "desk.sock").mkdir()
    assert told("serve", "--data", data, "--port", "0").startswith("settings_invalid: the desk cannot listen on ")


def test_a_database_server_that_is_not_there_is_told(data: Path) -> None:
    away = run("serve", "--data", str(data), "--database", "postgresql://nobody@127.0.0.1:1/nothing")
    assert away.returncode == 1
    assert away.stderr.startswith("store_unavailable: the database cannot be opened: ")


def test_migrating_makes_a_database_and_a_key(tmp_path: Path) -> None:
    done = run("migrate", "--data", str(tmp_path / "new"))
    assert (done.returncode, done.stdout) == (0, "the database is at schema 0001\n")
    key = (tmp_path / "new/master.key").read_text()
    assert run("migrate", "--data", str(tmp_path / "new")).returncode == 0
    assert (tmp_path / "new/master.key").read_text() == key


def test_a_database_without_its_key_is_not_served(data: Path) -> None:
    (data / "master.key").unlink()
    lost = run("serve", "--data", str(data), "--port", "0")
    assert lost.returncode == 1
    assert lost.stderr.startswith("settings_invalid: the master key cannot be read")
    assert not (data / "master.key").exists(), "a new key would fit nothing"


def test_another_key_than_the_one_that_sealed_is_refused(tmp_path: Path) -> None:
    box = tmp_path / "box"
    assert run("sandbox", "init", str(box)).returncode == 0
    (box / "master.key").write_text("ab" * 32)
    ended = run("serve", "--data", str(box), "--port", "0")
    assert (ended.returncode, ended.stderr.partition(":")[0]) == (1, "settings_invalid")


def test_commands_go_to_the_running_desk_or_to_one_of_their_own(service: Service) -> None:
    settings = load({}, data=service.data)
    with asking(settings) as desk:
        first = desk.call(founding())
        assert isinstance(first.unwrap(), Party)
        with pytest.raises(Conflict):
            owning(settings).__enter__()
        with pytest.raises(Conflict, match="only a sandbox"):
            desk.control("clock.advance", 0)
    service.start()
    with asking(settings) as desk:
        again = desk.call(founding())
        assert (again.replayed, again.result) == (True, first.result)
        assert desk.call(founding("another")).refusal is not None, "the house is there"
        assert desk.control("status")["waiting"] == 0
    service.stop()
    with pytest.raises(Unavailable):
        Line(settings.socket, VERBS)


def test_http_says_what_is_wrong_with_a_request(service: Service) -> None:
    service.start()
    with httpx.Client(base_url=service.address, timeout=PATIENCE) as client:
        nowhere = client.get("/nowhere")
        assert (nowhere.status_code, nowhere.json()["error"]["code"]) == (404, "route_not_found")
        assert nowhere.json()["error"]["request_id"] == nowhere.headers["request-id"]
        wrong = client.post("/health")
        assert (wrong.status_code, wrong.json()["error"]["code"]) == (405, "method_not_allowed")
        assert set(wrong.headers["allow"].split(", ")) == {"GET", "HEAD"}
        assert client.get("/health/").json()["error"]["code"] == "route_not_found", "nobody is sent elsewhere"
        for path in ("/v1/payments", "/health"):
            large = client.post(path, content=bytes(1024 * 1024 + 1))
            assert (large.status_code, large.json()["error"]["code"]) == (413, "body_too_large")
            assert large.headers["connection"] == "close"
        metrics = client.get("/metrics").text
    assert 'handfast_http_answers_total{status="404"} 2.0' in metrics
    assert 'handfast_http_answers_total{status="413"} 2.0' in metrics
    assert "handfast_batch_seconds_count" in metrics
    service.stop()
    assert (service.data / "log").read_text() == "", "a client's mistake is no fault"


def test_fronts_serve_and_a_dead_one_is_started_anew(service: Service) -> None:
    service.start("--fronts", "2")
    with asking(load({}, data=service.data)) as desk:
        desk.call(founding()).unwrap()
    assert service.get("/health") == (200, {"status": "ok"})
    before = fronts(service)
    assert len(before) == 2
    victim = min(before)
    os.kill(victim, signal.SIGKILL)
    wait_for_end([victim])
    for _ in range(20):  # connections that reach the dead one's door wait for its successor
        assert service.get("/health") == (200, {"status": "ok"})
    after = fronts(service)
    assert (len(after), before & after) == (2, before - {victim})
    assert "front started anew" in (service.data / "log").read_text()
    service.stop()
    wait_for_end(after)


def test_fronts_end_with_a_desk_that_is_killed(service: Service) -> None:
    service.start("--fronts", "2")
    left = fronts(service)
    service.kill()
    wait_for_end(left)


def test_a_deposed_desk_ends_with_a_clear_line(service: Service) -> None:
    service.start("--fronts", "1")
    settings = load({}, data=service.data)
    depose(settings.data / "handfast.db")
    line = Line(settings.socket, VERBS)
    refused = line.call(founding()).refusal
    line.close()
    assert refused is not None
    assert refused.code == "desk_fenced"
    assert service.wait() == 1
    assert (service.data / "log").read_text().splitlines()[-1].startswith("desk_fenced: ")


def depose(file: Path) -> None:
    import apsw

    with apsw.Connection(str(file)) as db:
        db.execute("UPDATE desk SET epoch = epoch + 1")


def test_what_was_taken_is_finished_when_the_service_stops(service: Service) -> None:
    service.start()

    async def main() -> list[str]:
        from handfast.store.remote import Remote

        remote = Remote(service.socket, VERBS)
        await remote.control("status")
        requests = [founding(str(n)) for n in range(SETTLE)]
        answers = asyncio.ensure_future(remote.call_many(requests))
        await asyncio.sleep(0)  # they leave
        service.process.send_signal(signal.SIGTERM)
        found = [answer.refusal.code if answer.refusal else "done" for answer in await answers]
        await remote.close()
        return found

    codes = asyncio.run(main())
    assert service.wait() == 0
    # The house can be founded once; what came too late was refused by name.
    assert set(codes) <= {"done", "object_exists", "desk_unreachable"}
    late = codes.index("desk_unreachable") if "desk_unreachable" in codes else SETTLE
    assert codes == (["done"] + ["object_exists"] * (late - 1) if late else []) + ["desk_unreachable"] * (SETTLE - late)
