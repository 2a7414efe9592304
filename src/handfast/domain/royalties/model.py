"""Royalties: with whom a merchant shares what it earns, and what it shared of a sale."""

from msgspec import Struct

from handfast.core.ids import Id

RECEIVER_STATES = {"bound": {"unbind": "unbound"}, "unbound": {"bind": "bound"}}


class Receiver(Struct, frozen=True, gc=False):
    """Somebody with whom a merchant may share what it earns; `id` derives from both. `memo` is sealed under its key."""

    id: Id
    merchant: Id
    payee: Id
    state: str
    memo: bytes
    version: int
    created: int


class Royalty(Struct, frozen=True, gc=False):
    """What a merchant shared of a sale ("share"), or was given back of it ("return"), under its own `number`.

    `shares` is msgpack of pairs of payee and minor units.
    """

    id: Id
    checkout: Id
    kind: str
    number: str
    currency: str
    amount: int
    shares: bytes
    created: int


class Pot(Struct, frozen=True, gc=False):
    """What of a sale, which has the same id, is shared by now: `given` is msgpack of minor units by payee."""

    id: Id
    given: bytes
    version: int
