"""Pre-authorisation: money is frozen at the buyer's, and taken in parts, or freed."""

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct
from msgspec.structs import replace

from handfast.core.errors import Conflict
from handfast.core.ids import digest_id
from handfast.domain import checkouts
from handfast.domain.apps import ALIASES
from handfast.domain.checkouts import (
    AUTH,
    CHECKOUTS,
    PARTS,
    AskCheckout,
    ChargeCheckout,
    Checkout,
    FreePart,
    Part,
    UndoCheckout,
    Undone,
    code_id,
    free_number,
)
from handfast.domain.payments import PAYMENTS, Payment
from handfast.gateways.alipay.authorised import Held, find_held
from handfast.gateways.alipay.calls import Call, Redirect, Waiting, method
from handfast.gateways.alipay.charging import CEILING, CODE
from handfast.gateways.alipay.codes import Refused
from handfast.gateways.alipay.numbers import moment, number_of, thing_of
from handfast.gateways.alipay.orders import Order, asking
from handfast.gateways.alipay.paying import cashier
from handfast.gateways.alipay.refusals import AUTHS, bad_field
from handfast.gateways.alipay.users import login_of, user_id
from handfast.gateways.alipay.wire import Kept64, Kept256, Number, Text64, Text512, Yuan, yuan
from handfast.store.reader import Reader, find, get

ORDER_STATUS = {
    "open": "INIT",
    "authorised": "AUTHORIZED",
    "captured": "FINISH",
    "cancelled": "CLOSED",
    "voided": "CLOSED",
}
"""The vendor's word for how an authorisation stands, by its payment's state."""


class Freeze(Struct, frozen=True, kw_only=True):
    """How much of a buyer's money is frozen for an order."""

    out_order_no: Number
    out_request_no: Number
    order_title: Annotated[str, Meta(min_length=1, max_length=100)]
    amount: Yuan
    product_code: Text64 = ""
    payee_user_id: Text64 = ""
    pay_timeout: Text64 = ""
    timeout_express: Text64 = ""
    extra_param: Text512 = ""


class FreezeByCode(Freeze, frozen=True, kw_only=True):
    """A freeze with what the buyer showed."""

    auth_code: Text64
    auth_code_type: Literal["bar_code", "security_code"] = "bar_code"


class Frozen(Struct, frozen=True, kw_only=True):
    """What was frozen, or will be once the buyer confirms."""

    auth_no: str
    out_order_no: str
    operation_id: str
    out_request_no: str
    amount: str
    status: str
    payer_user_id: str
    payer_logon_id: str
    gmt_trans: str | None = None


class Voucher(Struct, frozen=True):
    """The address that a buyer scans."""

    out_order_no: str
    out_request_no: str
    code_type: str
    code_value: str
    code_url: str


class Unfreeze(Struct, frozen=True, kw_only=True):
    """How much is freed."""

    auth_no: Text64
    out_request_no: Kept64
    amount: Yuan
    remark: Kept256 = ""


class Unfrozen(Struct, frozen=True, kw_only=True):
    """What was freed."""

    auth_no: str
    out_order_no: str
    operation_id: str
    out_request_no: str
    amount: str
    status: str
    gmt_trans: str | None


class Operation(Struct, frozen=True, kw_only=True):
    """An operation by its number and its authorisation's; the vendor's numbers win."""

    auth_no: Text64 = ""
    out_order_no: Text64 = ""
    operation_id: Text64 = ""
    out_request_no: Text64 = ""
    operation_type: Text64 = ""
    remark: Kept256 = ""


class Detail(Struct, frozen=True, kw_only=True):
    """How an authorisation stands, and one of its operations."""

    auth_no: str
    out_order_no: str
    order_status: str
    order_title: str
    total_freeze_amount: str
    rest_amount: str
    total_pay_amount: str
    payer_user_id: str | None
    payer_logon_id: str | None
    operation_id: str
    out_request_no: str
    amount: str
    operation_type: str
    status: str
    remark: str
    gmt_create: str | None
    gmt_trans: str | None


class Cancelled(Struct, frozen=True):
    """What undid the operation: close or unfreeze; missing where it was undone before."""

    auth_no: str
    out_order_no: str
    operation_id: str
    out_request_no: str
    action: str | None


def _asking(call: Call[Any], given: Freeze) -> AskCheckout:
    """What checkouts are asked for a freeze. Raises Refused."""
    order = Order(
        out_trade_no=given.out_order_no,
        total_amount=given.amount,
        subject=given.order_title,
        body=given.out_request_no,
        product_code=given.product_code,
        timeout_express=given.pay_timeout or given.timeout_express,
    )
    return replace(asking(call, order), kind=AUTH, capture="manual", refundable=0)


