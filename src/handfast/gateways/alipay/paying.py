"""Asking for money: page, wap and app payments that lead to the cashier, QR codes, and trades made at once."""

from typing import Annotated

from msgspec import Meta, Struct

from handfast.core.errors import Conflict, Refusal
from handfast.core.ids import OBJECT, Id
from handfast.domain import checkouts
from handfast.domain.checkouts import Checkout
from handfast.domain.payments import Payment
from handfast.gateways.alipay.calls import Call, Redirect, method
from handfast.gateways.alipay.numbers import number_of
from handfast.gateways.alipay.orders import Order, asking, buyer_of, check_seller
from handfast.gateways.alipay.refusals import TRADES, bad_field
from handfast.gateways.alipay.standing import must_wait, told_by_status
from handfast.gateways.alipay.wire import Text2048

CASHIER = "/checkout/"
"""Where buyers pay: this and the checkout's id in hexadecimal digits."""

PRODUCTS = {
    "alipay.trade.page.pay": ("FAST_INSTANT_TRADE_PAY",),
    "alipay.trade.wap.pay": ("QUICK_WAP_WAY", "QUICK_WAP_PAY"),  # an SDK sends the second, which is nowhere documented
    "alipay.trade.app.pay": ("QUICK_MSECURITY_PAY",),
}
"""The product codes that each method takes; none is as good as the first."""


class PagePay(Order, frozen=True, kw_only=True):
    """An order that a browser brings."""

    qr_pay_mode: str = ""
    qrcode_width: str = ""
    integration_type: str = ""
    request_from_url: Text2048 = ""
    quit_url: Text2048 = ""


class Precreate(Order, frozen=True, kw_only=True):
    """An order that a buyer scans."""

    qr_code_timeout_express: str = ""


class Precreated(Struct, frozen=True):
    """The address to show as a QR code."""

    out_trade_no: str
    qr_code: str


class Create(Order, frozen=True, kw_only=True):
    """An order for a buyer who is known."""

    buyer_id: Annotated[str, Meta(max_length=64)] = ""
    buyer_open_id: Annotated[str, Meta(max_length=128)] = ""
    op_app_id: str = ""


class Created(Struct, frozen=True):
    """The trade's two numbers."""

    out_trade_no: str
    trade_no: str


def cashier(base_url: str, checkout: Id) -> str:
    """The address of the cashier for a checkout."""
    return f"{base_url}{CASHIER}{checkout[:OBJECT].hex()}"


async def _lead(call: Call[PagePay], name: str) -> Redirect:
    """Ask, and send the browser to the cashier. Raises Refused, and refusals."""
    order = call.given
    if order.product_code not in ("", *PRODUCTS[name]):
        raise bad_field(TRADES, f"product_code of this method is {PRODUCTS[name][0]}")
    return Redirect(cashier("", (await _ask(call, order)).id))


async def _ask(call: Call[PagePay] | Call[Precreate], order: Order) -> Checkout:
    await check_seller(call, order.seller_id)
    try:
        asked: Checkout = await call.do(checkouts.ask, asking(call, order))
    except Refusal as no:
        raise await told_by_status(call, no, order.out_trade_no) from no
    return asked


@method("alipay.trade.page.pay", "pay")
async def page_pay(call: Call[PagePay]) -> Redirect:
    """Send a browser to the cashier."""
    return await _lead(call, "alipay.trade.page.pay")


@method("alipay.trade.wap.pay", "pay")
async def wap_pay(call: Call[PagePay]) -> Redirect:
    """Send a phone's browser to the cashier."""
    return await _lead(call, "alipay.trade.wap.pay")


@method("alipay.trade.app.pay", "pay")
async def app_pay(call: Call[PagePay]) -> Redirect:
    """Send a phone's wallet to the cashier: what it posts here is the signed order that the merchant's app gave it."""
    return await _lead(call, "alipay.trade.app.pay")


@method("alipay.trade.precreate", "pay")
async def precreate(call: Call[Precreate]) -> Precreated:
    """Make a QR code that a buyer scans; there is no trade until one does."""
    asked = await _ask(call, call.given)
    await must_wait(call, asked)
    return Precreated(call.given.out_trade_no, cashier(call.base_url, asked.id))


@method("alipay.trade.create", "pay", also=("ACQ.BUYER_SELLER_EQUAL",))
async def create(call: Call[Create]) -> Created:
    """Make a trade at once, for a buyer who is known."""
    order = call.given
    await check_seller(call, order.seller_id)
    buyer = await buyer_of(call, order.buyer_id or order.buyer_open_id)
    if buyer is None:
        raise bad_field(TRADES, "buyer_id is needed")
    try:
        opened: Payment = await call.do(checkouts.open_at_once, asking(call, order, buyer))
    except Refusal as no:
        raise await told_by_status(call, no, order.out_trade_no) from no
    if opened.state != "open":
        raise await told_by_status(call, Conflict("state_conflict", "it is over"), order.out_trade_no)
    return Created(order.out_trade_no, number_of(opened.id))


METHODS = (page_pay, wap_pay, app_pay, precreate, create)
