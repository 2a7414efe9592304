"""A batch is serial: random small verbs, run together, leave what they leave one after the other."""

import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import apsw
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import Struct
from tests.conftest import Engine
from tests.unit.store.elsewhere import Elsewhere, moved_out

from handfast.app.outside import Keeping, books_of
from handfast.core.errors import Conflict, Declined, Refusal, Unavailable
from handfast.core.ids import Id, account_id, digest_id, entry_id, event_id, owner_of, seeded_ids
from handfast.ledger import Entry, Posting, Purpose, refusal_of
from handfast.store.rows import OPERATIONS
from handfast.store.table import Table
from handfast.store.verb import Answer, Request, Tx, verb

NOW = 1_414_454_400_000_000
CELLS, WALLETS = 4, 3
examples = itertools.count(1)


class Cell(Struct, frozen=True):
    id: Id
    value: int
    version: int


class Pay(Struct, frozen=True):
    payer: int
    payee: int
    amount: int
    refused: str


class Program(Struct, frozen=True):
    """What one verb does: reads cells (one more, if `follow`, that the first ones name), may refuse, writes some, pays.

    When its payment is refused it raises that, or notes it in a cell first, or pays one minor unit instead.
    """

    world: int
    number: int
    reads: tuple[int, ...]
    follow: bool
    guard: bool
    writes: tuple[int, ...]
    pay: Pay | None

    def cell(self, n: int) -> Id:
        return self.world.to_bytes(12, "big") + bytes((n, 0, 0, 0))

    def wallet(self, n: int) -> Id:
        return account_id(self.world.to_bytes(12, "big") + bytes((100 + n, 0, 0, 0)), Purpose.WALLET, "USD")

    def entry(self, pay: Pay, amount: int, attempt: int) -> Entry:
        own = self.world.to_bytes(12, "big") + bytes((200 + self.number, 0, 0, 0))
        return Entry(
            entry_id(own, 1, attempt), "pay", (Posting(self.wallet(pay.payer), self.wallet(pay.payee), amount),)
        )

    def mixed(self, value: int, total: int) -> int:
        return (3 * value + total + self.number) % 997


TABLE = Table("cells", Cell)


@verb("program")
async def program(tx: Tx, command: Program) -> int:
    found: list[Cell | None] = await tx.get_all(*((TABLE, command.cell(n)) for n in command.reads))
    cells = dict(zip(command.reads, found, strict=True))
    total = sum(cell.value for cell in found if cell)
    if command.follow:
        n = total % CELLS
        cells[n] = await tx.get(TABLE, command.cell(n))
        total += n
    change(tx, command, cells, total)
    if command.guard and total % 2:
        raise Conflict("state_conflict", str(total))
    if command.pay:
        try:
            await tx.post(command.entry(command.pay, command.pay.amount, 0))
        except Declined:
            if command.pay.refused == "raise":
                raise
            if command.pay.refused == "note":
                late = {0: await tx.get(TABLE, command.cell(0))}
                change(tx, command, late, total, only=0)
                raise
            change(tx, command, cells, total)
            await tx.post(command.entry(command.pay, 1, 1))
    return total


def change(tx: Tx, command: Program, cells: dict[int, Cell | None], total: int, only: int | None = None) -> None:
    for n in command.writes if only is None else (only,):
        if n in cells:
            old = cells[n] or Cell(command.cell(n), 0, 0)
            new = Cell(old.id, command.mixed(old.value, total), old.version + 1)
            tx.put(TABLE, new)
            tx.event("cell.changed", new, old.id)


class World:
    """The plain reading of programs: cells and balances in dictionaries, one program after the other."""

    def __init__(self, number: int) -> None:
        self.cells: dict[Id, Cell] = {}
        self.events: list[Id] = []
        self.number = number

    def run(self, one: Program, refused: dict[Id, bool]) -> int | str:
        """The result or refusal of a program, given which of its entries the ledger refused."""
        values = {n: self.value(one, n) for n in one.reads}
        total = sum(values.values())
        seen = set(one.reads)
        if one.follow:
            seen.add(total % CELLS)
            total += total % CELLS
        if one.guard and total % 2:
            return f"state_conflict: {total}"
        if one.pay and refused[one.entry(one.pay, 0, 0).id]:
            if one.pay.refused == "note":
                self.write(one, [0], total)
            if one.pay.refused != "less" or refused[one.entry(one.pay, 0, 1).id]:
                return "balance_insufficient: the balance does not cover this"
        self.write(one, [n for n in one.writes if n in seen], total)
        return total

    def value(self, one: Program, n: int) -> int:
        cell = self.cells.get(one.cell(n))
        return cell.value if cell else 0

    def write(self, one: Program, numbers: list[int], total: int) -> None:
        for n in numbers:
            old = self.cells.get(one.cell(n)) or Cell(one.cell(n), 0, 0)
            self.cells[old.id] = Cell(old.id, one.mixed(old.value, total), old.version + 1)
            self.events.append(event_id(old.id, old.version + 1))


