"""Receivables: what parties owe the operator, paid out of later sales and wallets, or written off."""

from handfast.domain.receivables.model import WRITE_OFF_STATES, Netting, Owed, WriteOff
from handfast.domain.receivables.tables import WRITE_OFFS, outstanding, outstanding_of, write_offs_of
from handfast.domain.receivables.verbs import VERBS, NetReceivable, WriteOffReceivable, net, write_off

__all__ = [
    "VERBS",
    "WRITE_OFFS",
    "WRITE_OFF_STATES",
    "NetReceivable",
    "Netting",
    "Owed",
    "WriteOff",
    "WriteOffReceivable",
    "net",
    "outstanding",
    "outstanding_of",
    "write_off",
    "write_offs_of",
]
