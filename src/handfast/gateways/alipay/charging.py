"""Barcode payments: the merchant scans a buyer's payment code, and is paid at once, or waits for the buyer."""

import re
from typing import Any, Literal

from msgspec import Struct

from handfast.core.errors import Refusal
from handfast.core.ids import Id
from handfast.domain import checkouts
from handfast.domain.checkouts import CHECKOUTS, ChargeCheckout, code_id
from handfast.domain.payments import Payment
from handfast.gateways.alipay.authorised import taken
from handfast.gateways.alipay.calls import Call, Waiting, method
from handfast.gateways.alipay.codes import Refused
from handfast.gateways.alipay.numbers import moment, number_of
from handfast.gateways.alipay.orders import Order, asking, check_seller
from handfast.gateways.alipay.refusals import TRADES, bad_field
from handfast.gateways.alipay.standing import told_by_status
from handfast.gateways.alipay.users import login_of, user_id
from handfast.gateways.alipay.wire import Text64, yuan
from handfast.store.reader import Reader, get

CEILING = 1_000_00
"""The largest amount (fen) that a payment code pays without the buyer's confirmation."""

CODE = re.compile(r"(2[5-9]|30)[0-9]{14,22}", re.ASCII)
"""What a payment code looks like: 16 to 24 digits that begin with 25 to 30."""


class Pay(Order, frozen=True, kw_only=True):
    """An order with what the buyer showed, or the number of what it had frozen."""

    scene: Text64 = "bar_code"
    auth_code: Text64 = ""
    auth_no: Text64 = ""
    auth_confirm_mode: Literal["", "COMPLETE", "NOT_COMPLETE"] = ""
    buyer_id: Text64 = ""


class FundBill(Struct, frozen=True):
    """Where a part of the money came from."""

    fund_channel: str
    amount: str


class Paid(Struct, frozen=True, kw_only=True):
    """The trade as it is paid; while it waits for the buyer, without what only paying tells."""

    trade_no: str
    out_trade_no: str
    buyer_logon_id: str
    buyer_user_id: str
    total_amount: str
    receipt_amount: str | None = None
    buyer_pay_amount: str | None = None
    point_amount: str | None = None
    invoice_amount: str | None = None
    gmt_payment: str | None = None
    fund_bill_list: list[FundBill] | None = None


@method(
    "alipay.trade.pay",
    "pay",
    also=(
        *("ACQ.AUTH_NO_ERROR", "ACQ.BUYER_SELLER_EQUAL", "ACQ.TRADE_BUYER_NOT_MATCH"),
        *("ACQ.TRADE_HAS_SUCCESS", "ACQ.TRADE_HAS_CLOSE", "ACQ.TRADE_HAS_FINISHED"),
    ),
    instead={"capture_exceeds_authorised": "ACQ.AUTH_AMOUNT_NOT_ENOUGH"},
)
async def pay(call: Call[Pay]) -> Paid | Waiting:
    """Charge the buyer whose payment code was scanned, or take what it had frozen; 10003 where it has to confirm."""
    order = call.given
    if order.auth_no:
        await check_seller(call, order.seller_id)
        complete = order.auth_confirm_mode == "COMPLETE"
        return await _told(call, await taken(call, order, order.auth_no, complete=complete, buyer_id=order.buyer_id))
    if order.scene not in ("bar_code", "security_code", "wave_code"):
        raise bad_field(TRADES, "scene is bar_code")
    if CODE.fullmatch(order.auth_code) is None:
        raise Refused("ACQ.PAYMENT_AUTH_CODE_INVALID")
    await check_seller(call, order.seller_id)
    command = ChargeCheckout(asking(call, order), code_id(order.auth_code), CEILING)
    try:
        payment: Payment = await call.do(checkouts.charge, command)
    except Refusal as no:
        if no.param == "payer":  # the payer is the merchant itself
            raise Refused("ACQ.BUYER_SELLER_EQUAL") from None
        if no.param == "buyer" and no.code == "state_conflict":
            raise Refused("ACQ.TRADE_BUYER_NOT_MATCH") from None
        raise await told_by_status(call, no, order.out_trade_no) from no
    if payment.state not in ("open", "captured"):
        raise Refused("ACQ.TRADE_HAS_CLOSE")
    told = await _told(call, payment)
    return told if payment.state == "captured" else Waiting(told)


async def _told(call: Call[Any], payment: Payment) -> Paid:
    def of(reader: Reader) -> tuple[Id, str]:
        checkout = None if payment.payer else get(reader, CHECKOUTS, payment.id)
        buyer = checkout.buyer if checkout else payment.payer
        assert buyer is not None, "a payment code has a buyer"
        return buyer, login_of(call.services, reader, buyer)

    buyer, login = await call.look(of)
    amount = yuan(payment.amount)
    paid: dict[str, Any] = {
        "receipt_amount": amount,
        "buyer_pay_amount": amount,
        "point_amount": yuan(0),
        "invoice_amount": amount,
        "gmt_payment": moment(payment.paid),
        "fund_bill_list": [FundBill("ALIPAYACCOUNT", amount)],
    }
    return Paid(
        trade_no=number_of(payment.id),
        out_trade_no=payment.reference,
        buyer_logon_id=login,
        buyer_user_id=await user_id(call.services, buyer),
        total_amount=amount,
        **(paid if payment.state == "captured" else {}),
    )


METHODS = (pay,)
