"""Amounts, rates, moments and lengths of time in words, for the sentences that people read."""

from datetime import UTC, datetime

from handfast.core.clocks import DAY, HOUR, MINUTE, SECOND
from handfast.core.money import MAX_AMOUNT, format_decimal
from handfast.domain.parties import Party
from handfast.domain.policies import Period
from handfast.domain.trades import commission_of


def money(amount: int, currency: str) -> str:
    """Minor units as "12.30 USD"."""
    return f"{format_decimal(amount, currency)} {currency}"


def moment(at: int) -> str:
    """A moment (µs) as "2014-11-02 00:00 UTC"; what is less than a minute is left out."""
    return datetime.fromtimestamp(at // SECOND, UTC).strftime("%Y-%m-%d %H:%M UTC")


def span(length: int) -> str:
    """A length of time (µs) by its two largest units, as "3 days 4 hours"; what is less is left out."""
    parts: list[str] = []
    for unit, name in ((DAY, "day"), (HOUR, "hour"), (MINUTE, "minute")):
        count, length = divmod(length, unit)
        if count or parts:
            parts.append(f"{count} {name}{'' if count == 1 else 's'}" if count else "")
    return " ".join(part for part in parts[:2] if part) or "less than a minute"


def period(length: Period) -> str:
    """A policy's period as "5 business days"."""
    unit = length.unit.replace("_", " ")
    return f"{length.length} {unit.removesuffix('s') if length.length == 1 else unit}"


def percent(bps: int) -> str:
    """Basis points as "3.5 %"."""
    digits = f"{bps // 100}.{bps % 100:02}".rstrip("0").rstrip(".")
    return f"{digits} %"


def times(count: int) -> str:
    """How often, as "once" or "3 times"."""
    return "once" if count == 1 else f"{count} times"


def commission(seller: Party, currency: str, amount: int, most: int, taken: int) -> str | None:
    """How the commission on a line's amount came about; None where it was not these terms that it came from.

    `most` is what tax and shares leave of the amount. "3.5 % of 120.00, capped at 50.00, plus 0.05 listing fee".
    """
    whole = commission_of(seller, currency, amount, MAX_AMOUNT, listed=True)
    if taken != min(whole, most):
        return None
    words = f"{percent(seller.commission_bps)} of {format_decimal(amount, currency)}"
    if seller.commission_currency == currency:
        if seller.commission_minimum:
            words += f", at least {format_decimal(seller.commission_minimum, currency)}"
        if seller.commission_cap:
            words += f", capped at {format_decimal(seller.commission_cap, currency)}"
        if seller.listing_fee:
            words += f", plus {format_decimal(seller.listing_fee, currency)} listing fee"
    if whole > most:
        words += f", but no more than the {format_decimal(most, currency)} that tax and shares leave"
    return words
