"""Trades on SQLite: a sweep of due ones, refunds with and without shares, and a new one beside very many finished."""

import random
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from statistics import median
from typing import Any

from bench.desk import Case, measure
from bench.market import Bench, new_id, prepare
from handfast.app import memory
from handfast.core.clocks import DAY, wall_clock
from handfast.domain.payments import CreatePayment, NewLine, RefundPayment
from handfast.domain.trades import TRADES, ConfirmTrade, Share, ShipTrade
from handfast.store.sqlite import SqliteReader
from handfast.timers.expire import PAGE, due

SWEPT = 10_000
REFUNDS = 2_560
NEW = Case("a new trade", 256, 7_680, lines=1, charged=True)
_TRADE = ", ".join(TRADES.columns[1:])


def _in_batches(bench: Bench, commands: Sequence[tuple[str, Any]], size: int = 256) -> list[Any]:
    return [result for start in range(0, len(commands), size) for result in bench.run(commands[start : start + size])]


def _timed(run: Callable[[], object], count: int) -> dict[str, float]:
    cpu, wall = time.process_time(), time.perf_counter()
    run()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return {"per_second": round(count / wall), "cpu_us": round(cpu / count * 1e6, 1)}


def _sold(bench: Bench, count: int, shares: int, lines: int = 1) -> list[tuple[CreatePayment, Any]]:
    """Sales of that many to buyers in turn, of which so many others have a share; with what was made of each."""
    asked = []
    for n in range(count):
        merchant, buyer = bench.charged[n % len(bench.charged)], bench.buyers[n % len(bench.buyers)]
        parts = tuple(Share("affiliate", bench.merchants[(n + k) % len(bench.merchants)], 300) for k in range(shares))
        cart = tuple(NewLine(merchant, 9_999, shares=parts, title="a parcel") for _ in range(lines))
        asked.append(CreatePayment(merchant, "USD", 9_999, payer=buyer, lines=cart))
    made = _in_batches(bench, [("payments.create", command) for command in asked])
    return list(zip(asked, made, strict=True))


def _trades(file: Path, sales: Sequence[tuple[CreatePayment, Any]]) -> dict[bytes, tuple[bytes, int]]:
    """By payment, its trade's id and version."""
    with closing(SqliteReader(file)) as reader:
        first = min(payment.id for _, payment in sales)
        rows = reader.rows("SELECT payment, id, version FROM trades WHERE payment >= ?", (first,))
    return {payment: (trade, version) for payment, trade, version in rows}


def _ship(bench: Bench, sales: Sequence[tuple[CreatePayment, Any]], trades: dict[bytes, tuple[bytes, int]]) -> None:
    shipped = [("trades.ship", ShipTrade(command.merchant, trades[made.id][0])) for command, made in sales]
    _in_batches(bench, shipped)


def _fire(bench: Bench, file: Path, later: int) -> int:
    """Find what is due at that time and hand it over, a page at a time, as the timer does; how many there were."""
    bench.desk.clock = lambda: later
    done = 0
    with closing(SqliteReader(file)) as reader:
        while found := due(reader, later, PAGE):
            for answer in bench.desk.run([item.request for item in found]):
                answer.unwrap()
            done += len(found)
    bench.desk.clock = wall_clock
    return done


def sweep(bench: Bench, file: Path) -> dict[str, float]:
    """Shipped trades whose time to confirm has run out."""
    later = wall_clock() + 20 * DAY
    _fire(bench, file, later)  # what an earlier round has left
    sales = _sold(bench, SWEPT, 0)
    _ship(bench, sales, _trades(file, sales))
    counts: list[int] = []
    taken = _timed(lambda: counts.append(_fire(bench, file, later)), SWEPT)
    if counts != [SWEPT]:
        raise RuntimeError(f"{counts} trades were released, and not {SWEPT}")
    return taken


