"""Rows of grants."""

from handfast.core.ids import Id, digest_id
from handfast.domain.grants.model import Grant
from handfast.store.table import Table

GRANTS = Table("grants", Grant)
INDEXES: tuple[tuple[str, str, str], ...] = ()


def grant_id(kind: str, text: str) -> Id:
    """The id of the code or token with that text."""
    return digest_id(b"grant", kind.encode(), text.encode())
