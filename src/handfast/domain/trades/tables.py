"""Rows of trades."""

from handfast.core.ids import Id
from handfast.domain.trades.model import Trade
from handfast.store.reader import Reader, find
from handfast.store.table import Table

TRADES = Table("trades", Trade)
INDEXES = (
    ("trades", "due, id", "due IS NOT NULL"),
    ("trades", "payment", ""),
    ("trades", "seller, id", ""),
    ("trades", "buyer, id", ""),
)


def due_trades(reader: Reader, now: int, limit: int) -> list[Trade]:
    """Trades whose open step has run out, the earliest first."""
    return find(reader, TRADES, "due IS NOT NULL AND due <= ? ORDER BY due, id LIMIT ?", now, limit)


def trades_of(reader: Reader, payment: Id) -> list[Trade]:
    """The trades of a payment, in the order of its lines."""
    return find(reader, TRADES, "payment = ? ORDER BY id", payment)
