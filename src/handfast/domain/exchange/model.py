"""Exchange: a rate locked in a quote for a trade's whole life, and the operator's own deals at the bank."""

from msgspec import Struct

from handfast.core.ids import Id

QUOTE_STATES = {"open": {"use": "used", "expire": "expired"}, "used": {}, "expired": {}}
DEAL_STATES = {"agreed": {"book": "booked"}, "booked": {}}


class Quote(Struct, frozen=True, gc=False):
    """A rate that the operator stands by until `expires`, and for the whole life of the payment that used it.

    One minor unit of the price costs numerator / denominator of the payer's. `source` names table and day
    ("ECB 2014-10-28").
    """

    id: Id
    owner: Id
    state: str
    price_currency: str
    pay_currency: str
    numerator: int
    denominator: int
    source: str
    expires: int
    version: int
    created: int


class Deal(Struct, frozen=True, gc=False):
    """An exchange that the operator agreed with its bank to close a position.

    Booked as the statement's lines come in.
    """

    id: Id
    state: str
    sell_currency: str
    sell_amount: int
    buy_currency: str
    buy_amount: int
    sold: int
    bought: int
    reference: str
    version: int
    created: int
