"""The command line of the independent reader: verify the books, or check a receipt offline."""

import sys
import tomllib
from pathlib import Path

import click
from msgspec import json
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from handfast_verify.findings import Result
from handfast_verify.reading import Unreadable
from handfast_verify.receipt import check
from handfast_verify.run import Watch
from handfast_verify.run import verify as verify_books

WRONG, UNREADABLE = 1, 2
"""Exit codes: something does not hold and was named; the books or the receipt could not be read."""


@click.group(invoke_without_command=True)
@click.option("--data", type=click.Path(path_type=Path), help="A data directory: its database and its published heads.")
@click.option("--database", metavar="URL", help="sqlite:///path or postgresql://…")
@click.option("--export", type=click.Path(path_type=Path), help="A directory that `handfast backup` wrote.")
@click.option("--heads", type=click.Path(path_type=Path), help="Published heads, best from outside the machine.")
@click.option("--key", metavar="HEX", help="The public key that must have signed every head.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@click.pass_context
def verify(
    context: click.Context,
    data: Path | None,
    database: str | None,
    export: Path | None,
    heads: Path | None,
    key: str | None,
    *,
    as_json: bool,
) -> None:
    """Check the books from end to end, and name the first row that is wrong.

    Exit code 0: everything holds; 1: something does not; 2: the books could not be read.
    """
    if context.invoked_subcommand is not None:
        return
    console = Console(stderr=True)
    try:
        database, heads = _found(data, database, export, heads)
        with Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeElapsedColumn(),
            console=console,
            transient=True,
        ) as progress:
            result = verify_books(database, export, heads, _key(key), _watcher(progress))
    except Unreadable as no:
        click.echo(str(no), err=True)
        sys.exit(UNREADABLE)
    click.echo(json.encode({"ok": result.ok, **_plain(result)}) if as_json else _told(result, heads, key))
    sys.exit(0 if result.ok else WRONG)


def _plain(result: Result) -> dict[str, object]:
    return {name: getattr(result, name) for name in result.__struct_fields__}


def _found(
    data: Path | None, database: str | None, export: Path | None, heads: Path | None
) -> tuple[str | None, Path | None]:
    """The database's URL and the heads' file that are meant. Raises Unreadable."""
    if export is not None or database is not None:
        if export is not None and database is not None:
            raise Unreadable("give a database or an export, not both")
        if heads is None and data is not None:
            heads = data / "heads.jsonl"
        return database, heads
    data = data or Path("handfast-data")
    try:
        settings = tomllib.loads((data / "handfast.toml").read_text())
    except FileNotFoundError:
        settings = {}
    except (OSError, ValueError) as fault:
        raise Unreadable(f"{data / 'handfast.toml'} cannot be read: {fault}") from fault
    file = data / "heads.jsonl"
    return str(settings.get("database") or f"sqlite:///{data / 'handfast.db'}"), heads or (
        file if file.exists() else None
    )


def _key(text: str | None) -> bytes | None:
    try:
        return None if text is None else bytes.fromhex(text)
    except ValueError:
        raise Unreadable("a key is 64 hexadecimal digits") from None


def _watcher(progress: Progress) -> Watch:
    tasks: dict[str, TaskID] = {}

    def watch(name: str, total: int, more: int) -> None:
        if name not in tasks:
            tasks[name] = progress.add_task(name, total=total or None, rate="")
        progress.update(tasks[name], advance=more)
        speed = progress.tasks[tasks[name]].speed
        progress.update(tasks[name], rate=f"{speed:,.0f}/s" if speed else "")

    return watch


def _told(result: Result, heads: Path | None, key: str | None) -> str:
    """The result in words."""
    counts = (result.entries, result.events, result.accounts, result.objects)
    read = "{:,} entries, {:,} events, {:,} accounts, {:,} objects".format(*counts)
    sealed = f"{result.heads:,} signed heads over {result.size:,} leaves, {result.published:,} of them published"
    left = f"not sealed yet: {result.unsealed_entries:,} entries, {result.unsealed_events:,} events"
    speed = f"{result.seconds:.1f} s, {result.entries / result.seconds:,.0f} entries/s"
    lines = [f"{read} in {speed}", f"{sealed}; {left}"]
    if heads is None and key is None:
        lines.append("Held against their own heads only: give --heads or --key, from outside this machine.")
    lines += [f"WRONG  {fault}" for fault in result.faults]
    lines.append(
        "Everything holds." if result.ok else f"{len(result.faults)} things do not hold; the first is the first above."
    )
    return "\n".join(lines)


@verify.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--heads", type=click.Path(path_type=Path), help="Published heads, one of which the receipt must name.")
@click.option("--key", metavar="HEX", help="The public key that must have signed.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def receipt(file: Path, heads: Path | None, key: str | None, *, as_json: bool) -> None:
    """Check a receipt (the answer of GET /v1/receipts/ID, in FILE) without the service."""
    try:
        found = check(file.read_bytes(), heads, _key(key))
    except (Unreadable, OSError) as no:
        click.echo(str(no), err=True)
        sys.exit(UNREADABLE)
    if as_json:
        click.echo(json.encode(found))
    else:
        click.echo("\n".join([*found.leaves, *(f"WRONG  {fault}" for fault in found.faults), found.words]))
    sys.exit(WRONG if found.faults else 0)
