"""What follows an order: ask how it stands, close it, undo it, refund it, ask what became of a refund."""

from typing import Any

from msgspec import Struct

from handfast.core.errors import Refusal
from handfast.core.ids import digest_id
from handfast.domain import checkouts, royalties
from handfast.domain.apps import ALIASES
from handfast.domain.checkouts import (
    EndCheckout,
    RefundCheckout,
    Refunded,
    UndoCheckout,
    Undone,
    refund_number,
)
from handfast.domain.payments import REFUNDS, Refund
from handfast.domain.royalties import ReturnShares
from handfast.gateways.alipay.calls import Call, method
from handfast.gateways.alipay.charging import FundBill
from handfast.gateways.alipay.codes import Refused
from handfast.gateways.alipay.numbers import moment, number_of
from handfast.gateways.alipay.refusals import TRADES, bad_field
from handfast.gateways.alipay.royalty import RoyaltyParameter, digest_of, receiver
from handfast.gateways.alipay.standing import WAITS, Sale, find, find_checkout, told_by_status
from handfast.gateways.alipay.users import login_of, user_id
from handfast.gateways.alipay.wire import Kept64, Kept256, Text64, Yuan, yuan
from handfast.store.reader import Reader, get

ABOUT_STATUS = ("ACQ.TRADE_HAS_SUCCESS", "ACQ.TRADE_HAS_CLOSE", "ACQ.TRADE_HAS_FINISHED")


class Named(Struct, frozen=True, kw_only=True):
    """A trade by either number; trade_no wins."""

    out_trade_no: Text64 = ""
    trade_no: Text64 = ""
    operator_id: Text64 = ""


class Standing(Struct, frozen=True, kw_only=True):
    """How a trade stands."""

    trade_no: str
    out_trade_no: str
    trade_status: str
    total_amount: str
    buyer_logon_id: str | None = None
    buyer_user_id: str | None = None
    receipt_amount: str
    buyer_pay_amount: str
    point_amount: str
    invoice_amount: str
    send_pay_date: str | None = None
    fund_bill_list: list[FundBill] | None = None
    subject: str | None = None
    body: str | None = None
    passback_params: str | None = None


class Closed(Struct, frozen=True):
    """The trade's two numbers."""

    out_trade_no: str
    trade_no: str


class Cancelled(Struct, frozen=True):
    """`action` is what undid the trade, close or refund; it is missing where there was none."""

    out_trade_no: str
    trade_no: str | None
    retry_flag: str
    action: str | None


class RefundOf(Named, frozen=True, kw_only=True):
    """A refund of a trade, in part only with an out_request_no."""

    refund_amount: Yuan
    out_request_no: Kept64 = ""
    refund_reason: Kept256 = ""
    store_id: Text64 = ""
    terminal_id: Text64 = ""
    refund_royalty_parameters: list[RoyaltyParameter] = []


class RefundMade(Struct, frozen=True, kw_only=True):
    """`refund_fee` is all that was refunded of the trade by now; `fund_change` is Y where this request moved money."""

    trade_no: str
    out_trade_no: str
    buyer_logon_id: str
    buyer_user_id: str
    fund_change: str
    refund_fee: str
    send_back_fee: str
    gmt_refund_pay: str | None
    refund_detail_item_list: list[FundBill]


class RefundNamed(Named, frozen=True, kw_only=True):
    """A refund by its number; the trade's own number, where the refund had none."""

    out_request_no: Text64


class RefundFound(Struct, frozen=True, kw_only=True):
    """A refund; one that is not there is a success without anything but its numbers."""

    trade_no: str
    out_trade_no: str
    out_request_no: str
    refund_status: str | None = None
    total_amount: str | None = None
    refund_amount: str | None = None
    refund_reason: str | None = None
    gmt_refund_pay: str | None = None
    send_back_fee: str | None = None


@method("alipay.trade.query", "pay")
async def query(call: Call[Named]) -> Standing:
    """See how a trade stands."""
    sale = await find(call, call.given.out_trade_no, call.given.trade_no)
    payment, checkout = sale.payment, sale.checkout
    paid = payment.captured > 0
    amount = yuan(payment.amount if paid else 0)
    buyer = payment.payer or checkout.buyer
    asked = call.unseal(checkout.asked)
    told: dict[str, Any] = {name: asked.get(name) for name in ("subject", "body", "passback_params")}
    if buyer is not None:
        told["buyer_logon_id"] = await call.look(lambda reader: login_of(call.services, reader, buyer))
        told["buyer_user_id"] = await user_id(call.services, buyer)
    return Standing(
        trade_no=sale.trade_no,
        out_trade_no=checkout.number,
        trade_status=sale.status,
        total_amount=yuan(payment.amount),
        receipt_amount=amount,
        buyer_pay_amount=amount,
        point_amount=yuan(0),
        invoice_amount=amount,
        send_pay_date=moment(payment.paid),
        fund_bill_list=[FundBill("ALIPAYACCOUNT", amount)] if paid else None,
        **told,
    )


@method("alipay.trade.close", "pay", also=ABOUT_STATUS)
async def close(call: Call[Named]) -> Closed:
    """Close a trade that nobody has paid."""
    sale = await find(call, call.given.out_trade_no, call.given.trade_no)
    try:
        await call.do(checkouts.close, EndCheckout(call.caller.party, sale.checkout.id))
    except Refusal as no:
        raise await told_by_status(call, no, sale.checkout.number, sale.trade_no) from no
    return Closed(sale.checkout.number, sale.trade_no)


