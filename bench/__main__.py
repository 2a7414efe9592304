"""Runs the benchmarks and prints their tables; with --json also one JSON object, last."""

import platform
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import apsw
import click
import msgspec
from rich.console import Console
from rich.table import Table
from tests import clusters

from bench import cluster, desk, service, trades
from bench.postgres import server

PARTS = ("sqlite", "postgresql", "http", "trades", "tigerbeetle")


def desk_figures(url: str, rounds: int, report: Callable[[str], None]) -> dict[str, dict[str, float]]:
    """Medians of every desk case."""
    samples: dict[str, list[desk.Sample]] = {}
    for case, sample in desk.rounds(url, rounds):
        samples.setdefault(case.name, []).append(sample)
        report(f"{case.name}: {sample.rate:,.0f}/s")
    return {
        name: {
            "per_second": round(median(s.rate for s in taken)),
            "cpu_us": round(median(s.cpu for s in taken), 1),
            "p50_ms": round(median(s.p50 for s in taken), 2),
            "p99_ms": round(median(s.p99 for s in taken), 2),
        }
        for name, taken in samples.items()
    }


def ratios(figures: dict[str, dict[str, float]]) -> dict[str, float]:
    """The ratios that the figures are taken for."""
    full = figures["batch of 256"]["per_second"]
    return {
        "batch of 256 / batch of 1": round(full / figures["batch of 1"]["per_second"], 2),
        "90 % hot / uniform": round(figures["batch of 256, 90 % hot"]["per_second"] / full, 2),
    }


def show(console: Console, title: str, figures: dict[str, dict[str, float]]) -> None:
    """A table of figures, one case a row."""
    table = Table(title=title, title_justify="left")
    table.add_column("case")
    columns = list(next(iter(figures.values())))
    for column in columns:
        table.add_column(column, justify="right")
    for name, row in figures.items():
        table.add_row(name, *(f"{row[column]:,}" for column in columns))
    console.print(table)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object last.")
@click.option("--rounds", default=3, show_default=True, help="Rounds; the medians are shown.")
@click.option("--only", multiple=True, type=click.Choice(PARTS), help="Only these.")
@click.option("--finished", default=10**6, show_default=True, help="Finished trades that a new one is made beside.")
def main(as_json: bool, rounds: int, only: tuple[str, ...], finished: int) -> None:
    """Durable full payments: through the desk on each engine, and over HTTP; and what becomes of trades."""
    console = Console(stderr=as_json)
    wanted = only or PARTS
    if "tigerbeetle" in wanted and not (clusters.running() or clusters.server()):
        console.print(f"not measured: {clusters.MISSING}")
        wanted = tuple(name for name in wanted if name != "tigerbeetle")
    with tempfile.TemporaryDirectory(prefix="handfast-bench-", dir=".") as name:
        folder = Path(name).resolve()
        result: dict[str, Any] = {
            "conditions": {
                "python": platform.python_version(),
                "sqlite": f"{apsw.sqlite_lib_version()}, WAL, synchronous=FULL",
                "flushes_per_second": round(desk.flush_rate(folder)),
                "rounds": rounds,
            }
        }
        with console.status("measuring") as status:
            if "sqlite" in wanted:
                figures = desk_figures(f"sqlite:///{folder}/desk.db", rounds, lambda s: status.update(f"SQLite, {s}"))
                result["desk_sqlite"] = {"cases": figures, "ratios": ratios(figures)}
            if "postgresql" in wanted:
                with server(folder / "postgres") as url:
                    figures = desk_figures(url, rounds, lambda s: status.update(f"PostgreSQL, {s}"))
                result["desk_postgresql"] = {"cases": figures, "ratios": ratios(figures)}
            if "http" in wanted:
                figures = service.figures(folder, rounds, lambda s: status.update(f"HTTP, {s}"))
                result["http_sqlite"] = {"cases": figures, "ratios": service.ratios(figures)}
            if "trades" in wanted:
                figures = trades.figures(folder, rounds, finished, lambda s: status.update(f"trades, {s}"))
                result["trades_sqlite"] = {"cases": figures, "ratios": trades.ratios(figures)}
            if "tigerbeetle" in wanted:
                figures = cluster.figures(folder, rounds, 1, lambda s: status.update(f"TigerBeetle, {s}"))
                result["desk_tigerbeetle"] = {"cases": figures, "ratios": cluster.ratios(figures)}
    console.print(result["conditions"])
    for name, section in result.items():
        if name != "conditions":
            show(console, name, section["cases"])
            console.print(section["ratios"])
    if as_json:
        sys.stdout.write(msgspec.json.encode(result).decode() + "\n")


if __name__ == "__main__":
    main()
