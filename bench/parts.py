"""The parts of the benchmark by name: each takes what was asked for, and gives its table and its ratios."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from urllib.parse import urlsplit, urlunsplit

import psycopg
from msgspec import Struct

from bench import alipay, cluster, costs, desk, extras, growth, naive, service, shape, sustained, trades
from bench.postgres import server

Figures = dict[str, dict[str, float]]


class Asked(Struct, frozen=True):
    """What one run of the benchmark is to do, and how much of it."""

    folder: Path
    report: Callable[[str], None]
    rounds: int = 3
    seconds: float = 10.0
    finished: int = 10**6
    sizes: tuple[int, ...] = (10**4, 10**5)
    replicas: int = 1
    http_seconds: float = service.SECONDS
    naive_seconds: float = naive.SECONDS


class Section(Struct, frozen=True):
    """A part's table, one case a row, and the ratios that it is taken for."""

    cases: Figures
    ratios: dict[str, float]


@contextmanager
def databases(folder: Path, *names: str) -> Iterator[list[str]]:
    """So many databases of one PostgreSQL server."""
    with server(folder) as url:
        parts = urlsplit(url)
        found = []
        with psycopg.connect(url, autocommit=True) as db:
            for name in names:
                db.execute(f"CREATE DATABASE {name}")
                found.append(urlunsplit(parts._replace(path=f"/{name}")))
        yield found


def _desk(asked: Asked, url: str) -> Section:
    samples: dict[str, list[desk.Sample]] = {}
    for case, sample in desk.rounds(url, asked.rounds):
        samples.setdefault(case.name, []).append(sample)
        asked.report(f"{case.name}: {sample.rate:,.0f}/s")
    cases = {
        name: {
            "per_second": round(median(s.rate for s in taken)),
            "cpu_us": round(median(s.cpu for s in taken), 1),
            "p50_ms": round(median(s.p50 for s in taken), 2),
            "p99_ms": round(median(s.p99 for s in taken), 2),
        }
        for name, taken in samples.items()
    }
    full = cases["batch of 256"]["per_second"]
    return Section(
        cases,
        {
            "batch of 256 / batch of 1": round(full / cases["batch of 1"]["per_second"], 2),
            "90 % hot / uniform": round(cases["batch of 256, 90 % hot"]["per_second"] / full, 2),
        },
    )


def _sqlite(asked: Asked) -> Section:
    return _desk(asked, f"sqlite:///{asked.folder}/desk.db")


def _postgresql(asked: Asked) -> Section:
    with server(asked.folder / "postgres") as url:
        return _desk(asked, url)


def _http(asked: Asked) -> Section:
    told = service.figures(asked.folder, asked.rounds, asked.report, asked.http_seconds)
    return Section(told, service.ratios(told))


def _alipay(asked: Asked) -> Section:
    told = alipay.figures(asked.folder, asked.rounds, asked.report)
    return Section(told, alipay.ratios(told))


def _trades(asked: Asked) -> Section:
    told = trades.figures(asked.folder, asked.rounds, asked.finished, asked.report)
    return Section(told, trades.ratios(told))


def _tigerbeetle(asked: Asked) -> Section:
    told = cluster.figures(asked.folder, asked.rounds, asked.replicas, asked.report)
    return Section(told, cluster.ratios(told))


def _sustained(asked: Asked) -> Section:
    with server(asked.folder / "sustained") as url:
        urls = {"SQLite": f"sqlite:///{asked.folder}/sustained.db", "PostgreSQL": url}
        told = sustained.figures(urls, asked.seconds, asked.report)
    slowest = {
        f"slowest second / median, {name}": round(r["slowest_second"] / r["median_second"], 2)
        for name, r in told.items()
    }
    return Section(told, slowest)


def _growth(asked: Asked) -> Section:
    told = growth.figures(asked.folder, asked.rounds, asked.sizes, growth.STORES, asked.report)
    return Section(told, growth.ratios(told))


def _naive_sqlite(asked: Asked) -> Section:
    urls = (f"sqlite:///{asked.folder}/naive-desk.db", f"sqlite:///{asked.folder}/naive-plain.db")
    return _naive("sqlite", asked, urls)


def _naive_postgresql(asked: Asked) -> Section:
    with databases(asked.folder / "naive", "desk", "plain") as (own, plain):
        return _naive("postgresql", asked, (own, plain))


def _naive(store: str, asked: Asked, urls: tuple[str, str]) -> Section:
    told = naive.figures(store, urls, asked.rounds, asked.naive_seconds, asked.report)
    return Section(told, naive.ratios(told))


def _extras(asked: Asked) -> Section:
    told = extras.figures(f"sqlite:///{asked.folder}/extras", asked.rounds, asked.report)
    return Section(told, extras.ratios(told))


def _costs(asked: Asked) -> Section:
    return Section(costs.figures(f"sqlite:///{asked.folder}/costs.db", asked.rounds), {})


def _shape(asked: Asked) -> Section:
    told = shape.figures(f"sqlite:///{asked.folder}/shape.db", asked.report)
    return Section(told, shape.ratios(told))


PARTS: dict[str, Callable[[Asked], Section]] = {
    "sqlite": _sqlite,
    "postgresql": _postgresql,
    "sustained": _sustained,
    "http": _http,
    "alipay": _alipay,
    "naive-sqlite": _naive_sqlite,
    "naive-postgresql": _naive_postgresql,
    "tigerbeetle": _tigerbeetle,
    "growth": _growth,
    "extras": _extras,
    "trades": _trades,
    "costs": _costs,
    "shape": _shape,
}
"""By name, in the order of their tables."""
