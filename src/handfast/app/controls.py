"""The functions of the running service that are no verbs: fronts and commands call them by name."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from handfast.app.telemetry import Counts, HttpCounts
from handfast.core.errors import Unavailable
from handfast.core.ids import Id
from handfast.gateways.native import IMPORT_STATEMENT, PREPARE_PAYOUT_FILE
from handfast.services import Services
from handfast.store.intake import Control, Intake
from handfast.store.reader import Reader
from handfast.store.verb import Answer, Request
from handfast.timers.clerk import Clerk
from handfast.timers.clock import Advancer
from handfast.timers.payout_files import prepare_payout_file
from handfast.timers.reconcile import import_statement


def controls(services: Services, intake: Intake, counts: Counts, advancer: Advancer) -> dict[str, Control]:
    """All of them, over a desk's services. Their results are plain: what msgpack knows."""

    async def status() -> dict[str, Any]:
        if not intake.running:
            raise intake.failed or Unavailable("desk_unreachable", "the desk is not running")
        return {"market": services.market(), "offset": advancer.offset, "waiting": intake.waiting}

    async def metrics() -> bytes:
        from handfast.app.exposition import exposition

        return exposition(counts, intake.waiting)

    async def count(process: int, told: dict[str, Any]) -> None:
        counts.take(process, msgspec.convert(told, HttpCounts))

    async def statement(data: bytes, actor: str, request: Id) -> Any:
        return await _paperwork(services, actor, request, lambda clerk: import_statement(data, clerk))

    async def payout_file(currency: str, handler: Id, actor: str, request: Id) -> Any:
        def prepare(clerk: Clerk) -> Any:
            return prepare_payout_file(currency, handler, clerk, four_eyes=services.settings.four_eyes)

        return await _paperwork(services, actor, request, prepare)

    return {
        "status": status,
        "metrics": metrics,
        "http.count": count,
        "clock.advance": advancer.advance,
        IMPORT_STATEMENT: statement,
        PREPARE_PAYOUT_FILE: payout_file,
    }


async def _paperwork(services: Services, actor: str, request: Id, work: Callable[[Clerk], Any]) -> Any:
    """What a clerk makes of its work, in a thread of its own; the desk answers it meanwhile."""
    loop = asyncio.get_running_loop()

    def hand(requests: Sequence[Request]) -> Sequence[Answer]:
        return asyncio.run_coroutine_threadsafe(services.hand.call_many(requests), loop).result()

    def at_work(reader: Reader) -> Any:
        clerk = Clerk(reader, hand, services.vault, now=services.market(), actor=actor, request=request)
        return msgspec.to_builtins(work(clerk), builtin_types=(bytes,))

    return await services.read.long(at_work)
