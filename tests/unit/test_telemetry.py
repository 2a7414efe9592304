"""Counting: what Prometheus is told is what happened, whichever process it happened in."""

from collections.abc import Sequence
from typing import ClassVar

from handfast.app.exposition import exposition
from handfast.app.telemetry import Counts, HttpCounts, Metered, Posting, histogram, http_counts
from handfast.core.errors import Declined
from handfast.core.ids import Id
from handfast.ledger import Balance, Entry, Outcome
from handfast.store.desk import Following
from handfast.store.verb import Answer, Request, Verb


class Desk:
    """Answers every second request with a refusal."""

    verbs: ClassVar[dict[str, Verb]] = {}

    def run(self, requests: Sequence[Request], following: Following | None = None) -> list[Answer]:
        no = Declined("balance_insufficient", "no")
        return [Answer(b"", None, no if n % 2 else None) for n, _ in enumerate(requests)]


class Ledger:
    def post(self, entries: Sequence[Entry], at: int) -> list[Outcome]:
        return [Outcome.CREATED, Outcome.EXCEEDS_CREDITS, Outcome.EXISTS]

    def balances(self, accounts: Sequence[Id]) -> list[Balance]:
        raise NotImplementedError

    def forget(self) -> None:
        raise NotImplementedError


def counts() -> Counts:
    return Counts(Metered(Desk()), Posting(Ledger()))


def answered(*statuses: int) -> HttpCounts:
    told = http_counts()
    for status in statuses:
        told.add(status, 0.004)
    return told


def lines(told: Counts) -> set[str]:
    return set(exposition(told, 3).decode().splitlines())


def test_a_histogram_counts_each_value_once() -> None:
    sizes = histogram((1, 10))
    for value in (0, 1, 2, 10, 11, 1000):
        sizes.add(value)
    assert (sizes.counts, sizes.total) == ([2, 2, 2], 1024)
    sizes.merge(sizes)
    assert (sizes.counts, sizes.total) == ([4, 4, 4], 2048)


def test_what_the_desk_does_is_counted() -> None:
    told = counts()
    told.desk.run([Request("pay", None, "anna", b"")] * 5)
    refusals = told.posting([], 0)
    assert [no and no.code for no in refusals] == [None, "balance_insufficient", None]
    assert lines(told) >= {
        'handfast_operations_total{refusal="",verb="pay"} 3.0',
        'handfast_operations_total{refusal="balance_insufficient",verb="pay"} 2.0',
        'handfast_entries_total{outcome="created"} 1.0',
        'handfast_entries_total{outcome="exceeds_credits"} 1.0',
        'handfast_batch_size_bucket{le="4"} 0.0',
        'handfast_batch_size_bucket{le="8"} 1.0',
        "handfast_batch_size_sum 5.0",
        "handfast_batch_seconds_count 1.0",
        "handfast_requests_waiting 3.0",
    }


def test_fronts_are_summed_and_a_restart_loses_nothing() -> None:
    told = counts()
    told.take(1, answered(200, 200, 404))
    told.take(2, answered(200))
    told.take(1, answered(200, 200, 404, 503))
    told.take(2, answered())  # started anew
    told.take(2, answered(200))
    assert lines(told) >= {
        'handfast_http_answers_total{status="200"} 4.0',
        'handfast_http_answers_total{status="404"} 1.0',
        'handfast_http_answers_total{status="503"} 1.0',
        "handfast_http_seconds_count 6.0",
    }
