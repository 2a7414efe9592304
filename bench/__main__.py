"""Runs the benchmarks and prints their tables; with --json also one JSON object, last."""

import os
import platform
import sys
import tempfile
from pathlib import Path
from typing import Any

import apsw
import click
import msgspec
from rich import box
from rich.console import Console
from rich.table import Table
from tests import clusters

from bench.desk import flush_rate
from bench.growth import SIZES
from bench.parts import PARTS, Asked, Section

_WIDTH = 140
"""Columns, where nothing says how many there are."""


def show(console: Console, title: str, section: Section) -> None:
    """A table of figures, one case a row, and its ratios."""
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD)
    table.add_column("case", no_wrap=True)
    columns = list(next(iter(section.cases.values())))
    for column in columns:
        table.add_column(column, justify="right", no_wrap=True)
    for name, row in section.cases.items():
        table.add_row(name, *(f"{row[column]:,}" for column in columns))
    console.print(table)
    if section.ratios:
        ratios = Table(box=box.SIMPLE_HEAD)
        ratios.add_column("ratio", no_wrap=True)
        ratios.add_column("", justify="right")
        for name, ratio in section.ratios.items():
            ratios.add_row(name, f"{ratio:.2f}")
        console.print(ratios)


def conditions(folder: Path, rounds: int, seconds: float) -> dict[str, Any]:
    """What the figures were taken under."""
    return {
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1),
        "sqlite": f"{apsw.sqlite_lib_version()}, WAL, synchronous=FULL",
        "postgresql": "embedded wheel as it comes: fsync, synchronous_commit=on, 128 MB of shared buffers",
        "flushes_per_second": round(flush_rate(folder)),
        "rounds": rounds,
        "sustained_seconds": seconds,
    }


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object last.")
@click.option("--keep", type=click.Path(path_type=Path), help="Add what is measured to this file of figures.")
@click.option("--rounds", default=3, show_default=True, help="Rounds; the medians are shown.")
@click.option("--only", multiple=True, type=click.Choice(tuple(PARTS)), help="Only these parts.")
@click.option("--seconds", default=10.0, show_default=True, help="How long the sustained load lasts.")
@click.option(
    "--growth", default=10**5, show_default=True, help="Accounts of the largest book; 10,000,000 takes 25 GB and long."
)
@click.option("--finished", default=10**6, show_default=True, help="Finished trades that a new one is made beside.")
def main(
    as_json: bool, keep: Path | None, rounds: int, only: tuple[str, ...], seconds: float, growth: int, finished: int
) -> None:
    """Durable full payments: through the desk, over HTTP, beside what one would write instead, in books of any size."""
    console = Console(stderr=as_json, width=None if sys.stdout.isatty() and not as_json else _WIDTH)
    wanted = only or tuple(PARTS)
    if "tigerbeetle" in wanted and not (clusters.running() or clusters.server()):
        console.print(f"not measured: {clusters.MISSING}")
        wanted = tuple(name for name in wanted if name != "tigerbeetle")
    found: dict[str, Section] = {}
    with tempfile.TemporaryDirectory(prefix="handfast-bench-", dir=".") as name, console.status("measuring") as status:
        folder = Path(name).resolve()
        told = conditions(folder, rounds, seconds)
        sizes = tuple(size for size in SIZES if size <= growth) or (growth,)
        for place, part in enumerate(wanted, 1):

            def report(words: str, heading: str = f"{place}/{len(wanted)} {part}") -> None:
                status.update(f"{heading}: {words}")

            report("is set up")
            found[part] = PARTS[part](Asked(folder, report, rounds, seconds, finished, sizes))
    for key, value in told.items():
        console.print(f"{key:>20}  {value}")
    for part, section in found.items():
        show(console, part, section)
    if keep is not None:
        kept = msgspec.json.decode(keep.read_bytes()) if keep.exists() else {}
        keep.write_bytes(msgspec.json.format(msgspec.json.encode(kept | {"conditions": told, **found})) + b"\n")
    if as_json:
        sys.stdout.write(msgspec.json.encode({"conditions": told, **found}).decode() + "\n")


if __name__ == "__main__":
    main()
