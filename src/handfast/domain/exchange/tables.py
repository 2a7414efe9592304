"""Rows of quotes and deals."""

from handfast.domain.exchange.model import Deal, Quote
from handfast.store.reader import Reader, find
from handfast.store.table import Table

QUOTES = Table("quotes", Quote)
DEALS = Table("deals", Deal)
INDEXES = (("quotes", "owner, id", ""), ("deals", "reference", ""))


def deal_by_reference(reader: Reader, reference: str) -> Deal | None:
    """The newest deal that a statement line's reference names."""
    found = find(reader, DEALS, "reference = ? ORDER BY id DESC LIMIT 1", reference)
    return found[0] if found else None
