"""The command `explain`: an object's whole life, as tables or as JSON."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click
from msgspec import Struct, json
from msgspec.structs import astuple, fields
from rich.console import Console
from rich.table import Table

from handfast.app import reading
from handfast.app.explain import Life
from handfast.app.explain import explain as life_of
from handfast.core.money import format_decimal
from handfast.core.settings import load

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_WIDE = 240  # where the output is no terminal, nothing is folded


@click.command()
@click.argument("id_", metavar="ID")
@click.option("--data", type=click.Path(path_type=Path), help="The data directory.")
@click.option("--database", metavar="URL", help="sqlite:///path, postgresql://… or embedded.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object; times in microseconds since the epoch, UTC.")
def explain(id_: str, data: Path | None, database: str | None, *, as_json: bool) -> None:
    """Tell the whole life of a payment, a trade or any other object: requests, entries, events, deliveries."""
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
    """Print a life as tables."""
    if not console.is_terminal:
        console.width = _WIDE
    console.print(f"{life.object}{''.join(f' + {part}' for part in life.parts)}", highlight=False)
    for title, lines in (
        ("What was asked (market time, UTC)", life.asked),
        ("What was posted (market time, UTC)", life.postings),
        ("What was told (market time, UTC)", life.events),
        ("What was sent (wall time, UTC)", life.deliveries),
    ):
        console.print(_table(title, lines) if lines else f"\n{title}: nothing", highlight=False)


def _table(title: str, lines: Iterable[Struct]) -> Table:
    rows = list(lines)
    table = Table(title=f"\n{title}", title_justify="left", box=None, pad_edge=False)
    for field in fields(rows[0]):
        numeric = field.name in {"amount", "place", "tries", "last_status"}
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
