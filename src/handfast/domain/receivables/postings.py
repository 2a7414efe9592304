"""The entries of receivables: paid out of the party's wallet, or borne by the operator."""

from handfast.core.ids import account_id, entry_id
from handfast.core.money import MAX_AMOUNT
from handfast.domain.parties import HOUSE
from handfast.domain.receivables.model import Netting, WriteOff
from handfast.ledger import Entry, Mode, Posting, Purpose

WRITE_OFF = 1
NET = 1


def write_off(done: WriteOff) -> Entry:
    """Given a receivable, when a part of it is written off, then the operator bears it; never more than is owed."""
    giver = account_id(HOUSE, Purpose.OPERATOR, done.currency)
    posting = Posting(giver, account_id(done.party, Purpose.RECEIVABLE, done.currency), done.amount)
    return Entry(entry_id(done.id, WRITE_OFF), "receivable.write_off", (posting,))


def net(netting: Netting) -> Entry:
    """Given money in the wallet that came otherwise than by a sale, when netted, then it pays what is owed first."""
    wallet, owed = (
        account_id(netting.party, purpose, netting.currency) for purpose in (Purpose.WALLET, Purpose.RECEIVABLE)
    )
    posting = Posting(wallet, owed, MAX_AMOUNT, Mode.UP_TO)
    return Entry(entry_id(netting.id, NET), "receivable.net", (posting,))
