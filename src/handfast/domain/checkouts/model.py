"""Checkouts: what a merchant asks of a buyer through a gateway, before any money moves, and after."""

from msgspec import Struct

from handfast.core.clocks import DAY, MINUTE
from handfast.core.ids import Id

CHECKOUT_STATES = {
    "asked": {"ask": "asked", "present": "presented", "close": "closed", "expire": "closed"},
    "presented": {"finish": "finished"},
    "finished": {},
    "closed": {"ask": "asked"},
}
"""State table. Once presented there is a payment, whose own state tells what became of it; what is closed has none."""

CODE_LIFE = 5 * MINUTE
"""How long a payment code may be used."""

STAYS_ASKED = 15 * DAY
"""Until when a buyer may pay where nobody said otherwise."""


class Checkout(Struct, frozen=True, gc=False):
    """An amount asked of a buyer under the gateway's own `number` (an order's), which an alias leads to.

    `digest` is of what was asked, so that a repeat is told from a change. `asked` has the gateway's own fields, sealed
    under the merchant's key. `lines` are payments.NewLine in msgpack, or empty. A `quote` of the merchant's fixes the
    buyer's currency and rate. A `payment` made here has the checkout's own id. `refundable` is for how long after
    paying the merchant may refund (µs; 0 is for ever), `declared` what of the buyer's money was declared to customs
    (minor units of what it paid in), `due` when an asked checkout closes, and a paid one finishes, by
    itself (market time).
    """

    id: Id
    gateway: str
    app: Id
    number: str
    digest: bytes
    merchant: Id
    buyer: Id | None
    state: str
    currency: str
    amount: int
    capture: str
    lines: bytes
    notify_url: str
    return_url: str
    asked: bytes
    quote: Id | None
    payment: Id | None
    refundable: int
    declared: int
    due: int | None
    version: int
    created: int


class Part(Struct, frozen=True, gc=False):
    """A part of an authorised checkout that was taken ("pay") or freed ("free"), under the merchant's own `number`.

    One that was taken has a checkout of its own, with the same id, over the authorised payment; `refunded` went back.
    """

    id: Id
    checkout: Id
    kind: str
    number: str
    amount: int
    refunded: int
    note: str
    created: int


class RefundNumber(Struct, frozen=True, gc=False):
    """The merchant's own number of a refund or a capture, by the refund's id, or that of the capture's event."""

    id: Id
    number: str


class PaymentCode(Struct, frozen=True, gc=False):
    """A buyer's one-time code, which lets whoever scans it charge; `id` is the digest of the code itself.

    With `confirm` (1) the buyer wants to be asked first. `used` is the checkout that it was shown for.
    """

    id: Id
    buyer: Id
    confirm: int
    expires: int
    used: Id | None
    created: int