@method("alipay.trade.cancel", "pay", instead={"balance_insufficient": "ACQ.SELLER_BALANCE_NOT_ENOUGH"})
async def cancel(call: Call[Named]) -> Cancelled:
    """Undo a trade of which the merchant does not know what became: it is closed, or refunded in full."""
    found = await find_checkout(call, call.given.out_trade_no, call.given.trade_no)
    if found is None:
        return Cancelled(call.given.out_trade_no, None, "N", None)
    checkout, payment = found
    undone: Undone = await call.do(checkouts.undo, UndoCheckout(call.caller.party, checkout.id))
    if payment is None:
        return Cancelled(checkout.number, None, "N", None)
    return Cancelled(checkout.number, number_of(checkout.id), "N", undone.step or "close")


@method(
    "alipay.trade.refund",
    "pay",
    also=("ACQ.REFUND_AMT_NOT_EQUAL_TOTAL", "ACQ.ROYALTY_RECEIVER_INVALID", *ABOUT_STATUS),
    instead={
        "balance_insufficient": "ACQ.SELLER_BALANCE_NOT_ENOUGH",
        "number_reused": "ACQ.DISCORDANT_REPEAT_REQUEST",
    },
)
async def refund(call: Call[RefundOf]) -> RefundMade:
    """Give a part or all of a trade back, once for each out_request_no."""
    given = call.given
    sale = await find(call, given.out_trade_no, given.trade_no)
    amount = int(given.refund_amount)
    if not given.out_request_no and amount != sale.payment.amount:
        raise Refused("ACQ.REFUND_AMT_NOT_EQUAL_TOTAL")
    if sale.status == WAITS:
        raise Refused("ACQ.TRADE_STATUS_ERROR")
    number = given.out_request_no or sale.checkout.number
    digest = digest_id(str(amount).encode())
    command = RefundCheckout(call.caller.party, sale.checkout.id, number, digest, amount, reason=given.refund_reason)
    try:
        if given.refund_royalty_parameters:
            await _take_back(call, sale, number)
        refunded: Refunded = await call.do(checkouts.refund, command)
    except Refusal as no:
        raise await told_by_status(call, no, sale.checkout.number, sale.trade_no) from no
    return await _made(call, sale, refunded)


async def _take_back(call: Call[RefundOf], sale: Sale, number: str) -> None:
    """What receivers give back of their shares goes to the merchant first. Raises Refused, and refusals.

    It pays for the refund, so that it is no more than that.
    """
    given = call.given
    if sum(int(part.amount) for part in given.refund_royalty_parameters) > int(given.refund_amount):
        raise Refused("ACQ.ALLOC_AMOUNT_VALIDATE_ERROR")
    alias = await call.look(lambda reader: get(reader, ALIASES, refund_number(sale.checkout, number)))
    if alias is None and int(given.refund_amount) > sale.payment.captured - sale.payment.refunded:
        raise Refused("ACQ.REASON_TRADE_REFUND_FEE_ERR")
    parts = given.refund_royalty_parameters
    shares = tuple([(await receiver(call, part.trans_out, part.trans_out_type), int(part.amount)) for part in parts])
    command = ReturnShares(call.caller.party, sale.checkout.id, number, digest_of(shares), shares)
    await call.do(royalties.return_shares, command)


async def _made(call: Call[Any], sale: Sale, refunded: Refunded) -> RefundMade:
    buyer = sale.payment.payer
    assert buyer is not None, "what was refunded was paid"
    return RefundMade(
        trade_no=sale.trade_no,
        out_trade_no=sale.checkout.number,
        buyer_logon_id=await call.look(lambda reader: login_of(call.services, reader, buyer)),
        buyer_user_id=await user_id(call.services, buyer),
        fund_change="Y" if refunded.fresh else "N",
        refund_fee=yuan(refunded.total),
        send_back_fee=yuan(refunded.refund.amount),
        gmt_refund_pay=moment(refunded.refund.created),
        refund_detail_item_list=[FundBill("ALIPAYACCOUNT", yuan(refunded.refund.amount))],
    )


@method("alipay.trade.fastpay.refund.query", "pay")
async def refund_query(call: Call[RefundNamed]) -> RefundFound:
    """See what became of a refund."""
    given = call.given
    if not given.out_request_no:
        raise bad_field(TRADES, "out_request_no is needed")
    sale = await find(call, given.out_trade_no, given.trade_no)

    def of(reader: Reader) -> Refund | None:
        alias = get(reader, ALIASES, refund_number(sale.checkout, given.out_request_no))
        return get(reader, REFUNDS, alias.object) if alias else None

    made = await call.look(of)
    numbers = RefundFound(
        trade_no=sale.trade_no, out_trade_no=sale.checkout.number, out_request_no=given.out_request_no
    )
    if made is None:
        return numbers
    return RefundFound(
        trade_no=numbers.trade_no,
        out_trade_no=numbers.out_trade_no,
        out_request_no=numbers.out_request_no,
        refund_status="REFUND_SUCCESS",
        total_amount=yuan(sale.payment.amount),
        refund_amount=yuan(made.amount),
        refund_reason=made.reason,
        gmt_refund_pay=moment(made.created),
        send_back_fee=yuan(made.amount),
    )


METHODS = (query, close, cancel, refund, refund_query)
