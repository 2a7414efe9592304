"""The desk under full load for a while: payments/s by the second, CPU, and what the books grow by."""

import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Any

from bench.growth import server_of
from bench.market import Bench, prepare
from bench.processes import cpu_seconds
from handfast.app import memory

SIZE = 256
POOL = 120
"""Batches of commands that are made beforehand and come round: a request is new by its key."""
WARM_UP = 80


def figures(urls: dict[str, str], seconds: float, report: Callable[[str], None]) -> dict[str, dict[str, float]]:
    """Each store under load for so many seconds."""
    told = {}
    for name, url in urls.items():
        bench = prepare(url)
        memory.settle()
        case = f"{name}, batch of {SIZE}"
        report(case)
        told[case] = run(bench, seconds, report)
        bench.store.close()
    return told


def run(bench: Bench, seconds: float, report: Callable[[str], None]) -> dict[str, float]:
    """Make payments until the time is over. Bytes are of the database and its log, kept for good."""
    payments = iter(bench.payments(SIZE * POOL, 0.0))
    pool = [list(islice(payments, SIZE)) for _ in range(POOL)]
    for n in range(WARM_UP):
        bench.run(pool[n % POOL])
    server = server_of(bench)
    size, cpu = _bytes(bench), time.process_time() + cpu_seconds(server)
    latencies: list[float] = []
    by_second = [0]
    start = last = time.perf_counter()
    while last - start < seconds:
        bench.run(pool[len(latencies) % POOL])
        now = time.perf_counter()
        latencies.append(now - last)
        last = now
        second = int(now - start)
        while len(by_second) <= second:
            report(f"{by_second[-1]:,} payments in second {len(by_second)}")
            by_second.append(0)
        by_second[-1] += SIZE
    wall, count = last - start, SIZE * len(latencies)
    used = time.process_time() + cpu_seconds(server) - cpu
    latencies.sort()
    whole = sorted(by_second[:-1]) or by_second
    return {
        "seconds": round(wall, 1),
        "per_second": round(count / wall),
        "median_second": round(median(whole)),
        "slowest_second": whole[0],
        "cpu_us": round(used / count * 1e6, 1),
        "p50_ms": round(latencies[len(latencies) // 2] * 1e3, 2),
        "p99_ms": round(latencies[int(len(latencies) * 0.99)] * 1e3, 2),
        "bytes": round((_bytes(bench) - size) / count),
    }


def _bytes(bench: Bench) -> int:
    """The database's size with all that is committed in it."""
    db: Any = bench.store.connection
    path = getattr(bench.store, "path", None)
    if path is None:
        return int(db.execute("SELECT pg_database_size(current_database())").fetchone()[0])
    db.wal_checkpoint()
    return Path(path).stat().st_size
