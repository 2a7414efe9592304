"""Receivables: what parties owe the operator after refunds that it advanced, netted from later sales or written off."""

from msgspec import Struct

from handfast.core.ids import Id

WRITE_OFF_STATES: dict[str, dict[str, str]] = {"done": {}}


class WriteOff(Struct, frozen=True, gc=False):
    """A part of what a party owes that the operator gives up, at its own cost. Minor units."""

    id: Id
    party: Id
    state: str
    currency: str
    amount: int
    reason: str
    handler: Id
    version: int
    created: int


class Netting(Struct, frozen=True):
    """That a party paid what it owes in a currency out of its wallet, as far as that went: its entry says how much."""

    id: Id
    party: Id
    currency: str
    handler: Id
    created: int


class Owed(Struct, frozen=True):
    """What a party owes the operator in one currency. Minor units."""

    party: Id
    currency: str
    amount: int
