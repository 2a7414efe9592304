"""How a guaranteed trade stands in the first interface: tables over Handfast's states, and what is told of it."""

from collections.abc import Mapping

from msgspec import Struct

from handfast.domain.checkouts import Checkout
from handfast.domain.claims import Claim
from handfast.domain.payments import Payment
from handfast.domain.trades import Trade
from handfast.gateways.alipay.numbers import moment, number_of
from handfast.gateways.alipay.wire import yuan

WAITS, TO_SEND = "WAIT_BUYER_PAY", "WAIT_SELLER_SEND_GOODS"
SENT, FINISHED, CLOSED = "WAIT_BUYER_CONFIRM_GOODS", "TRADE_FINISHED", "TRADE_CLOSED"
NO_REFUND, REFUNDED = "", "REFUND_SUCCESS"

BY_PAYMENT: Mapping[str, str] = {
    "open": WAITS,
    "authorised": WAITS,
    "captured": "",
    "cancelled": CLOSED,
    "voided": CLOSED,
}
"""trade_status by the payment's state; once it is captured the trade tells."""

BY_TRADE: Mapping[str, str] = {
    "held": TO_SEND,
    "shipped": SENT,
    "delivered": SENT,
    "released": FINISHED,
    "refunded": CLOSED,
    "finished": FINISHED,
}
"""trade_status by the trade's state."""

BY_CLAIM: Mapping[str, str] = {
    "asked": "WAIT_SELLER_AGREE",
    "offered": "SELLER_REFUSE_BUYER",
    "refused": "SELLER_REFUSE_BUYER",
    "returning": "WAIT_BUYER_RETURN_GOODS",
    "sent_back": "WAIT_SELLER_CONFIRM_GOODS",
    "disputed": "SELLER_REFUSE_BUYER",
    "refunded": REFUNDED,
    "withdrawn": "REFUND_CLOSED",
    "closed": "REFUND_CLOSED",
    "decided": "REFUND_CLOSED",
}
"""refund_status by the state of the last claim; one that was decided is told by what went back."""


class Sale(Struct, frozen=True):
    """An order of the first interface: what was asked, its payment, its trade once it is paid, the last claim on it."""

    checkout: Checkout
    payment: Payment
    trade: Trade | None
    claim: Claim | None

    @property
    def status(self) -> str:
        """trade_status."""
        return BY_PAYMENT[self.payment.state] or (BY_TRADE[self.trade.state] if self.trade else WAITS)

    @property
    def refund_status(self) -> str:
        """refund_status; nothing where no money went back and nobody asked for any."""
        gone = self.trade is not None and self.trade.refunded + self.trade.returned > 0
        if self.claim is None or self.claim.state == "decided":
            return REFUNDED if gone else NO_REFUND if self.claim is None else BY_CLAIM["decided"]
        return BY_CLAIM[self.claim.state]


KEPT = (
    *("subject", "body", "payment_type", "price", "quantity", "logistics_type", "logistics_fee", "logistics_payment"),
    *("receive_name", "receive_address", "receive_zip", "receive_phone", "receive_mobile"),
)
"""The fields of a request that are told again as they were given."""


def told(sale: Sale, asked: Mapping[str, str], people: Mapping[str, str]) -> dict[str, str]:
    """What is told of a trade; `people` are seller_id, buyer_id and buyer_email. What there is not is left out."""
    payment, trade = sale.payment, sale.trade
    fields = {name: asked.get(name, "") for name in KEPT} | dict(people)
    fields |= {
        "trade_no": number_of(sale.checkout.id),
        "out_trade_no": sale.checkout.number,
        "trade_status": sale.status,
        "refund_status": sale.refund_status,
        "total_fee": yuan(payment.amount),
        "gmt_create": moment(payment.created) or "",
        "gmt_payment": moment(payment.paid) or "",
    }
    if trade is not None:
        fields["gmt_send_goods"] = moment(trade.shipped_at) or ""
        fields["gmt_confirm"] = moment(trade.released_at) or ""
    return {name: text for name, text in fields.items() if text}


def notice_fields(
    sale: Sale, asked: Mapping[str, str], people: Mapping[str, str], notify_id: str, at: int, now: int
) -> dict[str, str]:
    """What a notification tells, before it is signed, of a change at `at`; `now` is when it is sent (market time)."""
    fields = told(sale, asked, people) | {
        "notify_id": notify_id,
        "notify_type": "trade_status_sync",
        "notify_time": moment(now) or "",
        "discount": "0.00",
        "is_total_fee_adjust": "N",
        "use_coupon": "N",
        "gmt_logistics_modify": moment(sale.payment.created) or "",
    }
    if sale.status == CLOSED:
        fields["gmt_close"] = moment(at) or ""
    if sale.refund_status:
        fields["gmt_refund"] = moment(at) or ""
    return fields
