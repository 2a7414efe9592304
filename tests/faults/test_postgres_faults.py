"""PostgreSQL under load: backends and the whole server are killed, the wire is cut; nothing acknowledged is lost."""

import asyncio
import os
import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import psycopg
import pytest
from tests.faults.proxy import Wire
from tests.faults.servers import Pair, documented, pair
from tests.faults.service import Service
from tests.faults.town import Town

from handfast.app import database
from handfast.store.migrate import migrate
from handfast.store.postgres import LOCK

ROUNDS = 30 if os.environ.get("HANDFAST_LONG") else 3
SEED = 14

Act = Callable[[], None]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Pair]:
    """A PostgreSQL server of the test's own, to be killed; what it confirms is on its disk."""
    with pair(tmp_path) as servers:
        servers.run(documented()["Set up two servers"][0])
        migrate(servers.url)
        yield servers


@pytest.fixture
def wire(server: Pair) -> Iterator[Wire]:
    wire = Wire(socket.AF_INET, ("127.0.0.1", server.ports[0]))
    yield wire
    wire.close()


def desk_of(url: str) -> int:
    """The process at the server that serves the desk."""
    with psycopg.connect(url, autocommit=True) as db:
        row = db.execute("SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND objid = %s", (LOCK,)).fetchone()
        assert row is not None
        return int(row[0])


def survives(service: Service, town: Town, url: str, *acts: Act) -> None:
    """Under load something happens, again and again, while the service stays up; then all that was asked is settled."""
    dice = Random(town.random.random())

    async def round_(act: Act) -> None:
        await town.live(service.socket, dice.randrange(20, 200))
        await asyncio.to_thread(act)
        await town.after()

    async def last() -> None:
        await town.live(service.socket, 50)
        await town.after()
        await town.settle(service.socket)

    service.start("--database", url)
    for _ in range(ROUNDS):
        for act in acts:
            asyncio.run(round_(act))
    asyncio.run(last())
    service.stop()
    reader = database(town.url).read()
    town.audit(reader)
    reader.close()


def test_backends_and_servers_that_die(server: Pair, service: Service) -> None:
    url = server.url

    def end_backend() -> None:
        """As an administrator does."""
        desk = desk_of(url)
        with psycopg.connect(url, autocommit=True) as db:
            db.execute("SELECT pg_terminate_backend(%s)", (desk,))

    def kill_backend() -> None:
        """PostgreSQL then throws everybody out and recovers."""
        os.kill(desk_of(url), signal.SIGKILL)

    def kill_postmaster() -> None:
        server.kill_first()
        server.start_first()

    survives(service, Town(url, SEED), url, end_backend, kill_backend, kill_postmaster)


def test_a_wire_that_is_cut(server: Pair, wire: Wire, service: Service) -> None:
    town = Town(server.url, SEED + 1)

    def stall_and_go_on() -> None:
        wire.stall()
        town.stopping = True
        wire.go_on()

    def stall_and_drop() -> None:
        wire.stall()
        wire.drop()
        wire.go_on()

    survives(
        service,
        town,
        f"postgresql://postgres@127.0.0.1:{wire.port}/handfast",
        wire.drop,
        stall_and_go_on,
        stall_and_drop,
    )


def test_a_wire_that_vanishes(server: Pair, wire: Wire, service: Service) -> None:
    """The server hears nothing of the end, and keeps the desk's lock for a connection that is no more."""
    survives(service, Town(server.url, SEED + 2), f"postgresql://postgres@127.0.0.1:{wire.port}/handfast", wire.vanish)
