"""One suite for every ledger engine: what is told here of accounts, entries and outcomes holds on each of them."""

from collections.abc import Callable

import pytest
from tests.conformance.books import (
    ANN,
    BANK,
    BOB,
    EVE,
    OUR_FEES,
    POSITION,
    Books,
    eid,
    entry,
    moved,
    party,
    pended,
    posted,
    voided,
)
from tests.conftest import Engine

from handfast.core.ids import account_id
from handfast.core.money import MAX_AMOUNT
from handfast.ledger import Balance, Entry, Outcome, Purpose

LIMIT = 2**63 - 1


@pytest.fixture
def books(every_engine: Engine) -> Books:
    return Books(every_engine)


def test_an_account_never_posted_to_is_at_zero(books: Books) -> None:
    assert books.balance(ANN) == Balance(ANN, 0, 0, 0, 0)


def test_money_comes_in_and_goes_on(books: Books) -> None:
    assert books.one(entry(1, moved(BANK, ANN, 10_000))) is Outcome.CREATED
    assert books.one(entry(2, moved(ANN, BOB, 4_000))) is Outcome.CREATED
    assert books.balance(ANN) == Balance(ANN, 0, 4_000, 0, 10_000)
    assert books.posted(BANK, ANN, BOB) == [-10_000, 6_000, 4_000]


def test_balances_come_in_the_order_asked(books: Books) -> None:
    books.fund(ANN, 5)
    assert [b.account for b in books.engine.ledger.balances([BOB, ANN, BANK])] == [BOB, ANN, BANK]


def test_a_batch_is_decided_in_order(books: Books) -> None:
    early, income, late = (
        entry(1, moved(ANN, BOB, 100)),
        entry(2, moved(BANK, ANN, 100)),
        entry(3, moved(ANN, BOB, 100)),
    )
    assert books.post(early, income, late) == [Outcome.EXCEEDS_CREDITS, Outcome.CREATED, Outcome.CREATED]
    assert books.posted(ANN, BOB) == [0, 100]


def test_a_refusal_in_a_batch_frees_what_it_would_have_taken(books: Books) -> None:
    books.fund(ANN, 100)
    outcomes = books.post(
        entry(1, moved(ANN, BOB, 60)),
        entry(2, moved(ANN, EVE, 60)),
        entry(3, moved(ANN, EVE, 40)),
    )
    assert outcomes == [Outcome.CREATED, Outcome.EXCEEDS_CREDITS, Outcome.CREATED]
    assert books.posted(ANN, BOB, EVE) == [0, 60, 40]


def test_an_entry_happens_wholly_or_not_at_all(books: Books) -> None:
    books.fund(ANN, 100)
    split = entry(1, moved(ANN, BOB, 70), moved(BANK, EVE, 5), moved(ANN, OUR_FEES, 31))
    assert books.one(split) is Outcome.EXCEEDS_CREDITS
    assert books.posted(ANN, BOB, EVE, OUR_FEES) == [100, 0, 0, 0]
    assert books.rows("SELECT seq FROM entries") == [(1,)]


def test_a_failed_entry_leaves_no_pending_behind(books: Books) -> None:
    books.fund(ANN, 100)
    assert books.one(entry(1, pended(ANN, BOB, 60), moved(ANN, EVE, 41))) is Outcome.EXCEEDS_CREDITS
    assert books.balance(ANN) == Balance(ANN, 0, 0, 0, 100)
    assert books.one(entry(2, posted(ANN, BOB, 60, 1))) is Outcome.PENDING_NOT_FOUND


def test_a_failed_entry_leaves_the_pending_that_it_would_have_resolved(books: Books) -> None:
    books.fund(ANN, 100)
    books.one(entry(1, pended(ANN, BOB, 60)))
    assert books.one(entry(2, posted(ANN, BOB, 50, 1), moved(ANN, EVE, 51))) is Outcome.EXCEEDS_CREDITS
    assert books.one(entry(3, voided(ANN, BOB, 60, 1), moved(ANN, EVE, 101))) is Outcome.EXCEEDS_CREDITS
    assert books.balance(ANN) == Balance(ANN, 60, 0, 0, 100)
    assert books.one(entry(4, posted(ANN, BOB, 60, 1))) is Outcome.CREATED


