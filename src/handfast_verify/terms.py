"""What must have moved for an amount under frozen terms, worked out anew: to each its exact share, half to even."""

from collections.abc import Iterable
from typing import Any

from handfast_verify.facts import (
    COMMISSION,
    HOUSE,
    POSITION,
    RECEIVABLE,
    RESERVE,
    ROUNDING,
    TAX,
    WALLET,
    Mode,
    account,
)
from handfast_verify.ledger import Posting

Row = dict[str, Any]
Shares = tuple[tuple[str, bytes, int], ...]

_NOT_POSTED = (int(Mode.PENDING), int(Mode.VOID))
_ONES = frozenset({RESERVE, RECEIVABLE})


def share(part: int, done: int, whole: int) -> int:
    """How much of a part is due once `done` of the whole is: the exact share, rounded half to even."""
    if done == whole:
        return part
    floor, rest = divmod(part * done, whole)
    return floor + (2 * rest > whole or (2 * rest == whole and floor & 1))


class Sums(dict[bytes, int]):
    """Credits less debits by account. A party's wallet, its reserve and what it owes count as one: its wallet.

    So it does not matter here how much of a gain paid a debt, or who advanced a refund.
    """

    def add(self, account: bytes, amount: int) -> None:
        """Credit an account, or debit it where the amount is below zero."""
        if account[13] in _ONES:  # most are wallets, and need no new name
            account = b"%b\1%b" % (account[:13], account[14:])
        self[account] = self.get(account, 0) + amount

    def post(self, postings: Iterable[Posting]) -> None:
        """Add what an entry posts."""
        for debit, credit, amount, mode, _ in postings:
            if amount and mode not in _NOT_POSTED:
                self.add(debit, -amount)
                self.add(credit, amount)

    def pay_in(self, terms: Row, payer: bytes, done: int) -> None:
        """The payer gives its part of `done` in its own currency; below zero, it has it back."""
        if not done:
            return
        if terms["pay_currency"] == terms["currency"]:
            self.add(payer, -done)
            return
        sign = -1 if done < 0 else 1
        pay = sign * share(terms["pay_amount"], abs(done), terms["amount"])
        position = sign * share(terms["pay_position"], abs(done), terms["amount"])
        self.add(payer, -pay)
        self.add(account(HOUSE, POSITION, terms["pay_currency"]), position)
        self.add(account(HOUSE, ROUNDING, terms["pay_currency"]), pay - position)
        self.add(account(HOUSE, POSITION, terms["currency"]), -done)

    def disburse(self, terms: Row, seller: bytes, done: int, shares: Shares = ()) -> None:
        """Seller, operator, tax and third parties have their parts of `done`; below zero, they give them back."""
        if not done:
            return
        sign, done, whole = (-1 if done < 0 else 1), abs(done), terms["amount"]
        currency, settled_in = terms["currency"], terms["settle_currency"]
        earnings = whole - terms["commission"] - terms["tax"] - sum([part[2] for part in shares])
        earned = sign * share(earnings, done, whole)
        rest = sign * done - earned
        for purpose, part in ((COMMISSION, terms["commission"]), (TAX, terms["tax"])):
            if part:
                given = sign * share(part, done, whole)
                rest -= given
                self.add(account(HOUSE, purpose, currency), given)
        for _, payee, part in shares:
            given = sign * share(part, done, whole)
            rest -= given
            self.add(account(payee, WALLET, currency), given)
        if rest:
            self.add(account(HOUSE, ROUNDING, currency), rest)
        wallet = account(seller, WALLET, settled_in)
        if settled_in == currency:
            self.add(wallet, earned)
            return
        settled, exact = (sign * share(terms[part], done, whole) for part in ("settle_amount", "settle_position"))
        self.add(account(HOUSE, POSITION, currency), earned)
        self.add(account(HOUSE, POSITION, settled_in), -exact)
        self.add(wallet, settled)
        self.add(account(HOUSE, ROUNDING, settled_in), exact - settled)

    def moved(self) -> dict[bytes, int]:
        """The accounts that anything moved on, with how much."""
        return {account: amount for account, amount in self.items() if amount}


def kept_back(trade: Row, shares: Shares) -> int:
    """What a trade's releases put into the seller's reserve: its basis points of what the seller was settled."""
    whole = trade["settle_amount"]
    if trade["settle_currency"] == trade["currency"]:
        whole = trade["amount"] - trade["commission"] - trade["tax"] - sum(part[2] for part in shares)
    return share(trade["reserve_bps"], share(whole, trade["released"], trade["amount"]), 10_000)
