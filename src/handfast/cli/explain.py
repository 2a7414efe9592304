"""The command `explain`: an object's whole life, as a story and tables, or as JSON."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click
from msgspec import Struct, json
from msgspec.structs import astuple, fields
from rich.console import Console, Group
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from handfast.app import reading
from handfast.app.explain import Life
from handfast.app.explain import explain as life_of
from handfast.app.story import Step
from handfast.core.money import format_decimal
from handfast.core.settings import load

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_INDENT = (0, 0, 0, 2)
_WIDE = 240  # where the output is no terminal, nothing is folded


@click.command()
@click.argument("id_", metavar="ID")
@click.option("--data", type=click.Path(path_type=Path), help="The data directory.")
@click.option("--database", metavar="URL", help="sqlite:///path, postgresql://… or embedded.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object; times in microseconds since the epoch, UTC.")
def explain(id_: str, data: Path | None, database: str | None, *, as_json: bool) -> None:
    """Tell the whole life of a trade, a payment or any other object: story, requests, entries, events, deliveries."""
    reader = reading(load(data=data, database=database))
    try:
        life = life_of(reader, id_)
    finally:
        reader.close()
    if as_json:
        click.echo(json.encode(life))
    else:
        show(life, Console())


def show(life: Life, console: Console) -> None:
    """Print a life: how it stands, its story, and the tables that both come from."""
    if not console.is_terminal:
        console.width = _WIDE
    console.print(Text(life.object, style="bold"), highlight=False)
    for fact in life.facts + ([f"with {', '.join(life.parts)}"] if life.parts else []):
        console.print(Padding(Text(fact), _INDENT, expand=False), highlight=False)
    if life.story:
        console.print(_story(life.story), highlight=False)
    for title, lines in (
        ("What was asked (market time, UTC)", life.asked),
        ("What was posted (market time, UTC)", life.postings),
        ("What was told (market time, UTC)", life.events),
        ("What was sent (wall time, UTC; in vendors' protocols market time)", life.deliveries),
        ("What was answered (the same)", life.attempts),
    ):
        console.print(_table(title, lines) if lines else f"\n{title}: nothing", highlight=False)


def _story(steps: Iterable[Step]) -> Table:
    table = Table(
        title="\nWhat happened (market time, UTC)", title_justify="left", box=None, pad_edge=False, show_header=False
    )
    table.add_column(no_wrap=True, style="dim")
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    day = ""
    for step in steps:
        date, _, clock = _time(step.at).partition(" ")
        if date != day:
            table.add_row(Text(date, style="bold"))
            day = date
        table.add_row(f"  {clock}", Text(step.who, style="cyan"), _told(step))
    return table


def _told(step: Step) -> Group:
    """A step's sentences, and below them its legs, amounts under one another, and who paid for what came back."""
    style = "" if step.outcome == "done" else "red"
    lines: list[Any] = [Text(says, style=style) for says in step.says or [step.verb]]
    if step.legs:
        legs = Table.grid(padding=(0, 1))
        legs.add_column(justify="right", style="green")
        legs.add_column(style="green")
        legs.add_column(style="dim", overflow="fold")
        for leg in step.legs:
            legs.add_row(format_decimal(leg.amount, leg.currency), leg.currency, leg.says)
        lines.append(Padding(legs, _INDENT, expand=False))
    lines += [Padding(Text(words, style="yellow"), _INDENT, expand=False) for words in step.waterfall]
    return Group(*lines)


def _table(title: str, lines: Iterable[Struct]) -> Table:
    rows = list(lines)
    table = Table(title=f"\n{title}", title_justify="left", box=None, pad_edge=False)
    for field in fields(rows[0]):
        numeric = field.name in {"amount", "place", "tries", "last_status", "number", "status"}
        table.add_column(field.name.replace("_", " "), justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*_cells(row))
    return table


def _cells(row: Any) -> list[str]:
    cells = dict(zip(row.__struct_fields__, astuple(row), strict=True))
    at = cells["at"]
    cells["at"] = "" if at is None else _time(at)
    if "amount" in cells:
        cells["amount"] = format_decimal(cells["amount"], cells["currency"])
    return [str(cell) for cell in cells.values()]


def _time(at: int) -> str:
    return (_EPOCH + timedelta(microseconds=at)).isoformat(sep=" ", timespec="milliseconds").removesuffix("+00:00")
