"""The loop that has the desk finish what it left open: it asks while something is open, and only then."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from handfast.store.verb import Answer, Request
from handfast.timers import resume
from handfast.timers.resume import Resumer


def test_it_asks_until_nothing_is_open(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resume, "EVERY", 0.0)
    asked: list[str] = []
    looks: list[int] = []
    looked = asyncio.Event()

    def unfinished() -> bool:
        looks.append(len(asked))
        if len(looks) == 6:
            looked.set()
        return len(asked) < 3

    async def call(request: Request) -> Answer:
        asked.append(request.verb)
        return Answer(b"")

    async def run() -> None:
        services: Any = SimpleNamespace(hand=SimpleNamespace(call=call), new_id=lambda _now: bytes(16), wall=lambda: 0)
        loop = asyncio.create_task(Resumer(services, unfinished).run())
        await looked.wait()
        loop.cancel()

    asyncio.run(run())
    assert asked == ["ledger.resume"] * 3