class Watched:
    """A desk whose posts and commits are written down."""

    def __init__(
        self, engine: Engine, monkeypatch: pytest.MonkeyPatch, elsewhere: Elsewhere | None = None, books: int = 0
    ) -> None:
        self.engine = engine
        self.elsewhere = elsewhere
        self.posts: list[tuple[Entry, Refusal | None]] = []
        self.order: list[Id] = []
        self.events: list[Id] = []
        verbs = {"program": program}
        self.desk = Keeping(engine.ledger, books).desk(engine.store, self.post, verbs, lambda: NOW, seeded_ids(1))
        save = engine.store.save

        def saved(changes: Any) -> None:
            self.order += [row.id for row in changes.inserts.get(OPERATIONS, ())]
            self.events += [event.id for event in changes.events]
            save(changes)

        monkeypatch.setattr(engine.store, "save", saved)

    def post(self, entries: Sequence[Any], at: int) -> list[Refusal | None]:
        answers = [refusal_of(outcome) for outcome in self.engine.ledger.post(entries, at)]
        self.posts += zip(entries, answers, strict=True)
        return answers

    def run(self, asked: list[Request], data: st.DataObject) -> list[Answer]:
        """The answers, asked for until they are known; a ledger elsewhere may be away, or its answers lost."""
        if self.elsewhere is None:
            return self.desk.run(asked)
        faults = data.draw(st.lists(st.booleans(), max_size=6))

        def at(_place: str) -> None:
            if faults and faults.pop():
                raise Unavailable("outcome_unknown", "no answer")

        self.elsewhere.at_place = at
        answers = self.desk.run(asked)
        while any(isinstance(answer.refusal, Unavailable) for answer in answers):
            answers = self.desk.run(asked)
        self.elsewhere.at_place = lambda _place: None
        return answers

    def clear(self) -> None:
        self.posts, self.order, self.events = [], [], []


@pytest.fixture(params=["inside", "outside"])
def watched(
    request: pytest.FixtureRequest,
    engine: Engine,
    sqlite_template: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Watched]:
    lite = isinstance(engine.store.connection, apsw.Connection)
    blob, whole = ("BLOB", "INTEGER") if lite else ("bytea", "bigint")
    sql = f"CREATE TABLE cells (id {blob} PRIMARY KEY, value {whole} NOT NULL, version {whole} NOT NULL)"
    engine.store.connection.execute(sql)
    if request.param == "inside":
        yield Watched(engine, monkeypatch)
    else:
        engine, elsewhere = moved_out(engine, sqlite_template, tmp_path / "elsewhere.db")
        yield Watched(engine, monkeypatch, elsewhere, books_of(engine.store, outside=True))
        elsewhere.close()


numbers = st.integers(0, CELLS - 1)
some_cells = st.lists(numbers, unique=True, max_size=3).map(tuple)
pays = st.builds(
    Pay,
    payer=st.integers(0, WALLETS - 1),
    payee=st.integers(0, WALLETS - 1),
    amount=st.integers(1, 15),
    refused=st.sampled_from(["raise", "note", "less"]),
).filter(lambda pay: pay.payer != pay.payee)
programs = st.builds(
    Program,
    world=st.just(0),
    number=st.just(0),
    reads=some_cells,
    follow=st.booleans(),
    guard=st.booleans(),
    writes=some_cells,
    pay=st.none() | pays,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches=st.lists(st.lists(programs, min_size=1, max_size=9), min_size=1, max_size=3), data=st.data())
def test_a_batch_equals_its_verbs_in_the_order_of_acceptance(
    watched: Watched, batches: list[list[Program]], data: st.DataObject
) -> None:
    world = World(next(examples))
    count = itertools.count()
    mine = [
        [Program(world.number, next(count), p.reads, p.follow, p.guard, p.writes, p.pay) for p in b] for b in batches
    ]
    watched.clear()
    fund(watched, mine[0][0])
    requests, answers = [], []
    for batch in mine:
        asked = [request(p) for p in batch]
        asked += data.draw(st.lists(st.sampled_from(asked), max_size=2))
        requests += asked
        answers += watched.run(asked, data)
    by_key = {r.key: r.command for r in requests}
    assert sorted(watched.order) == sorted(key for key in by_key if key)
    refused: dict[Id, bool] = {}
    for entry, no in watched.posts:
        refused.setdefault(entry.id, no is not None)
    foretold = {key: world.run(by_key[key], refused) for key in watched.order}
    assert [told(answer) for answer in answers] == [foretold[r.key or b""] for r in requests]
    assert watched.events == world.events
    found = watched.engine.rows("SELECT id, value, version FROM cells")
    assert {row[0]: Cell(*row) for row in found if row[0][:12] == mine[0][0].cell(0)[:12]} == world.cells
    check_ledger(watched, mine[0][0], [by_key[key] for key in watched.order])


def fund(watched: Watched, one: Program) -> None:
    bank = account_id(bytes(16), Purpose.CUSTODY, "USD")
    income = tuple(Posting(bank, one.wallet(n), 10) for n in range(WALLETS))
    watched.engine.store.begin()
    watched.engine.ledger.post([Entry(one.cell(0), "income", income)], NOW)
    watched.engine.store.commit()


def request(one: Program) -> Request:
    return Request("program", one, "test", bytes(16), digest_id(one.cell(0), bytes((one.number,))))


def told(answer: Answer) -> int | str:
    return str(answer.refusal) if answer.refusal else int(answer.result)


def check_ledger(watched: Watched, one: Program, accepted: list[Program]) -> None:
    """The ledger decided in its own order by balances alone, and paid in the order of acceptance."""
    balance = {one.wallet(n): 10 for n in range(WALLETS)}
    spent: set[Id] = set()
    paid: list[Id] = []
    for entry, no in watched.posts:
        (posting,) = entry.postings
        if entry.id in spent:
            assert (no is None) == (owner_of(entry.id) in paid)
            assert watched.elsewhere or (no and no.code == "object_exists")
            continue
        spent.add(entry.id)
        assert (no is None) == (balance[posting.debit] >= posting.amount)
        if no is None:
            balance[posting.debit] -= posting.amount
            balance[posting.credit] += posting.amount
            paid.append(owner_of(entry.id))
    order = [owner_of(p.entry(p.pay, 0, 0).id) for p in accepted if p.pay]
    assert paid == [owner for owner in order if owner in set(paid)]
    stored = watched.engine.ledger.balances(list(balance))
    assert [b.posted for b in stored] == list(balance.values())
