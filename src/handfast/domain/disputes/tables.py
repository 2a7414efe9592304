"""Rows of disputes and of their evidence."""

from handfast.core.ids import Id
from handfast.domain.disputes.model import Dispute, Evidence
from handfast.store.reader import Reader, find
from handfast.store.table import Table

DISPUTES = Table("disputes", Dispute)
EVIDENCE = Table("evidence", Evidence)
INDEXES = (
    ("disputes", "due, id", "due IS NOT NULL"),
    ("disputes", "trade, id", ""),
    ("disputes", "seller, id", ""),
    ("disputes", "buyer, id", ""),
    ("evidence", "dispute, id", ""),
)


def due_disputes(reader: Reader, now: int, limit: int) -> list[Dispute]:
    """Disputes whose open step has run out, the earliest first."""
    return find(reader, DISPUTES, "due IS NOT NULL AND due <= ? ORDER BY due, id LIMIT ?", now, limit)


def open_disputes(reader: Reader, limit: int, after: Dispute | None = None) -> list[Dispute]:
    """What waits for somebody, the most urgent first, or after one of them: an open dispute has a step that is due."""
    if after is None or after.due is None:
        return find(reader, DISPUTES, "due IS NOT NULL ORDER BY due, id LIMIT ?", limit)
    later = "due IS NOT NULL AND (due > ? OR (due = ? AND id > ?)) ORDER BY due, id LIMIT ?"
    return find(reader, DISPUTES, later, after.due, after.due, after.id, limit)


def disputes_of(reader: Reader, trade: Id) -> list[Dispute]:
    """The disputes of a trade, oldest first."""
    return find(reader, DISPUTES, "trade = ? ORDER BY id", trade)


def evidence_of(reader: Reader, dispute: Id) -> list[Evidence]:
    """What was shown in a dispute, oldest first."""
    return find(reader, EVIDENCE, "dispute = ? ORDER BY id", dispute)
