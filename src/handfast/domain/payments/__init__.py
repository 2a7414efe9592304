"""Payments, their refunds, and the consents that let a merchant charge."""

from handfast.domain.payments import consents, refunds, verbs
from handfast.domain.payments.cart import MOST_LINES, MOST_SHARES, NewLine, lines_of
from handfast.domain.payments.consents import GiveConsent, WithdrawConsent, give, withdraw
from handfast.domain.payments.model import CONSENT_STATES, PAYMENT_STATES, Consent, Line, Payment, Refund
from handfast.domain.payments.refunds import (
    RefundPayment,
    agree,
    close_unconfirmed,
    close_unshipped,
    refund,
    refund_trade,
)
from handfast.domain.payments.tables import (
    CONSENTS,
    PAYMENTS,
    REFUNDS,
    consent_id,
    due_payments,
    paid_by,
    refunds_of,
    sold_by,
)
from handfast.domain.payments.verbs import (
    CapturePayment,
    CreatePayment,
    DuePayment,
    EndPayment,
    PayPayment,
    cancel,
    capture,
    create,
    expire,
    pay,
    still_pending,
    void,
)

VERBS = (
    *verbs.VERBS,
    refunds.refund,
    refunds.close_unshipped,
    refunds.close_unconfirmed,
    refunds.agree,
    consents.give,
    consents.withdraw,
)

__all__ = [
    "CONSENTS",
    "CONSENT_STATES",
    "MOST_LINES",
    "MOST_SHARES",
    "PAYMENTS",
    "PAYMENT_STATES",
    "REFUNDS",
    "VERBS",
    "CapturePayment",
    "Consent",
    "CreatePayment",
    "DuePayment",
    "EndPayment",
    "GiveConsent",
    "Line",
    "NewLine",
    "PayPayment",
    "Payment",
    "Refund",
    "RefundPayment",
    "WithdrawConsent",
    "agree",
    "cancel",
    "capture",
    "close_unconfirmed",
    "close_unshipped",
    "consent_id",
    "create",
    "due_payments",
    "expire",
    "give",
    "lines_of",
    "paid_by",
    "pay",
    "refund",
    "refund_trade",
    "refunds_of",
    "sold_by",
    "still_pending",
    "void",
    "withdraw",
]
