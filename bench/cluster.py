"""The desk over a TigerBeetle cluster, beside the plain client on the same cluster in the same minutes."""

import random
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import tigerbeetle as tb
from tests import clusters

from bench.desk import Case, measure
from bench.market import Bench, prepare
from handfast.ledger.cluster import parse

CASES = (
    Case("desk, batch of 256", 256, 7_680),
    Case("desk, batch of 1,000", 1_000, 10_000),
    Case("desk, batch of 1,000, 90 % hot", 1_000, 10_000, hot=0.9),
    Case("desk, batch of 1,000, guaranteed trade with commission", 1_000, 5_000, lines=1, charged=True),
)
RAW = "plain client, batch of 1,000"
_ACCOUNTS = 10_000


@contextmanager
def cluster(replicas: int = 1) -> Iterator[str]:
    """The URL of a cluster: the one that HANDFAST_TIGERBEETLE names, or replicas on loopback while it lasts."""
    url = clusters.running()
    if url is not None:
        yield url
        return
    with tempfile.TemporaryDirectory(prefix="handfast-bench-") as folder:
        started = clusters.Replicas(Path(folder), replicas)
        try:
            clusters.until_it_answers(started.url)
            yield started.url
        finally:
            started.close()


class Plain:
    """What users would write: transfers as objects, one call a batch, no rows anywhere else."""

    def __init__(self, url: str) -> None:
        number, addresses = parse(url)
        self._client = tb.ClientSync(number, ",".join(addresses))
        self._accounts = [tb.id() for _ in range(_ACCOUNTS)]
        for start in range(0, _ACCOUNTS, 5_000):
            some = self._accounts[start : start + 5_000]
            self._client.create_accounts(
                [tb.Account(id=key, ledger=1, code=1, flags=tb.AccountFlags.HISTORY) for key in some]
            )

    def rate(self, size: int = 1_000, batches: int = 10) -> float:
        """Transfers a second; the objects are made within the clock, as a service would make them."""
        start = time.perf_counter()
        for _ in range(batches):
            made = []
            for _ in range(size):
                debit, credit = random.sample(self._accounts, 2)
                made.append(
                    tb.Transfer(
                        id=tb.id(), debit_account_id=debit, credit_account_id=credit, amount=1, ledger=1, code=1
                    )
                )
            self._client.create_transfers(made)
        return size * batches / (time.perf_counter() - start)

    def close(self) -> None:
        """End the session."""
        self._client.close()


def rounds(url: str, count: int, cluster_url: str) -> Iterator[tuple[str, float, float]]:
    """Every case once a round, the plain client first: name, per second, CPU µs each (0 where not taken)."""
    bench: Bench = prepare(url, cluster=cluster_url)
    plain = Plain(cluster_url)
    plain.rate(batches=2)
    measure(bench, Case("warm-up", 256, 5_120))
    for _ in range(count):
        yield RAW, plain.rate(), 0.0
        for case in CASES:
            sample = measure(bench, case)
            yield case.name, sample.rate, sample.cpu
    plain.close()


def figures(folder: Path, count: int, replicas: int, report: Callable[[str], None]) -> dict[str, dict[str, float]]:
    """Medians of every case."""
    samples: dict[str, list[tuple[float, float]]] = {}
    with cluster(replicas) as url:
        for name, rate, cpu in rounds(f"sqlite:///{folder}/cluster-{replicas}.db", count, url):
            samples.setdefault(name, []).append((rate, cpu))
            report(f"{name}: {rate:,.0f}/s")
    return {
        name: {
            "per_second": round(median(rate for rate, _ in taken)),
            "cpu_us": round(median(cpu for _, cpu in taken), 1),
        }
        for name, taken in samples.items()
    }


def ratios(told: dict[str, dict[str, float]]) -> dict[str, float]:
    """The desk's share of what the plain client does."""
    plain = told[RAW]["per_second"]
    return {f"{name} / plain client": round(row["per_second"] / plain, 2) for name, row in told.items() if name != RAW}
