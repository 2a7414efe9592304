"""The desk: what verbs read, write, post and refuse comes out as if they had run one after the other, or not at all."""

from collections.abc import Iterator, Sequence
from typing import Any

import apsw
import psycopg
import pytest
from msgspec import Struct, msgpack
from structlog.testing import capture_logs
from tests.conftest import Engine, NewDatabase, open_engine

from handfast.core.errors import Conflict, Declined, NotFound, Refusal, Unavailable
from handfast.core.ids import Id, account_id, digest_id, entry_id, event_id, seeded_ids
from handfast.ledger import Entry, Posting, Purpose, refusal_of
from handfast.store.desk import Desk
from handfast.store.table import Table
from handfast.store.verb import Answer, Request, Tx, Verb, verb

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

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.posts: list[int] = []
        self.desk = Desk(engine.store, self.post, VERBS, lambda: NOW, seeded_ids(1))
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

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        return list(self.engine.store.connection.execute(sql).fetchall())

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
        guarded,
        pay,
        pay_or_note,
        pay_or_less,
        pay_late,
        fails_after,
        refuses_after,
        asks_after,
        fails_before,
    )
}


def prepare(engine: Engine) -> Bench:
    lite = isinstance(engine.store.connection, apsw.Connection)
    blob, whole = ("BLOB", "INTEGER") if lite else ("bytea", "bigint")
    db = engine.store.connection
    checked = f"value {whole} NOT NULL CHECK (value < 1000)"
    db.execute(f"CREATE TABLE counters (id {blob} PRIMARY KEY, {checked}, note text, version {whole} NOT NULL)")
    db.execute(f"CREATE TABLE test_marks (id {blob} PRIMARY KEY, text text NOT NULL)")
    engine.store.begin()
    engine.ledger.post([Entry(oid(1000), "income", (Posting(BANK, wallet(1), 100),))], NOW)
    engine.store.commit()
    return Bench(engine)


@pytest.fixture
def bench(engine: Engine) -> Bench:
    return prepare(engine)


def reopened(bench: Bench) -> Bench:
    bench.engine.store.close()
    return Bench(open_engine(bench.engine.url))


@pytest.fixture
def lasting(new_database: NewDatabase) -> Iterator[Bench]:
    """A bench whose store the test closes and opens again."""
    yield prepare(open_engine(new_database()))


def test_a_batch_of_different_verbs(bench: Bench) -> None:
    answers = bench.run(
        bench.ask("add", Add(oid(1), 5)),
        bench.ask("pay", Pay(oid(2), 60)),
        bench.ask("guarded", Add(oid(3))),
        bench.ask("pay", Pay(oid(4), 60)),
        bench.ask("pay_or_less", Pay(oid(5), 60, instead=40)),
        bench.ask("add", Add(oid(6), 6)),
        bench.ask("fails_before", Pay(oid(7), 1)),
    )
    assert answers == [5, 60, "object_not_found", "balance_insufficient", 40, 6, "internal"]
    assert bench.counters() == {1: (5, None, 1), 2: (60, "paid", 1), 5: (40, "part", 1), 6: (6, None, 1)}
    assert (bench.posted(1), bench.posted(2)) == (0, 100)
    assert bench.operations() == [
        ("add", ""),
        ("add", ""),
        ("pay", ""),
        ("pay", "balance_insufficient"),
        ("pay_or_less", ""),
    ]


