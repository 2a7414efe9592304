"""Frozen terms: how an amount splits among payer, seller, operator, tax, third parties and exchange, and unwinds.

Everything is cumulative. Once `done` of a line's `amount` has moved, each party's part has moved by its exact share,
rounded half to even (core.money.share); a step from `before` to `after` posts the differences. So the parts of any
sequence of steps add up the same, nobody is ever more than half a unit off, and at `after = amount` every part is
whole. What the rounded parts lack or exceed sits in the rounding account, which is zero again when all is unwound.

An example: 100.00 with tax 8.00, commission 3.50 and freight 5.00, so the seller earns 83.50. After the release 33.33
goes back: 27.83 (of 27.83055) from the seller, 2.67 of the tax, 1.17 of the commission, 1.67 of the freight. That is
33.34, so 0.01 goes into rounding. When the other 66.67 goes back, seller, tax, commission and freight give what is left
of theirs, 55.67 + 5.33 + 2.33 + 3.33 = 66.66, and rounding gives its 0.01.
"""

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Protocol

from msgspec import Struct, msgpack

from handfast.core.ids import OBJECT, Id, account_id, owner_of
from handfast.core.money import half_even, share
from handfast.domain.parties import HOUSE, Party
from handfast.domain.trades.model import Share, Trade
from handfast.ledger import FLOORED, Mode, Posting, Purpose

_WALLET, _POSITION = int(Purpose.WALLET), int(Purpose.POSITION)
_COMMISSION, _TAX, _ROUNDING = int(Purpose.COMMISSION), int(Purpose.TAX), int(Purpose.ROUNDING)
_RECEIVABLE = int(Purpose.RECEIVABLE)
_FLOORED = bytes(FLOORED)
_UP_TO = int(Mode.UP_TO)
_OWED = bytes((Purpose.RECEIVABLE,))
_RESERVE = bytes((Purpose.RESERVE,))
_decode_shares = msgpack.Decoder(tuple[Share, ...]).decode


class Move(Struct, frozen=True, gc=False):
    """A movement of signed minor units from the debit account to the credit account; a negative one is reversed.

    One `up_to` its amount moves what the debit account has and the credit account is owed, perhaps nothing.
    """

    debit: Id
    credit: Id
    amount: int
    up_to: bool = False


class Terms(Protocol):
    """The terms that a trade, and a payment without lines, carry.

    `amount` in the price currency holds `commission`, `tax` and, of a trade, what its shares sum to; the rest is the
    seller's. For the amount the payer gives `pay_amount`, of which `pay_position` closes with the operator's position
    and the rest is rounding. Likewise the seller is settled with `settle_amount` for what cost the position
    `settle_position`. Where a currency is the price's own, its position is not used.
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


def commission_of(seller: Party, currency: str, amount: int, most: int, *, listed: bool) -> int:
    """The commission on an amount: the rate's part half to even, at least the minimum, at most the cap, and a fee.

    Minimum, cap and, for a line that was `listed`, the listing fee count where they are in this currency; and
    commission never takes more than `most`, what tax and shares leave of the amount. Of 10.00 at 350 basis points with
    a minimum of 0.50 and a fee of 0.05 it takes 0.55; of 0.30 all of it.
    """
    commission = half_even(amount * seller.commission_bps, 10_000)
    if seller.commission_currency == currency:
        commission = max(commission, seller.commission_minimum)
        if seller.commission_cap:
            commission = min(commission, seller.commission_cap)
        if listed:
            commission += seller.listing_fee
    return min(commission, most)


def converted_up(amount: int, numerator: int, denominator: int) -> int:
    """What a customer pays for an amount: the exact product, rounded up, so never a whole unit more than exact."""
    return -(-amount * numerator // denominator)


def converted_down(amount: int, numerator: int, denominator: int) -> int:
    """What a customer gets for an amount: the exact product, rounded down, so A → B → A never gains."""
    return amount * numerator // denominator


def shares_of(trade: Trade) -> tuple[Share, ...]:
    """The parts of a trade's price that go to third parties."""
    return _decode_shares(trade.shares) if trade.shares else ()


def pay_in(terms: Terms, payer: Id, before: int, after: int) -> tuple[Id, list[Move]]:
    """The payer's account gives its part of a step; returns the account, in the price currency, to draw on then.

    Drawing `after - before` on that account completes the step.
    """
    if terms.pay_currency == terms.currency:
        return payer, []
    pay = _step(terms.pay_amount, terms, before, after)
    position = _step(terms.pay_position, terms, before, after)
    return _house(_POSITION, terms.currency), [
        Move(payer, _house(_POSITION, terms.pay_currency), position),
        Move(payer, _house(_ROUNDING, terms.pay_currency), pay - position),
    ]


