"""Top-ups: bank transfers that are announced, and credited when the statement brings their reference."""

from handfast.domain.topups.model import TOPUP_STATES, Reference, Topup
from handfast.domain.topups.references import reference_of, references_in
from handfast.domain.topups.tables import REFERENCES, TOPUPS, referred_topups
from handfast.domain.topups.verbs import VERBS, BookTopup, CreateTopup, book, create

__all__ = [
    "REFERENCES",
    "TOPUPS",
    "TOPUP_STATES",
    "VERBS",
    "BookTopup",
    "CreateTopup",
    "Reference",
    "Topup",
    "book",
    "create",
    "reference_of",
    "references_in",
    "referred_topups",
]
