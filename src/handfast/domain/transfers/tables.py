"""Rows of transfers."""

from handfast.domain.transfers.model import Transfer
from handfast.store.table import Table

TRANSFERS = Table("transfers", Transfer)
INDEXES = (("transfers", "payer, id", ""), ("transfers", "payee, id", ""))
