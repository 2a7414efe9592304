"""Rows of payouts and of the bank files that order them."""

from collections.abc import Sequence

from handfast.core.ids import OBJECT, Id, digest_id, owner_of
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


def end_to_end(payout: Id) -> str:
    """What names a payout at every bank on its way: within 35 characters, letters and digits only."""
    return "HFP" + payout[:OBJECT].hex().upper()


def message_id(file: Id) -> str:
    """What names a bank file at the bank, which refuses a second one of the same name."""
    return "HFF" + file[:OBJECT].hex().upper()


def file_id(payouts: Sequence[Id]) -> Id:
    """The id of the file that orders these payouts; since each is ordered once, no other file has it."""
    return owner_of(digest_id(b"payout file", *payouts))


def requested(reader: Reader, currency: str, after: Id, limit: int) -> list[Payout]:
    """Payouts in a currency that no file has ordered yet, oldest first, from behind `after` on."""
    where = "state = 'requested' AND currency = ? AND id > ? ORDER BY id LIMIT ?"
    return find(reader, PAYOUTS, where, currency, after, limit)


def by_end_to_end(reader: Reader, text: str) -> Payout | None:
    """The payout that a bank line's end-to-end id names."""
    found = find(reader, PAYOUTS, "end_to_end = ?", text)
    return found[0] if found else None


def payouts_of_file(reader: Reader, file: Id) -> list[Payout]:
    """The payouts that a file orders, oldest first."""
    return find(reader, PAYOUTS, "file = ? ORDER BY id", file)
