"""Every part of the benchmark runs, at tiny size, and its tables in the documents are those of the figures kept."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from bench import (
    alipay,
    book,
    cluster,
    desk,
    extras,
    growth,
    market,
    naive,
    paper,
    scale,
    service,
    shape,
    sustained,
    trades,
)
from bench.parts import PARTS, Asked
from msgspec.structs import replace
from tests import clusters
from tests.conftest import NewDatabase

from handfast_verify.run import verify

ABSENT = set() if clusters.running() or clusters.server() else {"tigerbeetle"}
"""What is not there; the end of the test run says so (see conftest)."""
OWN = {"http"}
"""What has a test of its own, since it starts a service for each of its cases."""


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder whose path is short enough for a server's socket in it."""
    with TemporaryDirectory(prefix="hfb-", dir="/tmp") as name:
        yield Path(name)


@pytest.fixture(autouse=True)
def _tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    def prepare(url: str, merchants: int = 0, buyers: int = 0, cluster: str = "") -> market.Bench:
        return market.prepare(url, 8, 64, cluster)

    for module in (cluster, desk, extras, naive, service, shape, sustained, trades):
        monkeypatch.setattr(module, "prepare", prepare)
    for module in (desk, cluster):
        small = tuple(replace(case, size=min(case.size, 8), count=16) for case in module.CASES)
        monkeypatch.setattr(module, "CASES", small)
    monkeypatch.setattr(cluster, "_ACCOUNTS", 100)
    monkeypatch.setattr(extras, "BATCHES", 2)
    monkeypatch.setattr(growth, "ROUND", 1)
    monkeypatch.setattr(growth, "STORES", ("sqlite",))
    monkeypatch.setattr(book, "MERCHANTS", 20)
    monkeypatch.setattr(sustained, "POOL", 2)
    monkeypatch.setattr(sustained, "WARM_UP", 1)
    monkeypatch.setattr(shape, "HOURS", {"night": (1, 20), "peak": (40, 100)})
    monkeypatch.setattr(trades, "SWEPT", 32)
    monkeypatch.setattr(trades, "REFUNDS", 32)
    monkeypatch.setattr(trades, "NEW", replace(trades.NEW, size=8, count=16))
    monkeypatch.setattr(service, "CONNECTIONS", 4)
    for name, tiny in {"CALLS": 40, "WARM_UP": 8, "SECONDS": 0.1, "SHOPS": 2, "BUYERS": 4}.items():
        monkeypatch.setattr(alipay, name, tiny)


@pytest.mark.parametrize("name", [name for name in PARTS if name not in ABSENT | OWN])
def test_each_part_runs(name: str, folder: Path) -> None:
    told: list[str] = []
    asked = Asked(
        folder,
        told.append,
        rounds=1,
        seconds=0.3,
        finished=100,
        sizes=(1_000,),
        http_seconds=0.3,
        naive_seconds=0.2,
    )
    section = PARTS[name](asked)
    columns = {tuple(row) for row in section.cases.values()}
    assert len(columns) == 1, "the rows of a table have the same columns"
    assert all(value >= 0 for name, row in section.cases.items() for value in row.values())
    assert told or name == "costs"


def test_payments_are_made_over_http_one_by_one_and_by_the_batch(folder: Path) -> None:
    ways = {"single": service.Way(), "batches": service.Way(connections=2, items=16)}
    told = service.figures(folder, 1, lambda _: None, 0.3, ways)
    assert all(row["per_second"] > 0 for row in told.values())


def test_a_book_that_was_made_quickly_is_one(new_database: NewDatabase, folder: Path) -> None:
    url = new_database()
    book.make(url, 1_234, folder / "people")
    assert book.wrong(url) == []
    found = verify(url)
    assert (found.entries, found.accounts) == (2_468, 1_234 + 20 + 1)


def test_a_batch_grows_with_the_rate_until_the_desk_is_busy() -> None:
    cost = shape.Cost.fitted(few=300e-6, many=100e-6)
    assert cost.fixed + cost.each == pytest.approx(300e-6)
    assert cost.fixed / 256 + cost.each == pytest.approx(100e-6)
    assert [cost.batch(rate) for rate in (10, 1e9)] == [1.0, shape.MOST]
    rate = 0.5 / cost.each  # half the time goes to payments, the other half to commits
    assert cost.batch(rate) == pytest.approx(rate * cost.fixed * 2)


def test_needs_follow_from_the_coefficients() -> None:
    of = dict.fromkeys(scale.COEFFICIENTS, 1_000.0)
    found = {need.what: need.much for need in scale.needs(of, scale.Demand(peak=6_000, busy=0.7))}
    assert found["desks, a core each"] == "9"
    assert found["cores for RSA"] == "26"
    assert found["webhook egress, peak"] == "48 Mbit/s"
    assert found["disk a day, one copy"] == "80 GB"


@pytest.mark.parametrize("name", ["performance.md", "scale.md"])
def test_the_documents_show_the_figures_that_were_kept(name: str) -> None:
    text = (paper.DOCS / name).read_text()
    figures: dict[str, Any] = scale.read()
    assert text == paper.written(text, figures), "run: python -m bench.paper"
    assert paper.PLOT.read_text() == paper.plot(figures), "run: python -m bench.paper"
