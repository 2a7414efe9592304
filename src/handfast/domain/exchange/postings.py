"""The entries of exchange deals: what the bank sold and bought closes the operator's position."""

from handfast.core.ids import account_id, entry_id
from handfast.domain.exchange.model import Deal
from handfast.domain.parties import HOUSE
from handfast.ledger import Entry, Posting, Purpose

BOOK = 1


def book(deal: Deal, currency: str, amount: int) -> Entry:
    """Given a deal, when its line of `amount` (signed, + money in) is booked, then bank and position move together."""
    custody = account_id(HOUSE, Purpose.CUSTODY, currency)
    position = account_id(HOUSE, Purpose.POSITION, currency)
    posting = Posting(custody, position, amount) if amount > 0 else Posting(position, custody, -amount)
    return Entry(entry_id(deal.id, BOOK, deal.version), "deal.book", (posting,))
