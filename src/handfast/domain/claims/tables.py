"""Rows of claims."""

from handfast.core.ids import Id
from handfast.domain.claims.model import Claim
from handfast.store.reader import Reader, find
from handfast.store.table import Table

CLAIMS = Table("claims", Claim)
INDEXES = (
    ("claims", "due, id", "due IS NOT NULL"),
    ("claims", "trade, id", ""),
    ("claims", "seller, id", ""),
    ("claims", "buyer, id", ""),
)


def due_claims(reader: Reader, now: int, limit: int) -> list[tuple[Claim, Id]]:
    """Claims whose open step has run out, the earliest first, each with its trade's policy."""
    columns = ", ".join(f"claims.{name}" for name in CLAIMS.columns)
    sql = (
        f"SELECT trades.policy, {columns} FROM claims JOIN trades ON trades.id = claims.trade"
        " WHERE claims.due IS NOT NULL AND claims.due <= ? ORDER BY claims.due, claims.id LIMIT ?"
    )
    return [(Claim(*values), policy) for policy, *values in reader.rows(sql, (now, limit))]


def claims_of(reader: Reader, trade: Id) -> list[Claim]:
    """The claims of a trade, oldest first."""
    return find(reader, CLAIMS, "trade = ? ORDER BY id", trade)
