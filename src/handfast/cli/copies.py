"""The commands `backup` and `restore`."""

import sys
from pathlib import Path

import click

from handfast.app import resolve
from handfast.app.copies import backup as write_backup
from handfast.app.copies import restore as bring_back
from handfast.core.settings import load
from handfast_verify import verify

_data = click.option("--data", type=click.Path(path_type=Path), help="The data directory.")
_database = click.option("--database", metavar="URL", help="sqlite:///path, postgresql://… or embedded.")


@click.command()
@click.argument("target", type=click.Path(path_type=Path))
@_data
@_database
def backup(target: Path, data: Path | None, database: str | None) -> None:
    """Back the books up into TARGET, an empty directory, while the service runs. The master key is not in it."""
    manifest = write_backup(load(data=data, database=database), target)
    rows = "the SQLite file" if manifest.file else f"{sum(it.rows for it in manifest.tables.values()):,} rows"
    click.echo(f"backed up {rows} to {target}; back up the master key apart")


@click.command()
@click.argument("source", type=click.Path(path_type=Path, exists=True, file_okay=False))
@_data
@_database
def restore(source: Path, data: Path | None, database: str | None) -> None:
    """Restore the backup in SOURCE into a data directory without books, and verify it (exit code 1 if it is wrong)."""
    settings = load(data=data, database=database)
    bring_back(settings, source)
    settings = resolve(settings)
    heads = settings.heads_file if settings.heads_file.exists() else None
    result = verify(settings.database_url, heads=heads)
    for fault in result.faults:
        click.echo(f"WRONG  {fault}", err=True)
    if not result.ok:
        sys.exit(1)
    click.echo(f"restored and verified: {result.entries:,} entries, {result.events:,} events, head {result.heads}")
    if not settings.master_key_file.exists():
        click.echo(f"put the master key to {settings.master_key_file} before you serve it")
