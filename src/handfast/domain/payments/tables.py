"""Rows of payments, refunds and consents."""

from handfast.core.ids import Id, digest_id
from handfast.domain.payments.model import Consent, Payment, Refund
from handfast.store.reader import Reader, find
from handfast.store.table import Table

PAYMENTS = Table("payments", Payment)
REFUNDS = Table("refunds", Refund)
CONSENTS = Table("consents", Consent)
INDEXES = (
    ("payments", "due, id", "due IS NOT NULL"),
    ("payments", "merchant, id", ""),
    ("payments", "payer, id", "payer IS NOT NULL"),
    ("refunds", "payment, id", ""),
    ("refunds", "merchant, id", ""),
    ("consents", "payer", ""),
)


def consent_id(payer: Id, merchant: Id) -> Id:
    """The id of the consent that a payer gave a merchant."""
    return digest_id(b"consent", payer, merchant)


def due_payments(reader: Reader, now: int, limit: int) -> list[Payment]:
    """Payments whose time to be paid or captured has run out, the earliest first."""
    return find(reader, PAYMENTS, "due IS NOT NULL AND due <= ? ORDER BY due, id LIMIT ?", now, limit)


def refunds_of(reader: Reader, payment: Id) -> list[Refund]:
    """The refunds of a payment, oldest first."""
    return find(reader, REFUNDS, "payment = ? ORDER BY id", payment)
