"""The rule of an entry, as a checklist: guards first, one named outcome each, the effect last."""

from collections.abc import Mapping

from handfast.core.ids import Id
from handfast.core.money import MAX_AMOUNT
from handfast.ledger.model import FLOORED, Entry, Mode, Outcome, Posting, Purpose

LIMIT = 2**63 - 1
_FLOORED = bytes(FLOORED)
_PAYOUT = int(Purpose.PAYOUT)

Balances = Mapping[Id, list[int]]
"""By account: debits pending, debits posted, credits pending, credits posted. Changed in place."""


class Pending:
    """A pending posting and what became of it: "pending", "posted" or "voided"."""

    __slots__ = ("amount", "credit", "debit", "state")

    def __init__(self, debit: Id, credit: Id, amount: int, state: str = "pending") -> None:
        self.debit = debit
        self.credit = credit
        self.amount = amount
        self.state = state


def create_entry(entry: Entry, balances: Balances, pendings: dict[Id, Pending]) -> Outcome:
    """Apply an entry to balances and pendings, wholly or not at all."""
    postings = entry.postings
    if not postings:
        return Outcome.POSTINGS_EMPTY
    for done, posting in enumerate(postings):
        outcome = _create_posting(entry, posting, balances, pendings)
        if outcome is not None:
            for earlier in reversed(postings[:done]):
                _move(entry.id, earlier, balances, pendings, -1)
            return outcome
        _move(entry.id, posting, balances, pendings, 1)
    return Outcome.CREATED


def _create_posting(entry: Entry, posting: Posting, balances: Balances, pendings: dict[Id, Pending]) -> Outcome | None:
    amount = posting.amount
    debit, credit = posting.debit, posting.credit
    mode = posting.mode
    if amount <= 0 or amount > MAX_AMOUNT:
        return Outcome.AMOUNT_INVALID
    if debit == credit:
        return Outcome.ACCOUNTS_MUST_DIFFER
    if debit[14:] != credit[14:]:
        return Outcome.CURRENCIES_MUST_MATCH
    giver, taker = balances[debit], balances[credit]
    freed = 0
    if mode >= Mode.POST:
        pending = pendings.get(posting.pending or b"")
        if pending is None:
            return Outcome.PENDING_NOT_FOUND
        if pending.debit != debit or pending.credit != credit:
            return Outcome.PENDING_HAS_DIFFERENT_ACCOUNTS
        if pending.state == "posted":
            return Outcome.PENDING_ALREADY_POSTED
        if pending.state == "voided":
            return Outcome.PENDING_ALREADY_VOIDED
        if amount > pending.amount or (mode == Mode.VOID and amount != pending.amount):
            return Outcome.EXCEEDS_PENDING_AMOUNT
        freed = pending.amount
    elif mode == Mode.PENDING and len([p for p in entry.postings if p.mode == Mode.PENDING]) > 1:
        return Outcome.SECOND_PENDING
    if (debit[13] in _FLOORED or credit[13] == _PAYOUT) and giver[0] - freed + giver[1] + amount > giver[3]:
        return Outcome.EXCEEDS_CREDITS
    if giver[0] - freed + giver[1] + amount > LIMIT or taker[2] - freed + taker[3] + amount > LIMIT:
        return Outcome.OVERFLOWS
    return None


def _move(owner: Id, posting: Posting, balances: Balances, pendings: dict[Id, Pending], sign: int) -> None:
    """Do (sign 1) or undo (sign -1) the effect of one posting that passed its guards."""
    giver, taker = balances[posting.debit], balances[posting.credit]
    mode = posting.mode
    if mode == Mode.PENDING:
        giver[0] += sign * posting.amount
        taker[2] += sign * posting.amount
        if sign > 0:
            pendings[owner] = Pending(posting.debit, posting.credit, posting.amount)
        else:
            del pendings[owner]
        return
    if mode >= Mode.POST:
        assert posting.pending is not None
        pending = pendings[posting.pending]
        giver[0] -= sign * pending.amount
        taker[2] -= sign * pending.amount
        pending.state = "pending" if sign < 0 else "posted" if mode == Mode.POST else "voided"
        if mode == Mode.VOID:
            return
    giver[1] += sign * posting.amount
    taker[3] += sign * posting.amount
