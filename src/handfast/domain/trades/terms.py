"""Frozen terms: how an amount splits among payer, seller, commission, tax and exchange, and unwinds to the minor unit.

Everything is cumulative. Once `done` of a line's `amount` has moved, each party's part has moved by its exact share,
rounded half to even (core.money.share); a step from `before` to `after` posts the differences. So the parts of any
sequence of steps add up the same, nobody is ever more than half a unit off, and at `after = amount` every part is
whole. What the rounded parts lack or exceed sits in the rounding account, which is zero again when all is unwound.
"""

from collections.abc import Iterable
from typing import Protocol

from msgspec import Struct

from handfast.core.ids import Id, account_id, account_purpose
from handfast.core.money import half_even, share
from handfast.domain.parties import HOUSE, Party
from handfast.ledger import FLOORED, Posting, Purpose

Move = tuple[Id, Id, int]
"""Debit account, credit account, signed minor units; a negative one moves the other way."""


class Terms(Protocol):
    """The terms that a trade, and a payment without lines, carry.

    `amount` in the price currency holds `commission` and `tax`; the rest is the seller's. For it the payer gives
    `pay_amount`, of which `pay_position` closes with the operator's position and the rest is rounding. Likewise the
    seller is settled with `settle_amount` for what cost the position `settle_position`. Where a currency is the
    price's own, its position is not used.
    """

    @property
    def currency(self) -> str: ...
    @property
    def amount(self) -> int: ...
    @property
    def tax(self) -> int: ...
    @property
    def commission(self) -> int: ...
    @property
    def pay_currency(self) -> str: ...
    @property
    def pay_amount(self) -> int: ...
    @property
    def pay_position(self) -> int: ...
    @property
    def settle_currency(self) -> str: ...
    @property
    def settle_amount(self) -> int: ...
    @property
    def settle_position(self) -> int: ...


class Frozen(Struct, frozen=True):
    """Terms as they are worked out at the sale, before they are frozen into a trade or a payment."""

    currency: str
    amount: int
    tax: int
    commission: int
    pay_currency: str
    pay_amount: int
    pay_position: int
    settle_currency: str
    settle_amount: int
    settle_position: int


def commission_of(seller: Party, currency: str, amount: int) -> int:
    """The commission at the seller's rate: of the whole amount, half to even, up to the cap of its currency."""
    commission = half_even(amount * seller.commission_bps, 10_000)
    if seller.commission_cap and seller.commission_currency == currency:
        commission = min(commission, seller.commission_cap)
    return commission


def converted_up(amount: int, numerator: int, denominator: int) -> int:
    """What a customer pays for an amount: the exact product, rounded up, so never a whole unit more than exact."""
    return -(-amount * numerator // denominator)


def converted_down(amount: int, numerator: int, denominator: int) -> int:
    """What a customer gets for an amount: the exact product, rounded down, so A → B → A never gains."""
    return amount * numerator // denominator


def pay_in(terms: Terms, payer: Id, before: int, after: int) -> tuple[Id, list[Move]]:
    """The payer's account gives its part of a step; returns the account, in the price currency, to draw on then.

    Drawing `after - before` on that account completes the step.
    """
    if terms.pay_currency == terms.currency:
        return payer, []
    pay = _step(terms.pay_amount, terms, before, after)
    position = _step(terms.pay_position, terms, before, after)
    return _house(Purpose.POSITION, terms.currency), [
        (payer, _house(Purpose.POSITION, terms.pay_currency), position),
        (payer, _house(Purpose.ROUNDING, terms.pay_currency), pay - position),
    ]


def disburse(terms: Terms, seller: Id, source: Id, before: int, after: int) -> list[Move]:
    """The source gives `after - before` of the amount to seller, commission and tax; rounding takes the rest."""
    earned = _step(terms.amount - terms.commission - terms.tax, terms, before, after)
    commission = _step(terms.commission, terms, before, after)
    tax = _step(terms.tax, terms, before, after)
    wallet = account_id(seller, Purpose.WALLET, terms.settle_currency)
    moves = [
        (source, _house(Purpose.ROUNDING, terms.currency), after - before - earned - commission - tax),
        (source, _house(Purpose.COMMISSION, terms.currency), commission),
        (source, _house(Purpose.TAX, terms.currency), tax),
    ]
    if terms.settle_currency == terms.currency:
        return [*moves, (source, wallet, earned)]
    position = _house(Purpose.POSITION, terms.settle_currency)
    settled = _step(terms.settle_amount, terms, before, after)
    exact = _step(terms.settle_position, terms, before, after)
    return [
        *moves,
        (source, _house(Purpose.POSITION, terms.currency), earned),
        (position, wallet, settled),
        (position, _house(Purpose.ROUNDING, terms.settle_currency), exact - settled),
    ]


def reverse(moves: Iterable[Move]) -> list[Move]:
    """The same moves back, the last one first."""
    return [(credit, debit, amount) for debit, credit, amount in reversed(list(moves))]


def posted(moves: Iterable[Move]) -> tuple[Posting, ...]:
    """The postings of moves: none for zero, the other way round for a negative amount.

    What draws on accounts without a floor comes first, so that a floored one is not found short of what it is about
    to get.
    """
    postings = [
        Posting(debit, credit, amount) if amount > 0 else Posting(credit, debit, -amount)
        for debit, credit, amount in moves
        if amount and debit != credit
    ]
    return tuple(sorted(postings, key=lambda posting: account_purpose(posting.debit) in FLOORED))


def _step(part: int, terms: Terms, before: int, after: int) -> int:
    if after - before == terms.amount:
        return part
    return share(part, after, terms.amount) - share(part, before, terms.amount)


def _house(purpose: Purpose, currency: str) -> Id:
    return account_id(HOUSE, purpose, currency)
