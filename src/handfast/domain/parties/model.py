"""Who takes part: customers, merchants and the operator, their API clients and their sealed details."""

from msgspec import Struct

from handfast.core.ids import Id

HOUSE: Id = bytes(12) + b"\1" + bytes(3)
"""The operator's own party id: the owner of custody, position, commission, tax and rounding accounts."""

KINDS = ("customer", "merchant", "operator")

SCOPES = {
    "read": "see one's own objects, balances, entries and events",
    "payments": "create payments, capture, void and refund them; ship trades, answer claims, stand in disputes",
    "transfers": "move money from one's own wallet, pay payments, confirm trades, claim, dispute, give consents",
    "payouts": "ask for payouts from one's own wallet, plan them, change one's bank details; ask for top-ups",
    "webhooks": "set up webhook endpoints and replay deliveries",
    "operate": "act for the house: parties, keys, policies, disputes, statements, payout files, deals, market clock",
}
"""What a key may be allowed; a key has those that it was made with, and the party behind it limits whose objects."""

PARTY_STATES = {
    "active": {"suspend": "suspended", "erase": "erased"},
    "suspended": {"resume": "active", "erase": "erased"},
    "erased": {},
}
CLIENT_STATES = {"active": {"revoke": "revoked"}, "revoked": {}}
PAYEE_CHECKS = {
    "": {},
    "match": {"return": "returned"},
    "close": {"return": "returned"},
    "no_match": {"accept": "accepted", "return": "returned"},
    "accepted": {"return": "returned"},
    "returned": {"accept": "accepted", "return": "returned"},
}
"""State table of the check of a party's bank account ("" where it gave none); new details begin anew."""
PAYEE_GIVEN = ("", "match", "close", "no_match")
"""What the check of new details may say."""
PAYEE_REFUSED = frozenset({"no_match", "returned"})
"""To such an account nothing is paid until one of the operator's persons accepts it."""


class Party(Struct, frozen=True, gc=False):
    """A customer, a merchant or the operator: an opaque id, and what pricing and settlement need to know.

    `commission_bps` is of the line's price. Where that is in `commission_currency`, it is at least
    `commission_minimum` and at most `commission_cap` minor units (0 is none), and `listing_fee` is added for every line
    sold. `details` is sealed under the party's own key. `payee_check` is of the bank account in them (see
    PAYEE_CHECKS), for `payee_reason`: the bank's code, or the words of `payee_handler`, who accepted it and is another
    person than `payee_by`, who gave it (API clients). `debtor` is 1 from when the operator first advances something for
    it, and no part of what is told of a party: of the others' sales nothing has to be netted.
    """

    id: Id
    kind: str
    state: str
    country: str
    settle_currency: str
    commission_bps: int
    commission_minimum: int
    commission_cap: int
    listing_fee: int
    commission_currency: str
    details: bytes
    payee_check: str
    payee_reason: str
    payee_by: Id | None
    payee_handler: Id | None
    debtor: int
    version: int
    created: int


class Details(Struct, frozen=True):
    """What is known of a person or a shop and must be erasable: never in postings, events or logs.

    `holder` is whose the bank account is; empty, it is the party's own, in its own name.
    """

    name: str
    email: str = ""
    iban: str = ""
    routing: str = ""
    account: str = ""
    bic: str = ""
    holder: str = ""

    @property
    def payee(self) -> str:
        """Whom a payout is made out to."""
        return self.holder or self.name


class PersonKey(Struct, frozen=True, gc=False):
    """The key that seals one party's details, itself wrapped by the master key; empty once the person was erased."""

    id: Id
    wrapped: bytes


class Login(Struct, frozen=True, gc=False):
    """Whose an e-mail address was when first given: `id` is a keyed digest of the address (see Vault.login_id)."""

    id: Id
    party: Id


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
