"""The commands that run a service: serve and migrate."""

from pathlib import Path

import click

from handfast.app import owning, resolve
from handfast.app.serve import serve as run_service
from handfast.app.telemetry import set_up_logs
from handfast.core.settings import load
from handfast.store.migrate import HEAD

_data = click.option("--data", type=click.Path(path_type=Path), help="The data directory.")
_database = click.option("--database", metavar="URL", help="sqlite:///path, postgresql://… or embedded.")


@click.command()
@_data
@_database
@click.option("--host", help="The address to listen on.")
@click.option("--port", type=int, help="The port to listen on; 0 takes a free one.")
@click.option("--fronts", type=int, help="Processes that speak HTTP beside the desk's; 0 lets the desk's own do it.")
def serve(data: Path | None, database: str | None, host: str | None, port: int | None, fronts: int | None) -> None:
    """Run the service until it is asked to stop (SIGTERM, Ctrl-C)."""
    settings = load(data=data, database=database, host=host, port=port, fronts=fronts)
    set_up_logs(settings)
    run_service(settings, lambda address: click.echo(f"handfast is ready at {address}"))


@click.command()
@_data
@_database
def migrate(data: Path | None, database: str | None) -> None:
    """Bring the database to this version's schema. A new one gets its master key."""
    with owning(resolve(load(data=data, database=database))):
        click.echo(f"the database is at schema {HEAD}")