def refunds(bench: Bench, file: Path, shares: int | None) -> dict[str, float]:
    """Partial refunds: of direct payments (None), or of released trades of which that many others have a share."""
    sales = _sold(bench, REFUNDS, shares or 0, lines=0 if shares is None else 1)
    trades = {} if shares is None else _trades(file, sales)
    if trades:
        _ship(bench, sales, trades)
        confirmed = [("trades.confirm", ConfirmTrade(made.payer, trades[made.id][0])) for _, made in sales]
        _in_batches(bench, confirmed)
    asked = [
        ("payments.refund", RefundPayment(made.merchant, made.id, trades[made.id][0] if trades else None, 3_333))
        for _, made in sales
    ]
    return _timed(lambda: _in_batches(bench, asked), REFUNDS)


def grow(bench: Bench, count: int) -> None:
    """Put in so many finished trades of everybody, as rows alone, under ids of the years before."""
    db = bench.store.connection
    ((sample,),) = db.execute("SELECT id FROM trades WHERE state = 'released' LIMIT 1").fetchall()
    changed = {"seller": "?2", "buyer": "?3", "payment": "?4", "state": "'finished'", "due": "NULL"}
    columns = ", ".join(changed.get(column, column) for column in TRADES.columns[1:])
    sql = f"INSERT INTO trades (id, {_TRADE}) SELECT ?1, {columns} FROM trades WHERE id = ?5"
    indexes = db.execute("SELECT name, sql FROM sqlite_schema WHERE tbl_name = 'trades' AND type = 'index'").fetchall()
    indexes = [(name, made) for name, made in indexes if made]
    year, now = 365 * DAY, wall_clock()
    db.execute("BEGIN")
    for name, _ in indexes:  # made again below, which sorts once instead of looking up each row
        db.execute(f"DROP INDEX {name}")
    sellers, buyers = bench.charged, bench.buyers
    db.executemany(
        sql,
        (
            (
                new_id(now - year + n * year // count),
                random.choice(sellers),
                random.choice(buyers),
                new_id(now - year + n * year // count),
                sample,
            )
            for n in range(count)
        ),
    )
    for _, made in indexes:
        db.execute(made)
    db.execute("COMMIT")
    db.wal_checkpoint()


def figures(folder: Path, rounds: int, finished: int, report: Callable[[str], None]) -> dict[str, dict[str, float]]:
    """Medians of every case."""
    file = folder / "trades.db"
    bench = prepare(f"sqlite:///{file}")
    memory.settle()
    samples: dict[str, list[dict[str, float]]] = {}

    def take(name: str, taken: dict[str, float]) -> None:
        samples.setdefault(name, []).append(taken)
        report(f"{name}: {taken['per_second']:,}/s")

    for _ in range(rounds):
        take("due trades released by a sweep", sweep(bench, file))
        take("partial refund of a payment", refunds(bench, file, None))
        take("partial refund of a released trade", refunds(bench, file, 0))
        take("partial refund of a released trade, six shares", refunds(bench, file, 6))
    for size in (0, finished):
        if size:
            report(f"{size:,} finished trades are put in")
            grow(bench, size)
        measure(bench, NEW)
        for _ in range(rounds):
            made = measure(bench, NEW)
            taken = {"per_second": round(made.rate), "cpu_us": round(made.cpu, 1)}
            take(f"a new trade beside {size:,} finished ones", taken)
    bench.store.close()
    return {
        name: {column: round(median(sample[column] for sample in taken), 1) for column in taken[0]}
        for name, taken in samples.items()
    }


def ratios(figures: dict[str, dict[str, float]]) -> dict[str, float]:
    """What the figures are taken for, in time and in CPU time, which a busy machine disturbs less."""
    plain, shared = figures["partial refund of a payment"], figures["partial refund of a released trade, six shares"]
    none, many = (row for name, row in figures.items() if name.startswith("a new trade"))
    return {
        "refund with six shares / plain, in time": round(plain["per_second"] / shared["per_second"], 2),
        "refund with six shares / plain, in CPU": round(shared["cpu_us"] / plain["cpu_us"], 2),
        "a new trade beside finished ones / beside none, in time": round(none["per_second"] / many["per_second"], 2),
        "a new trade beside finished ones / beside none, in CPU": round(many["cpu_us"] / none["cpu_us"], 2),
    }
