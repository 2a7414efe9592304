"""The entries of payouts: money set aside when asked for, gone when the bank says so, or given back to its source."""

from handfast.core.ids import Id, account_id, entry_id
from handfast.domain.custody import BankLine, booking
from handfast.domain.payouts.model import Payout
from handfast.ledger import Entry, Posting, Purpose

REQUEST = 1
GIVE_BACK = 2


def request(payout: Payout) -> Entry:
    """Given an account with the amount, when a payout is asked for, then it is set aside and cannot be spent twice."""
    posting = Posting(_source(payout), _on_its_way(payout), payout.amount)
    return Entry(entry_id(payout.id, REQUEST), "payout.request", (posting,))


def give_back(payout: Payout) -> Entry:
    """Given a payout that the bank never made, when it is cancelled or rejected, then its source has the money back."""
    posting = Posting(_on_its_way(payout), _source(payout), payout.amount)
    return Entry(entry_id(payout.id, GIVE_BACK), "payout.give_back", (posting,))


def book(payout: Payout, line: BankLine) -> Entry:
    """Given an ordered payout, when the bank has debited it, then it is neither owed nor in the bank any more."""
    return booking(line, _on_its_way(payout), "payout.book")


def return_(payout: Payout, line: BankLine) -> Entry:
    """Given a payout that was paid, when the other bank returns it, then its source has the money again."""
    return booking(line, _source(payout), "payout.return")


def _source(payout: Payout) -> Id:
    return account_id(payout.party, payout.source, payout.currency)


def _on_its_way(payout: Payout) -> Id:
    return account_id(payout.party, Purpose.PAYOUT, payout.currency)