def test_postings_of_an_entry_follow_each_other(books: Books) -> None:
    assert books.one(entry(1, moved(BANK, ANN, 100), moved(ANN, BOB, 100), moved(BOB, EVE, 100))) is Outcome.CREATED
    assert books.one(entry(2, moved(BOB, EVE, 50), moved(BANK, BOB, 50))) is Outcome.EXCEEDS_CREDITS
    assert books.posted(ANN, BOB, EVE) == [0, 0, 100]


def test_pending_money_is_reserved_but_not_given(books: Books) -> None:
    books.fund(ANN, 100)
    books.one(entry(1, pended(ANN, BOB, 80)))
    assert books.balance(ANN) == Balance(ANN, 80, 0, 0, 100)
    assert books.balance(ANN).available == 20
    assert books.balance(BOB) == Balance(BOB, 0, 0, 80, 0)
    assert books.one(entry(2, moved(ANN, EVE, 21))) is Outcome.EXCEEDS_CREDITS
    assert books.one(entry(3, moved(BOB, EVE, 1))) is Outcome.EXCEEDS_CREDITS


def test_posting_a_part_frees_the_rest(books: Books) -> None:
    books.fund(ANN, 100)
    books.one(entry(1, pended(ANN, BOB, 80)))
    assert books.one(entry(2, posted(ANN, BOB, 50, 1))) is Outcome.CREATED
    assert books.balance(ANN) == Balance(ANN, 0, 50, 0, 100)
    assert books.balance(BOB) == Balance(BOB, 0, 0, 0, 50)


def test_posting_a_part_may_pend_the_rest_anew(books: Books) -> None:
    books.fund(ANN, 80)
    books.one(entry(1, pended(ANN, BOB, 80)))
    assert books.one(entry(2, posted(ANN, BOB, 50, 1), pended(ANN, BOB, 30))) is Outcome.CREATED
    assert books.balance(ANN) == Balance(ANN, 30, 50, 0, 80)
    assert books.one(entry(3, posted(ANN, BOB, 30, 1))) is Outcome.PENDING_ALREADY_POSTED
    assert books.one(entry(4, posted(ANN, BOB, 30, 2))) is Outcome.CREATED
    assert books.posted(ANN, BOB) == [0, 80]


def test_a_void_frees_all(books: Books) -> None:
    books.fund(ANN, 100)
    books.one(entry(1, pended(ANN, BOB, 80)))
    assert books.one(entry(2, voided(ANN, BOB, 80, 1))) is Outcome.CREATED
    assert books.balance(ANN) == Balance(ANN, 0, 0, 0, 100)
    assert books.balance(BOB) == Balance(BOB, 0, 0, 0, 0)


def test_a_pending_is_resolved_in_the_batch_that_made_it(books: Books) -> None:
    books.fund(ANN, 100)
    outcomes = books.post(
        entry(1, pended(ANN, BOB, 100)),
        entry(2, posted(ANN, BOB, 60, 1)),
        entry(3, voided(ANN, BOB, 100, 1)),
        entry(4, moved(ANN, EVE, 40)),
    )
    assert outcomes == [Outcome.CREATED, Outcome.CREATED, Outcome.PENDING_ALREADY_POSTED, Outcome.CREATED]
    assert books.rows("SELECT state FROM pendings") == [("posted",)]


def test_an_entry_may_resolve_what_it_pended_itself(books: Books) -> None:
    books.fund(ANN, 100)
    itself = (pended(ANN, BOB, 60), posted(ANN, BOB, 50, 1))
    assert books.one(entry(1, *itself)) is Outcome.CREATED
    assert books.balance(ANN) == Balance(ANN, 0, 50, 0, 100)
    assert books.one(entry(2, posted(ANN, BOB, 10, 1))) is Outcome.PENDING_ALREADY_POSTED
    failing = (pended(ANN, BOB, 30), posted(ANN, BOB, 20, 3), moved(ANN, EVE, 31))
    assert books.one(entry(3, *failing)) is Outcome.EXCEEDS_CREDITS
    assert books.balance(ANN) == Balance(ANN, 0, 50, 0, 100)
    assert books.rows("SELECT id, state FROM pendings") == [(eid(1), "posted")]


