"""What is counted, in Prometheus's text format; loaded when somebody asks for it."""

from collections.abc import Iterator

from prometheus_client import GC_COLLECTOR, PLATFORM_COLLECTOR, PROCESS_COLLECTOR, CollectorRegistry, Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import Collector

from handfast.app.telemetry import Counts, Histogram


def exposition(counts: Counts, waiting: int) -> bytes:
    """All metrics of the service; `waiting` is how many requests are in the desk's queue."""
    registry = CollectorRegistry()
    for collector in (_Collector(counts, waiting), PROCESS_COLLECTOR, PLATFORM_COLLECTOR, GC_COLLECTOR):
        registry.register(collector)
    return generate_latest(registry)


class _Collector(Collector):
    def __init__(self, counts: Counts, waiting: int) -> None:
        self._counts = counts
        self._waiting = waiting

    def collect(self) -> Iterator[Metric]:
        counts, http = self._counts, self._counts.http()
        statuses = CounterMetricFamily("handfast_http_answers", "HTTP answers by status", labels=["status"])
        for status, count in sorted(http.statuses.items()):
            statuses.add_metric([str(status)], count)
        yield statuses
        operations = CounterMetricFamily("handfast_operations", "Verbs answered", labels=["verb", "refusal"])
        for (verb, code), count in sorted(counts.desk.answers.items()):
            operations.add_metric([verb, code], count)
        yield operations
        entries = CounterMetricFamily("handfast_entries", "Ledger entries by outcome", labels=["outcome"])
        for outcome, count in sorted(counts.posting.outcomes.items()):
            entries.add_metric([outcome], count)
        yield entries
        yield GaugeMetricFamily("handfast_requests_waiting", "Requests in the desk's queue", value=self._waiting)
        yield _histogram("handfast_http_seconds", "Time to answer over HTTP", http.seconds)
        yield _histogram("handfast_batch_seconds", "Time of a batch, with its commit", counts.desk.seconds)
        yield _histogram("handfast_batch_size", "Requests of a batch", counts.desk.sizes)


def _histogram(name: str, words: str, values: Histogram) -> Metric:
    family = HistogramMetricFamily(name, words)
    buckets, below = [], 0
    for bound, count in zip((*map(str, values.bounds), "+Inf"), values.counts, strict=True):
        below += count
        buckets.append((bound, below))
    family.add_metric([], buckets, values.total)
    return family
