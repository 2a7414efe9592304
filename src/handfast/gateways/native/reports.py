"""What clients get to see of bank, books and events; written like the objects of objects.py."""

from typing import Any, Literal

from msgspec import Struct

from handfast.domain.policies import Policy
from handfast.gateways.native.objects import Seconds
from handfast.gateways.native.sales import Payment


class Deal(Struct, frozen=True):
    """An exchange that the operator agreed with its bank."""

    id: str
    object: Literal["deal"]
    state: str
    sell_currency: str
    sell_amount: int
    buy_currency: str
    buy_amount: int
    sold: int
    bought: int
    reference: str
    version: int
    created: Seconds


class PayoutFile(Struct, frozen=True):
    """A bank file; `digest` is the SHA-256 of its content, in hexadecimal.

    Its content can be read once it is `approved`. Without `four_eyes` it was one person who prepared and approved it.
    """

    id: str
    object: Literal["payout_file"]
    state: str
    currency: str
    count: int
    total: int
    digest: str
    four_eyes: bool
    prepared_by: str
    decided_by: str | None
    reason: str | None
    version: int
    created: Seconds


class CustodyAccount(Struct, frozen=True):
    """The bank account that holds the clients' money of a currency."""

    id: str
    object: Literal["custody_account"]
    iban: str
    routing: str
    bic: str
    name: str
    currency: str
    mode: str
    version: int
    created: Seconds


class BankStatement(Struct, frozen=True):
    """A statement whose lines are all booked."""

    id: str
    object: Literal["statement"]
    account: str
    currency: str
    number: str
    from_date: str
    to_date: str
    opening: int
    closing: int
    lines: int
    version: int
    created: Seconds


class BankLine(Struct, frozen=True):
    """A line of a bank statement: `matched`, or in `suspense` for a reason. Above zero, money came in."""

    id: str
    object: Literal["bank_line"]
    statement: str
    account: str
    state: str
    currency: str
    amount: int
    booked_on: str
    reason: str
    version: int
    created: Seconds


class WriteOff(Struct, frozen=True):
    """What a party owed and the operator gave up, by the decision of one of its persons."""

    id: str
    object: Literal["write_off"]
    party: str
    state: str
    currency: str
    amount: int
    reason: str
    handler: str
    version: int
    created: Seconds


class Receivable(Struct, frozen=True):
    """What a party owes the operator in a currency; the id is that of the ledger's account."""

    id: str
    object: Literal["receivable"]
    party: str
    currency: str
    amount: int


class Netting(Struct, frozen=True):
    """How much a party's wallet paid of what the party owed, and what it owed then; an operation leaves both out."""

    id: str
    object: Literal["netting"]
    party: str
    currency: str
    amount: int | None
    owed: int | None
    created: Seconds


class PolicyRule(Struct, frozen=True):
    """Which policy a category and a delivery kind get; "*" is any."""

    category: str
    delivery: str
    policy: str


class PublishedPolicy(Struct, frozen=True):
    """A policy that was published, word for word; it never changes, and its id is the digest of its content."""

    id: str
    object: Literal["policy"]
    name: str
    version: int
    content: Policy
    created: Seconds


class PolicyBook(Struct, frozen=True):
    """The rules now in force, in their order: the first that fits chooses the policy of what is sold."""

    id: str
    object: Literal["policy_book"]
    state: str
    rules: list[PolicyRule]
    version: int
    created: Seconds


class EventData(Struct, frozen=True):
    """The object as it was after the change."""

    object: Any


class Event(Struct, frozen=True):
    """One change of one object; `sequence` is the object's version, which counts its events without gaps."""

    id: str
    object: Literal["event"]
    type: str
    created: Seconds
    sequence: int
    data: EventData


class Balance(Struct, frozen=True):
    """One's money in a currency.

    `available` can be spent, `pending` is set aside by authorisations, `payout` is on its way to the bank, `held` is in
    open trades that one sells, `reserve` is kept back of what was released, and `owed` is what one owes the operator.
    """

    currency: str
    available: int
    pending: int
    payout: int
    held: int
    reserve: int
    owed: int


