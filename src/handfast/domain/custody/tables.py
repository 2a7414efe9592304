"""Rows of custody accounts, bank statements and their lines."""

from handfast.domain.custody.model import BankLine, BankStatement, CustodyAccount
from handfast.store.table import Table

CUSTODY_ACCOUNTS = Table("custody_accounts", CustodyAccount)
BANK_STATEMENTS = Table("bank_statements", BankStatement)
BANK_LINES = Table("bank_lines", BankLine)
INDEXES = (
    ("bank_statements", "account, to_date, id", ""),
    ("bank_lines", "state, id", "state = 'suspense'"),
    ("bank_lines", "object", "object IS NOT NULL"),
)
