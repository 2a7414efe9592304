"""A desk with small verbs over a fresh database: counters, and payments from one wallet to another."""

from collections.abc import Sequence
from typing import Any

import apsw
from msgspec import Struct
from tests.conftest import Engine

from handfast.app.outside import Keeping, books_of
from handfast.core.errors import Declined, NotFound, Refusal
from handfast.core.ids import Id, account_id, digest_id, entry_id, seeded_ids
from handfast.ledger import Entry, Posting, Purpose, refusal_of
from handfast.store.table import Table
from handfast.store.verb import Request, Tx, Verb, verb

NOW = 1_414_454_400_000_000


class Counter(Struct, frozen=True):
    """A row of these tests: a value that the database keeps below a thousand."""

    id: Id
    value: int
    note: str | None
    version: int


class Mark(Struct, frozen=True):
    id: Id
    text: str


COUNTERS = Table("counters", Counter)
MARKS = Table("test_marks", Mark)


def oid(n: int) -> Id:
    return n.to_bytes(13, "big") + bytes(3)


def wallet(n: int) -> Id:
    return account_id(oid(n), Purpose.WALLET, "USD")


BANK = account_id(oid(0), Purpose.CUSTODY, "USD")


class Add(Struct, frozen=True):
    row: Id
    by: int = 1


class Pay(Struct, frozen=True):
    """Pay an amount from wallet 1 to wallet 2 and count it in a row; the row's number is the payment's."""

    row: Id
    amount: int
    instead: int = 0


def payment(command: Pay, amount: int, attempt: int = 0) -> Entry:
    return Entry(entry_id(command.row, 1, attempt), "pay", (Posting(wallet(1), wallet(2), amount),))


@verb("add", about="row")
async def add(tx: Tx, command: Add) -> int:
    found = await tx.get(COUNTERS, command.row)
    value, version = (found.value, found.version) if found else (0, 0)
    changed = Counter(command.row, value + command.by, None, version + 1)
    tx.put(COUNTERS, changed)
    tx.event("counter.changed", changed, oid(99))
    return changed.value


@verb("tell", about="row")
async def tell(tx: Tx, command: Add) -> int:
    """Its event is owed to the owner of that number."""
    found = await tx.get(COUNTERS, command.row)
    changed = Counter(command.row, 0, None, found.version + 1 if found else 1)
    tx.put(COUNTERS, changed)
    tx.event("counter.changed", changed, oid(command.by))
    return 0


@verb("show", about="row")
async def show(tx: Tx, command: Add) -> Counter:
    """What it answers is what its event tells."""
    changed = Counter(command.row, command.by, "shown", 1)
    tx.put(COUNTERS, changed)
    tx.event("counter.changed", changed, oid(99))
    return changed


@verb("guarded", about="row")
async def guarded(tx: Tx, command: Add) -> int:
    tx.put(COUNTERS, Counter(command.row, 7, None, 1))
    tx.event("counter.changed", Counter(command.row, 7, None, 1), oid(99))
    if await tx.get(MARKS, command.row) is None:
        raise NotFound("object_not_found", "there is no mark", "row")
    return 7


@verb("pay", about="row")
async def pay(tx: Tx, command: Pay) -> int:
    paid = Counter(command.row, command.amount, "paid", 1)
    tx.put(COUNTERS, paid)
    tx.event("counter.paid", paid, oid(99))
    await tx.post(payment(command, command.amount))
    return command.amount


@verb("pay_or_note", about="row")
async def pay_or_note(tx: Tx, command: Pay) -> int:
    tx.put(COUNTERS, Counter(command.row, command.amount, "paid", 1))
    try:
        await tx.post(payment(command, command.amount))
    except Declined:
        failed = Counter(command.row, 0, "failed", 1)
        tx.put(COUNTERS, failed)
        tx.event("counter.failed", failed, oid(99))
        raise
    return command.amount


@verb("pay_or_less", about="row")
async def pay_or_less(tx: Tx, command: Pay) -> int:
    tx.put(COUNTERS, Counter(command.row, command.amount, "whole", 1))
    try:
        await tx.post(payment(command, command.amount))
    except Declined:
        tx.put(COUNTERS, Counter(command.row, command.instead, "part", 1))
        await tx.post(payment(command, command.instead, attempt=1))
        return command.instead
    return command.amount