def test_an_entry_may_resolve_one_pending_and_pay_on(books: Books) -> None:
    books.fund(ANN, 100)
    books.one(entry(1, pended(ANN, BOB, 100)))
    assert books.one(entry(2, posted(ANN, BOB, 100, 1), moved(BOB, OUR_FEES, 3))) is Outcome.CREATED
    assert books.posted(ANN, BOB, OUR_FEES) == [0, 97, 3]


def test_the_same_entry_again_changes_nothing(books: Books) -> None:
    books.fund(ANN, 100)
    pay, hold = entry(1, moved(ANN, BOB, 30), moved(ANN, OUR_FEES, 1)), entry(2, pended(ANN, EVE, 20))
    settle = entry(3, posted(ANN, EVE, 20, 2))
    assert books.post(pay, hold, settle) == [Outcome.CREATED] * 3
    assert books.post(settle, pay, hold) == [Outcome.EXISTS] * 3
    assert books.posted(ANN, BOB, EVE, OUR_FEES) == [49, 30, 20, 1]
    assert books.rows("SELECT count(*) FROM entries") == [(4,)]


@pytest.mark.parametrize(
    "other",
    [
        entry(1, moved(ANN, BOB, 31)),
        entry(1, moved(ANN, EVE, 30)),
        entry(1, moved(EVE, BOB, 30)),
        entry(1, pended(ANN, BOB, 30)),
        entry(1, moved(ANN, BOB, 30), moved(ANN, BOB, 1)),
        entry(1, moved(ANN, BOB, 30), kind="another reason"),
        entry(1),
    ],
)
def test_a_spent_id_with_other_content_is_refused(books: Books, other: Entry) -> None:
    books.fund(ANN, 100)
    books.one(entry(1, moved(ANN, BOB, 30)))
    assert books.one(other) is Outcome.EXISTS_WITH_DIFFERENT_CONTENT
    assert books.posted(ANN, BOB) == [70, 30]
    assert books.one(entry(1, moved(ANN, BOB, 30))) is Outcome.EXISTS


def test_one_id_twice_in_a_batch(books: Books) -> None:
    books.fund(ANN, 100)
    pay, other = entry(1, moved(ANN, BOB, 30)), entry(1, moved(ANN, BOB, 31))
    assert books.post(pay, pay, other) == [
        Outcome.CREATED,
        Outcome.EXISTS,
        Outcome.EXISTS_WITH_DIFFERENT_CONTENT,
    ]
    assert books.posted(BOB) == [30]


def test_an_id_once_refused_stays_refused(books: Books) -> None:
    pay = entry(1, moved(ANN, BOB, 30))
    assert books.post(pay, entry(2, moved(BANK, ANN, 100)), pay) == [
        Outcome.EXCEEDS_CREDITS,
        Outcome.CREATED,
        Outcome.ID_ALREADY_REFUSED,
    ]
    assert books.one(pay) is Outcome.ID_ALREADY_REFUSED
    assert books.one(entry(1, moved(BANK, EVE, 1))) is Outcome.ID_ALREADY_REFUSED
    assert books.one(entry(3, moved(ANN, BOB, 30))) is Outcome.CREATED
    assert books.posted(ANN, BOB, EVE) == [70, 30, 0]


def test_everything_is_known_after_reopening(opening: Callable[[], Engine]) -> None:
    books = Books(opening())
    pay, refused = entry(1, moved(BANK, ANN, 30), pended(ANN, BOB, 20)), entry(2, moved(ANN, BOB, 30))
    assert books.post(pay, refused) == [Outcome.CREATED, Outcome.EXCEEDS_CREDITS]
    books.engine.store.close()
    books = Books(opening())
    assert books.post(pay, refused) == [Outcome.EXISTS, Outcome.ID_ALREADY_REFUSED]
    assert books.one(entry(3, posted(ANN, BOB, 20, 1))) is Outcome.CREATED
    assert books.rows("SELECT seq, kind FROM entries ORDER BY seq") == [(1, "test"), (2, "test")]
    books.engine.store.close()


