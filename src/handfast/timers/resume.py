"""The loop that has the desk finish what it left open with a ledger outside its database."""

import asyncio
from collections.abc import Callable

from msgspec import Struct

from handfast.services import Services
from handfast.store.verb import Request, Tx, verb

EVERY = 0.5
"""Seconds between looks."""


class Resume(Struct, frozen=True):
    """Finish what is open."""


@verb("ledger.resume", quiet=True)
async def resume(tx: Tx, command: Resume) -> None:
    """Do nothing: before any verb, the desk finishes what it left open."""


VERBS = (resume,)


class Resumer:
    """Asks the desk for nothing while something is open."""

    def __init__(self, services: Services, unfinished: Callable[[], bool]) -> None:
        self._services = services
        self._unfinished = unfinished

    async def run(self) -> None:
        """Look for ever."""
        services = self._services
        while True:
            if self._unfinished():
                await services.hand.call(Request(resume.name, Resume(), "timers", services.new_id(services.wall())))
            await asyncio.sleep(EVERY)
