"""The entries of payouts: money set aside when asked for, gone when the bank says so, or given back to its source."""

from handfast.core.ids import Id, account_id, entry_id
from handfast.core.money import MAX_AMOUNT
from handfast.domain.custody import BankLine, booking
from handfast.domain.payouts.model import Payout
from handfast.ledger import Entry, Mode, Posting, Purpose

REQUEST = 1
GIVE_BACK = 2


def request(payout: Payout) -> Entry:
    """Given a wallet, when a payout is asked for, then what the party owes is paid first, and the amount set aside.

    So nothing that is owed to the operator leaves, and what is set aside cannot be spent twice. The operator, whose own
    accounts are swept, owes itself nothing.
    """
    postings = [Posting(_source(payout), _on_its_way(payout), payout.amount)]
    if payout.source == Purpose.WALLET:
        owed = account_id(payout.party, Purpose.RECEIVABLE, payout.currency)
        postings.insert(0, Posting(_source(payout), owed, MAX_AMOUNT, Mode.UP_TO))
    return Entry(entry_id(payout.id, REQUEST), "payout.request", tuple(postings))


def give_back(payout: Payout) -> Entry:
    """Given a payout that the bank never made, when it is cancelled or rejected, then its source has the money back.

    A payout may be freed of a file and ordered by another, but it is given back once.
    """
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
