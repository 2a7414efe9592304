"""UP_TO postings and capped accounts, on every engine: as much as there is, never more than is owed."""

import pytest
from tests.conformance.books import ANN, ANN_OWES, BANK, BOB, Books, entry, moved, party
from tests.conftest import Engine

from handfast.core.ids import Id, account_id
from handfast.ledger import Balance, Mode, Outcome, Posting, Purpose

ANNS_RESERVE = account_id(party(1), Purpose.RESERVE, "USD")


@pytest.fixture
def books(every_engine: Engine) -> Books:
    return Books(every_engine)


def up_to(debit: Id, credit: Id, amount: int) -> Posting:
    return Posting(debit, credit, amount, Mode.UP_TO)


def test_as_much_as_the_account_has(books: Books) -> None:
    books.fund(ANN, 70)
    assert books.one(entry(1, up_to(ANN, BOB, 100))) is Outcome.CREATED
    assert books.one(entry(2, up_to(ANN, BOB, 100))) is Outcome.CREATED
    assert books.posted(ANN, BOB) == [0, 70]


def test_what_is_set_aside_stays(books: Books) -> None:
    books.fund(ANN, 70)
    books.one(entry(1, Posting(ANN, BOB, 50, Mode.PENDING)))
    books.one(entry(2, up_to(ANN, BOB, 100)))
    assert books.balance(ANN) == Balance(ANN, 50, 20, 0, 70)


def test_nobody_pays_back_more_than_is_owed(books: Books) -> None:
    books.fund(ANN, 100)
    assert books.one(entry(1, moved(ANN_OWES, BOB, 30))) is Outcome.CREATED
    assert books.one(entry(2, moved(ANN, ANN_OWES, 31))) is Outcome.EXCEEDS_DEBITS
    assert books.one(entry(3, moved(ANN, ANN_OWES, 10), up_to(ANN, ANN_OWES, 100))) is Outcome.CREATED
    assert books.posted(ANN, BOB, ANN_OWES) == [70, 30, 0]


def test_a_refund_takes_balance_then_reserve_then_leaves_a_debt(books: Books) -> None:
    books.fund(ANN, 25)
    books.fund(ANNS_RESERVE, 30, n=901)
    waterfall = (moved(ANN_OWES, BOB, 80), up_to(ANN, ANN_OWES, 80), up_to(ANNS_RESERVE, ANN_OWES, 80))
    assert books.one(entry(1, *waterfall)) is Outcome.CREATED
    assert books.posted(ANN, ANNS_RESERVE, ANN_OWES, BOB) == [0, 0, -25, 80]
    netted = (moved(BANK, ANN, 20), up_to(ANN, ANN_OWES, 20))
    assert books.one(entry(2, *netted)) is Outcome.CREATED
    assert books.posted(ANN, ANN_OWES) == [0, -5]


def test_asked_again_it_exists_whatever_it_moved(books: Books) -> None:
    books.fund(ANN, 40)
    assert books.one(entry(1, up_to(ANN, BOB, 100))) is Outcome.CREATED
    books.fund(ANN, 40, n=901)
    assert books.one(entry(1, up_to(ANN, BOB, 100))) is Outcome.EXISTS
    assert books.one(entry(1, up_to(ANN, BOB, 39))) is Outcome.EXISTS_WITH_DIFFERENT_CONTENT
    assert books.one(entry(1, moved(ANN, BOB, 40))) is Outcome.EXISTS_WITH_DIFFERENT_CONTENT
    assert books.posted(ANN, BOB) == [40, 40]


def test_an_entry_refused_later_gives_back_what_up_to_took(books: Books) -> None:
    books.fund(ANN, 40)
    assert books.one(entry(1, up_to(ANN, BOB, 100), moved(BOB, ANN, 41))) is Outcome.EXCEEDS_CREDITS
    assert books.posted(ANN, BOB) == [40, 0]


@pytest.mark.parametrize("amount", [0, -1])
def test_the_most_is_an_amount(books: Books, amount: int) -> None:
    books.fund(ANN, 40)
    assert books.one(entry(1, up_to(ANN, BOB, amount))) is Outcome.AMOUNT_INVALID
