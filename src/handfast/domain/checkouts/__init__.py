"""What merchants ask of buyers through a gateway: asked, presented, paid, refunded by the merchant's own numbers."""

from handfast.domain.checkouts import refunds, verbs
from handfast.domain.checkouts.model import CHECKOUT_STATES, CODE_LIFE, STAYS_ASKED, Checkout, PaymentCode, RefundNumber
from handfast.domain.checkouts.refunds import (
    RefundCheckout,
    Refunded,
    UndoCheckout,
    Undone,
    refund,
    refund_number,
    undo,
)
from handfast.domain.checkouts.tables import CHECKOUTS, ORDER, PAYMENT_CODES, REFUND_NUMBERS, code_id, due_checkouts
from handfast.domain.checkouts.verbs import (
    AskCheckout,
    ChargeCheckout,
    DueCheckout,
    EndCheckout,
    IssueCode,
    PayCheckout,
    PresentCheckout,
    ask,
    charge,
    close,
    expire,
    issue_code,
    open_at_once,
    pay,
    present,
)

VERBS = (*verbs.VERBS, *refunds.VERBS)

__all__ = [
    "CHECKOUTS",
    "CHECKOUT_STATES",
    "CODE_LIFE",
    "ORDER",
    "PAYMENT_CODES",
    "STAYS_ASKED",
    "VERBS",
    "AskCheckout",
    "ChargeCheckout",
    "Checkout",
    "DueCheckout",
    "EndCheckout",
    "IssueCode",
    "PayCheckout",
    "PaymentCode",
    "PresentCheckout",
    "REFUND_NUMBERS",
    "RefundCheckout",
    "RefundNumber",
    "Refunded",
    "UndoCheckout",
    "Undone",
    "ask",
    "charge",
    "close",
    "code_id",
    "due_checkouts",
    "expire",
    "issue_code",
    "open_at_once",
    "pay",
    "present",
    "refund",
    "refund_number",
    "undo",
]
