"""One suite for every ledger engine: what is told here of accounts, entries and outcomes holds on each of them."""

from collections.abc import Callable, Iterator

import apsw
import psycopg
import pytest
from tests.conftest import Engine, NewDatabase, open_engine

from handfast.core.ids import Id, account_id
from handfast.core.money import MAX_AMOUNT
from handfast.ledger import Balance, Entry, Mode, Outcome, Posting, Purpose

LIMIT = 2**63 - 1


def party(n: int) -> Id:
    return n.to_bytes(13, "big") + b"\0\0\0"


def wallet(n: int, currency: str = "USD") -> Id:
    return account_id(party(n), Purpose.WALLET, currency)


ANN, BOB, EVE = wallet(1), wallet(2), wallet(3)
BANK = account_id(party(0), Purpose.CUSTODY, "USD")
OUR_FEES = account_id(party(0), Purpose.COMMISSION, "USD")
EURO_BANK = account_id(party(0), Purpose.CUSTODY, "EUR")


def eid(n: int) -> Id:
    return n.to_bytes(16, "big")


def entry(n: int, *postings: Posting, kind: str = "test") -> Entry:
    return Entry(eid(n), kind, postings)


def moved(debit: Id, credit: Id, amount: int) -> Posting:
    return Posting(debit, credit, amount)


def pended(debit: Id, credit: Id, amount: int) -> Posting:
    return Posting(debit, credit, amount, Mode.PENDING)


def posted(debit: Id, credit: Id, amount: int, pending: int) -> Posting:
    return Posting(debit, credit, amount, Mode.POST, eid(pending))


def voided(debit: Id, credit: Id, amount: int, pending: int) -> Posting:
    return Posting(debit, credit, amount, Mode.VOID, eid(pending))


class Books:
    """A ledger whose batches are committed one by one."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def post(self, *entries: Entry) -> list[Outcome]:
        self.engine.store.begin()
        outcomes = self.engine.ledger.post(entries, 1_414_368_000_000_000)
        self.engine.store.commit()
        return outcomes

    def one(self, one: Entry) -> Outcome:
        (outcome,) = self.post(one)
        return outcome

    def fund(self, account: Id, amount: int, n: int = 900) -> None:
        assert self.one(entry(n, moved(BANK, account, amount))) is Outcome.CREATED

    def balance(self, account: Id) -> Balance:
        (balance,) = self.engine.ledger.balances([account])
        return balance

    def posted(self, *accounts: Id) -> list[int]:
        return [balance.posted for balance in self.engine.ledger.balances(accounts)]

    def rows(self, sql: str) -> list[tuple[object, ...]]:
        return list(self.engine.store.connection.execute(sql).fetchall())


@pytest.fixture
def books(engine: Engine) -> Books:
    return Books(engine)


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
    assert books.rows("SELECT count(*) FROM postings") == [(1,)]


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


def test_everything_is_known_after_reopening(new_database: NewDatabase) -> None:
    url = new_database()
    books = Books(open_engine(url))
    pay, refused = entry(1, moved(BANK, ANN, 30), pended(ANN, BOB, 20)), entry(2, moved(ANN, BOB, 30))
    assert books.post(pay, refused) == [Outcome.CREATED, Outcome.EXCEEDS_CREDITS]
    books.engine.store.close()
    books = Books(open_engine(url))
    assert books.post(pay, refused) == [Outcome.EXISTS, Outcome.ID_ALREADY_REFUSED]
    assert books.one(entry(3, posted(ANN, BOB, 20, 1))) is Outcome.CREATED
    assert books.rows("SELECT seq, kind FROM entries ORDER BY seq") == [(1, "test"), (2, "test")]
    books.engine.store.close()


def test_a_hot_account_takes_a_thousand_entries_in_a_batch(books: Books) -> None:
    income = [entry(n, moved(BANK, BOB, n)) for n in range(1, 1001)]
    assert set(books.post(*income)) == {Outcome.CREATED}
    assert books.posted(BOB, BANK) == [500_500, -500_500]
    assert books.rows("SELECT count(*) FROM postings") == [(1000,)]


def test_the_largest_amount(books: Books) -> None:
    assert books.one(entry(1, moved(BANK, ANN, MAX_AMOUNT))) is Outcome.CREATED
    assert books.one(entry(2, moved(BANK, ANN, MAX_AMOUNT + 1))) is Outcome.AMOUNT_INVALID
    assert books.posted(ANN) == [MAX_AMOUNT]


@pytest.fixture
def brimful(books: Books) -> Books:
    """BANK's debits and OUR_FEES' credits one minor unit below what 64 bits hold."""
    rest = LIMIT - 1 - 9_223 * MAX_AMOUNT
    flood = [moved(BANK, OUR_FEES, MAX_AMOUNT)] * 9_223
    assert books.one(entry(1, *flood, moved(BANK, OUR_FEES, rest))) is Outcome.CREATED
    return books


def test_a_balance_reaches_64_bits_and_no_further(brimful: Books) -> None:
    assert brimful.one(entry(2, moved(BANK, OUR_FEES, 2))) is Outcome.OVERFLOWS
    assert brimful.one(entry(3, moved(BANK, ANN, 2))) is Outcome.OVERFLOWS
    assert brimful.one(entry(4, moved(EVE, OUR_FEES, 2))) is Outcome.EXCEEDS_CREDITS
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
        floored = purpose in {Purpose.WALLET, Purpose.HELD, Purpose.PAYOUT, Purpose.SUSPENSE}
        outcome = books.one(entry(100 + purpose, moved(account, BOB, 1)))
        assert outcome is (Outcome.EXCEEDS_CREDITS if floored else Outcome.CREATED), purpose


def test_nothing_leaves_for_the_bank_that_is_not_there(books: Books) -> None:
    """The operator's fees have no floor, but a payout of them has to be covered."""
    leaving = account_id(party(0), Purpose.PAYOUT, "USD")
    books.fund(OUR_FEES, 100)
    assert books.one(entry(1, moved(OUR_FEES, leaving, 101))) is Outcome.EXCEEDS_CREDITS
    assert books.one(entry(2, moved(OUR_FEES, leaving, 100))) is Outcome.CREATED
    assert books.one(entry(3, moved(OUR_FEES, ANN, 1))) is Outcome.CREATED


