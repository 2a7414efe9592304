"""Rows of top-ups and of the references that bank lines carry."""

from collections.abc import Iterable

from handfast.core.ids import Id, digest_id
from handfast.domain.topups.model import Reference, Topup
from handfast.store.reader import Reader, get
from handfast.store.table import Table

TOPUPS = Table("topups", Topup)
REFERENCES = Table("topup_references", Reference)
INDEXES = (("topups", "party, id", ""),)


def reference_id(reference: str) -> Id:
    """The row id of a reference's text."""
    return digest_id(b"topup", reference.encode())


def referred_topups(reader: Reader, references: Iterable[str]) -> list[Topup]:
    """The top-ups that these references mean, those that mean nothing left out."""
    rows = [get(reader, REFERENCES, reference_id(reference)) for reference in sorted(references)]
    topups = [get(reader, TOPUPS, row.topup) for row in rows if row is not None]
    return [topup for topup in topups if topup is not None]
