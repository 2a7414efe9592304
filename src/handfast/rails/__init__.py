"""The door of the rails: how real money comes in and goes out, as files exchanged with a bank.

Statements come in as ISO 20022 camt.053 and payments go out as pain.001.001.09. Plain functions: there is one rail by
now, and a port would have nothing to choose from.
"""

from handfast.rails.accounts import Account, UsAccount, check_account, check_bic, check_iban
from handfast.rails.iso20022 import read_statement, write_payments
from handfast.rails.model import PaymentFile, PaymentInstruction, Statement, StatementLine

__all__ = [
    "Account",
    "PaymentFile",
    "PaymentInstruction",
    "Statement",
    "StatementLine",
    "UsAccount",
    "check_account",
    "check_bic",
    "check_iban",
    "read_statement",
    "write_payments",
]