OUTCOMES: dict[Outcome, Entry] = {
    Outcome.CREATED: entry(50, moved(ANN, BOB, 100)),
    Outcome.EXISTS: entry(1, moved(BANK, ANN, 1_000)),
    Outcome.EXISTS_WITH_DIFFERENT_CONTENT: entry(1, moved(BANK, ANN, 1_001)),
    Outcome.ID_ALREADY_REFUSED: entry(2, moved(EVE, BOB, 1)),
    Outcome.POSTINGS_EMPTY: entry(51),
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
    Outcome.OVERFLOWS: entry(62, *[moved(BANK, OUR_FEES, MAX_AMOUNT)] * 9_224),
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


def test_what_was_rolled_back_never_was(books: Books) -> None:
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
    assert books.rows("SELECT entry, n, debit, credit, amount, mode, pending FROM postings ORDER BY entry, n") == [
        (1, 0, BANK, ANN, 100, 0, None),
        (1, 1, ANN, BOB, 60, 1, None),
        (2, 0, ANN, BOB, 50, 2, eid(1)),
        (2, 1, BOB, OUR_FEES, 1, 0, None),
    ]


def test_modes_may_be_plain_numbers(books: Books) -> None:
    mixed = entry(1, Posting(BANK, ANN, 100, 0), Posting(ANN, BOB, 60, Mode.PENDING), Posting(ANN, BOB, 3 * 10**1, 0))
    assert books.one(mixed) is Outcome.CREATED
    assert books.one(entry(2, Posting(ANN, BOB, 60, 2, eid(1)))) is Outcome.CREATED
    assert books.posted(ANN, BOB) == [10, 90]


KEPT = {
    "entries": "kind = 'forged'",
    "postings": "amount = 1",
    "refused_entries": "id = id",
    "operations": "outcome = ''",
    "events": "type = 'forged'",
}


@pytest.fixture
def journal(books: Books) -> Books:
    books.post(entry(1, moved(BANK, ANN, 100), pended(ANN, BOB, 5)), entry(2, moved(ANN, BOB, 101)))
    sixteen = "x'00000000000000000000000000000001'"
    if isinstance(books.engine.store.connection, psycopg.Connection):
        sixteen = "'\\x00000000000000000000000000000001'"
    for sql in (
        f"INSERT INTO operations VALUES ({sixteen}, 'v', 'a', {sixteen}, NULL, {sixteen}, '', {sixteen}, 0)",
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
