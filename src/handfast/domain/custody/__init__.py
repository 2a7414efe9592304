"""The safeguarded bank accounts, their statements line by line, and the proof that they equal the books."""

from handfast.domain.custody.model import CUSTODY_MODES, BankLine, BankStatement, CustodyAccount
from handfast.domain.custody.tables import BANK_LINES, BANK_STATEMENTS, CUSTODY_ACCOUNTS

__all__ = [
    "BANK_LINES",
    "BANK_STATEMENTS",
    "CUSTODY_ACCOUNTS",
    "CUSTODY_MODES",
    "BankLine",
    "BankStatement",
    "CustodyAccount",
]