def test_a_hot_account_takes_a_thousand_entries_in_a_batch(books: Books) -> None:
    income = [entry(n, moved(BANK, BOB, n)) for n in range(1, 1001)]
    assert set(books.post(*income)) == {Outcome.CREATED}
    assert books.posted(BOB, BANK) == [500_500, -500_500]
    assert books.rows("SELECT count(*) FROM entries") == [(1000,)]


def test_the_largest_amount(books: Books) -> None:
    assert books.one(entry(1, moved(BANK, ANN, MAX_AMOUNT))) is Outcome.CREATED
    assert books.one(entry(2, moved(BANK, ANN, MAX_AMOUNT + 1))) is Outcome.AMOUNT_INVALID
    assert books.posted(ANN) == [MAX_AMOUNT]


@pytest.fixture
def brimful(books: Books) -> Books:
    """BANK's debits and OUR_FEES' credits one minor unit below what 64 bits hold."""
    rest = LIMIT - 1 - 9_223 * MAX_AMOUNT
    flood = [moved(BANK, OUR_FEES, MAX_AMOUNT)] * 9_223
    assert books.one(entry(901, *flood[:3_999])) is Outcome.CREATED
    assert books.one(entry(902, *flood[3_999:7_998])) is Outcome.CREATED
    assert books.one(entry(903, *flood[7_998:], moved(BANK, OUR_FEES, rest))) is Outcome.CREATED
    return books


def test_a_balance_reaches_64_bits_and_no_further(brimful: Books) -> None:
    assert brimful.one(entry(2, moved(BANK, OUR_FEES, 2))) is Outcome.OVERFLOWS
    assert brimful.one(entry(3, moved(BANK, ANN, 2))) is Outcome.OVERFLOWS
    assert brimful.one(entry(4, moved(POSITION, OUR_FEES, 2))) is Outcome.OVERFLOWS
    assert brimful.one(entry(5, moved(BANK, OUR_FEES, 1))) is Outcome.CREATED
    assert brimful.balance(BANK) == Balance(BANK, 0, LIMIT, 0, 0)
    assert brimful.balance(OUR_FEES) == Balance(OUR_FEES, 0, 0, 0, LIMIT)
    assert brimful.one(entry(6, pended(BANK, ANN, 1))) is Outcome.OVERFLOWS


def test_what_was_pended_at_the_bound_can_be_posted(brimful: Books) -> None:
    assert brimful.one(entry(2, pended(BANK, OUR_FEES, 1))) is Outcome.CREATED
    assert brimful.one(entry(3, moved(BANK, OUR_FEES, 1))) is Outcome.OVERFLOWS
    assert brimful.one(entry(4, posted(BANK, OUR_FEES, 1, 2))) is Outcome.CREATED
    assert brimful.balance(OUR_FEES) == Balance(OUR_FEES, 0, 0, 0, LIMIT)


def test_a_floor_holds_for_wallets_and_not_for_the_bank(books: Books) -> None:
    for purpose in Purpose:
        account = account_id(party(7), purpose, "USD")
        floored = purpose in {Purpose.WALLET, Purpose.HELD, Purpose.PAYOUT, Purpose.SUSPENSE, Purpose.RESERVE}
        outcome = books.one(entry(100 + purpose, moved(account, BOB, 1)))
        assert outcome is (Outcome.EXCEEDS_CREDITS if floored else Outcome.CREATED), purpose


def test_nothing_leaves_for_the_bank_that_is_not_there(books: Books) -> None:
    """The operator's fees have no floor, but a payout of them has to be covered."""
    leaving = account_id(party(0), Purpose.PAYOUT, "USD")
    books.fund(OUR_FEES, 100)
    assert books.one(entry(1, moved(OUR_FEES, leaving, 101))) is Outcome.EXCEEDS_CREDITS
    assert books.one(entry(2, moved(OUR_FEES, leaving, 100))) is Outcome.CREATED
    assert books.one(entry(3, moved(OUR_FEES, ANN, 1))) is Outcome.CREATED
