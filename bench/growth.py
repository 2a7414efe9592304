"""What a payment costs beside many accounts: books of growing size on either store, each measured in a fresh process.

`python -m bench.growth URL FILE ROUNDS` measures one book, whose customers FILE names, and prints JSON.
"""

import json
import random
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Any

import psycopg

from bench.book import wrong
from bench.market import Bench, open_desk
from bench.postgres import server
from bench.processes import cpu_seconds, resident, run_module
from handfast.app import memory
from handfast.core.ids import Id
from handfast.domain.payments import CreatePayment
from handfast.store.migrate import sqlite_path

SIZES = (10**4, 10**5, 10**6, 10**7)
STORES = ("sqlite", "postgresql")
VERIFIED = 10**5
"""Up to this size a book is verified before it is measured."""

SIZE = 256
WARM_UP = 80
"""Batches before the clock: keys and owners are filed in arrears of 16,384, so the first ones cost less."""
ROUND = 40
"""Batches of a round."""


def measure(url: str, sample: Path, rounds: int) -> dict[str, float]:
    """Payments of customers drawn from all: medians a payment of CPU µs and wall µs; resident MiB of this process."""
    people = [tuple(bytes.fromhex(key) for key in json.loads(line)) for line in sample.read_text().splitlines()]
    desk, ledger = open_desk(url)
    bench = Bench(desk, desk.store, ledger, [], [], [])
    memory.settle()
    commands = _payments(people)
    warm_up = min(WARM_UP, len(people) // SIZE * 2)
    for _ in range(warm_up):
        bench.run(list(islice(commands, SIZE)))
    server_pid = server_of(bench)
    cpu, wall = [], []
    for _ in range(rounds):
        batches = [list(islice(commands, SIZE)) for _ in range(ROUND)]
        before, start = time.process_time() + cpu_seconds(server_pid), time.perf_counter()
        for batch in batches:
            bench.run(batch)
        done = ROUND * SIZE
        wall.append((time.perf_counter() - start) / done * 1e6)
        cpu.append((time.process_time() + cpu_seconds(server_pid) - before) / done * 1e6)
    bench.store.close()
    return {"cpu_us": median(cpu), "wall_us": median(wall), "resident_mib": resident()}


def _payments(people: list[tuple[Id, ...]]) -> Iterator[tuple[str, Any]]:
    """Payments of each of them in turn, for ever."""
    while True:
        random.shuffle(people)
        for customer, merchant in people:
            amount = random.randrange(100, 10_000)
            yield (
                "payments.create",
                CreatePayment(
                    merchant,
                    "USD",
                    amount,
                    payer=customer,
                    reference="order 2014-10-28/1",
                    description="two cups and a pot",
                    metadata=b'{"basket":"17"}',
                ),
            )


def server_of(bench: Bench) -> int | None:
    """The database server's process, where there is one."""
    info = getattr(bench.store.connection, "info", None)
    if info is None:
        return None
    stat = Path(f"/proc/{info.backend_pid}/stat").read_text()
    return int(stat.rpartition(")")[2].split()[1])


def figures(
    folder: Path, rounds: int, sizes: tuple[int, ...], stores: tuple[str, ...], report: Callable[[str], None]
) -> dict[str, dict[str, float]]:
    """Each store at each size: what the book took to make, and what a payment takes beside it."""
    told: dict[str, dict[str, float]] = {}
    for store in stores:
        for size in sizes:
            name = f"{store}, {size:,} accounts"
            with _database(store, folder / f"growth-{store}-{size}") as url:
                told[name] = _one(url, size, folder / "people", rounds, partial(_prefixed, report, name))
    return told


def _prefixed(report: Callable[[str], None], name: str, words: str) -> None:
    report(f"{name}: {words}")


def _one(url: str, size: int, sample: Path, rounds: int, report: Callable[[str], None]) -> dict[str, float]:
    start = time.perf_counter()
    report("the book is being made")
    run_module("bench.book", url, str(size), str(sample))
    made, stored = time.perf_counter() - start, stored_bytes(url)
    if size <= VERIFIED:
        report("the book is being verified")
        faults = wrong(url)
        if faults:
            raise RuntimeError(f"the book does not verify: {faults[0]}")
    report("payments are being made")
    taken = json.loads(run_module("bench.growth", url, str(sample), str(rounds)))
    report(f"{taken['cpu_us']:.0f} CPU µs a payment")
    return {
        "entries": 2 * size,
        "cpu_us": round(taken["cpu_us"], 1),
        "wall_us": round(taken["wall_us"], 1),
        "resident_mib": round(taken["resident_mib"]),
        "bytes_an_account": round(stored / size),
        "made_in_s": round(made),
    }


def stored_bytes(url: str) -> int:
    """The size of a database that nobody writes."""
    path = sqlite_path(url)
    if path is not None:
        return Path(path).stat().st_size
    with psycopg.connect(url) as db:
        row = db.execute("SELECT pg_database_size(current_database())").fetchone()
        assert row is not None
        return int(row[0])


@contextmanager
def _database(store: str, folder: Path) -> Iterator[str]:
    """An empty database, gone afterwards: the largest takes some 20 GB."""
    if store == "postgresql":
        with server(folder) as url:
            yield url
        return
    folder.mkdir()
    try:
        yield f"sqlite:///{folder}/book.db"
    finally:
        for file in folder.iterdir():
            file.unlink()
        folder.rmdir()


def ratios(told: dict[str, dict[str, float]]) -> dict[str, float]:
    """The largest book against the smallest, on each store."""
    found: dict[str, float] = {}
    for store in STORES:
        rows = [(name, row) for name, row in told.items() if name.startswith(f"{store},")]
        for name, row in rows[1:]:
            first = rows[0][1]
            words = f"{name} / {rows[0][0].partition(', ')[2]}"
            found[f"{words}, in CPU"] = round(row["cpu_us"] / first["cpu_us"], 2)
            found[f"{words}, in time"] = round(row["wall_us"] / first["wall_us"], 2)
    return found


if __name__ == "__main__":
    print(json.dumps(measure(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))))
