"""Every outcome of an entry by name, on every ledger engine."""

import pytest
from tests.conformance.books import (
    ANN,
    ANN_OWES,
    BANK,
    BOB,
    EURO_BANK,
    EVE,
    OUR_FEES,
    Books,
    entry,
    moved,
    pended,
    posted,
    voided,
    wallet,
)
from tests.conftest import Engine

from handfast.core.money import MAX_AMOUNT
from handfast.ledger import Balance, Entry, Mode, Outcome, Posting
from handfast.ledger.model import MAX_POSTINGS


@pytest.fixture
def books(every_engine: Engine) -> Books:
    return Books(every_engine)


OUTCOMES: dict[Outcome, Entry] = {
    Outcome.CREATED: entry(50, moved(ANN, BOB, 100)),
    Outcome.EXISTS: entry(1, moved(BANK, ANN, 1_000)),
    Outcome.EXISTS_WITH_DIFFERENT_CONTENT: entry(1, moved(BANK, ANN, 1_001)),
    Outcome.ID_ALREADY_REFUSED: entry(2, moved(EVE, BOB, 1)),
    Outcome.POSTINGS_EMPTY: entry(51),
    Outcome.POSTINGS_TOO_MANY: entry(64, *[moved(ANN, BOB, 1)] * (MAX_POSTINGS + 1)),
    Outcome.AMOUNT_INVALID: entry(52, moved(ANN, BOB, 0)),
    Outcome.ACCOUNTS_MUST_DIFFER: entry(53, moved(ANN, ANN, 1)),
    Outcome.CURRENCIES_MUST_MATCH: entry(54, moved(EURO_BANK, ANN, 1)),
    Outcome.SECOND_PENDING: entry(55, pended(ANN, BOB, 1), pended(ANN, EVE, 1)),
    Outcome.PENDING_NOT_FOUND: entry(56, posted(ANN, BOB, 1, 99)),
    Outcome.PENDING_HAS_DIFFERENT_ACCOUNTS: entry(57, posted(ANN, EVE, 10, 3)),
    Outcome.PENDING_ALREADY_POSTED: entry(58, voided(ANN, BOB, 20, 4)),
    Outcome.PENDING_ALREADY_VOIDED: entry(59, posted(ANN, BOB, 30, 5)),
    Outcome.EXCEEDS_PENDING_AMOUNT: entry(60, posted(ANN, BOB, 11, 3)),
    Outcome.EXCEEDS_CREDITS: entry(61, moved(BOB, ANN, 1_000)),
    Outcome.EXCEEDS_DEBITS: entry(63, moved(ANN, ANN_OWES, 1)),
    Outcome.OVERFLOWS: entry(62, *[moved(BANK, OUR_FEES, MAX_AMOUNT)] * 1_300),
}


def test_every_outcome_has_its_example() -> None:
    assert set(OUTCOMES) == set(Outcome)


@pytest.mark.parametrize("outcome", Outcome)
def test_outcome(books: Books, outcome: Outcome) -> None:
    outcomes = books.post(
        entry(1, moved(BANK, ANN, 1_000)),
        entry(2, moved(EVE, BOB, 1)),
        entry(3, pended(ANN, BOB, 10)),
        entry(4, pended(ANN, BOB, 20)),
        entry(5, pended(ANN, BOB, 30)),
        entry(6, posted(ANN, BOB, 20, 4)),
        entry(7, voided(ANN, BOB, 30, 5)),
    )
    assert [o for o in outcomes if o is not Outcome.CREATED] == [Outcome.EXCEEDS_CREDITS]
    if outcome is Outcome.OVERFLOWS:
        flood = [entry(10 + n, *[moved(BANK, OUR_FEES, MAX_AMOUNT)] * 4_000) for n in range(2)]
        assert books.post(*flood) == [Outcome.CREATED] * 2
    before = books.engine.ledger.balances([ANN, BOB, EVE, BANK, OUR_FEES])
    assert books.one(OUTCOMES[outcome]) is outcome
    after = books.engine.ledger.balances([ANN, BOB, EVE, BANK, OUR_FEES])
    assert (after != before) == (outcome is Outcome.CREATED)


@pytest.mark.parametrize(
    ("given", "outcome"),
    [
        (entry(10, moved(ANN, BOB, -1)), Outcome.AMOUNT_INVALID),
        (entry(10, pended(ANN, BOB, 0)), Outcome.AMOUNT_INVALID),
        (entry(10, voided(ANN, BOB, 9, 3)), Outcome.EXCEEDS_PENDING_AMOUNT),
        (entry(10, voided(ANN, BOB, 11, 3)), Outcome.EXCEEDS_PENDING_AMOUNT),
        (entry(10, posted(BOB, ANN, 10, 3)), Outcome.PENDING_HAS_DIFFERENT_ACCOUNTS),
        (entry(10, posted(ANN, BOB, 5, 1)), Outcome.PENDING_NOT_FOUND),
        (entry(10, Posting(ANN, BOB, 5, Mode.POST)), Outcome.PENDING_NOT_FOUND),
        (entry(10, posted(ANN, BOB, 5, 3), posted(ANN, BOB, 5, 3)), Outcome.PENDING_ALREADY_POSTED),
        (entry(10, moved(BANK, wallet(1, "EUR"), 1)), Outcome.CURRENCIES_MUST_MATCH),
    ],
)
def test_further_refusals(books: Books, given: Entry, outcome: Outcome) -> None:
    books.post(entry(1, moved(BANK, ANN, 100)), entry(3, pended(ANN, BOB, 10)))
    assert books.one(given) is outcome
    assert books.balance(ANN) == Balance(ANN, 10, 0, 0, 100)
    assert books.balance(BOB) == Balance(BOB, 0, 0, 10, 0)
