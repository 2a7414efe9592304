"""The guaranteed trade: one order line whose money is held until goods are confirmed or a clock runs out."""

from msgspec import Struct

from handfast.core.clocks import DAY
from handfast.core.ids import Id

TRADE_STATES = {
    "held": {"ship": "shipped", "release": "released", "refund_rest": "refunded", "ship_by_passed": "refunded"},
    "shipped": {
        "confirm": "released",
        "release": "released",
        "refund_rest": "refunded",
        "confirm_by_passed": "released",
    },
    "released": {"refund_rest": "refunded"},
    "refunded": {},
}
"""State table: state → {move → next state}. A partial refund moves money, not the state."""


class Periods(Struct, frozen=True):
    """How long each step of a delivery kind may take (µs), and so what silence means.

    Unshipped refunds, shipped releases.
    """

    ship_within: int
    confirm_within: int


PERIODS = {
    "auto": Periods(1 * DAY, 1 * DAY),
    "virtual": Periods(3 * DAY, 3 * DAY),
    "express": Periods(5 * DAY, 10 * DAY),
    "surface": Periods(5 * DAY, 30 * DAY),
}
"""Taobao's periods by delivery kind: 1 day delivered automatically, 3 virtual, 10 express, 30 surface mail; Tmall
Global ships within 120 hours (help pages of the Taobao family, as copied by third parties)."""


class Trade(Struct, frozen=True, gc=False):
    """A line of a payment with its own money, clock and frozen terms (see Terms). Amounts are cumulative.

    `refunded` was given back out of the held money, `released` went to the parties, `returned` was given back after
    release, all in the price currency. `due` is the open step's end (market time) or None.
    """

    id: Id
    payment: Id
    merchant: Id
    seller: Id
    buyer: Id
    state: str
    title: str
    category: str
    delivery: str
    currency: str
    amount: int
    tax: int
    commission: int
    pay_currency: str
    pay_amount: int
    pay_position: int
    settle_currency: str
    settle_amount: int
    settle_position: int
    refunded: int
    released: int
    returned: int
    ship_within: int
    confirm_within: int
    due: int | None
    tracking: str
    version: int
    created: int
