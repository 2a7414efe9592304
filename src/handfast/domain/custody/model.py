"""The safeguarded bank accounts: what the bank's statements say, line by line, and whether it equals the books."""

from msgspec import Struct

from handfast.core.ids import Id


class CustodyAccount(Struct, frozen=True, gc=False):
    """The client-money account of a currency at a bank; `mode` says in what capacity (see CUSTODY_MODES)."""

    id: Id
    iban: str
    bic: str
    name: str
    currency: str
    mode: str
    version: int
    created: int


CUSTODY_MODES = {
    "safeguarded": "the operator's own safeguarded client-money account",
    "partner": "a partner bank holds the money, Handfast instructs it",
    "closed_loop": "money of a closed community, no bank stands behind it",
    "simulation": "no real money: a sandbox",
}


class BankStatement(Struct, frozen=True, gc=False):
    """A statement that was read: `id` derives from account and the bank's statement id; balances in minor units."""

    id: Id
    account: Id
    currency: str
    number: str
    from_date: str
    to_date: str
    opening: int
    closing: int
    lines: int
    digest: bytes
    version: int
    created: int


class BankLine(Struct, frozen=True, gc=False):
    """A booked line: `id` derives from account and the bank's line key, so a line counts once however often it is read.

    `amount` is signed (+ money in). `state`: "matched" to `object`, or "suspense" (an open exception).
    `details` (counterparty, remittance) is sealed.
    """

    id: Id
    statement: Id
    account: Id
    currency: str
    amount: int
    booked_on: str
    state: str
    object: Id | None
    details: bytes
    version: int
    created: int
