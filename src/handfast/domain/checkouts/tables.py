"""Rows of checkouts and payment codes."""

from handfast.core.ids import Id, digest_id
from handfast.domain.checkouts.model import Checkout, Part, PaymentCode, RefundNumber
from handfast.store.reader import Reader, find
from handfast.store.table import Table

CHECKOUTS = Table("checkouts", Checkout)
REFUND_NUMBERS = Table("refund_numbers", RefundNumber)
PAYMENT_CODES = Table("payment_codes", PaymentCode)
PARTS = Table("checkout_parts", Part)
INDEXES = (
    ("checkouts", "due, id", "due IS NOT NULL"),
    ("checkouts", "payment", "payment <> id"),
    ("checkout_parts", "checkout, id", ""),
)
ORDER = "order"
"""The kind of number that names a checkout (see apps.alias_id)."""
AUTH = "auth"
"""The kind of number that names an authorisation."""


def code_id(code: str) -> Id:
    """The id of the payment code with these digits; only this is kept."""
    return digest_id(b"payment code", code.encode())


def due_checkouts(reader: Reader, now: int, limit: int) -> list[Checkout]:
    """Checkouts whose time is over, the earliest first."""
    return find(reader, CHECKOUTS, "due IS NOT NULL AND due <= ? ORDER BY due, id LIMIT ?", now, limit)
