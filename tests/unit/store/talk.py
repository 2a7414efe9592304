"""Small verbs to ask for over the local socket, and a desk that answers there."""

import asyncio
import threading
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import uvloop
from msgspec import Struct

from handfast.core.errors import Declined, Invalid
from handfast.core.ids import digest_id
from handfast.store.desk import Desk
from handfast.store.handover import Handover
from handfast.store.intake import Intake
from handfast.store.verb import Request, Tx, verb

Result = TypeVar("Result")
NOW = 1_414_454_400_000_000


class Say(Struct, frozen=True):
    word: str
    times: int = 1


class Said(Struct, frozen=True):
    words: tuple[str, ...]
    by: bytes | None = None


@verb("say")
async def say(tx: Tx, command: Say) -> Said:
    if command.word == "":
        raise Declined("balance_insufficient", "no words left", "word")
    return Said((command.word,) * command.times, tx.actor.encode())


@verb("say.long")
async def say_long(tx: Tx, command: Say) -> bytes:
    return bytes(command.times)


class Pause:
    """A verb that waits in the desk's thread until it is let go."""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self.go_on = threading.Event()

        @verb("pause")
        async def pause(tx: Tx, command: Say) -> Said:
            self.entered.set()
            assert self.go_on.wait(20)
            return Said((command.word,))

        self.verb = pause


def run(main: Coroutine[Any, Any, Result]) -> Result:
    """Run on the loop that the service runs on."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(main)


async def double(number: int) -> int:
    if number < 0:
        raise Invalid("amount_invalid", "only upwards", "number")
    return 2 * number


@asynccontextmanager
async def serving(desk: Desk, path: Path) -> AsyncIterator[Handover]:
    intake = Intake(desk, 100, 1000)
    intake.controls = {"double": double}
    handover = Handover(path, intake, desk.verbs)
    intake.start()
    await handover.start()
    try:
        yield handover
    finally:
        await asyncio.to_thread(intake.stop)
        await handover.stop()


def request(word: str, times: int = 1, verb: str = "say", key: bytes | None = None) -> Request:
    return Request(verb, Say(word, times), "anna", digest_id(b"request"), key, b"print")
