"""What the ledger speaks: entries made of postings, accounts with floors, and outcomes by name.

The semantics are TigerBeetle's (docs.tigerbeetle.com: accounts, transfers, two-phase, linked), narrowed to what every
engine can keep:

- An entry is atomic: all its postings happen, in order, or none. An entry id is spent once: posted again with the same
  content it answers EXISTS, with other content EXISTS_WITH_DIFFERENT_CONTENT, once refused ID_ALREADY_REFUSED.
- An entry pends one posting at most, and that is resolved once, by POST (a part or all; the rest is freed) or by
  VOID, in an entry that may hold further postings. To keep the rest pending, post the part and pend the rest anew in
  one entry.
- An UP_TO posting moves what there is, its amount at most (TigerBeetle's balancing transfers); the journal says how
  much that was.
- Nothing times out by itself: the caller voids.
- An account is opened by the first entry that names it; its id tells purpose and currency, the purpose tells its floor.
"""

from collections.abc import Sequence
from enum import IntEnum, StrEnum
from typing import Protocol

from msgspec import Struct, msgpack

from handfast.core.errors import Conflict, Declined, Refusal
from handfast.core.ids import Id


class Purpose(IntEnum):
    """What an account is for. Client money and own money never share one."""

    WALLET = 1
    """A party's spendable balance: a debt to the client."""
    HELD = 2
    """A guaranteed trade's money, owned by the trade until it is released or refunded: a debt to clients."""
    PAYOUT = 3
    """Money on its way out: ordered in a bank file, not yet booked by the bank."""
    SUSPENSE = 4
    """Money that came in and could not be matched to anyone yet: a named exception."""
    RESERVE = 5
    """What is kept back of a seller's earnings for refunds to come, until its time: a debt to the client."""
    CUSTODY = 16
    """The safeguarded bank account of a currency: what the bank owes to Handfast."""
    POSITION = 17
    """What the operator is long (credit) or short (debit) in a currency through exchange."""
    COMMISSION = 18
    """The operator's commission, earned and not yet swept to its own bank account."""
    TAX = 19
    """Tax that the operator collected and owes to an authority."""
    ROUNDING = 20
    """Remainders of shares and conversions; zero again when all is unwound."""
    OPERATOR = 21
    """The operator's own money lying in custody: prefunding, and what it may sweep."""
    RECEIVABLE = 22
    """What a party owes the operator (debit): refunds after release that the operator advanced."""


FLOORED = frozenset({Purpose.WALLET, Purpose.HELD, Purpose.PAYOUT, Purpose.SUSPENSE, Purpose.RESERVE})
"""Accounts whose debits (posted and pending) must not exceed their posted credits. What is credited to a PAYOUT account
must be covered by any account: the operator's may go below zero, but nothing leaves for the bank that is not there."""

CAPPED = frozenset({Purpose.RECEIVABLE})
"""Accounts whose credits (posted and pending) must not exceed their posted debits: nobody pays back more than owed."""


class Mode(IntEnum):
    """How a posting moves money."""

    POSTED = 0
    PENDING = 1
    POST = 2
    VOID = 3
    UP_TO = 4
    """As much of the amount as a floored debit and a capped credit account leave room for, perhaps nothing."""


MAX_POSTINGS = 4_000
"""How many postings an entry has at most: on every engine it fits, with what the engine adds, in one request."""


class Posting(Struct, frozen=True, array_like=True, gc=False):
    """A movement of `amount` minor units from the debit account to the credit account.

    For POST and VOID, `pending` is the pending entry's id, and the accounts must be those of its posting; VOID frees
    all of it and carries the amount that was pending.
    """

    debit: Id
    credit: Id
    amount: int
    mode: int = Mode.POSTED
    pending: Id | None = None


encode_postings = msgpack.Encoder().encode
"""Postings as they are kept: an entry is one row."""
decode_postings = msgpack.Decoder(tuple[Posting, ...]).decode


class Entry(Struct, frozen=True, array_like=True, gc=False):
    """Postings that happen together or not at all. `kind` says why, in the words of the room that made it."""

    id: Id
    kind: str
    postings: tuple[Posting, ...]


class Balance(Struct, frozen=True, array_like=True, gc=False):
    """An account's four balances in minor units."""

    account: Id
    debits_pending: int = 0
    debits_posted: int = 0
    credits_pending: int = 0
    credits_posted: int = 0

    @property
    def posted(self) -> int:
        """Credits minus debits, posted: what a liability account owes."""
        return self.credits_posted - self.debits_posted

    @property
    def available(self) -> int:
        """What a floored account can still give: posted, less what is pending to leave."""
        return self.posted - self.debits_pending


class Outcome(StrEnum):
    """What became of an entry. CREATED and EXISTS mean that it is in the ledger; all others that it is not."""

    CREATED = "created"
    EXISTS = "exists"
    EXISTS_WITH_DIFFERENT_CONTENT = "exists_with_different_content"
    ID_ALREADY_REFUSED = "id_already_refused"
    POSTINGS_EMPTY = "postings_empty"
    POSTINGS_TOO_MANY = "postings_too_many"
    AMOUNT_INVALID = "amount_invalid"
    ACCOUNTS_MUST_DIFFER = "accounts_must_differ"
    CURRENCIES_MUST_MATCH = "currencies_must_match"
    SECOND_PENDING = "second_pending"
    PENDING_NOT_FOUND = "pending_not_found"
    PENDING_HAS_DIFFERENT_ACCOUNTS = "pending_has_different_accounts"
    PENDING_ALREADY_POSTED = "pending_already_posted"
    PENDING_ALREADY_VOIDED = "pending_already_voided"
    EXCEEDS_PENDING_AMOUNT = "exceeds_pending_amount"
    EXCEEDS_CREDITS = "exceeds_credits"
    EXCEEDS_DEBITS = "exceeds_debits"
    OVERFLOWS = "overflows"


class Ledger(Protocol):
    """The engine's port. The caller commits: where the engine shares its database, in that transaction.

    An engine remembers nothing between calls, so that a transaction may be rolled back behind its back.
    """

    def post(self, entries: Sequence[Entry], at: int) -> list[Outcome]:
        """Decide the entries in order, as of market time `at` (µs), and write those that are created."""

    def balances(self, accounts: Sequence[Id]) -> list[Balance]:
        """The accounts' balances, zero where none was ever posted."""


def refusal_of(outcome: Outcome) -> Refusal | None:
    """The refusal that an outcome means to a verb, or None where the entry is in the ledger."""
    match outcome:
        case Outcome.CREATED | Outcome.EXISTS:
            return None
        case Outcome.EXCEEDS_CREDITS:
            return Declined("balance_insufficient", "the balance does not cover this")
        case Outcome.EXCEEDS_DEBITS:
            return Declined("receivable_exceeded", "this is more than is owed")
        case Outcome.EXISTS_WITH_DIFFERENT_CONTENT | Outcome.ID_ALREADY_REFUSED:
            return Conflict("object_exists", f"the ledger says {outcome}")
        case _:
            return Declined("ledger_refused", f"the ledger says {outcome}")
