"""A prediction of the capacity model, held against a run: commits and CPU a payment over a day with a 40-fold peak.

A desk takes what has arrived, so while a batch of b runs for F + c b, b more arrive: at a rate r, b = r F / (1 - r c).
F and c come from two sizes of batch that are measured first. Time here is the desk's own CPU time, so that neighbours
change little: payments arrive in it at the day's rates, and when none waits it jumps to the next one.
"""

import time
from collections.abc import Callable
from itertools import islice

from msgspec import Struct

from bench.market import Bench, prepare
from handfast.app import memory

MOST = 512
FEW, MANY = 1, 256
PEAK = 40
LOAD = 0.6
"""The peak's share of what the desk can do."""

HOURS = {"night": (1, 400), "morning": (5, 1_200), "evening": (20, 4_000), "peak": (PEAK, 8_000)}
"""By time of day: how many times the night's rate, and how many payments of it are made."""


class Cost(Struct, frozen=True):
    """What a batch takes: `fixed` seconds, and `each` second a payment."""

    fixed: float
    each: float

    @classmethod
    def fitted(cls, few: float, many: float) -> "Cost":
        """From seconds a payment in batches of FEW and of MANY."""
        each = (many * MANY - few * FEW) / (MANY - FEW)
        return cls((few - each) * FEW, each)

    def batch(self, rate: float) -> float:
        """The mean batch at so many payments a second."""
        idle = 1 - rate * self.each
        return float(MOST) if idle <= 0 else min(MOST, max(1.0, rate * self.fixed / idle))

    def payment(self, rate: float) -> float:
        """Seconds a payment at that rate."""
        return self.fixed / self.batch(rate) + self.each


def _seconds(bench: Bench, size: int, batches: int) -> float:
    given = [list(bench.payments(size, 0.0)) for _ in range(batches)]
    start = time.process_time()
    for batch in given:
        bench.run(batch)
    return (time.process_time() - start) / (size * batches)


def _arriving(bench: Bench, rate: float, count: int) -> tuple[int, float]:
    """Make so many payments that arrive at that rate: commits, and seconds of CPU."""
    waiting = iter(list(bench.payments(count, 0.0)))
    now, used, done, commits = 0.0, 0.0, 0, 0
    while done < count:
        now = max(now, (done + 1) / rate)
        ready = min(MOST, int(now * rate) - done, count - done)
        batch = list(islice(waiting, max(1, ready)))
        start = time.process_time()
        bench.run(batch)
        took = time.process_time() - start
        now, used, done, commits = now + took, used + took, done + len(batch), commits + 1
    return commits, used


def figures(url: str, report: Callable[[str], None]) -> dict[str, dict[str, float]]:
    """Each time of day: what is predicted and what was found."""
    bench = prepare(url)
    memory.settle()
    _seconds(bench, MANY, 80)
    cost = Cost.fitted(_seconds(bench, FEW, 1_000), _seconds(bench, MANY, 40))
    peak = LOAD / cost.each
    told: dict[str, dict[str, float]] = {}
    for name, (times, count) in HOURS.items():
        rate, made = peak * times / PEAK, count
        commits, used = _arriving(bench, rate, made)
        told[f"{name}, {times} x"] = {
            "rate": round(rate),
            "batch_predicted": round(cost.batch(rate), 1),
            "batch": round(made / commits, 1),
            "commits_predicted": round(1 / cost.batch(rate), 3),
            "commits": round(commits / made, 3),
            "cpu_us_predicted": round(cost.payment(rate) * 1e6, 1),
            "cpu_us": round(used / made * 1e6, 1),
        }
        report(f"{name}: {made / commits:.1f} payments a commit")
    bench.store.close()
    return told


def ratios(told: dict[str, dict[str, float]]) -> dict[str, float]:
    """What was found, by what was predicted."""
    found = {}
    for name, row in told.items():
        found[f"CPU a payment / predicted, {name}"] = round(row["cpu_us"] / row["cpu_us_predicted"], 2)
        found[f"commits a payment / predicted, {name}"] = round(row["commits"] / row["commits_predicted"], 2)
    return found
