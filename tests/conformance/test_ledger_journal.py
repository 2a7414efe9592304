"""The journal of every ledger engine: what it keeps, and that the database itself refuses to change it."""

import apsw
import psycopg
import pytest
from tests.conformance.books import (
    ANN,
    BANK,
    BOB,
    EVE,
    OUR_FEES,
    Books,
    eid,
    entry,
    moved,
    pended,
    posted,
)
from tests.conftest import Engine

from handfast.ledger import Mode, Outcome, Posting
from handfast.ledger.model import decode_postings
from handfast.ledger.statements import NEWEST


@pytest.fixture
def books(every_engine: Engine) -> Books:
    return Books(every_engine)


def test_what_was_rolled_back_never_was(books: Books) -> None:
    if books.engine.cluster is not None:
        pytest.skip("a cluster does not roll back: what was posted is posted")
    store, ledger = books.engine.store, books.engine.ledger
    books.fund(ANN, 100)
    store.begin()
    outcomes = ledger.post([entry(1, moved(ANN, BOB, 60)), entry(2, moved(ANN, BOB, 60))], 0)
    assert outcomes == [Outcome.CREATED, Outcome.EXCEEDS_CREDITS]
    store.rollback()
    assert books.posted(ANN, BOB) == [100, 0]
    assert books.post(entry(2, moved(ANN, BOB, 60)), entry(1, moved(ANN, BOB, 40))) == [Outcome.CREATED] * 2
    assert books.rows("SELECT seq FROM entries ORDER BY seq") == [(1,), (2,), (3,)]


def test_the_journal_keeps_postings_in_order_with_their_modes(books: Books) -> None:
    books.post(
        entry(1, moved(BANK, ANN, 100), pended(ANN, BOB, 60), kind="first"),
        entry(2, posted(ANN, BOB, 50, 1), moved(BOB, OUR_FEES, 1), kind="second"),
    )
    assert books.rows("SELECT seq, id, kind, at FROM entries ORDER BY seq") == [
        (1, eid(1), "first", 1_414_368_000_000_000),
        (2, eid(2), "second", 1_414_368_000_000_000),
    ]
    kept = [decode_postings(blob) for (blob,) in books.rows("SELECT postings FROM entries ORDER BY seq")]
    assert kept == [
        (Posting(BANK, ANN, 100, 0), Posting(ANN, BOB, 60, 1)),
        (Posting(ANN, BOB, 50, 2, eid(1)), Posting(BOB, OUR_FEES, 1, 0)),
    ]


def test_modes_may_be_plain_numbers(books: Books) -> None:
    mixed = entry(1, Posting(BANK, ANN, 100, 0), Posting(ANN, BOB, 60, Mode.PENDING), Posting(ANN, BOB, 3 * 10**1, 0))
    assert books.one(mixed) is Outcome.CREATED
    assert books.one(entry(2, Posting(ANN, BOB, 60, 2, eid(1)))) is Outcome.CREATED
    assert books.posted(ANN, BOB) == [10, 90]


KEPT = {
    "entries": "kind = 'forged'",
    "statements": "first = 1",
    "refused_entries": "id = id",
    "operations": "outcome = ''",
    "events": "type = 'forged'",
}


@pytest.fixture
def journal(books: Books) -> Books:
    books.post(entry(1, moved(BANK, ANN, 100), pended(ANN, BOB, 5)), entry(2, moved(ANN, BOB, 101)))
    books.post(*(entry(3 + n, moved(BANK, EVE, 1)) for n in range(NEWEST + 1)))
    sixteen = "x'00000000000000000000000000000001'"
    if isinstance(books.engine.store.connection, psycopg.Connection):
        sixteen = "'\\x00000000000000000000000000000001'"
    columns = "id, verb, actor, request, fingerprint, outcome, body, at"
    for sql in (
        f"INSERT INTO operations ({columns}) VALUES ({sixteen}, 'v', 'a', {sixteen}, {sixteen}, '', {sixteen}, 0)",
        f"INSERT INTO events VALUES ({sixteen}, 1, 't', {sixteen}, {sixteen}, 0, {sixteen})",
    ):
        books.engine.store.connection.execute(sql)
    return books


def refused(books: Books, sql: str) -> str:
    with pytest.raises((apsw.ConstraintError, psycopg.IntegrityError)) as caught:
        books.rows(sql)
    return str(caught.value)


@pytest.mark.parametrize("table", KEPT)
def test_the_database_itself_keeps_the_journal(journal: Books, table: str) -> None:
    before = journal.rows(f"SELECT * FROM {table}")
    assert before
    assert f"{table} refuses UPDATE" in refused(journal, f"UPDATE {table} SET {KEPT[table]}")
    assert f"{table} refuses DELETE" in refused(journal, f"DELETE FROM {table}")
    if isinstance(journal.engine.store.connection, psycopg.Connection):
        assert f"{table} refuses TRUNCATE" in refused(journal, f"TRUNCATE {table} CASCADE")
    else:
        assert f"{table} refuses DELETE" in refused(journal, f"REPLACE INTO {table} SELECT * FROM {table}")
    assert journal.rows(f"SELECT * FROM {table}") == before


@pytest.mark.parametrize("table", ["accounts", "pendings"])
def test_the_database_itself_keeps_accounts_and_pendings(journal: Books, table: str) -> None:
    before = journal.rows(f"SELECT count(*) FROM {table}")
    assert f"{table} refuses DELETE" in refused(journal, f"DELETE FROM {table}")
    if isinstance(journal.engine.store.connection, psycopg.Connection):
        assert f"{table} refuses TRUNCATE" in refused(journal, f"TRUNCATE {table} CASCADE")
    assert journal.rows(f"SELECT count(*) FROM {table}") == before
