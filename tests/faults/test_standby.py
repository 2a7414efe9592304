"""A desk that stands by takes over from one that was killed or stopped; the old one, woken up, can commit nothing."""

import asyncio
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.conftest import NewDatabase
from tests.faults.service import Service
from tests.faults.town import Town

from handfast.app import VERBS, database
from handfast.core.errors import Unavailable
from handfast.core.ids import digest_id
from handfast.domain.transfers import CreateTransfer
from handfast.store.remote import Line
from handfast.store.verb import Request

SEED = 15


@pytest.fixture
def second(data: Path, tmp_path: Path) -> Iterator[Service]:
    """A service of another machine: with a data directory of its own and the same master key."""
    place = tmp_path / "second"
    place.mkdir()
    shutil.copy2(data / "master.key", place)
    service = Service(place)
    yield service
    service.close()


def audited(town: Town) -> None:
    reader = database(town.url).read()
    town.audit(reader)
    reader.close()


def test_it_takes_over_from_one_that_was_killed(url: str, service: Service, second: Service) -> None:
    town = Town(url, SEED)

    async def until_killed() -> None:
        await town.live(service.socket, 200)
        service.kill()
        await town.after()

    async def with_the_second() -> None:
        await town.live(second.socket, 200)
        await town.after()
        await town.settle(second.socket)

    service.start("--database", url)
    second.stand_by("--database", url)
    asyncio.run(until_killed())
    second.await_ready()
    asyncio.run(with_the_second())
    second.stop()
    audited(town)


def test_one_that_was_stopped_can_commit_nothing(new_postgres: NewDatabase, service: Service, second: Service) -> None:
    url = new_postgres()
    town = Town(url, SEED + 1)
    late = digest_id(b"late")
    command = CreateTransfer(town.buyers[0], town.buyers[1], "USD", 1)
    asked = Request("transfers.create", command, "town", late, late)

    async def live(desk: Service, *, settles: bool) -> None:
        await town.live(desk.socket, 200)
        await town.after()
        if settles:
            await town.settle(desk.socket)

    service.start("--database", url)
    asyncio.run(live(service, settles=False))
    second.stand_by("--database", url)
    service.process.send_signal(signal.SIGSTOP)
    second.await_ready()
    asyncio.run(live(second, settles=True))
    service.process.send_signal(signal.SIGCONT)
    line = Line(service.socket, VERBS)
    for _ in range(3):
        refused = line.call(asked).refusal
        assert isinstance(refused, Unavailable)
        assert refused.code in {"store_unavailable", "desk_fenced"}
    line.close()
    second.stop()
    audited(town)


def test_it_can_be_asked_to_stop(sqlite_url: str, service: Service, second: Service) -> None:
    service.start("--database", sqlite_url)
    second.stand_by("--database", sqlite_url)
    second.stop()
    service.stop()
