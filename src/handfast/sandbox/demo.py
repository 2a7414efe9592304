"""The command that plays the main job and shows what came of it."""

import sys
import tempfile
from contextlib import closing
from pathlib import Path
from shutil import rmtree

import click
from msgspec import json
from rich.console import Console

from handfast.app import resolve
from handfast.app.serve import listen
from handfast.app.telemetry import set_up_logs
from handfast.core.clocks import wall_clock
from handfast.core.settings import Settings
from handfast.sandbox.faults import PromiseBroken
from handfast.sandbox.report import render
from handfast.sandbox.run import Plan, Run
from handfast.sandbox.serving import serve
from handfast.sandbox.start import must_be_empty
from handfast.sandbox.terminal import progress, show

HOST = "127.0.0.1"
BROKEN = 3
"""The exit code where anything does not hold."""


@click.command()
@click.option("--seed", type=click.IntRange(0, 2**62), default=1, show_default=True, help="Equal seeds, equal markets.")
@click.option("--days", type=click.IntRange(1, 3650), default=45, show_default=True, help="Market days to play.")
@click.option(
    "--shops", type=click.IntRange(1, 2000), default=40, show_default=True, help="Shops; five buyers for each."
)
@click.option(
    "--trades-per-day", type=click.IntRange(1, 100_000), default=240, show_default=True, help="About so many."
)
@click.option("--database", metavar="URL", default="", help="An empty database; a SQLite file of its own by default.")
@click.option("--ledger", metavar="URL", default="", help="tigerbeetle://…; by default the database keeps its entries.")
@click.option("--data", type=click.Path(path_type=Path), help="An empty directory for database, keys and report.")
@click.option("--port", type=click.IntRange(0, 65_535), default=8080, show_default=True, help="Where it is served.")
@click.option("--once", is_flag=True, help="End after the run instead of serving the report beside the API.")
@click.option("--json", "as_json", is_flag=True, help="The last line of standard output is one JSON object.")
def demo(
    seed: int,
    days: int,
    shops: int,
    trades_per_day: int,
    database: str,
    ledger: str,
    data: Path | None,
    port: int,
    *,
    once: bool,
    as_json: bool,
) -> None:
    """Play a market of many days, with its bank and its faults, and prove that the books equal the bank.

    Ends with exit code 3 if anything does not hold.
    """
    if data is not None:
        must_be_empty(data)
    directory = data or Path(tempfile.mkdtemp(prefix="handfast-demo-"))
    door = None if once else listen(HOST, port, 1)[0]
    settings = resolve(
        Settings(
            data=directory,
            database=database,
            ledger=ledger,
            host=HOST,
            port=door.getsockname()[1] if door else port,
            market="sandbox",
            log_level="error",
            log_format="text",
        )
    )
    set_up_logs(settings)
    console = Console(stderr=as_json)
    plan = Plan(seed=seed, days=days, shops=shops, trades_a_day=trades_per_day)
    try:
        with closing(Run(plan, settings)) as run:
            with progress(console, plan) as watch:
                outcome = run.play(watch)
            keys = None if once else run.hand_over(wall_clock)
    except PromiseBroken as broken:
        click.echo(f"BROKEN  {broken}", err=True)
        sys.exit(BROKEN)
    if once and data is None and not database:
        for path in directory.iterdir():
            rmtree(path) if path.is_dir() else path.unlink()
    report = directory / "report.html"
    report.write_text(render(outcome, served=False))
    show(console, outcome)
    console.print(f"Report: {report}", highlight=False, soft_wrap=True)
    if as_json:
        click.echo(json.encode(outcome.summary()).decode())
    if door is not None:
        console.print(f"Keys: {keys}", highlight=False, soft_wrap=True)
        words = f"Report and orders: http://{HOST}:{settings.port}/demo/\nCtrl-C ends."
        serve(
            settings, render(outcome, served=True), door, lambda: console.print(words, highlight=False, soft_wrap=True)
        )
    if outcome.broken:
        sys.exit(BROKEN)
