"""How this gateway writes what Handfast knows by ids: trade numbers, user numbers, moments; all in digits, in GMT+8."""

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from handfast.core.clocks import DAY, HOUR
from handfast.core.ids import OBJECT, Id, digest_id

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_GMT8 = 8 * HOUR
_DAY_MS = DAY // 1000
_TRADE_NO = re.compile(r"([0-9]{8})([0-9]{25})", re.ASCII)
_RANDOM_BITS = 56

USER_ID = re.compile(r"2088[0-9]{12}", re.ASCII)


def number_of(thing: Id) -> str:
    """The vendor's number of an object: its day in GMT+8, and 25 digits that hold the rest of its id."""
    milliseconds = int.from_bytes(thing[:6], "big") + _GMT8 // 1000
    day, within = divmod(milliseconds, _DAY_MS)
    rest = within << _RANDOM_BITS | int.from_bytes(thing[6:OBJECT], "big")
    return f"{_day_text(day)}{rest:025}"


@lru_cache(maxsize=512)
def _day_text(day: int) -> str:
    return f"{_EPOCH + timedelta(days=day):%Y%m%d}"


def thing_of(number: str) -> Id | None:
    """The id of the object with that number, or None for what is no such number."""
    found = _TRADE_NO.fullmatch(number)
    try:
        day = datetime.strptime(found[1], "%Y%m%d").replace(tzinfo=UTC) - _EPOCH if found else None
    except ValueError:
        day = None
    if found is None or day is None:
        return None
    within, bits = divmod(int(found[2]), 1 << _RANDOM_BITS)
    milliseconds = day.days * _DAY_MS + within - _GMT8 // 1000
    if within >= _DAY_MS or not 0 <= milliseconds < 1 << 48:
        return None
    return milliseconds.to_bytes(6, "big") + bits.to_bytes(7, "big") + bytes(3)


def user_number(party: Id, attempt: int) -> str:
    """The number that a party gets as user: of 10¹² possible ones, so that one that is taken is tried again."""
    again = (bytes((attempt,)),) if attempt else ()
    digest = digest_id(b"alipay user", party, *again)
    return f"2088{int.from_bytes(digest, 'big') % 10**12:012}"


def moment(micros: int | None) -> str | None:
    """A moment (µs) as answers have it: yyyy-MM-dd HH:mm:ss in GMT+8."""
    if micros is None:
        return None
    return (_EPOCH + timedelta(microseconds=micros + _GMT8)).isoformat(" ", "seconds")[:19]


def end_of_day(micros: int) -> int:
    """The midnight in GMT+8 (µs) that ends the day of a moment."""
    return (micros + _GMT8) // DAY * DAY + DAY - _GMT8


def day_of(micros: int) -> datetime:
    """The day and time in GMT+8 of a moment (µs)."""
    return _EPOCH + timedelta(microseconds=micros + _GMT8)


def midnight(year: int, month: int, day: int) -> int:
    """The moment (µs) at which a day begins in GMT+8. Raises ValueError for no day."""
    return (datetime(year, month, day, tzinfo=UTC) - _EPOCH) // timedelta(microseconds=1) - _GMT8
