"""A desk whose ledger is outside its database: whatever dies in between, what was intended is finished, once."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apsw
import psycopg
import pytest
from structlog.testing import capture_logs
from tests.conftest import Engine, NewDatabase, open_engine
from tests.unit.store.counters import Add, Bench, Pay, oid, prepare
from tests.unit.store.elsewhere import AFTER, BEFORE, moved_out

from handfast.app.outside import books_of
from handfast.core.errors import Invalid, Unavailable
from handfast.store.desk import Changes
from handfast.store.outside import OutsideDesk
from handfast.store.rows import INTENTIONS
from handfast.store.verb import Answer, Request


class Died(BaseException):
    """The desk's process ended here."""


class Office:
    """A desk that can die and be opened again over what it left."""

    def __init__(self, url: str, template: Path, path: Path) -> None:
        self.url = url
        self.engine, self.elsewhere = moved_out(open_engine(url), template, path)
        self.bench = prepare(self.engine, outside=True)

    @property
    def desk(self) -> OutsideDesk:
        assert isinstance(self.bench.desk, OutsideDesk)
        return self.bench.desk

    def dies(self, place: str, *requests: Request) -> None:
        """Run requests until the desk dies, and open another one."""
        with pytest.raises(Died):
            self.fails(Died(), place, *requests)
        self.engine.store.close()
        again = open_engine(self.url)
        self.elsewhere._copy = again.ledger
        self.engine = again._replace(ledger=self.elsewhere)
        self.bench = Bench(self.engine, books_of(again.store, outside=True))

    def fails(self, fault: BaseException, place: str, *requests: Request) -> list[Any]:
        """What requests are answered when something fails at a place."""
        store = self.engine.store
        save, commit = store.save, store.commit
        saved = "the intention"

        def note(changes: Changes) -> None:
            nonlocal saved
            saved = "the intention" if any(row.body for row in changes.updates.get(INTENTIONS, ())) else "the status"
            save(changes)

        def commit_or_fail() -> None:
            at(f"before {saved}")
            commit()
            at(f"after {saved}")

        def at(where: str) -> None:
            if where == place:
                raise fault

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(store, "save", note)
            patch.setattr(store, "commit", commit_or_fail)
            patch.setattr(self.elsewhere, "at_place", at)
            return self.bench.run(*requests)

    def close(self) -> None:
        self.engine.store.close()
        self.elsewhere.close()


@pytest.fixture
def office(new_database: NewDatabase, sqlite_template: Path, tmp_path: Path) -> Iterator[Office]:
    made = Office(new_database(), sqlite_template, tmp_path / "elsewhere.db")
    made.desk.run(())
    yield made
    made.close()


PLACES = [
    "before the intention",
    "after the intention",
    BEFORE,
    AFTER,
    "before the status",
    "after the status",
]


def batch(bench: Bench) -> list[Request]:
    """A payment that is taken, one that is refused and noted, one that goes on with less, and an addition."""
    return [
        bench.ask("pay", Pay(oid(1), 30), key="pay"),
        bench.ask("pay_or_note", Pay(oid(2), 101), key="note"),
        bench.ask("add", Add(oid(3), 5), key="add"),
        bench.ask("pay_or_less", Pay(oid(4), 90, instead=50), key="less"),
    ]


ANSWERS = [30, "balance_insufficient", 5, 50]
LEFT = {1: (30, "paid", 1), 2: (0, "failed", 1), 3: (5, None, 1), 4: (50, "part", 1)}


def check(office: Office) -> None:
    """All of the batch was done, once."""
    bench = office.bench
    assert bench.counters() == LEFT
    assert (bench.posted(1), bench.posted(2)) == (20, 80)
    assert bench.operations() == [
        ("add", ""),
        ("pay", ""),
        ("pay_or_less", ""),
        ("pay_or_note", "balance_insufficient"),
    ]
    assert bench.rows("SELECT count(*) FROM entries") == [(3,)]
    assert bench.rows("SELECT seq FROM events ORDER BY seq") == [(n,) for n in (1, 2, 3)]
    assert bench.rows("SELECT length(body) FROM intentions") == [(0,)]


@pytest.mark.parametrize("place", PLACES)
def test_a_desk_that_dies_is_finished_by_the_next(office: Office, place: str) -> None:
    requests = batch(office.bench)
    office.dies(place, *requests)
    assert office.bench.run(*requests) == ANSWERS
    check(office)
    again = office.bench.desk.run(requests)
    assert all(answer.replayed for answer in again)


@pytest.mark.parametrize("place", PLACES[1:])
def test_what_was_intended_is_finished_before_anything_else(office: Office, place: str) -> None:
    paid = office.bench.ask("pay", Pay(oid(1), 70), key="pay")
    office.dies(place, paid)
    other = office.bench.ask("pay", Pay(oid(2), 70), key="other")
    assert office.bench.run(other, paid) == ["balance_insufficient", 70]
    assert office.bench.counters() == {1: (70, "paid", 1)}


