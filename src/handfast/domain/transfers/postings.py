"""The entry of a transfer: the payer's wallet gives, the payee's wallet takes."""

from handfast.core.ids import account_id, entry_id
from handfast.domain.transfers.model import Transfer
from handfast.ledger import Entry, Posting, Purpose

CREATE = 1


def create(transfer: Transfer) -> Entry:
    """Given a wallet with the amount, when it is transferred, then it is the payee's at once."""
    payer = account_id(transfer.payer, Purpose.WALLET, transfer.currency)
    payee = account_id(transfer.payee, Purpose.WALLET, transfer.currency)
    return Entry(entry_id(transfer.id, CREATE), "transfer.create", (Posting(payer, payee, transfer.amount),))
