"""How a payment stands: found by the merchant's number or by its id, and the vendor's words for it."""

from typing import Any

from msgspec import Struct

from handfast.core.errors import Conflict, Refusal
from handfast.core.ids import Id
from handfast.domain.apps import ALIASES, alias_id
from handfast.domain.checkouts import CHECKOUTS, ORDER, UNDONE, Checkout, refund_number
from handfast.domain.payments import PAYMENTS, Payment
from handfast.gateways.antom.callers import GATEWAY
from handfast.gateways.antom.calls import Call
from handfast.gateways.antom.results import Refused
from handfast.gateways.antom.wire import read_id, show_id
from handfast.store.reader import Reader, get

PROCESSING = "PROCESSING"
SUCCESS = "SUCCESS"
CANCELLED = "CANCELLED"


class Sale(Struct, frozen=True):
    """What was asked, its payment once a buyer has looked, and whether it was undone after it was paid."""

    checkout: Checkout
    payment: Payment | None
    undone: bool

    @property
    def payment_id(self) -> str:
        """How merchants name it."""
        return show_id(self.checkout.id)

    @property
    def status(self) -> str:
        """The vendor's word for how it stands; what ran out unpaid counts as cancelled."""
        if self.payment is None:
            return PROCESSING if self.checkout.state == "asked" else CANCELLED
        match self.payment.state:
            case "open":
                return PROCESSING
            case "authorised" | "captured":
                return CANCELLED if self.undone else SUCCESS
            case _:
                return CANCELLED


async def find(call: Call[Any], request_id: str, payment_id: str) -> Sale:
    """The payment; `payment_id` wins. Raises Refused(ORDER_NOT_EXIST, PARAM_ILLEGAL)."""
    if not request_id and not payment_id:
        raise Refused("PARAM_ILLEGAL", "one of paymentId and paymentRequestId is needed")
    app, party = call.caller.app.id, call.party

    def query(reader: Reader) -> Sale | None:
        key = read_id(payment_id) if payment_id else _asked(reader, app, request_id)
        checkout = get(reader, CHECKOUTS, key) if key else None
        if checkout is None or checkout.merchant != party or checkout.gateway != GATEWAY:
            return None
        return sale_of(reader, checkout)

    found = await call.look(query)
    if found is None:
        raise Refused("ORDER_NOT_EXIST")
    return found


def _asked(reader: Reader, app: Id, number: str) -> Id | None:
    alias = get(reader, ALIASES, alias_id(app, ORDER, number))
    return alias.object if alias else None


def sale_of(reader: Reader, checkout: Checkout) -> Sale:
    """How what was asked stands."""
    payment = get(reader, PAYMENTS, checkout.payment) if checkout.payment else None
    undone = bool(
        payment is not None
        and payment.refunded
        and payment.refunded == payment.captured
        and get(reader, ALIASES, refund_number(checkout, UNDONE))
    )
    return Sale(checkout, payment, undone)


async def told_by_status(call: Call[Any], no: Refusal, checkout: Id) -> Exception:
    """The refusal, in words about the order's end where that is what stands against it."""
    if not isinstance(no, Conflict) or no.code != "state_conflict":
        return no
    found = await call.look(lambda reader: get(reader, CHECKOUTS, checkout))
    if found is None:
        return no
    sale = await call.look(lambda reader: sale_of(reader, found))
    return Refused("ORDER_IS_CLOSED") if sale.status == CANCELLED else no
