"""Rows of write-offs, and what parties owe, which the ledger's balances tell."""

from handfast.core.ids import Id, account_currency, account_purpose, owner_of
from handfast.domain.receivables.model import Owed, WriteOff
from handfast.ledger import Purpose
from handfast.ledger.journal import balances_of
from handfast.store.reader import Reader, find
from handfast.store.table import Table

WRITE_OFFS = Table("write_offs", WriteOff)
INDEXES = (("write_offs", "party, id", ""),)


def outstanding(reader: Reader) -> list[Owed]:
    """All that is owed, by party and currency; a query over all accounts, so a long one."""
    purpose = bytes((Purpose.RECEIVABLE,))
    sql = (
        "SELECT id, debits_posted - credits_posted FROM accounts"
        " WHERE substr(id, 14, 1) = ? AND debits_posted > credits_posted ORDER BY id"
    )
    return [Owed(owner_of(key), account_currency(key), amount) for key, amount in reader.rows(sql, (purpose,))]


def outstanding_of(reader: Reader, party: Id) -> list[Owed]:
    """What one party owes, by currency."""
    return [
        Owed(party, account_currency(balance.account), -balance.posted)
        for balance in balances_of(reader, party)
        if account_purpose(balance.account) == Purpose.RECEIVABLE and balance.posted
    ]


def write_offs_of(reader: Reader, party: Id) -> list[WriteOff]:
    """What was written off for a party, oldest first."""
    return find(reader, WRITE_OFFS, "party = ? ORDER BY id", party)