async def _check_payee(call: Call[Any], payee: str) -> None:
    if payee and payee != await user_id(call.services, call.caller.party):
        raise bad_field(AUTHS, "payee_user_id is not this app's merchant")


@method("alipay.fund.auth.order.freeze", "auth", AUTHS, also=("ORDER_ALREADY_CLOSED",))
async def freeze(call: Call[FreezeByCode]) -> Frozen | Waiting:
    """Freeze money of the buyer whose payment code was scanned; answers 10003 where the buyer has to confirm."""
    given = call.given
    if CODE.fullmatch(given.auth_code) is None:
        raise Refused("PAYMENT_AUTH_CODE_INVALID")
    await _check_payee(call, given.payee_user_id)
    command = ChargeCheckout(_asking(call, given), code_id(given.auth_code), CEILING)
    payment: Payment = await call.do(checkouts.charge, command)
    if payment.state not in ("open", "authorised"):
        raise Refused("ORDER_ALREADY_FINISH" if payment.captured else "ORDER_ALREADY_CLOSED")
    checkout = await call.look(lambda reader: get(reader, CHECKOUTS, payment.id))
    buyer = payment.payer or (checkout.buyer if checkout else None)
    assert buyer is not None, "a payment code has a buyer"
    waits = payment.state == "open"
    told = Frozen(
        auth_no=number_of(payment.id),
        out_order_no=given.out_order_no,
        operation_id=number_of(payment.id),
        out_request_no=given.out_request_no,
        amount=yuan(payment.amount),
        status="INIT" if waits else "SUCCESS",
        payer_user_id=await user_id(call.services, buyer),
        payer_logon_id=await call.look(lambda reader: login_of(call.services, reader, buyer)),
        gmt_trans=None if waits else moment(payment.created),
    )
    return Waiting(told) if waits else told


@method("alipay.fund.auth.order.app.freeze", "auth", AUTHS)
async def app_freeze(call: Call[Freeze]) -> Redirect:
    """Send a phone's wallet to the cashier, where the buyer has money frozen."""
    await _check_payee(call, call.given.payee_user_id)
    asked: Checkout = await call.do(checkouts.ask, _asking(call, call.given))
    return Redirect(cashier("", asked.id))


@method("alipay.fund.auth.order.voucher.create", "auth", AUTHS, also=("ORDER_ALREADY_CLOSED",))
async def voucher_create(call: Call[Freeze]) -> Voucher:
    """Make a QR code that a buyer scans to have money frozen; there is no authorisation until one does."""
    given = call.given
    await _check_payee(call, given.payee_user_id)
    asked: Checkout = await call.do(checkouts.ask, _asking(call, given))
    payment = await call.look(lambda reader: get(reader, PAYMENTS, asked.payment) if asked.payment else None)
    if payment is not None and payment.state != "open":
        raise Refused("ORDER_ALREADY_CLOSED" if ORDER_STATUS[payment.state] == "CLOSED" else "ORDER_ALREADY_FINISH")
    address = cashier(call.base_url, asked.id)
    return Voucher(given.out_order_no, given.out_request_no, "qrcode", address, address)


@method("alipay.fund.auth.order.unfreeze", "auth", AUTHS, also=("ORDER_ALREADY_CLOSED",))
async def unfreeze(call: Call[Unfreeze]) -> Unfrozen:
    """Free a part or all of what is frozen, once for each out_request_no."""
    given = call.given
    if not given.out_request_no:
        raise bad_field(AUTHS, "out_request_no is needed")
    held = await find_held(call, given.auth_no)
    if held.payment is None:
        raise Refused("AUTH_ORDER_NOT_EXIST")
    if given.out_request_no == _freeze_number(call, held):
        raise Refused("UNIQUE_VIOLATION")
    digest = digest_id(str(int(given.amount)).encode())
    number = given.out_request_no
    command = FreePart(call.caller.party, held.checkout.id, number, digest, int(given.amount), given.remark)
    try:
        part: Part = await call.do(checkouts.free_part, command)
    except Conflict as no:
        if no.code == "state_conflict" and ORDER_STATUS[held.payment.state] == "CLOSED":
            raise Refused("ORDER_ALREADY_CLOSED") from None
        raise
    return Unfrozen(
        auth_no=number_of(held.checkout.id),
        out_order_no=held.checkout.number,
        operation_id=number_of(part.id),
        out_request_no=part.number,
        amount=yuan(part.amount),
        status="SUCCESS",
        gmt_trans=moment(part.created),
    )


