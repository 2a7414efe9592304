"""A service whose ledger is a cluster: it, the primary or most replicas die, and nothing is lost or doubled."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from random import Random

import pytest
from tests import clusters
from tests.conftest import NewDatabase
from tests.faults.dying import PLACES, Scene
from tests.faults.service import Service
from tests.faults.town import Town, instants

from handfast.app import database
from handfast.app.outside import compared
from handfast.ledger.cluster import PATIENCE

ROUNDS = 100 if os.environ.get("HANDFAST_LONG") else 6
SEED = 20141027
ROOT = Path(__file__).parents[2]


def audit(town: Town, url: str, cluster_url: str) -> None:
    with closing(database(url).read()) as reader:
        town.audit(reader)
        assert compared(cluster_url, reader) == []


def test_a_service_that_is_killed_keeps_its_word(url: str, service: Service, cluster_url: str) -> None:
    town = Town(url, SEED, cluster_url)
    options = ("--database", url, "--ledger", cluster_url)

    async def round_(answers: int) -> None:
        service.start(*options)
        await town.live(service.socket, answers)
        service.kill()
        await town.after()

    async def last_round() -> None:
        service.start(*options)
        await town.settle(service.socket)
        service.stop()

    for answers in instants(Random(SEED), ROUNDS):
        asyncio.run(round_(answers))
    asyncio.run(last_round())
    audit(town, url, cluster_url)


@pytest.mark.parametrize("place", PLACES)
def test_a_desk_that_is_killed_at_each_step(new_database: NewDatabase, cluster_url: str, place: str) -> None:
    url = new_database()
    scene = Scene(url, cluster_url)
    scene.open()
    words = [sys.executable, "-m", "tests.faults.dying", url, cluster_url, place]
    killed = subprocess.run(words, cwd=ROOT, check=False)
    assert killed.returncode == -signal.SIGKILL
    scene.check()


@pytest.fixture
def replicas(tmp_path: Path) -> Iterator[clusters.Replicas]:
    """Three replicas of the test's own."""
    if clusters.server() is None:
        pytest.skip("no tigerbeetle is on PATH, so no replica can be killed")
    made = clusters.Replicas(tmp_path, 3)
    clusters.until_it_answers(made.url)
    yield made
    made.close()


def test_the_primary_is_killed_under_load(
    sqlite_url: str, service: Service, replicas: clusters.Replicas, tell: Callable[[str], None]
) -> None:
    town = Town(sqlite_url, SEED, replicas.url)
    service.start("--database", sqlite_url, "--ledger", replicas.url)

    async def run() -> None:
        await town.live(service.socket, 300)
        replicas.kill(replicas.primary())
        town.more(600)
        await town.enough.wait()
        await town.after()
        await town.settle(service.socket)

    asyncio.run(run())
    service.stop()
    audit(town, sqlite_url, replicas.url)
    tell(f"{town.acknowledged} acknowledged, 0 missing, longest answer {town.longest:.2f} s")


def test_two_of_three_are_dead_and_come_back(
    sqlite_url: str, service: Service, replicas: clusters.Replicas, tell: Callable[[str], None]
) -> None:
    town = Town(sqlite_url, SEED, replicas.url)
    service.start("--database", sqlite_url, "--ledger", replicas.url)

    async def run() -> None:
        await town.live(service.socket, 200)
        for n in (0, 1):
            replicas.kill(n)
        await town.told_away.wait()  # as often as there are clients: no request waits for ever
        for n in (0, 1):
            replicas.start(n)
        town.more(300)
        await town.enough.wait()
        await town.after()
        await town.settle(service.socket)

    asyncio.run(run())
    service.stop()
    assert town.longest < 3 * PATIENCE, "no request hangs"
    audit(town, sqlite_url, replicas.url)
    tell(f"{town.away} told so, longest answer {town.longest:.2f} s, then all went on")
