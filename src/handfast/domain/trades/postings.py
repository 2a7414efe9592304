"""The moves of a guaranteed trade: into its own account, out to the parties, and back."""

from collections.abc import Sequence

from handfast.core.ids import Id, account_id, entry_id
from handfast.domain.trades.model import Trade
from handfast.domain.trades.terms import (
    Move,
    advanced,
    disburse,
    kept_back,
    netted,
    pay_in,
    posted,
    reverse,
    shares_of,
)
from handfast.ledger import Entry, Purpose

RELEASE = 1
PART = 2
MILESTONE = 3
FREE = 4


def held(trade: Trade) -> Id:
    """The account that holds the trade's money: its floor, not a status, keeps anyone from giving out more."""
    return account_id(trade.id, Purpose.HELD, trade.currency)


def hold(trade: Trade, payer: Id) -> list[Move]:
    """Given the payer's account with the money, when the trade opens, then all of its amount is held."""
    source, moves = pay_in(trade, payer, 0, trade.amount)
    return [*moves, Move(source, held(trade), trade.amount)]


def release(trade: Trade, amount: int) -> list[Move]:
    """Given held money, when a part of it is released, then each party has its part.

    Of the seller's, the reserve keeps its share; what they owe the operator, they pay of it.
    """
    before, after = trade.released, trade.released + amount
    moves = disburse(trade, trade.seller, held(trade), before, after, shares_of(trade))
    if trade.reserve_bps:
        kept = kept_back(trade, after) - kept_back(trade, before)
        moves.append(Move(_of_seller(trade, Purpose.WALLET), _of_seller(trade, Purpose.RESERVE), kept))
    return moves + netted(moves)


def refund(trade: Trade, amount: int) -> list[Move]:
    """Given held money, when a part goes back, then the payer has its part of what it paid, at the rate it paid."""
    before = trade.refunded + trade.returned
    target, moves = pay_in(trade, _of_buyer(trade), before, before + amount)
    return [Move(held(trade), target, amount), *reverse(moves)]


def give_back(trade: Trade, amount: int, *, advance: bool) -> list[Move]:
    """Given released money, when a part goes back, then each who had a part of it gives that part of theirs.

    The operator advances what third parties give and, with `advance`, what the seller gives; without, the seller's
    wallet must have it.
    """
    before = trade.refunded + trade.returned
    target, moves = pay_in(trade, _of_buyer(trade), before, before + amount)
    taken = disburse(trade, trade.seller, target, trade.returned, trade.returned + amount, shares_of(trade))
    own = None if advance else _of_seller(trade, Purpose.WALLET)
    return [*advanced(reverse(taken), own), *reverse(moves)]


def free(trade: Trade) -> list[Move]:
    """Given a reserve, when its time is over, then the seller has what is left of it, less what it owes."""
    wallet = _of_seller(trade, Purpose.WALLET)
    freed = Move(_of_seller(trade, Purpose.RESERVE), wallet, trade.reserved, up_to=True)
    return [freed, *netted([freed])]


def release_entry(trade: Trade, moves: Sequence[Move]) -> Entry:
    """The entry that releases the rest of what is held: there is one."""
    return Entry(entry_id(trade.id, RELEASE), "trade.release", posted(moves))


def part_entry(trade: Trade, moves: Sequence[Move]) -> Entry:
    """The entry of a part that the buyer releases beforehand."""
    return Entry(entry_id(trade.id, PART, trade.version), "trade.release_part", posted(moves))


def milestone_entry(trade: Trade, moves: Sequence[Move]) -> Entry:
    """The entry of the open milestone's part."""
    return Entry(entry_id(trade.id, MILESTONE, trade.milestone), "trade.release_milestone", posted(moves))


def free_entry(trade: Trade) -> Entry:
    """The entry that frees the reserve: there is one."""
    return Entry(entry_id(trade.id, FREE), "trade.free_reserve", posted(free(trade)))


def _of_seller(trade: Trade, purpose: Purpose) -> Id:
    return account_id(trade.seller, purpose, trade.settle_currency)


def _of_buyer(trade: Trade) -> Id:
    return account_id(trade.buyer, Purpose.WALLET, trade.pay_currency)
