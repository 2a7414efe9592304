"""The moves of a guaranteed trade: into its own account, out to the parties, and back."""

from handfast.core.ids import Id, account_id, entry_id
from handfast.domain.trades.model import Trade
from handfast.domain.trades.terms import Move, disburse, pay_in, posted, reverse
from handfast.ledger import Entry, Purpose

RELEASE = 1


def held(trade: Trade) -> Id:
    """The account that holds the trade's money: its floor, not a status, keeps anyone from giving out more."""
    return account_id(trade.id, Purpose.HELD, trade.currency)


def hold(trade: Trade, payer: Id) -> list[Move]:
    """Given the payer's account with the money, when the trade opens, then all of its amount is held."""
    source, moves = pay_in(trade, payer, 0, trade.amount)
    return [*moves, (source, held(trade), trade.amount)]


def release(trade: Trade) -> Entry:
    """Given held money, when the rest is released, then seller, operator and tax authority have their parts of it."""
    rest = trade.amount - trade.refunded - trade.released
    moves = disburse(trade, trade.seller, held(trade), trade.released, trade.released + rest)
    return Entry(entry_id(trade.id, RELEASE), "trade.release", posted(moves))


def refund(trade: Trade, amount: int) -> list[Move]:
    """Given held money, when a part goes back, then the payer has its part of what it paid, at the rate it paid."""
    before = trade.refunded + trade.returned
    target, moves = pay_in(trade, _wallet(trade), before, before + amount)
    return [(held(trade), target, amount), *reverse(moves)]


def give_back(trade: Trade, amount: int) -> list[Move]:
    """Given released money, when a part goes back, then each who had a part of it gives that part of theirs."""
    before = trade.refunded + trade.returned
    target, moves = pay_in(trade, _wallet(trade), before, before + amount)
    taken = disburse(trade, trade.seller, target, trade.returned, trade.returned + amount)
    return [*reverse(taken), *reverse(moves)]


def _wallet(trade: Trade) -> Id:
    return account_id(trade.buyer, Purpose.WALLET, trade.pay_currency)
