"""Rows of top-ups and of the references that bank lines carry."""

from handfast.core.ids import Id, digest_id
from handfast.domain.topups.model import Reference, Topup
from handfast.store.table import Table

TOPUPS = Table("topups", Topup)
REFERENCES = Table("topup_references", Reference)
INDEXES = (("topups", "party, id", ""),)


def reference_id(reference: str) -> Id:
    """The row id of a reference's text."""
    return digest_id(b"topup", reference.encode())
