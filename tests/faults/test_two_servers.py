"""The first PostgreSQL server is killed under load, and its synchronous standby promoted by the documented commands."""

import asyncio
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.faults.servers import Pair, documented, pair
from tests.faults.service import Service
from tests.faults.town import Town

from handfast.app import database
from handfast.store.migrate import migrate

SEED = 13
ROUNDS = 5 if os.environ.get("HANDFAST_LONG") else 1
SET_UP, LOST = "Set up two servers", "The first server is lost"


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[Pair]:
    """Two servers by the documents, the second a synchronous standby."""
    with pair(tmp_path) as servers:
        *before, check = documented()[SET_UP]
        for commands in before:
            servers.run(commands)
        assert servers.run(check) == "sync\n"
        yield servers


@pytest.mark.parametrize("seed", range(SEED, SEED + ROUNDS))
def test_nothing_acknowledged_is_lost(servers: Pair, service: Service, seed: int, tell: Callable[[str], None]) -> None:
    migrate(servers.url)
    town = Town(servers.url, seed)

    async def until_the_first_is_gone() -> None:
        await town.live(service.socket, 300)
        servers.kill_first()
        await town.after()

    async def with_the_second() -> None:
        await town.live(service.socket, 300)
        await town.after()
        await town.settle(service.socket)

    service.start("--database", servers.url)
    asyncio.run(until_the_first_is_gone())
    (promote,) = documented()[LOST]
    servers.run(promote)
    asyncio.run(with_the_second())
    service.stop()
    reader = database(servers.url).read()
    town.audit(reader)
    reader.close()
    tell(f"{town.acknowledged} acknowledged by two servers, of which the first was killed; none missing")
