"""An order as the paying methods ask for it: its fields, their checks, and what checkouts are asked."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

from msgspec import Meta, Struct, json

from handfast.core.clocks import DAY, HOUR, MINUTE, SECOND
from handfast.core.ids import Id, digest_id
from handfast.domain.checkouts import AskCheckout
from handfast.domain.payments import LONGEST_SETTLE, NewLine
from handfast.gateways.alipay.callers import GATEWAY
from handfast.gateways.alipay.calls import Call
from handfast.gateways.alipay.codes import Refused
from handfast.gateways.alipay.numbers import end_of_day
from handfast.gateways.alipay.refusals import TRADES, bad_field
from handfast.gateways.alipay.users import party_of
from handfast.gateways.alipay.wire import CURRENCY, Number, Text64, Text128, Text512, Yuan

REFUNDABLE = 365 * DAY
"""For how long after payment a merchant may refund; then a trade is finished."""

LONGEST = 15 * DAY
"""Until when an order may be paid that does not say (the vendor's own period)."""

_SPAN = re.compile(r"([1-9][0-9]{0,4})([mhd])|1c", re.ASCII)
_DAYS = re.compile(r"([1-9][0-9]{0,2})d", re.ASCII)
_UNITS = {"m": MINUTE, "h": HOUR, "d": DAY}
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}(:[0-9]{2})?", re.ASCII)
_GMT8 = 8 * HOUR


class SettleDetail(Struct, frozen=True, kw_only=True):
    """To whom held money goes: only to the seller that the app is of."""

    trans_in_type: Text64 = "defaultSettle"
    amount: Yuan
    trans_in: Text64 = ""
    summary_dimension: Text64 = ""
    settle_entity_id: Text64 = ""
    settle_entity_type: Text64 = ""


class SettleInfo(Struct, frozen=True, kw_only=True):
    """How an order is settled: held for `settle_period_time` at most, until the platform says that it may be paid."""

    settle_detail_infos: list[SettleDetail] = []
    settle_period_time: Text64 = ""


class Order(Struct, frozen=True, kw_only=True):
    """What every paying method takes; methods add their own fields."""

    out_trade_no: Number
    total_amount: Yuan
    subject: Annotated[str, Meta(min_length=1, max_length=256)]
    body: Text128 = ""
    product_code: Text64 = ""
    seller_id: Text64 = ""
    trans_currency: Text64 = CURRENCY
    timeout_express: Text64 = ""
    time_expire: Text64 = ""
    passback_params: Text512 = ""
    goods_detail: list[dict[str, Any]] = []
    extend_params: dict[str, Any] = {}
    store_id: Text64 = ""
    operator_id: Text64 = ""
    terminal_id: Text64 = ""
    settle_info: SettleInfo | None = None


def asking(call: Call[Any], order: Order, buyer: Id | None = None, notify_url: str = "", **more: Any) -> AskCheckout:
    """What checkouts are asked for an order; `more` are fields of AskCheckout. Raises Refused."""
    if order.trans_currency != CURRENCY:
        raise bad_field(TRADES, f"trans_currency is {CURRENCY}")
    kept = {"subject": order.subject, "body": order.body, "passback_params": order.passback_params}
    kept |= {"product_code": order.product_code, **call.manner}
    lines = _held(call, order)
    return AskCheckout(
        gateway=GATEWAY,
        app=call.caller.app.id,
        number=order.out_trade_no,
        digest=digest_of(order, buyer, {"settle": lines[0].settle} if lines else None),
        merchant=call.caller.party,
        currency=CURRENCY,
        amount=int(order.total_amount),
        due=pay_until(order, call.services.market(), call.services.wall()),
        buyer=buyer,
        lines=lines,
        notify_url=notify_url or call.notify_url,
        return_url=call.return_url,
        asked=call.seal({name: text for name, text in kept.items() if text}),
        refundable=REFUNDABLE,
        **more,
    )


