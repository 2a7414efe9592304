"""What the service tells of itself: structured logs without bodies or keys, and counts for Prometheus.

Counting is adding to plain numbers, since it happens on the hot path; Prometheus's words are made when it asks.
"""

import io
import logging
import sys
import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, TextIO, cast

import structlog
from msgspec import Struct

from handfast.core.errors import Refusal
from handfast.core.settings import Settings
from handfast.ledger import Entry, Ledger, refusal_of
from handfast.store.desk import Following
from handfast.store.intake import Runs
from handfast.store.verb import Answer, Request, Verb

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)

timer = time.perf_counter


def set_up_logs(settings: Settings) -> None:
    """Write logs to standard error, a JSON object a line or as text; what libraries log takes the same way."""
    level = logging.getLevelNamesMapping()[settings.log_level.upper()]
    shared: list[Any] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso"),
        structlog.processors.format_exc_info,
    ]
    text = settings.log_format == "text"
    render: Any = structlog.dev.ConsoleRenderer(colors=False) if text else structlog.processors.JSONRenderer()
    structlog.configure(
        processors=[*shared, render],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(cast("TextIO", _Patient(sys.stderr))),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processor=render))
    logging.basicConfig(handlers=[handler], level=max(level, logging.WARNING), force=True)


class _Patient(io.TextIOBase):
    """Logs where they may be lost: a full disk must not end what is logged about."""

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def write(self, text: str) -> int:
        with suppress(OSError):
            return self._out.write(text)
        return 0

    def flush(self) -> None:
        with suppress(OSError):
            self._out.flush()


class Histogram(Struct):
    """How many values fell below each bound, and their sum."""

    bounds: tuple[float, ...]
    counts: list[int]
    total: float = 0.0

    def add(self, value: float) -> None:
        """Count a value."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    def merge(self, other: "Histogram") -> None:
        """Add another's counts."""
        self.counts = [ours + theirs for ours, theirs in zip(self.counts, other.counts, strict=True)]
        self.total += other.total


def histogram(bounds: Sequence[float]) -> Histogram:
    """An empty histogram."""
    return Histogram(tuple(bounds), [0] * (len(bounds) + 1))


class HttpCounts(Struct):
    """What a process that speaks HTTP counts: answers by status, and how long they took."""

    statuses: dict[int, int]
    seconds: Histogram

    def add(self, status: int, seconds: float) -> None:
        """Count an answer."""
        self.statuses[status] = self.statuses.get(status, 0) + 1
        self.seconds.add(seconds)

    def merge(self, other: "HttpCounts") -> None:
        """Add another's counts."""
        for status, count in other.statuses.items():
            self.statuses[status] = self.statuses.get(status, 0) + count
        self.seconds.merge(other.seconds)


def http_counts() -> HttpCounts:
    """Counts that begin at zero."""
    return HttpCounts({}, histogram(SECONDS))


class Metered:
    """A desk that is counted; fills what the intake asks of a desk."""

    def __init__(self, desk: Runs) -> None:
        self._desk = desk
        self.verbs: Mapping[str, Verb] = desk.verbs
        self.sizes = histogram(SIZES)
        self.seconds = histogram(SECONDS)
        self.answers: Counter[tuple[str, str]] = Counter()

    def run(self, requests: Sequence[Request], following: Following | None = None) -> list[Answer]:
        """See Desk.run."""
        start = timer()
        answers = self._desk.run(requests, following)
        self.seconds.add(timer() - start)
        self.sizes.add(len(requests))
        counts = self.answers
        for request, answer in zip(requests, answers, strict=True):
            no = answer.refusal
            counts[request.verb, "" if no is None else no.code] += 1
        return answers


class Posting:
    """The desk's way to the ledger, counted: entries in, refusals out."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self.outcomes: Counter[str] = Counter()

    def __call__(self, entries: Sequence[Entry], at: int) -> list[Refusal | None]:
        """Post the entries; None for each that is in the ledger."""
        outcomes = self._ledger.post(entries, at)
        self.outcomes.update(outcomes)
        return [refusal_of(outcome) for outcome in outcomes]


class Counts:
    """Everything that the desk's process counts, and what processes that speak HTTP tell it."""

    def __init__(self, desk: Metered, posting: Posting) -> None:
        self.desk = desk
        self.posting = posting
        self._http: dict[int, HttpCounts] = {}
        self._ended = http_counts()

    def take(self, process: int, counts: HttpCounts) -> None:
        """Keep the latest counts of a process; those of one that was restarted stay in the sum."""
        before = self._http.get(process)
        if before is not None and sum(counts.statuses.values()) < sum(before.statuses.values()):
            self._ended.merge(before)
        self._http[process] = counts

    def http(self) -> HttpCounts:
        """The sum over all processes."""
        total = http_counts()
        for counts in (self._ended, *self._http.values()):
            total.merge(counts)
        return total
