"""Transfers from wallet to wallet."""

from handfast.domain.transfers.model import TRANSFER_STATES, Transfer
from handfast.domain.transfers.tables import TRANSFERS
from handfast.domain.transfers.verbs import VERBS, CreateNumbered, CreateTransfer, create, create_numbered

__all__ = [
    "TRANSFERS",
    "TRANSFER_STATES",
    "VERBS",
    "CreateNumbered",
    "CreateTransfer",
    "Transfer",
    "create",
    "create_numbered",
]
