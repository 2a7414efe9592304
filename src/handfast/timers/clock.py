"""The market clock of a sandbox: moved forward step by step through every due time, and remembered over restarts."""

from typing import Protocol

from msgspec import Struct

from handfast.core.clocks import MarketClock
from handfast.core.errors import Conflict, Invalid
from handfast.domain.notifications import MARKET_OFFSET, MARKS, Mark
from handfast.services import Services
from handfast.store.reader import Reader, get
from handfast.store.verb import Request, Tx, verb
from handfast.timers.expire import ACTOR, Expirer

FURTHEST = 4_102_444_800_000_000
"""The end of the year 2099: no market clock goes beyond."""


class SetOffset(Struct, frozen=True):
    """The market clock is ahead of the wall clock by so many microseconds."""

    offset: int


@verb("clock.set_offset", quiet=True)
async def set_offset(tx: Tx, command: SetOffset) -> Mark:
    """Remember the offset, or the one that is kept where that is further: the market clock never goes back."""
    kept = await tx.get(MARKS, MARKET_OFFSET)
    if kept is not None and command.offset < kept.value:
        return kept
    mark = Mark(MARKET_OFFSET, command.offset)
    tx.put(MARKS, mark)
    return mark


def read_offset(reader: Reader) -> int:
    """How far the market clock is ahead of the wall clock (µs)."""
    kept = get(reader, MARKS, MARKET_OFFSET)
    return 0 if kept is None else kept.value


class Courier(Protocol):
    """Whoever sends on market time."""

    async def next_due(self, until: int) -> int | None:
        """The market time of the next thing to send, if it is `until` or before. Raises Unavailable."""

    async def caught_up(self) -> None:
        """Wait until everything that is due was sent. Raises Unavailable."""


class Advancer:
    """Moves a sandbox's market clock. The offset is kept before the clock moves, so a crash never sets it back.

    On the way it stops at each moment when something is to be sent (by `courier`), until that is sent.
    """

    def __init__(
        self, services: Services, clock: MarketClock, expirer: Expirer, courier: Courier | None = None
    ) -> None:
        self._services = services
        self._clock = clock
        self._expirer = expirer
        self._courier = courier

    @property
    def offset(self) -> int:
        """How far the market clock is ahead of the wall clock (µs)."""
        return self._clock.offset

    async def advance(self, target: int) -> int:
        """Move to a moment (µs), letting each time-out on the way fire at its own; how many fired.

        Raises Conflict(method_not_allowed) where the market is live, Invalid(field_invalid), Unavailable.
        """
        if self._services.settings.market != "sandbox":
            raise Conflict("method_not_allowed", "only a sandbox's market clock can be moved")
        if type(target) is not int or not self._clock() <= target <= FURTHEST:
            raise Invalid("field_invalid", "the clock moves forward only, to the year 2099 at most", "to")
        fired = await self._fire(self._clock())
        while (moment := await self._next(target)) is not None:
            await self._move(moment)
            fired += await self._fire(moment)
        await self._move(target)
        return fired

    async def _next(self, target: int) -> int | None:
        moments = [await self._expirer.next_due(target)]
        if self._courier is not None:
            moments.append(await self._courier.next_due(target))
        return min((moment for moment in moments if moment is not None), default=None)

    async def _fire(self, moment: int) -> int:
        fired = await self._expirer.fire(moment)
        if self._courier is not None:
            await self._courier.caught_up()
        return fired

    async def _move(self, moment: int) -> None:
        offset = max(self._clock.offset, moment - self._services.wall())
        request = self._services.new_id(self._services.wall())
        answer = await self._services.hand.call(Request(set_offset.name, SetOffset(offset), ACTOR, request))
        kept: Mark = answer.unwrap()
        self._clock.offset = kept.value  # further than was asked where an earlier answer was lost


VERBS = (set_offset,)
