"""Transfers from wallet to wallet."""

from handfast.domain.transfers.model import TRANSFER_STATES, Transfer
from handfast.domain.transfers.tables import TRANSFERS
from handfast.domain.transfers.verbs import VERBS, CreateTransfer, create

__all__ = ["TRANSFERS", "TRANSFER_STATES", "VERBS", "CreateTransfer", "Transfer", "create"]
