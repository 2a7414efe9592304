"""Rows of payouts and of the bank files that order them."""

from handfast.core.ids import Id
from handfast.domain.payouts.model import Payout, PayoutFile
from handfast.store.reader import Reader, find
from handfast.store.table import Table

PAYOUTS = Table("payouts", Payout)
PAYOUT_FILES = Table("payout_files", PayoutFile)
INDEXES = (
    ("payouts", "party, id", ""),
    ("payouts", "currency, id", "state = 'requested'"),
    ("payouts", "end_to_end", ""),
    ("payouts", "file", "file IS NOT NULL"),
)


def requested(reader: Reader, currency: str, limit: int) -> list[Payout]:
    """Payouts in a currency that no file has ordered yet, oldest first."""
    return find(reader, PAYOUTS, "state = 'requested' AND currency = ? ORDER BY id LIMIT ?", currency, limit)


def by_end_to_end(reader: Reader, end_to_end: str) -> Payout | None:
    """The payout that a bank line's end-to-end id names."""
    found = find(reader, PAYOUTS, "end_to_end = ?", end_to_end)
    return found[0] if found else None


def payouts_of_file(reader: Reader, file: Id) -> list[Payout]:
    """The payouts that a file orders, oldest first."""
    return find(reader, PAYOUTS, "file = ? ORDER BY id", file)
