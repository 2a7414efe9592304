"""Plays seeds and prints what came of them: `make simulate SEEDS=1000`, or one again with its trace: `SEED=17`."""

import multiprocessing
import os
import sys
import time
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Iterator
from functools import partial

from click import echo
from rich.console import Console
from rich.table import Table
from tests.simulation.invariants import TABLE
from tests.simulation.simulation import simulate
from tests.simulation.world import Result

SIZE = 150
"""Deeds a seed."""

LAST = 40
"""How many lines of a broken seed's trace are shown."""


def main() -> int:
    asked = ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    asked.add_argument("--seeds", type=int, default=200, help="how many seeds")
    asked.add_argument("--first", type=int, default=1, help="the first of them")
    asked.add_argument("--seed", type=int, help="this one alone, with the end of its trace")
    asked.add_argument("--size", type=int, default=SIZE, help="deeds a seed")
    asked.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes")
    asked.add_argument("--trace", action="store_true", help="with --seed: all of its trace")
    given = asked.parse_args()
    if given.seed is not None:
        return one(given.seed, given.size, whole=given.trace)
    return many(range(given.first, given.first + given.seeds), given.size, given.jobs)


def one(seed: int, size: int, *, whole: bool) -> int:
    """Play one seed and print its trace's digest, and where it broke, if it did."""
    lines: list[str] = []
    result = simulate(seed, size, lines.append)
    echo("\n".join(lines if whole else lines[-LAST:] if result.broken else ()))
    echo(f"seed {seed}: {result.actions} actions, {result.crashes} crashes, trace {result.trace or '-'}")
    if result.broken:
        echo(f"broken: {result.words}")
    return bool(result.broken)


def many(seeds: range, size: int, jobs: int) -> int:
    """Play seeds, and print one table of them all; 1 if one broke."""
    console = Console()
    started, total, played, broken = time.monotonic(), Result(0), 0, []
    _zero(total)
    for result in _played(seeds, size, jobs):
        played += 1
        _add(total, result)
        if result.broken:
            broken.append(result.seed)
            echo(f"seed {result.seed} broke {result.words}\n  again: {command(result.seed, size)}")
        if sys.stderr.isatty() or played % 500 == 0:
            rate = played / (time.monotonic() - started)
            echo(f"\r{played} of {len(seeds)} seeds, {rate:.1f}/s, {len(broken)} broken", nl=False, err=True)
    echo(err=True)
    console.print(_table(total, played, len(broken), time.monotonic() - started))
    return bool(broken)


def command(seed: int, size: int) -> str:
    """What replays a seed."""
    return f"make simulate SEED={seed} SIZE={size}"


def _played(seeds: range, size: int, jobs: int) -> Iterator[Result]:
    if jobs == 1:
        yield from (simulate(seed, size) for seed in seeds)
        return
    with multiprocessing.get_context("spawn").Pool(jobs) as pool:
        yield from pool.imap_unordered(partial(simulate, size=size), seeds, chunksize=4)


def _zero(total: Result) -> None:
    total.mishaps, total.checked, total.done, total.refused = Counter(), Counter(), Counter(), Counter()


def _add(total: Result, result: Result) -> None:
    for name in ("actions", "batches", "crashes"):
        setattr(total, name, getattr(total, name) + getattr(result, name))
    for name in ("mishaps", "checked", "done", "refused"):
        getattr(total, name).update(getattr(result, name))


def _table(total: Result, played: int, broken: int, seconds: float) -> Table:
    table = Table(title=f"{played} seeds, {broken} broken, {seconds:.1f} s, {played / seconds:.1f} seeds/s")
    table.add_column("what")
    table.add_column("how often", justify="right")
    table.add_row("deeds", f"{total.actions:,}")
    table.add_row("verbs done", f"{sum(total.done.values()):,} of {len(+total.done)} kinds")
    table.add_row("verbs refused", f"{sum(total.refused.values()):,} for {len(+total.refused)} reasons")
    table.add_row("batches", f"{total.batches:,}")
    table.add_row("crashes", f"{total.crashes:,}", end_section=True)
    for kind, count in sorted(total.mishaps.items()):
        table.add_row(kind.replace("_", " "), f"{count:,}")
    table.add_section()
    for code, (says, _) in TABLE.items():
        table.add_row(f"{code} {says}", f"{total.checked[code]:,}")
    return table


if __name__ == "__main__":
    sys.exit(main())
