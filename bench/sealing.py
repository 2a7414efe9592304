"""What sealing costs the desk: full payments in batches of 256, in turns without and with a sealer beside it."""

import threading
import time
from collections.abc import Iterator
from statistics import median
from typing import Any

from bench.market import Bench, prepare
from handfast.app import database, memory
from handfast.store.verb import Request
from handfast.timers.seal import Seal

BATCHES = 80
SIZE = 256


class Beside:
    """Seals in a thread, with a reader of its own; its requests come along with the next batch."""

    def __init__(self, url: str) -> None:
        self._reader = database(url).read()
        self._seal = Seal(bytes(32))
        self._asked: Request | None = None
        self._answered = threading.Event()
        self._stop = False
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def take(self) -> list[Request]:
        """The request that waits, if any."""
        asked, self._asked = self._asked, None
        return [asked] if asked else []

    def done(self) -> None:
        """What was taken is kept."""
        self._answered.set()

    def _run(self) -> None:
        while not self._stop:
            request = self._seal.next(self._reader, 0)
            if request is None or len(request.command.leaves) < 32:
                time.sleep(0.05)
                continue
            self._answered.clear()
            self._asked = request
            while not self._answered.wait(0.05) and not self._stop:
                pass

    def close(self) -> None:
        """End the thread."""
        self._stop = True
        self._thread.join()
        self._reader.close()


def rate(bench: Bench, batches: list[list[tuple[str, Any]]], beside: Beside | None) -> tuple[float, float]:
    """Payments a second, and CPU µs of this process a payment."""
    cpu, start = time.process_time(), time.perf_counter()
    for batch in batches:
        asked = beside.take() if beside else []
        bench.run(batch)
        if asked and beside:
            bench.desk.call(asked[0])
            beside.done()
    count = len(batches) * SIZE
    return count / (time.perf_counter() - start), (time.process_time() - cpu) / count * 1e6


def rounds(url: str, count: int) -> Iterator[tuple[tuple[float, float], tuple[float, float]]]:
    """Rates without and with the sealer, in turns; the backlog is sealed before each turn."""
    bench = prepare(url)
    memory.settle()
    rate(bench, [list(bench.payments(SIZE, 0.0)) for _ in range(20)], None)
    for _ in range(count):
        batches = [list(bench.payments(SIZE, 0.0)) for _ in range(2 * BATCHES)]
        reader, seal = database(url).read(), Seal(bytes(32))
        alone = rate(bench, batches[:BATCHES], None)
        while (request := seal.next(reader, 0)) is not None:
            bench.desk.call(request)
        reader.close()
        beside = Beside(url)
        both = rate(bench, batches[BATCHES:], beside)
        beside.close()
        yield alone, both


def figures(url: str, count: int) -> dict[str, float]:
    """Medians of the rates and of the pairs' ratios."""
    pairs = list(rounds(url, count))
    return {
        "alone": round(median(alone[0] for alone, _ in pairs)),
        "with sealing": round(median(both[0] for _, both in pairs)),
        "rate ratio": round(median(both[0] / alone[0] for alone, both in pairs), 3),
        "cpu_us alone": round(median(alone[1] for alone, _ in pairs), 1),
        "cpu_us with sealing": round(median(both[1] for _, both in pairs), 1),
        "cpu ratio": round(median(both[1] / alone[1] for alone, both in pairs), 3),
    }
