"""The desk alone: full payments in process, durable, by batch size and by how hot one merchant is."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from bench.market import Bench, prepare
from handfast.app import memory


class Case(Struct, frozen=True):
    """One way to load the desk.

    `size` verbs a batch, `hot` of them for one merchant, `lines` guaranteed trades each.
    """

    name: str
    size: int
    count: int
    hot: float = 0.0
    lines: int = 0
    charged: bool = False


CASES = (
    Case("batch of 1", 1, 1_500),
    Case("batch of 16", 16, 6_000),
    Case("batch of 64", 64, 12_000),
    Case("batch of 256", 256, 30_720),
    Case("batch of 256, 90 % hot", 256, 30_720, hot=0.9),
    Case("batch of 256, with commission", 256, 15_360, charged=True),
    Case("batch of 256, guaranteed trade with commission", 256, 15_360, lines=1, charged=True),
)


class Sample(Struct, frozen=True):
    """What one round of one case took.

    Payments a wall second, CPU µs of this process a payment, batch latencies in ms.
    """

    rate: float
    cpu: float
    p50: float
    p99: float


def measure(bench: Bench, case: Case) -> Sample:
    """Run a case; the requests are made before the clock starts."""
    count = case.count // case.size
    batches = [list(bench.payments(case.size, case.hot, case.lines, charged=case.charged)) for _ in range(count)]
    latencies = []
    cpu, start = time.process_time(), time.perf_counter()
    for batch in batches:
        before = time.perf_counter()
        bench.run(batch)
        latencies.append(time.perf_counter() - before)
    wall, used = time.perf_counter() - start, time.process_time() - cpu
    latencies.sort()
    done = len(batches) * case.size
    return Sample(
        done / wall,
        used / done * 1e6,
        latencies[len(latencies) // 2] * 1e3,
        latencies[int(len(latencies) * 0.99)] * 1e3,
    )


def rounds(url: str, count: int) -> Iterator[tuple[Case, Sample]]:
    """Every case once a round, after a warm-up, so that neighbours' load falls on all alike."""
    bench = prepare(url)
    memory.settle()
    measure(bench, Case("warm-up", 256, 5_120))
    for _ in range(count):
        for case in CASES:
            yield case, measure(bench, case)
    bench.store.close()


def flush_rate(folder: Path) -> float:
    """How many durable appends of 4 KiB a second the disk takes (fdatasync), the context of every figure here."""
    with (folder / "flush").open("wb", buffering=0) as file:
        start = time.perf_counter()
        for _ in range(500):
            file.write(bytes(4096))
            os.fdatasync(file.fileno())
        return 500 / (time.perf_counter() - start)