def _freeze_number(call: Call[Any], held: Held) -> str:
    """The number under which the merchant asked for the freeze itself."""
    return call.unseal(held.checkout.asked).get("body", "")


@method("alipay.fund.auth.operation.detail.query", "auth", AUTHS, also=("AUTH_OPERATION_NOT_EXIST",))
async def detail(call: Call[Operation]) -> Detail:
    """See how an authorisation stands, and what became of one of its operations."""
    given = call.given
    held = await _find_operated(call, given)
    payment, checkout = held.payment, held.checkout
    if payment is None:
        raise Refused("AUTH_ORDER_NOT_EXIST")
    asked = call.unseal(checkout.asked)
    part = await _part(call, held, given)
    buyer = payment.payer or checkout.buyer
    done = payment.payer is not None
    return Detail(
        auth_no=number_of(checkout.id),
        out_order_no=checkout.number,
        order_status=ORDER_STATUS[payment.state],
        order_title=asked.get("subject", ""),
        total_freeze_amount=yuan(payment.amount if done else 0),
        rest_amount=yuan(held.rest),
        total_pay_amount=yuan(payment.captured),
        payer_user_id=await user_id(call.services, buyer) if buyer else None,
        payer_logon_id=await call.look(lambda reader: login_of(call.services, reader, buyer)) if buyer else None,
        operation_id=number_of(part.id if part else checkout.id),
        out_request_no=part.number if part else asked.get("body", ""),
        amount=yuan(part.amount if part else payment.amount),
        operation_type=_TYPES[part.kind] if part else "FREEZE",
        status="SUCCESS" if part or done else "CLOSED" if payment.state == "cancelled" else "INIT",
        remark=part.note if part else "",
        gmt_create=moment(part.created if part else payment.created),
        gmt_trans=moment(part.created if part else payment.created) if part or done else None,
    )


_TYPES = {"free": "UNFREEZE", "pay": "PAY"}


async def _find_operated(call: Call[Any], given: Operation) -> Held:
    if not (given.auth_no or given.out_order_no) or not (given.operation_id or given.out_request_no):
        raise bad_field(AUTHS, "auth_no or out_order_no, and operation_id or out_request_no are needed")
    return await find_held(call, given.auth_no, given.out_order_no)


async def _part(call: Call[Any], held: Held, given: Operation) -> Part | None:
    """The operation that is named; None for the freeze itself. Raises Refused(AUTH_OPERATION_NOT_EXIST)."""
    if given.operation_type not in ("", "FREEZE", *_TYPES.values()):
        raise bad_field(AUTHS, "operation_type is FREEZE, UNFREEZE or PAY")
    key = thing_of(given.operation_id) if given.operation_id else None
    freezes = key == held.checkout.id or (not key and given.out_request_no == _freeze_number(call, held))
    if freezes and given.operation_type in ("", "FREEZE"):
        return None

    def query(reader: Reader) -> Part | None:
        if given.operation_id:
            return get(reader, PARTS, key) if key else None
        alias = get(reader, ALIASES, free_number(held.checkout, given.out_request_no))
        if alias is not None and given.operation_type != "PAY":
            return get(reader, PARTS, alias.object)
        where = "checkout = ? AND kind = ? AND number = ?"
        return next(iter(find(reader, PARTS, where, held.checkout.id, "pay", given.out_request_no)), None)

    part = await call.look(query)
    if part is None or part.checkout != held.checkout.id or given.operation_type not in ("", _TYPES[part.kind]):
        raise Refused("AUTH_OPERATION_NOT_EXIST")
    return part


@method("alipay.fund.auth.operation.cancel", "auth", AUTHS, also=("AUTH_OPERATION_NOT_EXIST",))
async def cancel(call: Call[Operation]) -> Cancelled:
    """Undo a freeze of which the merchant does not know what became: it is closed, or all of it is freed."""
    given = call.given
    held = await _find_operated(call, given)
    if await _part(call, held, given) is not None:
        raise Refused("AUTH_OPERATION_NOT_EXIST")
    payment = held.payment
    if payment is not None and (payment.captured or payment.freed):
        raise Refused("ORDER_ALREADY_FINISH")
    undone: Undone = await call.do(checkouts.undo, UndoCheckout(call.caller.party, held.checkout.id, untaken=True))
    frozen = payment is not None and payment.payer is not None
    number = number_of(held.checkout.id)
    action = ("unfreeze" if frozen else "close") if undone.step else None
    return Cancelled(number, held.checkout.number, number, _freeze_number(call, held), action)


METHODS = (freeze, app_freeze, voucher_create, unfreeze, detail, cancel)