@verb("pay_late", about="row")
async def pay_late(tx: Tx, command: Pay) -> int:
    """Reads only after its refusal, and what another verb of the batch changes."""
    try:
        await tx.post(payment(command, command.amount))
    except Declined:
        found = await tx.get(COUNTERS, oid(50))
        tx.put(COUNTERS, Counter(command.row, found.value if found else 0, "late", 1))
        raise
    return command.amount


@verb("pay_heavy", about="row")
async def pay_heavy(tx: Tx, command: Pay) -> int:
    """Writes what the database does not allow."""
    tx.put(COUNTERS, Counter(command.row, 1_000, "heavy", 1))
    await tx.post(payment(command, command.amount))
    return command.amount


@verb("fails_after", about="row")
async def fails_after(tx: Tx, command: Pay) -> int:
    tx.put(COUNTERS, Counter(command.row, 1, None, 1))
    await tx.post(payment(command, command.amount))
    raise ArithmeticError


@verb("refuses_after", about="row")
async def refuses_after(tx: Tx, command: Pay) -> int:
    await tx.post(payment(command, command.amount))
    raise Declined("ledger_refused", "too late to say")


@verb("asks_after", about="row")
async def asks_after(tx: Tx, command: Pay) -> int:
    await tx.post(payment(command, command.amount))
    return 0 if await tx.get(COUNTERS, command.row) else 1


@verb("fails_before", about="row")
async def fails_before(tx: Tx, command: Pay) -> int:
    raise ZeroDivisionError


class Bench:
    """A desk with these verbs over a fresh database; wallet 1 holds 100."""

    def __init__(self, engine: Engine, books: int = 0) -> None:
        self.engine = engine
        self.posts: list[int] = []
        self.books = books
        self.desk = Keeping(engine.ledger, books).desk(engine.store, self.post, VERBS, lambda: NOW, seeded_ids(1))
        self.requests = 0

    def post(self, entries: Sequence[Any], at: int) -> list[Refusal | None]:
        self.posts.append(len(entries))
        return [refusal_of(outcome) for outcome in self.engine.ledger.post(entries, at)]

    def ask(self, name: str, command: Any, key: str | None = None, body: bytes = b"") -> Request:
        self.requests += 1
        return Request(name, command, "ann", oid(self.requests), digest_id(key.encode()) if key else None, body)

    def run(self, *requests: Request) -> list[Any]:
        """The results, and the codes of refusals."""
        return [a.refusal.code if a.refusal else a.result for a in self.desk.run(requests)]

    def rows(self, sql: str) -> list[Any]:
        return self.engine.rows(sql)

    def counters(self) -> dict[int, tuple[int, str | None, int]]:
        found = self.rows("SELECT id, value, note, version FROM counters")
        return {int.from_bytes(key[:13], "big"): (value, note, version) for key, value, note, version in found}

    def operations(self) -> list[tuple[str, str]]:
        return sorted(self.rows("SELECT verb, outcome FROM operations"))

    def posted(self, n: int) -> int:
        return self.engine.ledger.balances([wallet(n)])[0].posted


VERBS: dict[str, Verb] = {
    made.name: made
    for made in (
        add,
        tell,
        show,
        guarded,
        pay,
        pay_or_note,
        pay_or_less,
        pay_late,
        pay_heavy,
        fails_after,
        refuses_after,
        asks_after,
        fails_before,
    )
}


def prepare(engine: Engine, *, outside: bool = False) -> Bench:
    books = books_of(engine.store, outside=outside)
    lite = isinstance(engine.store.connection, apsw.Connection)
    blob, whole = ("BLOB", "INTEGER") if lite else ("bytea", "bigint")
    db = engine.store.connection
    checked = f"value {whole} NOT NULL CHECK (value < 1000)"
    db.execute(f"CREATE TABLE counters (id {blob} PRIMARY KEY, {checked}, note text, version {whole} NOT NULL)")
    db.execute(f"CREATE TABLE test_marks (id {blob} PRIMARY KEY, text text NOT NULL)")
    engine.store.begin()
    engine.ledger.post([Entry(oid(1000), "income", (Posting(BANK, wallet(1), 100),))], NOW)
    engine.store.commit()
    return Bench(engine, books)
