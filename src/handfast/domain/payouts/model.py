"""Payouts: money that leaves a wallet for its owner's bank account by bank file, asked for by hand or by plan."""

from msgspec import Struct

from handfast.core.ids import Id

PAYOUT_STATES = {
    "requested": {"order": "ordered", "cancel": "cancelled"},
    "ordered": {"book": "paid", "reject": "returned", "free": "requested"},
    "paid": {"return": "returned"},
    "cancelled": {},
    "returned": {},
}
"""State table: state → {move → next state}. A file that is rejected frees its payouts for another one."""

FILE_STATES = {
    "prepared": {"approve": "approved", "reject": "rejected"},
    "approved": {},
    "rejected": {},
}
"""State table of bank files; only of an approved one can the content be read, and so reach the bank."""

EVERY = ("day", "week", "month", "manual")


class Payout(Struct, frozen=True, gc=False):
    """A payout in minor units. `source` is the purpose of the account that gave it: a wallet, or one of the operator's.

    `end_to_end` is the text that the bank file and the statement carry. `details` are the party's, sealed, as they were
    when it was asked for: whoever changes an account afterwards does not turn it. Events and answers leave them out.
    `reason` is why the bank returned it: its code, or what it told.
    """

    id: Id
    party: Id
    state: str
    currency: str
    amount: int
    source: int
    file: Id | None
    end_to_end: str
    details: bytes
    reason: str
    version: int
    created: int


class PayoutFile(Struct, frozen=True, gc=False):
    """A bank file: `content` is its bytes, sealed under the house's key, `digest` their SHA-256.

    The bank keeps such a file as long as the law says, whoever is erased, and so does the house; a rejected one loses
    its content. Events carry it without `content`. `total` is in minor units. `prepared_by` and `decided_by` are API
    clients of the operator: two persons, unless the house has one only; `reason` is why it was rejected.
    """

    id: Id
    state: str
    currency: str
    account: Id
    count: int
    total: int
    digest: bytes
    content: bytes
    prepared_by: Id
    decided_by: Id | None
    reason: str
    version: int
    created: int


class PayoutPlan(Struct, frozen=True, gc=False):
    """When a party's balance in a currency is paid out by itself: all of it, if that is `minimum` minor units at least.

    `every` is of EVERY, `day` the day of the week (1 is Monday) or of the month (a month that is shorter has it on its
    last day), else 0. `due` is the next such day's beginning (market time, UTC), None for "manual". `payout` is what
    the last one asked for, and `outcome` "asked", or why it asked for nothing: "too_little", or a refusal's code.
    """

    id: Id
    party: Id
    currency: str
    every: str
    day: int
    minimum: int
    due: int | None
    payout: Id | None
    outcome: str
    version: int
    created: int
