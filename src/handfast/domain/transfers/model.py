"""Transfers: money from one party's wallet to another's, in one currency."""

from msgspec import Struct

from handfast.core.ids import Id

TRANSFER_STATES: dict[str, dict[str, str]] = {"done": {}}


class Transfer(Struct, frozen=True, gc=False):
    """A transfer that was made; there is no other kind, since it happens at once or is refused."""

    id: Id
    payer: Id
    payee: Id
    state: str
    currency: str
    amount: int
    reference: str
    metadata: bytes
    version: int
    created: int