def _held(call: Call[Any], order: Order) -> tuple[NewLine, ...]:
    """The line of an order whose money is held until its platform settles; none for others. Raises Refused."""
    told = order.settle_info
    if told is None or not (told.settle_period_time or told.settle_detail_infos):
        return ()
    check_settled(told, int(order.total_amount))
    if not told.settle_period_time:
        return ()
    if "escrow" not in call.caller.products:
        raise Refused("isv.insufficient-isv-permissions", "this app lacks the permission 'escrow'")
    found = _DAYS.fullmatch(told.settle_period_time)
    if found is None or not 1 <= int(found[1]) <= LONGEST_SETTLE:
        raise bad_field(TRADES, f"settle_period_time is 1d to {LONGEST_SETTLE}d")
    return (NewLine(call.caller.party, int(order.total_amount), delivery="virtual", settle=int(found[1])),)


def check_settled(told: SettleInfo, amount: int | None = None) -> int:
    """The sum of what is settled, which is `amount` where one is given. Raises Refused."""
    if any(detail.trans_in_type != "defaultSettle" for detail in told.settle_detail_infos):
        raise bad_field(TRADES, "trans_in_type is defaultSettle: a sale is settled with its seller")
    total = sum(int(detail.amount) for detail in told.settle_detail_infos)
    if amount is not None and told.settle_detail_infos and total != amount:
        raise bad_field(TRADES, "the amounts of settle_detail_infos add up to total_amount")
    return total


def digest_of(order: Order, buyer: Id | None = None, more: Mapping[str, Any] | None = None) -> bytes:
    """What must be equal for two requests to be of one order: amount, texts, buyer; `more` is a method's own."""
    parts = (str(int(order.total_amount)), order.subject, order.body, order.passback_params)
    extra = json.encode(more, order="deterministic") if more else b""
    return digest_id(*(part.encode() for part in parts), buyer or b"", extra)


def pay_until(order: Order, now: int, wall: int) -> int:
    """Until when (market time, µs) the order may be paid: time_expire, else timeout_express. Raises Refused.

    A merchant's clock goes with the wall's; a sandbox's market may be elsewhere.
    """
    if order.time_expire:
        return now + _from_now(order.time_expire, wall)
    if not order.timeout_express:
        return now + LONGEST
    found = _SPAN.fullmatch(order.timeout_express)
    if found is None:
        raise bad_field(TRADES, "timeout_express is 1m to 15d, or 1c for the end of the day")
    if found[1] is None:
        return end_of_day(now)
    return now + min(int(found[1]) * _UNITS[found[2]], LONGEST)


def _from_now(text: str, wall: int) -> int:
    """How long it is (µs) until a moment in GMT+8. Raises Refused."""
    try:
        read = datetime.fromisoformat(text).replace(tzinfo=UTC) if _TIME.fullmatch(text) else None
    except ValueError:
        read = None
    if read is None:
        raise bad_field(TRADES, "time_expire is yyyy-MM-dd HH:mm:ss in GMT+8")
    left = int(read.timestamp()) * SECOND - _GMT8 - wall
    if left <= 0:
        raise bad_field(TRADES, "time_expire is over")
    return min(left, LONGEST)


async def check_seller(call: Call[Any], seller_id: str) -> None:
    """Raises Refused where the order names another seller than the app's merchant."""
    if seller_id and await party_of(call.services, seller_id) != call.caller.party:
        raise bad_field(TRADES, "seller_id is not this app's merchant")


async def buyer_of(call: Call[Any], buyer_id: str) -> Id | None:
    """The buyer that an order names. Raises Refused."""
    if not buyer_id:
        return None
    party = await party_of(call.services, buyer_id)
    if party is None:
        raise bad_field(TRADES, "there is no user with this buyer_id")
    if party == call.caller.party:
        raise Refused("ACQ.BUYER_SELLER_EQUAL")
    return party