class Balances(Struct, frozen=True):
    """One's money, by currency."""

    object: Literal["balances"]
    party: str
    data: list[Balance]


class Movement(Struct, frozen=True):
    """What an entry did to one of one's accounts; below zero, money left it."""

    account: str
    currency: str
    amount: int
    mode: str


class Entry(Struct, frozen=True):
    """A ledger entry as one of its parties sees it; `source` is the object that made it."""

    id: str
    object: Literal["entry"]
    sequence: int
    kind: str
    source: str | None
    movements: list[Movement]
    created: Seconds


class Account(Struct, frozen=True):
    """A ledger account's four balances. The id begins, after the prefix, with its owner's."""

    id: str
    object: Literal["account"]
    purpose: str
    currency: str
    debits_pending: int
    debits_posted: int
    credits_pending: int
    credits_posted: int


class Posting(Struct, frozen=True):
    """A movement from the debit account to the credit account; `pending` is the entry that it resolves."""

    debit: str
    credit: str
    currency: str
    amount: int
    mode: str
    pending: str | None


class JournalEntry(Struct, frozen=True):
    """A ledger entry, whole."""

    id: str
    object: Literal["entry"]
    sequence: int
    kind: str
    source: str | None
    postings: list[Posting]
    created: Seconds


class Operation(Struct, frozen=True):
    """What became of a request: `done` with its result, or `refused` with its error."""

    id: str
    object: Literal["operation"]
    verb: str
    state: Literal["done", "refused"]
    request_id: str
    result: Any
    error: Any
    created: Seconds


class OpenLines(Struct, frozen=True):
    """Bank lines that nobody has explained yet: how many, for which reason, and their sum."""

    reason: str
    lines: int
    amount: int


class Equation(Struct, frozen=True):
    """One currency: bank = client_debt + operator_due + fx_position + exceptions; a difference is a fault.

    `operator_due` is net of `receivables`: what parties owe the operator for refunds that it advanced.
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
    open_lines: list[OpenLines]
    difference: int


class Custody(Struct, frozen=True):
    """The custody equation of each currency, as of one instant."""

    object: Literal["custody"]
    data: list[Equation]


class LineReport(Struct, frozen=True):
    """A bank line that needs eyes: in suspense for a reason, or refused with a code."""

    line: str
    currency: str
    amount: int
    reason: str


class StatementReport(Struct, frozen=True):
    """What became of a statement: "recorded", "recorded before", or the code of what stands against it."""

    number: str
    currency: str
    closing: int
    outcome: str


class StatementImport(Struct, frozen=True):
    """What a file of statements brought: how many lines were booked before, are matched now (by kind), need eyes."""

    object: Literal["statement_import"]
    lines: int
    booked_before: int
    matched: dict[str, int]
    suspense: list[LineReport]
    refused: list[LineReport]
    statements: list[StatementReport]


class LeftOut(Struct, frozen=True):
    """A payout that cannot go into a file, with the code of the reason and the guilty field."""

    payout: str
    reason: str
    field: str


class PayoutFileReport(Struct, frozen=True):
    """The bank file that was prepared, or already approved: none where there was nothing to pay."""

    object: Literal["payout_file_report"]
    file: str | None
    state: str | None
    count: int
    total: int
    left_out: list[LeftOut]


class Replay(Struct, frozen=True):
    """How many events were queued to be sent again."""

    object: Literal["replay"]
    queued: int


class BatchItem(Struct, frozen=True):
    """What became of one payment of a batch: as if it had been asked for alone."""

    status: int
    replayed: bool
    payment: Payment | None
    error: Any


class Batch(Struct, frozen=True):
    """What became of a batch of payments, in their order."""

    object: Literal["batch"]
    data: list[BatchItem]


class List(Struct, frozen=True):
    """A page: newest first; `has_more` tells whether there are older ones (with `ending_before`: newer ones)."""

    object: Literal["list"]
    data: list[Any]
    has_more: bool
    url: str
