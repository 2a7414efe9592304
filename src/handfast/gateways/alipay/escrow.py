"""Escrow: an order whose money is held until its platform says that the goods are with the buyer."""

from typing import Any

from msgspec import Struct

from handfast.core.errors import Refusal
from handfast.core.ids import digest_id
from handfast.domain import checkouts
from handfast.domain.checkouts import SettleCheckout, is_settled
from handfast.gateways.alipay.calls import Call, method
from handfast.gateways.alipay.codes import Refused
from handfast.gateways.alipay.orders import SettleInfo, check_settled
from handfast.gateways.alipay.refusals import TRADES, bad_field
from handfast.gateways.alipay.standing import WAITS, find, told_by_status
from handfast.gateways.alipay.wire import Kept64, Text64, yuan


class SettleConfirm(Struct, frozen=True, kw_only=True):
    """What is settled of a trade; royalty_freeze in extend_params holds it on, so that it can be shared."""

    trade_no: Text64
    out_request_no: Kept64
    settle_info: SettleInfo
    extend_params: dict[str, Any] = {}


class SettleConfirmed(Struct, frozen=True):
    """What the request settled."""

    trade_no: str
    out_request_no: str
    amount: str


def is_true(flags: dict[str, Any], name: str) -> bool:
    """A flag of extend_params, which merchants write as text or as a truth value. Raises Refused."""
    value = flags.get(name, False)
    if isinstance(value, str) and value.lower() in ("true", "false", ""):
        return value.lower() == "true"
    if isinstance(value, bool):
        return value
    raise bad_field(TRADES, f"{name} is true or false")


@method(
    "alipay.trade.settle.confirm",
    "escrow",
    also=("ACQ.TRADE_SETTLE_ERROR", "ACQ.TRADE_HAS_SUCCESS", "ACQ.TRADE_HAS_CLOSE", "ACQ.TRADE_HAS_FINISHED"),
    instead={"number_reused": "ACQ.DISCORDANT_REPEAT_REQUEST", "held_exceeded": "ACQ.TRADE_SETTLE_ERROR"},
)
async def confirm(call: Call[SettleConfirm]) -> SettleConfirmed:
    """Pay the seller what is held of a trade, once for each out_request_no."""
    given = call.given
    if not given.trade_no or not given.out_request_no:
        raise bad_field(TRADES, "trade_no and out_request_no are needed")
    amount = check_settled(given.settle_info)
    if not amount:
        raise bad_field(TRADES, "settle_detail_infos is needed")
    freeze = is_true(given.extend_params, "royalty_freeze")
    sale = await find(call, "", given.trade_no)
    if sale.status == WAITS:
        raise Refused("ACQ.TRADE_STATUS_ERROR")
    if not is_settled(sale.checkout):
        raise Refused("ACQ.TRADE_SETTLE_ERROR")
    digest = digest_id(str(amount).encode(), b"freeze" if freeze else b"")
    command = SettleCheckout(call.caller.party, sale.checkout.id, given.out_request_no, digest, amount, freeze)
    try:
        await call.do(checkouts.settle, command)
    except Refusal as no:
        if no.code == "state_conflict" and sale.payment.refunded < sale.payment.captured:
            raise Refused("ACQ.TRADE_SETTLE_ERROR") from None
        raise await told_by_status(call, no, "", given.trade_no) from no
    return SettleConfirmed(sale.trade_no, given.out_request_no, yuan(amount))


METHODS = (confirm,)
