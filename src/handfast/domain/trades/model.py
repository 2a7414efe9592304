"""The guaranteed trade: one order line whose money is held until goods are confirmed or a clock runs out."""

from msgspec import Struct

from handfast.core.ids import Id

TRADE_STATES = {
    "held": {
        "ship": "shipped",
        "extend": "held",
        "release_part": "held",
        "release": "released",
        "refund_rest": "refunded",
        "cancel": "refunded",
        "silent_refund": "refunded",
        "silent_extend": "held",
        "silent_dispute": "held",
    },
    "shipped": {
        "deliver": "delivered",
        "confirm": "released",
        "confirm_milestone": "held",
        "extend": "shipped",
        "release_part": "shipped",
        "release": "released",
        "refund_rest": "refunded",
        "cancel": "refunded",
        "silent_release": "released",
        "silent_milestone": "held",
        "silent_refund": "refunded",
        "silent_extend": "shipped",
        "silent_dispute": "shipped",
    },
    "delivered": {
        "confirm": "released",
        "confirm_milestone": "held",
        "extend": "delivered",
        "release_part": "delivered",
        "release": "released",
        "refund_rest": "refunded",
        "cancel": "refunded",
        "silent_release": "released",
        "silent_milestone": "held",
        "silent_refund": "refunded",
        "silent_extend": "delivered",
        "silent_dispute": "delivered",
    },
    "released": {"free_reserve": "released", "refund_rest": "refunded", "finish": "finished"},
    "refunded": {},
    "finished": {},
}
"""State table: state → {move → next state}.

An unpaid trade is still its payment's line and closes with it. `silent_*` is what the policy makes of silence at the
end of the open step. A partial refund moves money, not the state; one of all that is held, after a part was released,
is a "release". So something is held while a trade is held, shipped or delivered. An open claim or dispute stops the
clock: `due` is empty, `paused` says how much of it is left, and only what ends the claim moves the trade.
"""

OVER = frozenset({"refunded", "finished"})

MOST_IN_VAIN = 5
"""So many claims and disputes of one step may end with nothing given: asking and withdrawing by turns has an end."""


class Share(Struct, frozen=True, array_like=True):
    """A part of the price that goes to somebody beside seller, operator and tax: freight, platform or affiliate.

    Minor units of the price currency, into the payee's wallet of that currency.
    """

    kind: str
    payee: Id
    amount: int


SHARE_KINDS = ("freight", "platform", "affiliate")


class Trade(Struct, frozen=True, gc=False):
    """A line of a payment with its own money, clock and frozen terms (see Terms). Amounts are cumulative.

    `refunded` was given back out of the held money, `released` went to the parties, `returned` was given back after
    release, all in the price currency. `reserved` of what the seller got was kept back at `reserve_bps` (settle
    currency) until it is freed. `shares` is msgpack of a tuple of Share, empty for none. `due` is the open step's end
    (market time) or None, `paused` what was left of it (µs) when a claim or dispute stopped the clock. `milestone`
    counts those confirmed; `tracking`, `shipped_at` and `delivered_at` are the open one's, `released_at` is the last
    one's, or the trade's. The extensions of the open step are counted by who made them, and `in_vain` those of
    its claims and disputes that ended with nothing for the buyer. `proposal` is msgpack of a Proposal, or empty.
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
    policy: Id
    currency: str
    amount: int
    tax: int
    commission: int
    shares: bytes
    pay_currency: str
    pay_amount: int
    pay_position: int
    settle_currency: str
    settle_amount: int
    settle_position: int
    reserve_bps: int
    refunded: int
    released: int
    returned: int
    reserved: int
    milestone: int
    due: int | None
    paused: int | None
    extended_by_buyer: int
    extended_by_seller: int
    extended_by_silence: int
    in_vain: int
    claim: Id | None
    dispute: Id | None
    proposal: bytes
    tracking: str
    shipped_at: int | None
    delivered_at: int | None
    released_at: int | None
    version: int
    created: int


class Proposal(Struct, frozen=True, array_like=True):
    """What one side proposed and the other may agree to, so that a frozen trade changes with two persons' consent.

    "cancel" gives back all that is held; "amend" puts another published policy, or another end of the open step
    (`due`, market time), in the place of the frozen one.
    """

    by: str
    kind: str
    policy: Id | None = None
    due: int | None = None
