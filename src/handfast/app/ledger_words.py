"""Postings in words: from whom to whom money went and what for, and who paid for what came back after release."""

from collections import Counter
from collections.abc import Iterable, Mapping

from msgspec import Struct

from handfast.core.ids import Id, account_currency, account_purpose, owner_of
from handfast.gateways.native.prefixes import show
from handfast.gateways.native.wording import money
from handfast.ledger import Mode, Posting, Purpose
from handfast.ledger.journal import Booked

_SET_ASIDE = {Mode.PENDING: "set aside", Mode.POST: "taken of what was set aside", Mode.VOID: "freed"}


class Leg(Struct, frozen=True):
    """One posting in words, and its minor units."""

    says: str
    amount: int
    currency: str


def legs_of(entry: Booked, people: Mapping[Id, str]) -> Iterable[Leg]:
    """The postings of an entry that moved something, in their order; `people` says what parties are called."""
    for posting in entry.postings:
        if posting.amount:
            yield Leg(_says(posting, people), posting.amount, account_currency(posting.debit))


def waterfalls(entry: Booked, people: Mapping[Id, str]) -> Iterable[str]:
    """Who paid for what came back after release: balance first, then reserve, then the operator's advance.

    "Of the 40.00 USD that the seller gives back, 30.00 USD came from its balance, 8.00 USD from its reserve; the
    operator advanced 2.00 USD, which the seller owes."
    """
    sums: Counter[tuple[Id, str]] = Counter()
    for posting in entry.postings:
        debit, credit = account_purpose(posting.debit), account_purpose(posting.credit)
        if debit == Purpose.RECEIVABLE:
            sums[posting.debit, "advanced"] += posting.amount
        if credit == Purpose.RECEIVABLE:
            sums[posting.credit, "balance" if debit == Purpose.WALLET else "reserve"] += posting.amount
    for account in dict.fromkeys(account for account, _ in sums):
        whole, balance, reserve = (sums[account, part] for part in ("advanced", "balance", "reserve"))
        if whole:
            yield _waterfall(_name(account, people), whole, balance, reserve, account_currency(account))


def _waterfall(who: str, whole: int, balance: int, reserve: int, currency: str) -> str:
    came = [
        f"{money(amount, currency)} came from its {source}"
        for amount, source in ((balance, "balance"), (reserve, "reserve"))
        if amount
    ]
    left = whole - balance - reserve
    if left:
        came.append(f"the operator advanced {money(left, currency)}, which {who} owes")
    return f"Of the {money(whole, currency)} that {who} gives back, {', '.join(came)}."


def _says(posting: Posting, people: Mapping[Id, str]) -> str:
    way = f"{_place(posting.debit, people, gives=True)} → {_place(posting.credit, people)}"
    return f"{way}, {_SET_ASIDE[Mode(posting.mode)]}" if posting.mode in _SET_ASIDE else way


def _place(account: Id, people: Mapping[Id, str], *, gives: bool = False) -> str:
    """Where money comes from or goes to."""
    name = _name(account, people)
    match Purpose(account_purpose(account)):
        case Purpose.WALLET:
            return name
        case Purpose.POSITION:
            return "exchange"
        case Purpose.RECEIVABLE:
            return f"advanced for {name}" if gives else f"owed by {name}"
        case Purpose.RESERVE | Purpose.PAYOUT as purpose:
            return f"{purpose.name.lower()} of {name}"
        case purpose:
            return purpose.name.lower()


def _name(account: Id, people: Mapping[Id, str]) -> str:
    owner = owner_of(account)
    return people.get(owner) or show("party", owner)
