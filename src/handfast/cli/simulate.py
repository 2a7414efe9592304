"""What `handfast policy simulate` prints: how past trades would have fared under other policies."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import islice

import click
from msgspec import json
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table

from handfast.core.money import format_decimal
from handfast.core.settings import Settings
from handfast.gateways.native.prefixes import show
from handfast.sandbox.comparing import KINDS, Comparison, Difference, Fate
from handfast.sandbox.whatif import Replay, Watch, replay

SHOWN = 10
"""How many of the trades that differ are shown one by one."""

_WIDE = 240  # where the output is no terminal, nothing is folded
_WORDS = {
    "not_sold": "would not have been sold",
    "ends_otherwise": "end in another way",
    "ends_earlier": "end earlier",
    "ends_later": "end later",
    "other_amounts": "other amounts",
}
_WHEN = {
    "claim_too_early": "too early",
    "claim_too_late": "too late",
    "state_conflict": "too late",
    "object_not_found": "nothing there to act on",
    "no_proposal": "nothing there to act on",
}
_NOT_ALLOWED = "not allowed"


def run(book: bytes, settings: Settings, *, as_json: bool) -> None:
    """Replay, compare and print. Raises Invalid(policy_invalid), Unavailable(store_unavailable)."""
    with replay(settings, book) as played:
        with _progress() as watch:
            played.run(watch)
        comparison = Comparison(played.past, played.scratch)
        if as_json:
            _print_json(played, comparison)
        else:
            console = Console()
            if not console.is_terminal:
                console.width = _WIDE
            _print_tables(played, comparison, console)


@contextmanager
def _progress() -> Iterator[Watch]:
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("Replaying", total=None)
        yield lambda first, now, last: bar.update(task, total=last - first, completed=now - first)


def _print_json(played: Replay, comparison: Comparison) -> None:
    """One object, written as it is found, since all trades may differ."""
    click.echo('{"trades":[', nl=False)
    for n, found in enumerate(comparison.differences()):
        told = {
            "trade": show("trade", found.trade),
            "differs": found.kind,
            "currency": found.currency,
            "amount": found.amount,
            "was": found.was,
            "would": found.would,
        }
        click.echo(("," if n else "") + json.encode(told).decode(), nl=False)
    counted = {
        "replayed": comparison.trades,
        "differ": sum(sums.count for sums in comparison.kinds.values()),
        "differences": {kind: comparison.kinds[kind] for kind in KINDS if kind in comparison.kinds},
        "acts": played.deeds,
        "acts_refused": [
            {
                "act": act,
                "refusal": code,
                "means": _WHEN.get(code, _NOT_ALLOWED),
                "times": times,
                "first_trade": show("trade", played.first_refused[act, code][0]),
                "first_at": played.first_refused[act, code][1],
            }
            for (act, code), times in _most_first(played.refused)
        ],
    }
    click.echo("]," + json.encode(counted).decode().removeprefix("{"))


def _print_tables(played: Replay, comparison: Comparison, console: Console) -> None:
    differing = comparison.differences()
    first = list(islice(differing, SHOWN))
    for _ in differing:
        pass
    count = sum(sums.count for sums in comparison.kinds.values())
    said = f"{comparison.trades:,} trades and {played.deeds:,} acts were replayed. "
    said += f"{count:,} trades would have fared otherwise." if count else "Nothing differs."
    console.print(said, highlight=False)
    if count:
        console.print(_kinds(comparison), highlight=False)
    if played.refused:
        console.print(_refused(played), highlight=False)
    if first:
        console.print(_listed(first), highlight=False)


def _kinds(comparison: Comparison) -> Table:
    table = _table(
        "What would have differed", "trades", "number", "currency", "price", "more to buyers", "more to others"
    )
    for kind in KINDS:
        sums = comparison.kinds.get(kind)
        for n, (currency, amount) in enumerate(sorted(sums.amount.items()) if sums else ()):
            table.add_row(
                "" if n else _WORDS[kind],
                "" if n else f"{sums.count:,}" if sums else "",
                currency,
                _money(amount, currency),
                _signed(sums.refunded[currency] if sums else 0, currency),
                _signed(sums.released[currency] if sums else 0, currency),
            )
    return table


def _refused(played: Replay) -> Table:
    table = _table("What people did that would have been refused", "act", "why", "times", "refusal", "first on")
    for (act, code), times in _most_first(played.refused):
        trade = show("trade", played.first_refused[act, code][0])
        table.add_row(act, _WHEN.get(code, _NOT_ALLOWED), f"{times:,}", code, trade)
    return table


def _listed(first: list[Difference]) -> Table:
    table = _table("The first of them", "trade", "amount", "was", "would have been")
    for found in first:
        amount = f"{_money(found.amount, found.currency)} {found.currency}"
        table.add_row(show("trade", found.trade), amount, *(_told(fate, found) for fate in (found.was, found.would)))
    return table


def _told(fate: Fate | None, found: Difference) -> str:
    if fate is None:
        return "not sold"
    when = f" by {fate.by}, {_time(fate.at)}" if fate.at is not None else ""
    money = ", ".join(
        f"{_money(amount, found.currency)} {whither}"
        for amount, whither in ((fate.refunded, "to the buyer"), (fate.released, "to the seller"))
        if amount
    )
    return f"{fate.state}{when}{': ' if money else ''}{money}"


def _table(title: str, *columns: str) -> Table:
    table = Table(title=f"\n{title}", title_justify="left", box=None, pad_edge=False)
    for name in columns:
        numeric = name in {"number", "times", "price", "more to buyers", "more to others", "amount"}
        table.add_column(name, justify="right" if numeric else "left", overflow="fold")
    return table


def _most_first(refused: Counter[tuple[str, str]]) -> list[tuple[tuple[str, str], int]]:
    return sorted(refused.items(), key=lambda item: (-item[1], item[0]))


def _money(amount: int, currency: str) -> str:
    return format_decimal(amount, currency)


def _signed(amount: int, currency: str) -> str:
    return f"{'+' if amount > 0 else ''}{_money(amount, currency)}" if amount else "0"


def _time(at: int) -> str:
    return datetime.fromtimestamp(at // 1_000_000, UTC).strftime("%Y-%m-%d %H:%M")
