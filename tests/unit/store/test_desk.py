"""The desk: what verbs read, write, post and refuse comes out as if they had run one after the other, or not at all."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec import msgpack
from msgspec.structs import replace
from tests.conftest import Engine, NewDatabase, open_engine
from tests.unit.store.counters import BANK, NOW, Add, Bench, Counter, Pay, oid, prepare, wallet
from tests.unit.store.elsewhere import moved_out

from handfast.core.errors import Unavailable
from handfast.core.ids import event_id
from handfast.ledger import Entry, Posting
from handfast.store.verb import Answer


@pytest.fixture(params=["inside", "outside"])
def bench(request: pytest.FixtureRequest, engine: Engine, sqlite_template: Path, tmp_path: Path) -> Iterator[Bench]:
    """A bench whose ledger is in its desk's database, and one whose ledger is not."""
    if request.param == "inside":
        yield prepare(engine)
    else:
        engine, elsewhere = moved_out(engine, sqlite_template, tmp_path / "elsewhere.db")
        yield prepare(engine, outside=True)
        elsewhere.close()


def reopened(bench: Bench) -> Bench:
    bench.engine.store.close()
    return Bench(open_engine(bench.engine.url))


@pytest.fixture
def lasting(new_database: NewDatabase) -> Bench:
    """A bench whose store the test closes and opens again."""
    return prepare(open_engine(new_database()))


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
    assert loads == [*[{"intentions": 1}] * (bench.books > 0), {"operations": 20}, {"counters": 10}]
    assert bench.posts == [10]
    assert bench.rows("SELECT commits FROM desk") == [(3 if bench.books else 1,)]


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
        assert answer.refusal
        assert again.refusal
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


def test_an_operation_tells_who_asked_what_about_which_object(bench: Bench) -> None:
    first, second = bench.ask("add", Add(oid(5), 3), key="k", body=b"f"), bench.ask("guarded", Add(oid(6)), key="g")
    bench.run(first, second)
    rows = bench.rows("SELECT id, verb, actor, request, object, fingerprint, outcome, body, at FROM operations")
    told = {row[0]: (*row[1:7], msgpack.decode(row[7]), row[8]) for row in rows}
    assert told == {
        first.key: ("add", "ann", oid(1), oid(5), b"f", "", 3, NOW),
        second.key: ("guarded", "ann", oid(2), oid(6), b"", "object_not_found", ["there is no mark", "row"], NOW),
    }


def test_an_event_tells_the_new_version(bench: Bench) -> None:
    (answer,) = bench.desk.run([bench.ask("add", Add(oid(5), 3))])
    rows = bench.rows("SELECT id, seq, type, owner, operation, at, body FROM events")
    (told,) = [(*row[:6], msgpack.decode(row[6], type=Counter)) for row in rows]
    changed = Counter(oid(5), 3, None, 1)
    assert told == (event_id(oid(5), 1), 1, "counter.changed", oid(99), answer.operation, NOW, changed)


def test_an_answer_that_an_event_tells_is_kept_once(lasting: Bench) -> None:
    once = lasting.ask("show", Add(oid(5), 3), key="k")
    shown = Counter(oid(5), 3, "shown", 1)
    key = once.key or b""
    first, again = lasting.desk.run([once, once])
    assert (first, again) == (Answer(key, shown), Answer(key, shown, replayed=True))
    assert lasting.rows("SELECT body, told FROM operations") == [(b"", event_id(oid(5), 1))]
    assert lasting.desk.run([once]) == [Answer(key, shown, replayed=True)]
    fresh = lasting.ask("add", Add(oid(7)))
    later = reopened(lasting)
    assert later.desk.run([fresh, once])[1] == Answer(key, shown, replayed=True)
    later.engine.store.close()


def test_a_call_raises_its_refusal(bench: Bench) -> None:
    assert bench.desk.call(bench.ask("add", Add(oid(1)))) == 1
    with pytest.raises(Unavailable):
        bench.desk.call(bench.ask("fails_before", Pay(oid(1), 1)))


def test_an_empty_batch_is_answered(bench: Bench) -> None:
    assert bench.desk.run([]) == []


def test_many_writers_of_one_row_start_twice_at_most(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    starts: list[Any] = []
    plain = bench.desk.verbs["add"]

    def counted(tx: Any, command: Any) -> Any:
        starts.append(command)
        return plain.run(tx, command)

    monkeypatch.setattr(bench.desk, "verbs", {**bench.desk.verbs, "add": replace(plain, run=counted)})
    assert bench.run(*(bench.ask("add", Add(oid(1))) for _ in range(40))) == list(range(1, 41))
    assert len(starts) == 40 + 39
