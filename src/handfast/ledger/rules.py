"""The rule of an entry, as a checklist: guards first, one named outcome each, the effect last."""

from collections.abc import Iterable, Mapping

from msgspec.structs import replace

from handfast.core.ids import Id
from handfast.core.money import MAX_AMOUNT
from handfast.ledger.model import CAPPED, FLOORED, MAX_POSTINGS, Entry, Mode, Outcome, Posting, Purpose

LIMIT = 2**63 - 1
_FLOORED = bytes(FLOORED)
_CAPPED = bytes(CAPPED)
_RESOLVES = frozenset({Mode.POST, Mode.VOID})
_PAYOUT = int(Purpose.PAYOUT)
_POSTED, _PENDING, _POST, _VOID, _UP_TO = map(int, Mode)
"""As numbers: Python compares those with a posting's mode three times as fast, and does so for every one."""

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


def create_entry(entry: Entry, balances: Balances, pendings: dict[Id, Pending]) -> tuple[Outcome, tuple[Posting, ...]]:
    """Apply an entry to balances and pendings, wholly or not at all; with its postings as they moved."""
    if not entry.postings:
        return Outcome.POSTINGS_EMPTY, ()
    if len(entry.postings) > MAX_POSTINGS:
        return Outcome.POSTINGS_TOO_MANY, ()
    moved = entry.postings  # made anew for an UP_TO posting only, which is rare
    for place, posting in enumerate(moved):
        outcome = _create_posting(entry, posting, balances, pendings)
        if outcome is not None:
            for earlier in reversed(moved[:place]):
                _move(entry.id, earlier, balances, pendings, -1)
            return outcome, ()
        mode = posting.mode
        if mode == _POSTED:  # nearly all are
            balances[posting.debit][1] += posting.amount
            balances[posting.credit][3] += posting.amount
            continue
        what = posting
        if mode == _UP_TO:
            what = replace(posting, amount=_room(posting, balances))
            moved = (*moved[:place], what, *moved[place + 1 :])
        _move(entry.id, what, balances, pendings, 1)
    return Outcome.CREATED, moved


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
    if mode == _POSTED:
        pass
    elif mode in _RESOLVES:
        pending = pendings.get(posting.pending or b"")
        if pending is None:
            return Outcome.PENDING_NOT_FOUND
        if pending.debit != debit or pending.credit != credit:
            return Outcome.PENDING_HAS_DIFFERENT_ACCOUNTS
        if pending.state == "posted":
            return Outcome.PENDING_ALREADY_POSTED
        if pending.state == "voided":
            return Outcome.PENDING_ALREADY_VOIDED
        if amount > pending.amount or (mode == _VOID and amount != pending.amount):
            return Outcome.EXCEEDS_PENDING_AMOUNT
        freed = pending.amount
    elif mode == _PENDING and len([p for p in entry.postings if p.mode == Mode.PENDING]) > 1:
        return Outcome.SECOND_PENDING
    elif mode == _UP_TO:
        return None
    given, taken = giver[0] - freed + giver[1] + amount, taker[2] - freed + taker[3] + amount
    if given > giver[3] and (debit[13] in _FLOORED or credit[13] == _PAYOUT):
        return Outcome.EXCEEDS_CREDITS
    if taken > taker[1] and credit[13] in _CAPPED:
        return Outcome.EXCEEDS_DEBITS
    if given > LIMIT or taken > LIMIT:
        return Outcome.OVERFLOWS
    return None


def _room(posting: Posting, balances: Balances) -> int:
    """How much of an UP_TO posting's amount both of its accounts leave room for."""
    giver, taker = balances[posting.debit], balances[posting.credit]
    amount = min(posting.amount, LIMIT - giver[0] - giver[1], LIMIT - taker[2] - taker[3])
    if posting.debit[13] in _FLOORED or posting.credit[13] == _PAYOUT:
        amount = min(amount, giver[3] - giver[0] - giver[1])
    if posting.credit[13] in _CAPPED:
        amount = min(amount, taker[1] - taker[2] - taker[3])
    return max(0, amount)


def _move(owner: Id, posting: Posting, balances: Balances, pendings: dict[Id, Pending], sign: int) -> None:
    """Do (sign 1) or undo (sign -1) the effect of one posting that passed its guards."""
    giver, taker = balances[posting.debit], balances[posting.credit]
    mode = posting.mode
    if mode == _PENDING:
        giver[0] += sign * posting.amount
        taker[2] += sign * posting.amount
        if sign > 0:
            pendings[owner] = Pending(posting.debit, posting.credit, posting.amount)
        else:
            del pendings[owner]
        return
    if mode in _RESOLVES:
        assert posting.pending is not None
        pending = pendings[posting.pending]
        giver[0] -= sign * pending.amount
        taker[2] -= sign * pending.amount
        pending.state = "pending" if sign < 0 else "posted" if mode == _POST else "voided"
        if mode == _VOID:
            return
    giver[1] += sign * posting.amount
    taker[3] += sign * posting.amount


def apply_entry(owner: Id, postings: Iterable[Posting], balances: Balances, pendings: dict[Id, Pending]) -> None:
    """Do the effects of postings that another ledger has decided."""
    for posting in postings:
        _move(owner, posting, balances, pendings, 1)
