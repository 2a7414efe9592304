"""Payments: what a merchant asks of a payer, authorised, captured in parts, voided or refunded in parts."""

from msgspec import Struct

from handfast.core.ids import Id
from handfast.domain.trades import Share

PAYMENT_STATES = {
    "open": {"authorise": "authorised", "pay": "captured", "cancel": "cancelled", "expire": "cancelled"},
    "authorised": {
        "free": "authorised",
        "capture": "authorised",
        "capture_final": "captured",
        "void": "voided",
        "expire": "voided",
    },
    "captured": {"refund": "captured"},
    "cancelled": {},
    "voided": {},
}
"""State table: state → {move → next state}. A void after a part was captured leaves the payment "captured"."""

REFUND_STATES: dict[str, dict[str, str]] = {"done": {}}
CONSENT_STATES = {"active": {"withdraw": "withdrawn"}, "withdrawn": {}}


class Line(Struct, frozen=True, array_like=True):
    """A cart's line with its frozen terms (see trades.Terms) and policy.

    `trade` is the guaranteed trade that its capture opens; one that is `settled` has nothing to ship.
    """

    trade: Id
    seller: Id
    title: str
    category: str
    delivery: str
    policy: Id
    amount: int
    tax: int
    commission: int
    shares: tuple[Share, ...]
    pay_amount: int
    pay_position: int
    settle_currency: str
    settle_amount: int
    settle_position: int
    captured: bool = False
    settled: bool = False


class Payment(Struct, frozen=True, gc=False):
    """A payment. Without lines it goes to the merchant at once; with lines, each becomes a guaranteed trade instead.

    Amounts are minor units, cumulative, in the price currency; `pay_*` in the payer's, `settle_*` in the merchant's
    (see trades.Terms; nothing settles here where there are lines). Of what was authorised, `freed` will not be
    captured. `pending` is the open authorisation's ledger entry, `attempt` tells refused tries apart,
    `due` is when an open or authorised payment ends by itself (market time), `paid` when its first part was taken.
    """

    id: Id
    merchant: Id
    payer: Id | None
    state: str
    capture: str
    currency: str
    amount: int
    captured: int
    refunded: int
    freed: int
    tax: int
    commission: int
    pay_currency: str
    pay_amount: int
    pay_position: int
    settle_currency: str
    settle_amount: int
    settle_position: int
    quote: Id | None
    reference: str
    description: str
    metadata: bytes
    lines: bytes
    pending: Id | None
    attempt: int
    due: int | None
    paid: int | None
    version: int
    created: int


class Refund(Struct, frozen=True, gc=False):
    """Money given back on a payment, or on one of its trades.

    `amount` in the price currency, `pay_amount` in the payer's.
    """

    id: Id
    payment: Id
    trade: Id | None
    merchant: Id
    state: str
    currency: str
    amount: int
    pay_currency: str
    pay_amount: int
    reason: str
    version: int
    created: int


class Consent(Struct, frozen=True, gc=False):
    """A payer's standing permission for one merchant to charge up to `ceiling` minor units of `currency` a payment.

    `id` derives from payer and merchant.
    """

    id: Id
    payer: Id
    merchant: Id
    currency: str
    ceiling: int
    state: str
    version: int
    created: int