def test_a_batch_loads_each_table_once_and_posts_once(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    loads: list[dict[str, int]] = []
    load = bench.engine.store.load

    def noted(wants: Any) -> Any:
        loads.append({table.name: len(keys) for table, keys in wants.items()})
        return load(wants)

    monkeypatch.setattr(bench.engine.store, "load", noted)
    adds = [bench.ask("add", Add(oid(n)), key=f"add {n}") for n in range(1, 11)]
    pays = [bench.ask("pay", Pay(oid(n), 1), key=f"pay {n}") for n in range(11, 21)]
    assert bench.run(*adds, *pays) == [1] * 20
    assert loads == [{"operations": 20}, {"counters": 10}]
    assert bench.posts == [10]
    assert bench.rows("SELECT commits FROM desk") == [(1,)]


def test_a_hundred_increments_of_one_row_in_one_batch(bench: Bench) -> None:
    assert bench.run(*[bench.ask("add", Add(oid(1))) for _ in range(100)]) == list(range(1, 101))
    assert bench.counters() == {1: (100, None, 100)}
    versions = bench.rows("SELECT id FROM events ORDER BY seq")
    assert versions == [(event_id(oid(1), version),) for version in range(1, 101)]


def test_a_key_twice_in_one_batch_is_one_effect(bench: Bench) -> None:
    once = bench.ask("add", Add(oid(1)), key="k")
    first, second = bench.desk.run([once, once])
    assert (first.result, first.replayed) == (1, False)
    assert (second.result, second.replayed, second.operation) == (1, True, first.operation)
    assert bench.counters() == {1: (1, None, 1)}


def test_a_key_is_known_in_later_batches_and_after_reopening(lasting: Bench) -> None:
    once = lasting.ask("pay", Pay(oid(1), 30), key="k")
    assert lasting.desk.run([once]) == [Answer(once.key or b"", 30, None, replayed=False)]
    assert lasting.desk.run([once]) == [Answer(once.key or b"", 30, None, replayed=True)]
    again = reopened(lasting)
    assert again.desk.run([once]) == [Answer(once.key or b"", 30, None, replayed=True)]
    assert (again.posted(1), again.posted(2)) == (70, 30)
    again.engine.store.close()


def test_a_key_with_another_body_or_verb_is_refused(bench: Bench) -> None:
    first = bench.ask("add", Add(oid(1)), key="k", body=b"one")
    other_body = bench.ask("add", Add(oid(1)), key="k", body=b"two")
    other_verb = bench.ask("guarded", Add(oid(1)), key="k", body=b"one")
    assert bench.run(first, other_body, other_verb) == [1, "idempotency_key_reused", "idempotency_key_reused"]
    assert bench.run(other_body, other_verb, first) == ["idempotency_key_reused", "idempotency_key_reused", 1]
    assert bench.counters() == {1: (1, None, 1)}
    assert bench.operations() == [("add", "")]


def test_a_refusal_is_replayed_word_for_word(bench: Bench) -> None:
    missing = bench.ask("guarded", Add(oid(1)), key="k")
    poor = bench.ask("pay", Pay(oid(2), 101), key="p")
    first = bench.desk.run([missing, poor, missing, poor])
    assert [a.replayed for a in first] == [False, False, True, True]
    bench.engine.store.begin()
    bench.engine.ledger.post([Entry(oid(1001), "income", (Posting(BANK, wallet(1), 100),))], NOW)
    bench.engine.store.connection.execute("COMMIT")
    for answer, again in zip(first, bench.desk.run([missing, poor] * 2), strict=True):
        assert again.replayed
        assert answer.refusal and again.refusal
        assert type(again.refusal) is type(answer.refusal)
        assert again.refusal.args == answer.refusal.args
    assert bench.posted(2) == 0


def test_an_unexpected_fault_is_not_remembered_under_the_key(bench: Bench) -> None:
    asked = bench.ask("fails_before", Pay(oid(1), 1), key="k")
    assert bench.run(asked, asked) == ["internal", "internal"]
    assert bench.operations() == []


def test_a_guard_keeps_nothing_of_what_was_staged(bench: Bench) -> None:
    keyed, unkeyed = bench.ask("guarded", Add(oid(1)), key="k"), bench.ask("guarded", Add(oid(2)))
    assert bench.run(keyed, unkeyed) == ["object_not_found", "object_not_found"]
    assert bench.counters() == {}
    assert bench.rows("SELECT count(*) FROM events") == [(0,)]
    assert bench.operations() == [("guarded", "object_not_found")]


def test_a_refused_entry_drops_what_was_staged_before_it(bench: Bench) -> None:
    assert bench.run(bench.ask("pay", Pay(oid(1), 101))) == ["balance_insufficient"]
    assert bench.counters() == {}
    assert bench.rows("SELECT count(*) FROM events") == [(0,)]
    assert bench.operations() == [("pay", "balance_insufficient")]


def test_what_a_refusal_itself_changes_is_kept(bench: Bench) -> None:
    asked = bench.ask("pay_or_note", Pay(oid(1), 101), key="k")
    assert bench.run(asked, bench.ask("add", Add(oid(2)))) == ["balance_insufficient", 1]
    assert bench.counters() == {1: (0, "failed", 1), 2: (1, None, 1)}
    assert bench.rows("SELECT type FROM events ORDER BY seq") == [("counter.changed",), ("counter.failed",)]
    assert bench.run(asked) == ["balance_insufficient"]
    assert bench.rows("SELECT count(*) FROM events") == [(2,)]


def test_another_entry_may_follow_a_refused_one(bench: Bench) -> None:
    ask = bench.ask("pay_or_less", Pay(oid(1), 101, instead=99))
    assert bench.run(ask) == [99]
    assert bench.counters() == {1: (99, "part", 1)}
    assert bench.posted(2) == 99
    assert bench.posts == [1, 1]


def test_a_verb_refused_twice_is_refused(bench: Bench) -> None:
    assert bench.run(bench.ask("pay_or_less", Pay(oid(1), 102, instead=101))) == ["balance_insufficient"]
    assert bench.counters() == {}


def test_a_refused_verb_that_must_start_again_keeps_its_refusal(bench: Bench) -> None:
    late, change = bench.ask("pay_late", Pay(oid(1), 101), key="k"), bench.ask("add", Add(oid(50), 9))
    assert bench.run(late, change) == ["balance_insufficient", 9]
    assert bench.counters() == {1: (9, "late", 1), 50: (9, None, 1)}


@pytest.mark.parametrize("guilty", ["fails_after", "refuses_after", "asks_after"])
def test_a_verb_that_fails_after_its_entry_fails_alone(bench: Bench, guilty: str) -> None:
    requests = [bench.ask("pay", Pay(oid(n), 1), key=f"k{n}") for n in range(1, 8)]
    requests.insert(3, bench.ask(guilty, Pay(oid(20), 5), key="guilty"))
    with capture_logs() as logs:
        assert bench.run(*requests) == [1, 1, 1, "internal", 1, 1, 1, 1]
    assert [(entry["event"], entry["verb"]) for entry in logs] == [("verb broken", guilty)]
    assert sorted(bench.counters()) == [1, 2, 3, 4, 5, 6, 7]
    assert bench.posted(2) == 7
    assert bench.operations() == [("pay", "")] * 7
    assert bench.rows("SELECT seq FROM events ORDER BY seq") == [(n,) for n in range(1, 8)]
    assert bench.rows("SELECT seq FROM entries ORDER BY seq") == [(n,) for n in range(1, 9)]


def test_a_verb_that_breaks_a_constraint_fails_alone(bench: Bench) -> None:
    requests = [bench.ask("add", Add(oid(n), n)) for n in range(1, 8)]
    requests.insert(5, bench.ask("add", Add(oid(20), 1000)))
    with capture_logs() as logs:
        assert bench.run(*requests) == [1, 2, 3, 4, 5, "internal", 6, 7]
    assert [(entry["event"], entry["verb"]) for entry in logs] == [("verb broken", "add")]
    assert sorted(bench.counters()) == [1, 2, 3, 4, 5, 6, 7]
    assert bench.run(bench.ask("add", Add(oid(20)))) == [1]


def test_a_verb_that_asks_after_its_entry_is_told_so(bench: Bench) -> None:
    with capture_logs() as logs:
        assert bench.run(bench.ask("asks_after", Pay(oid(1), 1))) == ["internal"]
    assert [entry["fault"] for entry in logs] == ["asks_after asks for more after its entry was posted"]


def test_a_second_desk_is_kept_out(bench: Bench) -> None:
    with pytest.raises(Conflict) as caught:
        open_engine(bench.engine.url)
    assert caught.value.code == "database_in_use"
    assert bench.run(bench.ask("add", Add(oid(1)))) == [1]


def test_a_desk_that_was_taken_over_cannot_commit(bench: Bench) -> None:
    asked = bench.ask("pay", Pay(oid(1), 1), key="k")
    bench.engine.store.connection.execute("UPDATE desk SET epoch = epoch + 1")
    assert bench.run(asked, bench.ask("add", Add(oid(2)))) == ["desk_fenced", "desk_fenced"]
    assert bench.run(asked) == ["desk_fenced"]
    assert bench.counters() == {}
    assert bench.posted(2) == 0
    assert bench.operations() == []
    assert bench.rows("SELECT commits FROM desk") == [(0,)]


def lost(bench: Bench) -> Exception:
    """What a database says whose answer did not arrive."""
    if isinstance(bench.engine.store.connection, apsw.Connection):
        return apsw.IOError("disk I/O error")
    return psycopg.OperationalError("server closed the connection unexpectedly")


@pytest.mark.parametrize("durable", [True, False])
def test_a_commit_whose_answer_was_lost(bench: Bench, monkeypatch: pytest.MonkeyPatch, durable: bool) -> None:
    asked = [bench.ask("pay", Pay(oid(1), 30), key="k"), bench.ask("add", Add(oid(2)), key="a")]
    commit = bench.engine.store.commit

    def fail() -> None:
        if durable:
            commit()
        raise lost(bench)

    with monkeypatch.context() as patch:
        patch.setattr(bench.engine.store, "commit", fail)
        assert bench.run(*asked) == ["store_unavailable", "store_unavailable"]
    answers = bench.desk.run(asked)
    assert [(a.result, a.replayed) for a in answers] == [(30, durable), (1, durable)]
    assert bench.run(bench.ask("add", Add(oid(2)))) == [2]
    assert bench.counters() == {1: (30, "paid", 1), 2: (2, None, 2)}
    assert (bench.posted(1), bench.posted(2)) == (70, 30)
    assert bench.rows("SELECT seq FROM events ORDER BY seq") == [(1,), (2,), (3,)]
    assert bench.rows("SELECT seq FROM entries ORDER BY seq") == [(1,), (2,)]


def test_a_postgres_that_cut_the_line_is_called_again(new_postgres: NewDatabase) -> None:
    bench = prepare(open_engine(new_postgres()))
    assert bench.run(bench.ask("add", Add(oid(1)))) == [1]
    with psycopg.connect(bench.engine.url, autocommit=True) as admin:
        pid = bench.engine.store.connection.info.backend_pid  # type: ignore[union-attr]
        admin.execute("SELECT pg_terminate_backend(%s, 20000)", (pid,))
    asked = bench.ask("add", Add(oid(1)), key="k")
    assert bench.run(asked) == ["store_unavailable"]
    assert bench.run(asked) == [2]
    bench.engine.store.close()


def test_a_full_disk_refuses_and_heals(new_sqlite: NewDatabase) -> None:
    bench = prepare(open_engine(new_sqlite()))
    db = bench.engine.store.connection
    (pages,) = bench.rows("PRAGMA page_count")[0]
    db.execute(f"PRAGMA max_page_count = {pages}")
    asked = [bench.ask("add", Add(oid(n)), key=f"k{n}") for n in range(1, 201)]
    assert set(bench.run(*asked)) == {"store_unavailable"}
    assert bench.counters() == {}
    db.execute("PRAGMA max_page_count = 1000000")
    assert set(bench.run(*asked)) == {1}
    bench.engine.store.close()


def test_an_operation_tells_who_asked_what_about_which_object(bench: Bench) -> None:
    first, second = bench.ask("add", Add(oid(5), 3), key="k", body=b"f"), bench.ask("guarded", Add(oid(6)), key="g")
    bench.run(first, second)
    rows = bench.rows("SELECT id, verb, actor, request, object, fingerprint, outcome, body, at FROM operations")
    told = {row[0]: row[1:7] + (msgpack.decode(row[7]), row[8]) for row in rows}
    assert told == {
        first.key: ("add", "ann", oid(1), oid(5), b"f", "", 3, NOW),
        second.key: ("guarded", "ann", oid(2), oid(6), b"", "object_not_found", ["there is no mark", "row"], NOW),
    }


def test_an_event_tells_the_new_version(bench: Bench) -> None:
    (answer,) = bench.desk.run([bench.ask("add", Add(oid(5), 3))])
    rows = bench.rows("SELECT id, seq, type, owner, operation, at, body FROM events")
    (told,) = [row[:6] + (msgpack.decode(row[6], type=Counter),) for row in rows]
    changed = Counter(oid(5), 3, None, 1)
    assert told == (event_id(oid(5), 1), 1, "counter.changed", oid(99), answer.operation, NOW, changed)


def test_a_call_raises_its_refusal(bench: Bench) -> None:
    assert bench.desk.call(bench.ask("add", Add(oid(1)))) == 1
    with pytest.raises(Unavailable):
        bench.desk.call(bench.ask("fails_before", Pay(oid(1), 1)))


def test_an_empty_batch_is_answered(bench: Bench) -> None:
    assert bench.desk.run([]) == []


