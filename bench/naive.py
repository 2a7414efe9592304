"""The desk beside what one would write instead, in turns in the same run, uniform and with one hot merchant."""

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from bench import rivals
from bench.growth import server_of
from bench.market import Bench, prepare
from bench.processes import cpu_seconds
from handfast.app import memory

SIZE = 256
LOADS = {"uniform": 0.0, "90 % hot": 0.9}
SECONDS = 3.0

Run = Callable[[float], tuple[int, float]]
"""Pays for a while with so much of it to one merchant: how many, in which time."""


def _desk(bench: Bench, seconds: float, hot: float) -> tuple[int, float]:
    batches = [list(bench.payments(SIZE, hot)) for _ in range(40)]
    count, start = 0, time.perf_counter()
    while (wall := time.perf_counter() - start) < seconds:
        bench.run(batches[count // SIZE % len(batches)])
        count += SIZE
    return count, wall


def _rival(bench: Bench, make: Callable[[], Any], connections: int, seconds: float, hot: float) -> tuple[int, float]:
    return rivals.load(make, rivals.asks(bench, 4_000, hot), seconds, connections)


def runs(store: str, bench: Bench, other: Bench, url: str, seconds: float) -> dict[str, Run]:
    """The desk over `bench`, and its rivals over another database, `other`, at that URL."""
    desk: dict[str, Run] = {f"desk, batch of {SIZE}": partial(_desk, bench, seconds)}
    if store == "sqlite":
        make: Callable[[], Any] = partial(rivals.SqliteHandler, Path(url.removeprefix("sqlite:///")))
        return desk | {"a transaction a request": partial(_rival, other, make, 1, seconds)}
    many = rivals.CONNECTIONS
    return desk | {
        f"a transaction a request, {many} connections": partial(
            _rival, other, partial(rivals.PostgresHandler, url), many, seconds
        ),
        f"a PL/pgSQL call a request, {many} connections": partial(
            _rival, other, partial(rivals.FunctionHandler, url), many, seconds
        ),
    }


def figures(
    store: str, urls: tuple[str, str], rounds: int, seconds: float, report: Callable[[str], None]
) -> dict[str, dict[str, float]]:
    """Medians of payments/s and CPU µs (client and server), each run once a round with each load."""
    bench, other = (prepare(url) for url in urls)
    server = server_of(bench)
    other.store.close()
    if store == "postgresql":
        rivals.set_up(urls[1])
    memory.settle()
    _desk(bench, seconds, 0.0)
    samples: dict[str, list[tuple[float, float]]] = {}
    for _ in range(rounds):
        for load, hot in LOADS.items():
            for name, run in runs(store, bench, other, urls[1], seconds).items():
                cpu = time.process_time() + cpu_seconds(server)
                count, wall = run(hot)
                used = time.process_time() + cpu_seconds(server) - cpu
                samples.setdefault(f"{name}, {load}", []).append((count / wall, used / count * 1e6))
                report(f"{name}, {load}: {count / wall:,.0f}/s")
    bench.store.close()
    return {
        name: {
            "per_second": round(median(rate for rate, _ in taken)),
            "cpu_us": round(median(cpu for _, cpu in taken), 1),
        }
        for name, taken in samples.items()
    }


def ratios(told: dict[str, dict[str, float]]) -> dict[str, float]:
    """The desk's payments/s, and payments per CPU second, by each rival's."""
    found = {}
    for load in LOADS:
        desk, *others = [(name, row) for name, row in told.items() if name.endswith(f", {load}")]
        for name, row in others:
            found[f"desk / {name}"] = round(desk[1]["per_second"] / row["per_second"], 2)
            found[f"desk / {name}, by CPU"] = round(row["cpu_us"] / desk[1]["cpu_us"], 2)
    return found
