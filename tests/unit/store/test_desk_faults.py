"""The desk when something fails: a verb's fault is its own, a lost database is asked again, a deposed desk fenced."""

from pathlib import Path

import apsw
import psycopg
import pytest
from structlog.testing import capture_logs
from tests.conftest import Engine, NewDatabase, open_engine
from tests.unit.store.counters import Add, Bench, Pay, oid, prepare

from handfast.core.errors import Conflict
from handfast.store.sqlite import SqliteStore, unavailable


@pytest.fixture
def bench(engine: Engine) -> Bench:
    return prepare(engine)


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


def test_a_file_that_is_no_database_is_told_and_let_go(tmp_path: Path) -> None:
    path = tmp_path / "no.db"
    path.write_bytes(b"no database" * 1000)
    with pytest.raises(apsw.NotADBError) as caught:
        SqliteStore(path)
    no = unavailable(caught.value)
    assert no is not None
    assert no.code == "store_unavailable"
    path.unlink()
    SqliteStore(path).close()


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
