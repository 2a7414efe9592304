"""An order of the first interface, found by one of its two numbers; and the people whom it is told with."""

from handfast.core.ids import Id
from handfast.domain.apps import ALIASES, App, alias_id
from handfast.domain.checkouts import CHECKOUTS, ORDER, Checkout
from handfast.domain.claims import claims_of
from handfast.domain.payments import PAYMENTS, lines_of
from handfast.domain.trades import TRADES
from handfast.gateways.alipay.legacy.states import Sale
from handfast.gateways.alipay.numbers import thing_of
from handfast.gateways.alipay.users import known_user, login_of
from handfast.services import Services
from handfast.store.reader import Reader, get


def find_checkout(reader: Reader, app: App, out_trade_no: str, trade_no: str) -> Checkout | None:
    """What that partner asked under that number; `trade_no` wins."""
    key = thing_of(trade_no) if trade_no else _asked(reader, app.id, out_trade_no)
    checkout = get(reader, CHECKOUTS, key) if key else None
    return checkout if checkout is not None and checkout.app == app.id else None


def _asked(reader: Reader, app: Id, number: str) -> Id | None:
    alias = get(reader, ALIASES, alias_id(app, ORDER, number))
    return alias.object if alias else None


def sale_of(reader: Reader, checkout: Checkout) -> Sale | None:
    """How a checkout stands; None until a buyer has looked at it."""
    payment = get(reader, PAYMENTS, checkout.payment) if checkout.payment else None
    if payment is None:
        return None
    (line,) = lines_of(payment)
    trade = get(reader, TRADES, line.trade)
    claims = claims_of(reader, trade.id) if trade else []
    is_open = trade.claim if trade else None
    last = max(claims, key=lambda claim: (claim.id == is_open, claim.created), default=None)
    return Sale(checkout, payment, trade, last)


def people(services: Services, reader: Reader, checkout: Checkout) -> dict[str, str]:
    """Seller and buyer as a partner is told of them."""
    found = {"seller_id": known_user(reader, checkout.merchant)}
    if checkout.buyer is not None:
        found["buyer_id"] = known_user(reader, checkout.buyer)
        found["buyer_email"] = login_of(services, reader, checkout.buyer)
    return found
