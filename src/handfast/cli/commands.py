"""The commands that run a service: serve and migrate."""

import sys
from contextlib import closing
from pathlib import Path

import click

from handfast.app import owning, reading, resolve
from handfast.app.outside import compared
from handfast.app.serve import serve as run_service
from handfast.app.telemetry import set_up_logs
from handfast.core.errors import Invalid
from handfast.core.settings import load
from handfast.store.migrate import HEAD

_data = click.option("--data", type=click.Path(path_type=Path), help="The data directory.")
_database = click.option("--database", metavar="URL", help="sqlite:///path, postgresql://… or embedded.")
_ledger = click.option(
    "--ledger", metavar="URL", help="tigerbeetle://host:port,…/number; by default the database keeps its entries."
)


@click.command()
@_data
@_database
@_ledger
@click.option("--host", help="The address to listen on.")
@click.option("--port", type=int, help="The port to listen on; 0 takes a free one.")
@click.option("--fronts", type=int, help="Processes that speak HTTP beside the desk's; 0 lets the desk's own do it.")
@click.option("--standby", is_flag=True, help="Wait while the database has a living desk, then take its place.")
def serve(
    data: Path | None,
    database: str | None,
    ledger: str | None,
    host: str | None,
    port: int | None,
    fronts: int | None,
    *,
    standby: bool,
) -> None:
    """Run the service until it is asked to stop (SIGTERM, Ctrl-C)."""
    settings = load(data=data, database=database, ledger=ledger, host=host, port=port, fronts=fronts)
    set_up_logs(settings)
    waits = (lambda: click.echo("handfast stands by")) if standby else None
    run_service(settings, lambda address: click.echo(f"handfast is ready at {address}"), waits)


@click.command()
@_data
@_database
def migrate(data: Path | None, database: str | None) -> None:
    """Bring the database to this version's schema. A new one gets its master key."""
    with owning(resolve(load(data=data, database=database))):
        click.echo(f"the database is at schema {HEAD}")


@click.command()
@_data
@_database
@_ledger
def compare(data: Path | None, database: str | None, ledger: str | None) -> None:
    """Compare the database's copy of the entries with the cluster that decides them; ends with 3 if they differ.

    What is under way while it runs may show as a difference that is gone the next time.
    """
    settings = load(data=data, database=database, ledger=ledger)
    if not settings.ledger:
        raise Invalid("settings_invalid", "no cluster is named", "ledger")
    with closing(reading(settings)) as reader:
        found = compared(settings.ledger, reader)
    for line in found:
        click.echo(line)
    click.echo(f"differences: {len(found)}")
    if found:
        sys.exit(3)
