"""A ledger whose batches are committed one by one, and the words in which its tests tell entries."""

from typing import Any

from tests.conftest import Engine

from handfast.core.ids import Id, account_id
from handfast.ledger import Balance, Entry, Mode, Outcome, Posting, Purpose


def party(n: int) -> Id:
    return n.to_bytes(13, "big") + b"\0\0\0"


def wallet(n: int, currency: str = "USD") -> Id:
    return account_id(party(n), Purpose.WALLET, currency)


ANN, BOB, EVE = wallet(1), wallet(2), wallet(3)
ANN_OWES = account_id(party(1), Purpose.RECEIVABLE, "USD")
BANK = account_id(party(0), Purpose.CUSTODY, "USD")
POSITION = account_id(party(0), Purpose.POSITION, "USD")
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

    def rows(self, sql: str) -> list[Any]:
        return self.engine.rows(sql)
