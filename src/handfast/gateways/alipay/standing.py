"""How a trade stands: found by one of its two numbers, and the vendor's status of what Handfast knows about it."""

from typing import Any

from msgspec import Struct

from handfast.core.errors import Conflict, Refusal
from handfast.core.ids import Id
from handfast.domain.apps import ALIASES, alias_id
from handfast.domain.checkouts import CHECKOUTS, ORDER, PARTS, Checkout, as_paid
from handfast.domain.payments import PAYMENTS, Payment
from handfast.gateways.alipay.callers import GATEWAY
from handfast.gateways.alipay.calls import Call
from handfast.gateways.alipay.codes import Refused
from handfast.gateways.alipay.numbers import number_of, thing_of
from handfast.gateways.alipay.refusals import TRADES, bad_field
from handfast.store.reader import Reader, get

WAITS = "WAIT_BUYER_PAY"
SUCCESS = "TRADE_SUCCESS"
FINISHED = "TRADE_FINISHED"
CLOSED = "TRADE_CLOSED"


class Sale(Struct, frozen=True):
    """A trade: what was asked, and its payment."""

    checkout: Checkout
    payment: Payment

    @property
    def trade_no(self) -> str:
        """The vendor's number."""
        return number_of(self.checkout.id)

    @property
    def status(self) -> str:
        """The vendor's word for how the trade stands."""
        return status_of(self.checkout, self.payment)


def status_of(checkout: Checkout, payment: Payment) -> str:
    """The vendor's word for how a trade stands."""
    match payment.state:
        case "open":
            return WAITS
        case "authorised":
            return SUCCESS
        case "captured" if payment.refunded < payment.captured:
            return FINISHED if checkout.state == "finished" else SUCCESS
        case _:
            return CLOSED


async def find_checkout(call: Call[Any], out_trade_no: str, trade_no: str) -> tuple[Checkout, Payment | None] | None:
    """What the merchant asked under that number, looked at or not; `trade_no` wins. Raises Refused for no number."""
    if not out_trade_no and not trade_no:
        raise bad_field(TRADES, "one of out_trade_no and trade_no is needed")
    app, party = call.caller.app.id, call.caller.party

    def query(reader: Reader) -> tuple[Checkout, Payment | None] | None:
        key = thing_of(trade_no) if trade_no else _asked(reader, app, out_trade_no)
        checkout = get(reader, CHECKOUTS, key) if key else None
        if (
            checkout is None
            or checkout.merchant != party
            or checkout.gateway != GATEWAY
            or checkout.capture == "manual"
        ):
            return None
        payment = get(reader, PAYMENTS, checkout.payment) if checkout.payment else None
        part = None if checkout.payment in (None, checkout.id) else get(reader, PARTS, checkout.id)
        return checkout, as_paid(payment, part) if payment and part else payment

    return await call.look(query)


def _asked(reader: Reader, app: Id, number: str) -> Id | None:
    alias = get(reader, ALIASES, alias_id(app, ORDER, number))
    return alias.object if alias else None


async def find(call: Call[Any], out_trade_no: str, trade_no: str) -> Sale:
    """The trade. Raises Refused(ACQ.TRADE_NOT_EXIST), also for what no buyer has looked at."""
    found = await find_checkout(call, out_trade_no, trade_no)
    if found is None or found[1] is None:
        raise Refused("ACQ.TRADE_NOT_EXIST")
    return Sale(found[0], found[1])


_BY_STATUS = {
    WAITS: "ACQ.TRADE_STATUS_ERROR",
    SUCCESS: "ACQ.TRADE_HAS_SUCCESS",
    FINISHED: "ACQ.TRADE_HAS_FINISHED",
    CLOSED: "ACQ.TRADE_HAS_CLOSE",
}


async def must_wait(call: Call[Any], checkout: Checkout) -> None:
    """Raises Refused, which tells the trade's status, where it is not to be paid any more."""
    payment = await call.look(lambda reader: get(reader, PAYMENTS, checkout.payment) if checkout.payment else None)
    if payment is not None and payment.state != "open":
        raise Refused(_BY_STATUS[status_of(checkout, payment)])


async def told_by_status(call: Call[Any], no: Refusal, out_trade_no: str, trade_no: str = "") -> Exception:
    """The refusal with the trade's status in its code, where its state is what stands against it."""
    if not isinstance(no, Conflict) or no.code != "state_conflict":
        return no
    found = await find_checkout(call, out_trade_no, trade_no)
    if found is None or found[1] is None:
        return no
    return Refused(_BY_STATUS[status_of(found[0], found[1])])
