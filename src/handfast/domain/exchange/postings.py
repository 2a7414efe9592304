"""The entries of exchange deals: what the bank sold and bought closes the operator's position."""

from handfast.core.ids import account_id
from handfast.domain.custody import BankLine, booking
from handfast.domain.parties import HOUSE
from handfast.ledger import Entry, Purpose


def book(line: BankLine) -> Entry:
    """Given a deal, when one of its lines is booked, then bank and position move together."""
    return booking(line, account_id(HOUSE, Purpose.POSITION, line.currency), "deal.book")