def test_a_request_without_a_key_is_finished_too(office: Office) -> None:
    office.dies(AFTER, office.bench.ask("pay", Pay(oid(1), 30)))
    assert office.desk.run(()) == []
    assert office.bench.counters() == {1: (30, "paid", 1)}
    assert office.bench.operations() == [("pay", "")]


def away(code: str) -> Unavailable:
    return Unavailable(code, "the ledger does not answer")


@pytest.mark.parametrize("place", [BEFORE, AFTER])
def test_a_ledger_that_does_not_answer(office: Office, place: str) -> None:
    bench, desk = office.bench, office.desk
    requests = batch(bench)
    told = office.fails(away("outcome_unknown"), place, *requests)
    assert told == ["outcome_unknown", "outcome_unknown", "ledger_unavailable", "outcome_unknown"]
    assert desk.unfinished
    other = bench.ask("add", Add(oid(9)), key="other")
    told = office.fails(away("ledger_unavailable"), BEFORE, requests[0], other)
    assert told == ["outcome_unknown", "ledger_unavailable"]
    assert bench.counters() == {}
    assert desk.run(()) == []
    assert not desk.unfinished
    assert bench.run(*requests) == ANSWERS
    check(office)


def test_only_what_was_intended_is_unknown(office: Office) -> None:
    bench = office.bench
    late = bench.ask("pay_late", Pay(oid(1), 101), key="late")
    more = bench.ask("pay_or_less", Pay(oid(2), 101, instead=60), key="less")
    other = bench.ask("add", Add(oid(3)), key="other")
    posts: list[int] = []

    def third_only(_place: str) -> None:
        posts.append(1)
        if len(posts) == 3:
            raise away("outcome_unknown")

    office.elsewhere.at_place = third_only
    assert bench.run(late, other, more) == ["outcome_unknown", 1, "outcome_unknown"]
    office.elsewhere.at_place = lambda _place: None
    assert bench.run(late, more) == ["balance_insufficient", 60]
    assert bench.counters() == {1: (0, "late", 1), 2: (60, "part", 1), 3: (1, None, 1)}


@pytest.mark.parametrize("durable", [True, False])
def test_a_status_whose_commit_was_not_answered(office: Office, durable: bool) -> None:
    requests = batch(office.bench)
    place = "after the status" if durable else "before the status"
    told = office.fails(lost(office.engine), place, *requests)
    assert set(told) == {"store_unavailable"}
    assert office.bench.run(*requests) == ANSWERS
    check(office)


def lost(engine: Engine) -> Exception:
    lite = isinstance(engine.store.connection, apsw.Connection)
    return apsw.IOError("disk I/O error") if lite else psycopg.OperationalError("server closed the connection")


@pytest.mark.parametrize("guilty", ["fails_after", "refuses_after", "asks_after"])
def test_a_verb_that_fails_after_its_entry_fails_alone_and_before_the_ledger(office: Office, guilty: str) -> None:
    bench = office.bench
    requests = [bench.ask("pay", Pay(oid(n), 1), key=f"k{n}") for n in range(1, 6)]
    requests.insert(3, bench.ask(guilty, Pay(oid(20), 5), key="guilty"))
    with capture_logs():
        assert bench.run(*requests) == [1, 1, 1, "internal", 1, 1]
    assert bench.posted(2) == 5
    assert bench.operations() == [("pay", "")] * 5


def test_a_status_that_cannot_be_written_stops_the_desk_and_is_told(office: Office) -> None:
    bench = office.bench
    heavy = bench.ask("pay_heavy", Pay(oid(1), 1), key="k")
    with capture_logs() as logs:
        assert bench.run(heavy) == ["internal"]
        assert bench.run(bench.ask("add", Add(oid(2)))) == ["internal"]
    assert [entry["event"] for entry in logs] == ["status cannot be written", "intention cannot be finished"]
    assert bench.posted(2) == 1


def test_entries_stay_where_they_began(new_database: NewDatabase) -> None:
    inside, outside = open_engine(new_database()), open_engine(new_database())
    prepare(inside)
    number = books_of(outside.store, outside=True)
    assert books_of(outside.store, outside=True) == number > 0
    with pytest.raises(Invalid, match="keeps its entries itself"):
        books_of(inside.store, outside=True)
    with pytest.raises(Invalid, match="kept in a cluster"):
        books_of(outside.store, outside=False)
    inside.store.close()
    outside.store.close()


def test_answers_are_plain(office: Office) -> None:
    asked = office.bench.ask("pay", Pay(oid(1), 30), key="k")
    assert office.desk.run([asked]) == [Answer(asked.key or b"", 30)]
    assert office.desk.run([asked]) == [Answer(asked.key or b"", 30, replayed=True)]
