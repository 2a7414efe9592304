"""Rows of trades."""

from operator import attrgetter

from handfast.core.ids import Id
from handfast.domain.trades.model import Trade
from handfast.store.reader import Reader, find
from handfast.store.table import Table

TRADES = Table("trades", Trade)

_WAITING = "refunded + released < amount + reserved"
"""Trades whose money waits: held, or in reserve."""

INDEXES = (
    ("trades", "due, id", "due IS NOT NULL"),
    ("trades", "payment", ""),
    ("trades", "seller, currency", _WAITING),
    ("trades", "seller, id", ""),
    ("trades", "buyer, id", ""),
)


def due_trades(reader: Reader, now: int, limit: int) -> list[Trade]:
    """Trades whose open step has run out, the earliest first."""
    return find(reader, TRADES, "due IS NOT NULL AND due <= ? ORDER BY due, id LIMIT ?", now, limit)


def trades_of(reader: Reader, payment: Id) -> list[Trade]:
    """The trades of a payment, by id."""
    return find(reader, TRADES, "payment = ? ORDER BY id", payment)


def waiting_trades(reader: Reader, seller: Id) -> list[Trade]:
    """A seller's trades of which money is held, or some of what it earned is in reserve, oldest first."""
    # Ordered here: in the query, ORDER BY would draw SQLite to the index over all that the seller ever sold.
    return sorted(find(reader, TRADES, f"seller = ? AND {_WAITING}", seller), key=attrgetter("id"))


def held_for(reader: Reader, seller: Id) -> list[tuple[str, int]]:
    """What is held in a seller's open trades: by currency, in minor units."""
    sql = (
        "SELECT currency, sum(amount - refunded - released) FROM trades"
        f" WHERE seller = ? AND {_WAITING} AND refunded + released < amount GROUP BY currency ORDER BY currency"
    )
    return [(currency, int(amount)) for currency, amount in reader.rows(sql, (seller,))]
