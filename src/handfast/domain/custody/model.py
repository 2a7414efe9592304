"""The safeguarded bank accounts: what the bank's statements say, line by line, and whether it equals the books."""

from msgspec import Struct

from handfast.core.ids import Id

CUSTODY_MODES = {
    "safeguarded": "the operator's own safeguarded client-money account",
    "partner": "a partner bank holds the money, Handfast instructs it",
    "closed_loop": "money of a closed community, no bank stands behind it",
    "simulation": "no real money: a sandbox",
}
LINE_STATES = {"suspense": {"resolve": "matched"}, "matched": {}}


class CustodyAccount(Struct, frozen=True, gc=False):
    """The client-money account of a currency at a bank; `mode` says in what capacity (see CUSTODY_MODES).

    `iban` holds the bank's own account number where `routing` (nine digits, United States) says that there is no IBAN.
    """

    id: Id
    iban: str
    routing: str
    bic: str
    name: str
    currency: str
    mode: str
    version: int
    created: int


class BankStatement(Struct, frozen=True, gc=False):
    """A statement whose lines are all booked: `id` derives from account and the bank's statement id (`number`).

    Balances are signed minor units, days YYYY-MM-DD. `issued` is when the bank made it (µs), `digest` the SHA-256 of
    what it says about money (see timers.reconcile), the same in every copy.
    """

    id: Id
    account: Id
    currency: str
    number: str
    issued: int
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

    `amount` is signed minor units (+ money in). `state`: "matched" to `object`, or "suspense" for `reason`, an open
    exception. `details` (a LineDetails) is sealed under the key of `party`: whom the line is about, or the house while
    that is nobody. Events carry the line without them. `attempt` counts the resolutions that the ledger refused.
    """

    id: Id
    statement: Id
    account: Id
    currency: str
    amount: int
    booked_on: str
    state: str
    reason: str
    object: Id | None
    party: Id
    details: bytes
    attempt: int
    version: int
    created: int


class LineDetails(Struct, frozen=True):
    """What a bank line tells of persons: erasable, so only ever kept sealed."""

    name: str
    account: str
    reference: str
    end_to_end: str
    return_reason: str
    bank_code: str


class OpenLines(Struct, frozen=True):
    """A named exception: how many lines are open for that reason, and their signed sum in minor units."""

    reason: str
    lines: int
    amount: int


class Equation(Struct, frozen=True):
    """One currency's custody equation: bank = client debt + due to the operator + FX position + exceptions.

    Signed minor units. `bank` is what the books say that the bank holds, `bank_said` the closing balance of the newest
    statement (None before the first); where they differ, a statement is missing or not booked to its end. `client_debt`
    includes `in_flight` (clients' payouts that the bank has not booked). `operator_due` is net of `receivables`, what
    parties owe the operator for refunds that it advanced. `fx_position` or `operator_due` below zero is a
    shortfall of clients' money, to be prefunded. `exceptions` is the sum of `open_lines`. `difference` is bank less
    those four, and zero.
    """

    currency: str
    bank: int
    bank_said: int | None
    client_debt: int
    in_flight: int
    operator_due: int
    receivables: int
    fx_position: int
    exceptions: int
    open_lines: tuple[OpenLines, ...]
    difference: int
