"""What outbox, seal and receipts cost the desk: payments with none of them, and with one more each time, in turns.

Without the outbox the events of a batch are dropped before they are written (the answers that they hold are then kept
nowhere, so the outbox looks dearer here than it is). The sealer runs in a thread beside the desk, and so does the
reader of receipts: one payment of a hundred has its own read.
"""

import threading
import time
from collections.abc import Callable
from statistics import median
from typing import Any

from bench.market import Bench, prepare
from bench.sealing import Beside
from handfast.app import database, memory
from handfast.domain.heads import last_head, proofs_of

SIZE = 256
BATCHES = 60
CASES = ("none", "outbox", "outbox, seal", "outbox, seal, receipts")
_ONE_OF = 100


class _Without:
    """A store that writes all but events."""

    def __init__(self, store: Any) -> None:
        self._store = store

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def save(self, changes: Any) -> None:
        """Write what is left of the changes."""
        changes.events = []
        self._store.save(changes)


class _Receipts:
    """Reads receipts in a thread, of payments that were made a while ago; counts them, and the CPU time of each."""

    def __init__(self, url: str) -> None:
        self._reader = database(url).read()
        self._asked: list[bytes] = []
        self.count = 0
        self.cpu = 0.0
        self._stop = False
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def ask(self, payment: bytes) -> None:
        """Have this payment's receipt read."""
        self._asked.append(payment)

    def _run(self) -> None:
        done = 0
        while not self._stop:
            head = last_head(self._reader)
            sealed = head is not None and head.number > done
            if head is None or not sealed or not self._asked:
                time.sleep(0.02)
                continue
            before = time.thread_time()
            payment = self._asked.pop(0)
            if proofs_of(self._reader, head, [payment]):
                self.count += 1
            else:
                self._asked.insert(0, payment)
                done = head.number  # not sealed yet: the next head may have it
            self.cpu += time.thread_time() - before

    def close(self) -> None:
        """End the thread."""
        self._stop = True
        self._thread.join()
        self._reader.close()


def _run(bench: Bench, batches: list[list[tuple[str, Any]]], url: str, case: str) -> tuple[float, float, float]:
    """Payments/s, CPU µs a payment in all threads, CPU µs a receipt."""
    beside = Beside(url) if "seal" in case else None
    receipts = _Receipts(url) if "receipts" in case else None
    cpu, start = time.process_time(), time.perf_counter()
    for batch in batches:
        asked = beside.take() if beside else []
        made = bench.run(batch)
        if receipts:
            for payment in made[::_ONE_OF]:
                receipts.ask(payment.id)
        if asked and beside:
            bench.desk.call(asked[0])
            beside.done()
    wall, used = time.perf_counter() - start, time.process_time() - cpu
    each = 0.0
    if beside:
        beside.close()
    if receipts:
        receipts.close()
        each = receipts.cpu / max(1, receipts.count) * 1e6
    count = sum(map(len, batches))
    return count / wall, used / count * 1e6, each


def figures(url: str, rounds: int, report: Callable[[str], None]) -> dict[str, dict[str, float]]:
    """Medians of each case, which take turns on databases of their own."""
    benches = {case: prepare(f"{url}-{n}.db") for n, case in enumerate(CASES)}
    benches["none"].desk.store = _Without(benches["none"].desk.store)
    memory.settle()
    samples: dict[str, list[tuple[float, float, float]]] = {case: [] for case in CASES}
    for n in range(rounds + 1):
        for place, (case, bench) in enumerate(benches.items()):
            given = [list(bench.payments(SIZE, 0.0)) for _ in range(BATCHES)]
            taken = _run(bench, given, f"{url}-{place}.db", case)
            if n:  # the first is a warm-up
                samples[case].append(taken)
                report(f"{case}: {taken[0]:,.0f}/s")
    for bench in benches.values():
        bench.store.close()
    return {
        case: {
            "per_second": round(median(rate for rate, _, _ in taken)),
            "cpu_us": round(median(cpu for _, cpu, _ in taken), 1),
            "receipt_us": round(median(each for _, _, each in taken), 1),
        }
        for case, taken in samples.items()
    }


def ratios(told: dict[str, dict[str, float]]) -> dict[str, float]:
    """What is lost by having one more of them, and by all."""
    none = told["none"]
    found = {}
    for case in CASES[1:]:
        found[f"payments/s lost by {case}"] = round(1 - told[case]["per_second"] / none["per_second"], 3)
        found[f"CPU added by {case}"] = round(told[case]["cpu_us"] / none["cpu_us"] - 1, 3)
    return found
