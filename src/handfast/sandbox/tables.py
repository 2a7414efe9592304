"""What the demo's report and its terminal show alike: tables, plots with their table twins, money in words."""

from collections.abc import Sequence

from msgspec import Struct

from handfast.core.money import format_decimal
from handfast.sandbox.plots import Plot
from handfast.sandbox.run import Day

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class Table(Struct, frozen=True):
    """Words and figures in rows; the first column names the row."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


class Figure(Struct, frozen=True):
    """A plot with what it shows, and the same as a table."""

    title: str
    words: str
    plot: Plot
    table: Table


def money(amount: int, currency: str) -> str:
    """Minor units as a person reads them: 1,234.50, with a proper minus sign."""
    whole, point, decimals = format_decimal(abs(amount), currency).partition(".")
    return ("−" if amount < 0 else "") + f"{int(whole):,}" + point + decimals


def day_labels(days: Sequence[Day]) -> list[str]:
    """The days as a plot's axis has them: 28 Oct."""
    return [f"{int(day.date[8:])} {_MONTHS[int(day.date[5:7]) - 1]}" for day in days]


def in_words(name: str) -> str:
    """A name in the figures as people say it."""
    return name.replace("_", " ").replace("topup", "top-up").capitalize()
