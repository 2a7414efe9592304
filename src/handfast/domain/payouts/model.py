"""Payouts: money that leaves a wallet for its owner's bank account by bank file, until it is booked or returned."""

from msgspec import Struct

from handfast.core.ids import Id

PAYOUT_STATES = {
    "requested": {"order": "ordered", "cancel": "cancelled"},
    "ordered": {"book": "paid", "reject": "returned"},
    "paid": {"return": "returned"},
    "cancelled": {},
    "returned": {},
}
FILE_STATES: dict[str, dict[str, str]] = {"written": {}}


class Payout(Struct, frozen=True, gc=False):
    """A payout in minor units. `source` is the purpose of the account that gave it: a wallet, or one of the operator's.

    `end_to_end` is the text that the bank file and the statement carry.
    """

    id: Id
    party: Id
    state: str
    currency: str
    amount: int
    source: int
    file: Id | None
    end_to_end: str
    version: int
    created: int


class PayoutFile(Struct, frozen=True, gc=False):
    """A bank file that was written: `content` is its bytes, sealed under the house's key, `digest` their SHA-256.

    The bank keeps such a file as long as the law says, whoever is erased, and so does the house. Events carry it
    without `content`. `total` is in minor units.
    """

    id: Id
    state: str
    currency: str
    account: Id
    count: int
    total: int
    digest: bytes
    content: bytes
    version: int
    created: int
