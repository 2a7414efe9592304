"""The two clocks: the market clock moves trades, quotes and schedules; the wall clock serves signatures and leases."""

import time
from collections.abc import Callable

Clock = Callable[[], int]
"""Microseconds since the epoch, UTC."""

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR


def wall_clock() -> int:
    """The machine's clock."""
    return time.time_ns() // 1000


class MarketClock:
    """Reads another clock plus an offset, or stands still where a demo or a simulation sets it.

    A live service leaves the offset at zero; a sandbox advances it, and it never goes back.
    """

    def __init__(self, source: Clock, offset: int = 0) -> None:
        self._source = source
        self.offset = offset

    def __call__(self) -> int:
        """The market time in microseconds."""
        return self._source() + self.offset

    def advance_to(self, moment: int) -> None:
        """Move forward to a moment; one that has passed changes nothing."""
        self.offset += max(0, moment - self())
