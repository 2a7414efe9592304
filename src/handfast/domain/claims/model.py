"""Claims: a buyer's requests for money back, and what seller and buyer, or their silence, make of them."""

from msgspec import Struct

from handfast.core.ids import Id

CLAIM_STATES = {
    "asked": {
        "agree": "refunded",
        "agree_return": "returning",
        "offer": "offered",
        "refuse": "refused",
        "withdraw": "withdrawn",
        "change": "asked",
        "escalate": "disputed",
        "silent_refund": "refunded",
        "silent_return": "returning",
        "silent_close": "closed",
        "silent_dispute": "disputed",
    },
    "offered": {
        "accept": "refunded",
        "accept_return": "returning",
        "change": "asked",
        "withdraw": "withdrawn",
        "escalate": "disputed",
        "silent_close": "closed",
        "silent_dispute": "disputed",
    },
    "refused": {
        "change": "asked",
        "withdraw": "withdrawn",
        "escalate": "disputed",
        "silent_close": "closed",
        "silent_dispute": "disputed",
    },
    "returning": {
        "send_back": "sent_back",
        "withdraw": "withdrawn",
        "escalate": "disputed",
        "silent_close": "closed",
        "silent_dispute": "disputed",
    },
    "sent_back": {
        "receive": "refunded",
        "contest": "disputed",
        "escalate": "disputed",
        "silent_refund": "refunded",
        "silent_dispute": "disputed",
    },
    "disputed": {"decide": "decided", "reopen": "closed"},
    "refunded": {},
    "withdrawn": {},
    "closed": {},
    "decided": {},
}
"""State table: state → {move → next state}. `silent_*` is what the trade's policy makes of silence."""

GOODS = ("return", "keep")
"""Whether a buyer sends the goods back before the money is given back, or keeps them."""

MOST_CHANGES = 5
"""How often a buyer may change one claim, so that changing does not stop a clock for ever."""


class Claim(Struct, frozen=True, gc=False):
    """A request for `amount` minor units of the trade's price currency back, with the goods returned or kept.

    `offered` is what the seller would give instead, and `offered_goods` whether for that the goods come back; accepted,
    they take the place of `amount` and `goods`. `words` are the buyer's and `answer` the seller's, each sealed under
    its author's key. `due` is the end of the open step (market time), `changes` how often the buyer changed it.
    """

    id: Id
    trade: Id
    payment: Id
    merchant: Id
    seller: Id
    buyer: Id
    state: str
    reason: str
    goods: str
    currency: str
    amount: int
    offered: int
    offered_goods: str
    words: bytes
    answer: bytes
    tracking: str
    changes: int
    due: int | None
    version: int
    created: int
