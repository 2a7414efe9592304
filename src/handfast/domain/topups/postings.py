"""The entry of a top-up: the bank took money in, the party gets it."""

from handfast.domain.custody import BankLine, booking, own_account
from handfast.domain.topups.model import Topup
from handfast.ledger import Entry


def book(topup: Topup, line: BankLine) -> Entry:
    """Given a top-up, when its money is on the bank statement, then it is in the wallet.

    The house's own top-up is prefunding: it goes to the operator account, apart from what clients own.
    """
    return booking(line, own_account(topup.party, topup.currency), "topup.book")
