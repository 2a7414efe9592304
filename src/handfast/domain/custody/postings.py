"""The entries of bank lines: what the bank booked, custody books, against the account that the line is for."""

from handfast.core.ids import Id, account_id, entry_id
from handfast.domain.custody.model import BankLine
from handfast.domain.parties import HOUSE
from handfast.ledger import Entry, Posting, Purpose

BOOK = 1
RESOLVE = 2


def own_account(party: Id, currency: str) -> Id:
    """Where money of a party is kept: its wallet; for the house, whose money is no client's, the operator account."""
    return account_id(party, Purpose.OPERATOR if party == HOUSE else Purpose.WALLET, currency)


def booking(line: BankLine, account: Id, kind: str) -> Entry:
    """Given a bank line, when it is booked, then custody and `account` move by its amount, together, once.

    The entry's id is the line's, whatever the line is for: the ledger itself refuses to count it twice.
    """
    custody = account_id(HOUSE, Purpose.CUSTODY, line.currency)
    return Entry(entry_id(line.id, BOOK), kind, (_flow(line.amount, custody, account),))


def suspense(line: BankLine) -> Entry:
    """Given a line that nothing explains, when it is booked, then a credit waits in suspense.

    A debit is the operator's loss until it is explained: clients are owed as much as before, so what is missing from
    their money is taken from the operator's own, which may go below zero.
    """
    return booking(line, _exception(line), "custody.suspense")


def resolve(line: BankLine, party: Id) -> Entry | None:
    """Given a line in suspense, when a party is found to be its owner, then the party gets, or bears, its amount.

    None where nothing moves: an unexplained debit that the house bears has been the house's from the start.
    """
    source, target = _exception(line), own_account(party, line.currency)
    if source == target:
        return None
    entry = entry_id(line.id, RESOLVE, line.attempt)
    return Entry(entry, "custody.resolve", (_flow(line.amount, source, target),))


def _exception(line: BankLine) -> Id:
    return account_id(HOUSE, Purpose.SUSPENSE if line.amount > 0 else Purpose.OPERATOR, line.currency)


def _flow(amount: int, giver: Id, taker: Id) -> Posting:
    """A posting of a signed amount; below zero, taker and giver change places."""
    return Posting(giver, taker, amount) if amount > 0 else Posting(taker, giver, -amount)