def disburse(terms: Terms, seller: Id, source: Id, before: int, after: int, shares: Sequence[Share] = ()) -> list[Move]:
    """The source gives `after - before` of the amount to seller, operator, tax and shares; rounding takes the rest."""
    currency = terms.currency
    earned = _step(earnings(terms, shares), terms, before, after)
    rest = after - before - earned
    moves: list[Move] = []
    if terms.commission:
        commission = _step(terms.commission, terms, before, after)
        rest -= commission
        moves.append(Move(source, _house(_COMMISSION, currency), commission))
    if terms.tax:
        tax = _step(terms.tax, terms, before, after)
        rest -= tax
        moves.append(Move(source, _house(_TAX, currency), tax))
    for part in shares:
        given = _step(part.amount, terms, before, after)
        rest -= given
        moves.append(Move(source, account_id(part.payee, _WALLET, currency), given))
    if rest:
        moves.append(Move(source, _house(_ROUNDING, currency), rest))
    settle_currency = terms.settle_currency
    wallet = account_id(seller, _WALLET, settle_currency)
    if settle_currency == currency:
        moves.append(Move(source, wallet, earned))
        return moves
    position = _house(_POSITION, settle_currency)
    settled = _step(terms.settle_amount, terms, before, after)
    exact = _step(terms.settle_position, terms, before, after)
    moves.append(Move(source, _house(_POSITION, currency), earned))
    moves.append(Move(position, wallet, settled))
    moves.append(Move(position, _house(_ROUNDING, settle_currency), exact - settled))
    return moves


def earnings(terms: Terms, shares: Sequence[Share]) -> int:
    """What commission, tax and shares leave of the amount: the seller's, in the price currency."""
    earned = terms.amount - terms.commission - terms.tax
    return earned - sum([part.amount for part in shares]) if shares else earned


def settled(trade: Trade, done: int) -> int:
    """What the seller was settled with, in the settle currency, once `done` of the amount was released."""
    whole = trade.settle_amount
    if trade.settle_currency == trade.currency:
        whole = earnings(trade, shares_of(trade))
    return share(whole, done, trade.amount)


def kept_back(trade: Trade, done: int) -> int:
    """What the seller's reserve holds once `done` of the amount was released: `reserve_bps` of what it was settled.

    In the settle currency and cumulative. At 1,000 basis points, 83.50 earned: 2.78 (of 27.83) after a third, 8.35
    after all.
    """
    return half_even(settled(trade, done) * trade.reserve_bps, 10_000)


def netted(moves: Iterable[Move]) -> list[Move]:
    """What each wallet gains by the moves first pays what its owner owes the operator, as far as it owes.

    A seller who owes 30.00 and gains 83.50 can spend 53.50 of it; one who owes 100.00 can spend nothing and owes 16.50.
    """
    gains: dict[Id, int] = {}
    for move in moves:
        if move.credit[OBJECT] == _WALLET:
            gains[move.credit] = gains.get(move.credit, 0) + move.amount
        if move.debit[OBJECT] == _WALLET:
            gains[move.debit] = gains.get(move.debit, 0) - move.amount
    return [Move(wallet, _of_same(wallet, _OWED), gain, up_to=True) for wallet, gain in gains.items() if gain > 0]


def advanced(moves: Iterable[Move], but: Id | None = None) -> list[Move]:
    """The moves with the operator in the place of each wallet that gives, except `but`; then what it gets back at once.

    The operator advances what a party is to give and has it as a receivable. Of that the party's balance pays what it
    can, then its reserve; what is left stays owed. A seller who is to give 83.50, with a balance of 60.00 and a reserve
    of 8.35, owes 15.15 then.
    """
    given: list[Move] = []
    back: list[Move] = []
    for move in moves:
        if move.debit[OBJECT] != _WALLET or move.debit == but:
            given.append(move)
            continue
        owed = _of_same(move.debit, _OWED)
        given.append(Move(owed, move.credit, move.amount))
        back.append(Move(move.debit, owed, move.amount, up_to=True))
        back.append(Move(_of_same(move.debit, _RESERVE), owed, move.amount, up_to=True))
    return given + back


def debtors(moves: Iterable[Move]) -> Iterable[Id]:
    """The parties for which the moves have the operator advance something, each once."""
    return dict.fromkeys(owner_of(move.debit) for move in moves if move.amount and move.debit[OBJECT] == _RECEIVABLE)


def reverse(moves: Iterable[Move]) -> list[Move]:
    """The same moves back, the last one first."""
    return [Move(move.credit, move.debit, move.amount) for move in reversed(list(moves))]


def posted(moves: Iterable[Move]) -> tuple[Posting, ...]:
    """The postings of moves, by turns: none for zero, the other way round for a negative amount.

    What draws on accounts without a floor comes first, then what a reserve gives back, so that a floored account is not
    found short of what it is about to get. What is owed is paid last.
    """
    first: list[Posting] = []
    freed: list[Posting] = []
    given: list[Posting] = []
    last: list[Posting] = []
    for move in moves:
        debit, credit, amount = move.debit, move.credit, move.amount
        if not amount or debit == credit:
            continue
        if amount < 0:
            debit, credit, amount = credit, debit, -amount
        elif move.up_to:
            (freed if credit[OBJECT] == _WALLET else last).append(Posting(debit, credit, amount, _UP_TO))
            continue
        (given if debit[OBJECT] in _FLOORED else first).append(Posting(debit, credit, amount))
    return (*first, *freed, *given, *last)


def _step(part: int, terms: Terms, before: int, after: int) -> int:
    if after - before == terms.amount:
        return part
    return share(part, after, terms.amount) - share(part, before, terms.amount)


@cache
def _house(purpose: int, currency: str) -> Id:
    return account_id(HOUSE, purpose, currency)


def _of_same(account: Id, purpose: bytes) -> Id:
    """The account of the same owner and currency for another purpose."""
    return account[:OBJECT] + purpose + account[OBJECT + 1 :]
