"""Who takes part: customers, merchants and the operator, their API clients and their sealed details."""

from msgspec import Struct

from handfast.core.ids import Id

HOUSE: Id = bytes(12) + b"\1" + bytes(3)
"""The operator's own party id: the owner of custody, position, commission, tax and rounding accounts."""

KINDS = ("customer", "merchant", "operator")

SCOPES = {
    "read": "see one's own objects, balances, entries and events",
    "payments": "create payments, capture, void and refund them; ship trades",
    "transfers": "move money from one's own wallet, pay payments, confirm trades, give consents",
    "payouts": "ask for payouts from one's own wallet and for top-ups into it",
    "webhooks": "set up webhook endpoints and replay deliveries",
    "operate": "act for the house: parties, keys, bank statements, payout files, exchange deals, the market clock",
}
"""What a key may be allowed; a key has those that it was made with, and the party behind it limits whose objects."""

PARTY_STATES = {
    "active": {"suspend": "suspended", "erase": "erased"},
    "suspended": {"resume": "active", "erase": "erased"},
    "erased": {},
}
CLIENT_STATES = {"active": {"revoke": "revoked"}, "revoked": {}}


class Party(Struct, frozen=True, gc=False):
    """A customer, a merchant or the operator: an opaque id, and what pricing and settlement need to know.

    `commission_bps` is of the line's price, at most `commission_cap` minor units where the price is in
    `commission_currency` (a cap of 0 is none). `details` is sealed under the party's own key.
    """

    id: Id
    kind: str
    state: str
    country: str
    settle_currency: str
    commission_bps: int
    commission_cap: int
    commission_currency: str
    details: bytes
    version: int
    created: int


class Details(Struct, frozen=True):
    """What is known of a person or a shop and must be erasable: never in postings, events or logs."""

    name: str
    email: str = ""
    iban: str = ""
    routing: str = ""
    account: str = ""
    bic: str = ""


class PersonKey(Struct, frozen=True, gc=False):
    """The key that seals one party's details, itself wrapped by the master key; empty once the person was erased."""

    id: Id
    wrapped: bytes


class ApiClient(Struct, frozen=True, gc=False):
    """A key's bearer: acts for `party` within `scopes` (space-separated). Only the secret's SHA-256 is kept."""

    id: Id
    party: Id
    name: str
    secret_hash: bytes
    scopes: str
    state: str
    version: int
    created: int
