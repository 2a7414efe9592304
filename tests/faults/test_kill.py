"""A loaded service is killed at random instants: nothing acknowledged is lost, nothing is done twice or by half."""

import asyncio
import os
from random import Random

from tests.faults.service import Service
from tests.faults.town import Town, instants

from handfast.app import database

ROUNDS = 100 if os.environ.get("HANDFAST_LONG") else 20
SEED = 20141027


def test_a_service_that_is_killed_keeps_its_word(url: str, service: Service) -> None:
    town = Town(url, SEED)

    async def round_(answers: int) -> None:
        service.start("--database", url)
        await town.live(service.socket, answers)
        service.kill()
        await town.after()

    async def last_round() -> None:
        service.start("--database", url)
        await town.settle(service.socket)
        service.kill()

    for answers in instants(Random(SEED), ROUNDS):
        asyncio.run(round_(answers))
    asyncio.run(last_round())
    assert sum(each.answer is not None and each.answer.refusal is None for each in town.asked.values()) > 10 * ROUNDS
    reader = database(url).read()
    town.audit(reader)
    reader.close()
