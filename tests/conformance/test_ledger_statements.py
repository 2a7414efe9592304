"""Statements of account on every engine: whatever happens, they name exactly the entries that touch the account."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.conformance.books import ANN, BANK, BOB, EVE, OUR_FEES, Books, entry, moved, pended, posted
from tests.conftest import Engine

from handfast.core.ids import Id
from handfast.ledger import Mode, Outcome, Posting
from handfast.ledger.journal import all_entries, misstated, places_touching
from handfast.ledger.statements import NEWEST, PIECE, packed
from handfast.store.postgres import PostgresReader
from handfast.store.reader import Reader
from handfast.store.sqlite import SqliteReader


@pytest.fixture
def books(every_engine: Engine) -> Books:
    return Books(every_engine)


@pytest.fixture
def reader(books: Books) -> Iterator[Reader]:
    url = books.engine.url
    path = url.removeprefix("sqlite:///")
    with closing(PostgresReader(url) if path == url else SqliteReader(Path(path))) as opened:
        yield opened


def false_statements(reader: Reader) -> list[Id]:
    with reader.snapshot():
        return misstated(reader)


def income(account: Id, first: int, count: int) -> list[Posting]:
    return [moved(BANK, account, n) for n in range(first, first + count)]


def test_a_statement_begins_in_the_accounts_row_and_goes_on_in_pieces(books: Books, reader: Reader) -> None:
    for n in range(1, NEWEST + 1):
        books.one(entry(n, moved(BANK, ANN, 5)))
    assert reader.rows("SELECT count(*) FROM statements") == [(0,)]
    books.one(entry(NEWEST + 1, moved(BANK, ANN, 5)))
    assert reader.rows("SELECT count(DISTINCT account) FROM statements") == [(2,)]
    assert places_touching(reader, [ANN], 1000) == list(range(NEWEST + 1, 0, -1))
    assert false_statements(reader) == []


def test_a_hot_account_fills_many_pieces_in_one_batch(books: Books, reader: Reader) -> None:
    count = 5 * PIECE + 3
    books.post(*(entry(n, moved(BANK, BOB, 1)) for n in range(1, count + 1)))
    books.post(*(entry(n, moved(BOB, ANN, 1)) for n in range(count + 1, count + 3)))
    assert places_touching(reader, [BOB], 10**6) == list(range(count + 2, 0, -1))
    assert places_touching(reader, [BOB], 10**6, after=0) == list(range(1, count + 3))
    for at in (1, 2, PIECE, PIECE + 1, PIECE + 2, count, count + 2, count + 9):
        older, newer = list(range(min(at - 1, count + 2), 0, -1)), list(range(at + 1, count + 3))
        for limit in (1, 2, PIECE, PIECE + 1, 1000):
            assert places_touching(reader, [BOB], limit, before=at) == older[:limit]
            assert places_touching(reader, [BOB], limit, after=at) == newer[:limit]
    assert false_statements(reader) == []


def test_an_entry_stands_once_in_the_statement_of_each_account_that_it_moves(books: Books, reader: Reader) -> None:
    books.fund(ANN, 100)
    books.one(entry(1, moved(ANN, BOB, 10), moved(ANN, OUR_FEES, 1), moved(BOB, ANN, 2)))
    books.one(entry(2, Posting(EVE, BOB, 5, Mode.UP_TO), moved(ANN, OUR_FEES, 1)))
    books.one(entry(3, pended(ANN, BOB, 7)))
    books.one(entry(4, posted(ANN, BOB, 3, 3)))
    told = {name: places_touching(reader, [account], 9) for name, account in NAMES.items()}
    assert told == {"ann": [5, 4, 3, 2, 1], "bob": [5, 4, 2], "eve": [], "fees": [3, 2], "bank": [1]}
    assert places_touching(reader, [BOB, OUR_FEES, EVE], 3) == [5, 4, 3]
    assert false_statements(reader) == []


NAMES = {"ann": ANN, "bob": BOB, "eve": EVE, "fees": OUR_FEES, "bank": BANK}


def test_what_was_rolled_back_is_in_no_statement(books: Books, reader: Reader) -> None:
    if books.engine.cluster is not None:
        pytest.skip("a cluster does not roll back: what was posted is posted")
    books.fund(ANN, 100)
    books.engine.store.begin()
    books.engine.ledger.post([entry(n, moved(BANK, ANN, 1)) for n in range(1, 2 * NEWEST)], 0)
    books.engine.store.rollback()
    assert places_touching(reader, [ANN], 9) == [1]
    refused, paid = entry(2, moved(ANN, BOB, 101)), entry(1, moved(ANN, BOB, 100))
    assert books.post(paid, refused, paid) == [Outcome.CREATED, Outcome.EXCEEDS_CREDITS, Outcome.EXISTS]
    assert books.post(paid, refused) == [Outcome.EXISTS, Outcome.ID_ALREADY_REFUSED]
    assert (places_touching(reader, [ANN], 9), places_touching(reader, [BOB], 9)) == ([2, 1], [2])
    assert false_statements(reader) == []


def test_two_posts_in_one_transaction_go_on_with_one_statement(books: Books, reader: Reader) -> None:
    store, ledger = books.engine.store, books.engine.ledger
    store.begin()
    ledger.post([entry(n, moved(BANK, ANN, 1)) for n in range(1, NEWEST + 1)], 0)
    ledger.post([entry(n, moved(BANK, ANN, 1)) for n in range(NEWEST + 1, NEWEST + 4)], 0)
    store.commit()
    assert places_touching(reader, [ANN], 99) == list(range(NEWEST + 3, 0, -1))
    assert false_statements(reader) == []


@pytest.mark.parametrize("newest", [(), (1,), (1, 3), (2, 1), (1, 2, 2)])
def test_a_false_statement_is_named(books: Books, reader: Reader, newest: tuple[int, ...]) -> None:
    books.fund(ANN, 100)
    books.one(entry(1, moved(ANN, BOB, 10)))
    books.one(entry(2, moved(BANK, EVE, 10)))
    assert false_statements(reader) == []
    form = "x'{}'" if isinstance(reader, SqliteReader) else "decode('{}', 'hex')"
    books.engine.store.connection.execute(
        f"UPDATE accounts SET newest = {form.format(packed(newest).hex())} WHERE id = {form.format(ANN.hex())}"
    )
    assert false_statements(reader) == [ANN]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20)
@given(data=st.data())
def test_statements_agree_with_the_journal_after_random_batches(
    books: Books, reader: Reader, data: st.DataObject
) -> None:
    engine = books.engine
    number = int(engine.rows("SELECT coalesce(max(seq), 0) FROM entries")[0][0]) + 1
    accounts = list(NAMES.values())
    for _ in range(data.draw(st.integers(1, 3))):
        size = data.draw(st.integers(1, 2 * PIECE))
        debit, credit = data.draw(st.permutations(accounts))[:2]
        engine.store.begin()
        engine.ledger.post([entry(number + n, moved(BANK, ANN, 9), moved(debit, credit, 1)) for n in range(size)], 0)
        if engine.cluster is None and data.draw(st.booleans()):
            engine.store.rollback()
        else:
            engine.store.commit()
        number += size
    with reader.snapshot():
        entries = list(all_entries(reader))
        assert misstated(reader) == []
    some = data.draw(st.lists(st.sampled_from(accounts), unique=True))
    limit, place = data.draw(st.integers(1, 3 * PIECE)), data.draw(st.integers(0, 10**6)) % (len(entries) + 3)
    places = [booked.seq for booked in entries if {a for p in booked.postings for a in (p.debit, p.credit)} & {*some}]
    assert places_touching(reader, some, limit) == places[::-1][:limit]
    assert places_touching(reader, some, limit, before=place) == [p for p in places[::-1] if p < place][:limit]
    assert places_touching(reader, some, limit, after=place) == [p for p in places if p > place][:limit]
