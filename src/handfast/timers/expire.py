"""The loop that lets time-outs fire: finds trades and payments whose time has run out, and hands their verbs over."""

import asyncio

import structlog
from msgspec import Struct

from handfast.core.errors import Unavailable
from handfast.core.ids import Id, digest_id
from handfast.domain.payments import DuePayment, Payment, close_unshipped, due_payments, expire
from handfast.domain.trades import DueTrade, Trade, due_trades, release_due
from handfast.services import Services
from handfast.store.reader import Reader
from handfast.store.verb import Request, Verb

PAGE = 500
"""Time-outs that are handed over together."""

EVERY = 1.0
"""Seconds between looks while nothing is due."""

ACTOR = "timers"
_log = structlog.get_logger("handfast.timers")


class Due(Struct, frozen=True):
    """A time-out that has come: when (market time), of which object's which version, and what is asked for then."""

    at: int
    object: Id
    version: int
    request: Request


def due(reader: Reader, now: int, limit: int) -> list[Due]:
    """The time-outs of market time `now` or earlier, the earliest first."""
    found = [_trade_due(trade) for trade in due_trades(reader, now, limit)]
    found += [_payment_due(payment) for payment in due_payments(reader, now, limit)]
    return sorted(found, key=_order)[:limit]


def _trade_due(trade: Trade) -> Due:
    verb = close_unshipped if trade.state == "held" else release_due
    return _due(trade.due, trade.id, trade.version, verb, DueTrade(trade.id, trade.version))


def _payment_due(payment: Payment) -> Due:
    return _due(payment.due, payment.id, payment.version, expire, DuePayment(payment.id, payment.version))


def _due(at: int | None, owner: Id, version: int, verb: Verb, command: object) -> Due:
    assert at is not None, "the query asks for rows with a due time"
    key = digest_id(b"due", owner, version.to_bytes(4, "big"))
    return Due(at, owner, version, Request(verb.name, command, ACTOR, key, key))


def _order(item: Due) -> tuple[int, Id]:
    return item.at, item.object


class Expirer:
    """Hands over what is due. One that is refused is a fault to look into: it is logged and not asked again."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._refused: set[tuple[Id, int]] = set()

    async def run(self) -> None:
        """Look for ever; while the database or the desk is away, wait for it."""
        while True:
            try:
                await self.fire(self._services.market())
            except Unavailable as away:
                _log.warning("timers wait", code=away.code)
            await asyncio.sleep(EVERY)

    async def next_due(self, until: int) -> int | None:
        """The market time of the earliest time-out of `until` or before, or None. Raises Unavailable."""
        found = await self._look(until, 1)
        return found[0].at if found else None

    async def fire(self, now: int) -> int:
        """Let all time-outs of market time `now` or earlier fire; how many did. Raises Unavailable."""
        fired = 0
        while batch := await self._look(now, PAGE):
            answers = await self._services.hand.call_many([item.request for item in batch])
            for item, answer in zip(batch, answers, strict=True):
                no = answer.refusal
                if isinstance(no, Unavailable):
                    raise no
                if no is not None and not await self._moved_on(item):
                    self._refused.add((item.object, item.version))
                    _log.error("time-out refused", object=item.object.hex(), verb=item.request.verb, code=no.code)
                fired += no is None
        return fired

    async def _look(self, now: int, limit: int) -> list[Due]:
        found = await self._services.read.short(lambda reader: due(reader, now, limit + len(self._refused)))
        return [item for item in found if (item.object, item.version) not in self._refused][:limit]

    async def _moved_on(self, item: Due) -> bool:
        """Whether another verb came first, so that this version's time-out is void."""
        return item not in await self._look(item.at, PAGE)
