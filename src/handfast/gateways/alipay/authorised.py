"""Authorisations: found by either number, and a part of one taken as a trade."""

from typing import Any

from msgspec import Struct

from handfast.core.errors import Refusal
from handfast.core.ids import Id
from handfast.domain import checkouts
from handfast.domain.apps import ALIASES, alias_id
from handfast.domain.checkouts import AUTH, CHECKOUTS, Checkout, Part
from handfast.domain.payments import PAYMENTS, Payment
from handfast.gateways.alipay.callers import GATEWAY
from handfast.gateways.alipay.calls import Call
from handfast.gateways.alipay.codes import Refused
from handfast.gateways.alipay.numbers import thing_of
from handfast.gateways.alipay.orders import Order, asking, buyer_of
from handfast.gateways.alipay.refusals import TRADES, bad_field
from handfast.store.reader import Reader, get


class Held(Struct, frozen=True):
    """An authorisation: what was asked, and its payment, once a buyer has looked."""

    checkout: Checkout
    payment: Payment | None

    @property
    def rest(self) -> int:
        """What is still frozen, in fen."""
        payment = self.payment
        if payment is None or payment.state != "authorised":
            return 0
        return payment.amount - payment.captured - payment.freed


async def find_held(call: Call[Any], auth_no: str, out_order_no: str = "") -> Held:
    """The authorisation of that number; the vendor's wins. Raises Refused(AUTH_ORDER_NOT_EXIST)."""
    app, party = call.caller.app.id, call.caller.party

    def query(reader: Reader) -> Held | None:
        key = thing_of(auth_no) if auth_no else _named(reader, app, out_order_no)
        checkout = get(reader, CHECKOUTS, key) if key else None
        if checkout is None or checkout.merchant != party or checkout.gateway != GATEWAY:
            return None
        if checkout.capture != "manual":
            return None
        return Held(checkout, get(reader, PAYMENTS, checkout.payment) if checkout.payment else None)

    held = await call.look(query)
    if held is None:
        raise Refused("AUTH_ORDER_NOT_EXIST")
    return held


def _named(reader: Reader, app: Id, number: str) -> Id | None:
    alias = get(reader, ALIASES, alias_id(app, AUTH, number))
    return alias.object if alias else None


async def taken(call: Call[Any], order: Order, auth_no: str, *, complete: bool, buyer_id: str) -> Payment:
    """The payment that takes a part of what is frozen. Raises Refused, and refusals."""
    try:
        held = await find_held(call, auth_no)
    except Refused:
        raise Refused("ACQ.AUTH_NO_ERROR") from None
    if held.payment is None or held.payment.payer is None:
        raise Refused("ACQ.AUTH_NO_ERROR")
    buyer = await buyer_of(call, buyer_id)
    if buyer not in (None, held.payment.payer):
        raise bad_field(TRADES, "buyer_id is not who had the money frozen")
    asked = asking(call, order)
    if asked.lines:
        raise bad_field(TRADES, "what was frozen is paid at once: settle_period_time holds other orders only")
    command = checkouts.PayPart(call.caller.party, held.checkout.id, asked, complete)
    try:
        part: Part = await call.do(checkouts.pay_part, command)
    except Refusal as no:
        raise Refused("ACQ.AUTH_NO_ERROR") if no.code == "state_conflict" else no from no
    payment = await call.look(lambda reader: get(reader, PAYMENTS, held.checkout.id))
    assert payment is not None, "a part of it was taken"
    return checkouts.as_paid(payment, part)
