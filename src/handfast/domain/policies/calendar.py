"""When a period ends: hours, days and business days from a start, as an instant, by a policy's zone and calendar.

The zones' rules are those of the package tzdata (the IANA time zone database), never the machine's own, so that a
deadline is the same on every machine.
"""

from datetime import UTC, date, datetime, time, timedelta
from functools import cache, lru_cache
from importlib.resources import files
from zoneinfo import ZoneInfo

from handfast.core.clocks import HOUR
from handfast.domain.policies.model import Period, Policy

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_DAY = timedelta(days=1)
_MIDNIGHT = time()


@cache
def zones() -> frozenset[str]:
    """The names of all time zones."""
    return frozenset((files("tzdata") / "zones").read_text(encoding="ascii").split())


@cache
def _zone(name: str) -> ZoneInfo:
    with files("tzdata").joinpath("zoneinfo", *name.split("/")).open("rb") as file:
        return ZoneInfo.from_file(file, name)


def end_of(policy: Policy, period: Period, start: int) -> int:
    """The instant (µs) at which a period that begins at `start` (µs) is over; see Period."""
    if period.unit == "hours":
        return start + period.length * HOUR
    if not period.length:
        return start
    zone = _zone(policy.zone)
    local = (_EPOCH + start * _MICROSECOND).astimezone(zone)
    day, clock = local.date(), local.time().replace(fold=0)
    if period.unit == "days":
        day += period.length * _DAY
    else:
        off = _dates(policy.holidays)
        if not _is_business(day, policy.weekend, off):
            day, clock = _next_business(day, policy.weekend, off), _MIDNIGHT
        for _ in range(period.length):
            day = _next_business(day, policy.weekend, off)
    return (datetime.combine(day, clock, zone) - _EPOCH) // _MICROSECOND


@lru_cache(maxsize=64)
def _dates(holidays: tuple[str, ...]) -> frozenset[date]:
    return frozenset(map(date.fromisoformat, holidays))


def _is_business(day: date, weekend: tuple[int, ...], off: frozenset[date]) -> bool:
    return day.isoweekday() not in weekend and day not in off


def _next_business(day: date, weekend: tuple[int, ...], off: frozenset[date]) -> date:
    day += _DAY
    while not _is_business(day, weekend, off):
        day += _DAY
    return day
