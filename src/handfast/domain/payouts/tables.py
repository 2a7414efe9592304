"""Rows of payouts, of the plans that ask for them and of the bank files that order them; what a preview reads."""

from collections.abc import Sequence

from handfast.core.ids import OBJECT, Id, digest_id, owner_of
from handfast.domain.payouts.model import Payout, PayoutFile, PayoutPlan
from handfast.store.reader import Reader, find
from handfast.store.table import Table

PAYOUTS = Table("payouts", Payout)
PAYOUT_FILES = Table("payout_files", PayoutFile)
PAYOUT_PLANS = Table("payout_plans", PayoutPlan)
INDEXES = (
    ("payouts", "party, id", ""),
    ("payouts", "currency, id", "state = 'requested'"),
    ("payouts", "end_to_end", ""),
    ("payouts", "file", "file IS NOT NULL"),
    ("payout_plans", "due, id", "due IS NOT NULL"),
    ("payout_plans", "party, id", ""),
)


def end_to_end(payout: Id) -> str:
    """What names a payout at every bank on its way: within 35 characters, letters and digits only."""
    return "HFP" + payout[:OBJECT].hex().upper()


def message_id(file: Id) -> str:
    """What names a bank file at the bank, which refuses a second one of the same name."""
    return "HFF" + file[:OBJECT].hex().upper()


def file_id(payouts: Sequence[Payout]) -> Id:
    """The id of the file that orders these payouts as they are now.

    Two who prepare the same make the same file, and the desk takes it once; prepared anew after a rejection, payouts
    are of another version, and so the file has another name.
    """
    return owner_of(digest_id(b"payout file", *(each.id + each.version.to_bytes(4, "big") for each in payouts)))


def plan_id(party: Id, currency: str) -> Id:
    """The id of a party's plan in a currency: there is one."""
    return owner_of(digest_id(b"payout plan", party, currency.encode()))


def requested(reader: Reader, currency: str, after: Id, limit: int) -> list[Payout]:
    """Payouts in a currency that no file has ordered yet, oldest first, from behind `after` on."""
    where = "state = 'requested' AND currency = ? AND id > ? ORDER BY id LIMIT ?"
    return find(reader, PAYOUTS, where, currency, after, limit)


def by_end_to_end(reader: Reader, text: str) -> Payout | None:
    """The payout that a bank line's end-to-end id names."""
    found = find(reader, PAYOUTS, "end_to_end = ?", text)
    return found[0] if found else None


def payouts_of_file(reader: Reader, file: Id) -> list[Payout]:
    """The payouts that a file orders, oldest first; of a rejected one, none."""
    return find(reader, PAYOUTS, "file = ? ORDER BY id", file)


def due_plans(reader: Reader, now: int, limit: int) -> list[PayoutPlan]:
    """Plans whose day has come, the earliest first."""
    return find(reader, PAYOUT_PLANS, "due IS NOT NULL AND due <= ? ORDER BY due, id LIMIT ?", now, limit)


def plans_of(reader: Reader, party: Id) -> list[PayoutPlan]:
    """A party's plans, by currency."""
    return find(reader, PAYOUT_PLANS, "party = ? ORDER BY currency", party)
