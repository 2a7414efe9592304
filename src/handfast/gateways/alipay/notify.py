"""Asynchronous notifications in Alipay's protocol, and the signed address by which a buyer returns to the shop.

Vendor's page common/105902: a form is posted until the answer is the seven letters `success`; it comes eight times at
most, under one notify_id. What waits for its buyer is not told of.
"""

import json
from collections.abc import Mapping

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from msgspec import Struct, msgpack

from handfast.core.clocks import HOUR, MINUTE
from handfast.core.ids import owner_of
from handfast.core.money import format_decimal
from handfast.domain.apps import APPS, App
from handfast.domain.checkouts import CHECKOUTS, REFUND_NUMBERS, Checkout
from handfast.domain.notifications import Endpoint, Notice, Parcel
from handfast.domain.parties import Vault
from handfast.domain.payments import Payment, Refund
from handfast.gateways.alipay.numbers import moment, number_of
from handfast.gateways.alipay.signing import signed_notice
from handfast.gateways.alipay.standing import CLOSED, FINISHED, SUCCESS
from handfast.gateways.alipay.users import known_user, login_of
from handfast.services import Services
from handfast.store.reader import Reader, find, get
from handfast.store.rows import EVENTS, Event

PAUSES = (4 * MINUTE, 10 * MINUTE, 10 * MINUTE, HOUR, 2 * HOUR, 6 * HOUR, 15 * HOUR)
"""How long to wait after each failed try: eight in all, within 25 hours."""

RECEIPT = b"success"


class _Known(Struct, frozen=True):
    """What is needed to tell of an event."""

    event: Event
    payment: Payment
    checkout: Checkout
    app: App
    asked: dict[str, str]
    refund: Refund | None
    refund_number: str
    seller_id: str
    buyer_id: str
    buyer_logon_id: str


def trade_status(type_: str, payment: Payment) -> str:
    """The status that a payment's event tells, as the payment was then; nothing where it is not told."""
    match type_:
        case "payment.captured":
            return SUCCESS
        case "payment.refunded":
            return CLOSED if payment.refunded == payment.captured else SUCCESS
        case "payment.cancelled":
            return CLOSED
        case "payment.voided":
            return "" if payment.captured else CLOSED
        case "payment.finished":
            return FINISHED
        case _:
            return ""


class Notifications:
    """Tells apps of what became of their trades. `key` is the gateway's own."""

    pauses = PAUSES

    def __init__(self, services: Services, key: RSAPrivateKey) -> None:
        self._services = services
        self._key = key

    def address(self, reader: Reader, endpoint: Endpoint, event: Event, /) -> str | None:
        """The notify_url of the trade, or its app's."""
        checkout = get(reader, CHECKOUTS, owner_of(event.id))
        if checkout is None or checkout.gateway != "alipay" or checkout.merchant != endpoint.party:
            return None
        if checkout.capture == "manual":  # a trade begins when a part of it is taken
            return None
        if not trade_status(event.type, _payment(event)):
            return None
        app = get(reader, APPS, checkout.app)
        return checkout.notify_url or (app.notify_url if app else "") or None

    async def notice(self, parcel: Parcel, /) -> Notice:
        """The form of one try; all but its time is as it was at the event. Raises Unavailable."""
        known = await self._services.read.short(lambda reader: self._known(reader, parcel))
        fields = _fields(known, self._services.market())
        sign_type, charset = manner(known.asked, known.app)
        body, charset = signed_notice(fields, self._key, sign_type, charset)
        return Notice({"content-type": f"application/x-www-form-urlencoded; charset={charset}"}, body)

    def is_receipt(self, status: int, body: bytes, /) -> bool:
        """Whether the answer is `success`, and nothing else."""
        return 200 <= status < 300 and body == RECEIPT

    def _known(self, reader: Reader, parcel: Parcel) -> _Known:
        event = parcel.event
        checkout = get(reader, CHECKOUTS, owner_of(event.id))
        assert checkout is not None, "the delivery was made for a checkout"
        app = get(reader, APPS, checkout.app)
        assert app is not None, "a checkout's app is never deleted"
        refund = _refund(reader, event) if event.type == "payment.refunded" else None
        number = get(reader, REFUND_NUMBERS, refund.id) if refund else None
        return _Known(
            event=event,
            payment=_payment(event),
            checkout=checkout,
            app=app,
            asked=opened(self._services.vault, parcel.wrapped_key, checkout),
            refund=refund,
            refund_number=number.number if number else "",
            seller_id=known_user(reader, checkout.merchant),
            buyer_id=known_user(reader, checkout.buyer) if checkout.buyer else "",
            buyer_logon_id=login_of(self._services, reader, checkout.buyer) if checkout.buyer else "",
        )


def opened(vault: Vault, wrapped_key: bytes, checkout: Checkout) -> dict[str, str]:
    """The gateway's own fields of a checkout; nothing where the merchant was erased."""
    if not checkout.asked:
        return {}
    return vault.open(wrapped_key, checkout.merchant, checkout.asked, dict[str, str]) or {}


def manner(asked: Mapping[str, str], app: App) -> tuple[str, str]:
    """The sign_type and the charset in which an app is told: those of its order."""
    return asked.get("sign_type") or app.sign_type or "RSA2", asked.get("charset") or "utf-8"


def written(micros: int) -> str:
    """A moment as it is told."""
    return moment(micros) or ""


def _payment(event: Event) -> Payment:
    return msgpack.decode(event.body, type=Payment)


def _refund(reader: Reader, event: Event) -> Refund | None:
    """The refund that an event tells of: its own event is the one right before, of the same operation."""
    (before,) = find(reader, EVENTS, "seq = ?", event.seq - 1) or (None,)
    if before is None or before.type != "refund.created" or before.operation != event.operation:
        return None
    return msgpack.decode(before.body, type=Refund)


def _fields(known: _Known, now: int) -> dict[str, str]:
    """What is posted, before it is signed. Texts are as the merchant gave them."""
    payment, checkout, asked = known.payment, known.checkout, known.asked
    total = format_decimal(payment.amount, payment.currency)
    told = {
        "notify_time": written(now),
        "notify_type": "trade_status_sync",
        "notify_id": known.event.id.hex(),
        "app_id": known.app.number,
        "auth_app_id": known.app.number,
        "version": "1.0",
        "trade_no": number_of(checkout.id),
        "out_trade_no": checkout.number,
        "trade_status": trade_status(known.event.type, payment),
        "total_amount": total,
        "subject": asked.get("subject", ""),
        "body": asked.get("body", ""),
        "passback_params": asked.get("passback_params", ""),
        "seller_id": known.seller_id,
        "buyer_id": known.buyer_id,
        "buyer_logon_id": known.buyer_logon_id,
        "gmt_create": written(payment.created),
    }
    if payment.paid is not None:
        bills = [{"amount": total, "fundChannel": "ALIPAYACCOUNT"}]
        told |= {
            "gmt_payment": written(payment.paid),
            "receipt_amount": total,
            "invoice_amount": total,
            "buyer_pay_amount": total,
            "point_amount": "0.00",
            "fund_bill_list": json.dumps(bills, separators=(",", ":")),
        }
    if told["trade_status"] == CLOSED:
        told["gmt_close"] = written(known.event.at)
    if known.event.type == "payment.refunded":
        told |= {
            "out_biz_no": known.refund_number or (known.refund.id.hex() if known.refund else ""),
            "refund_fee": format_decimal(payment.refunded, payment.currency),
            "gmt_refund": f"{written(known.event.at)}.{known.event.at // 1000 % 1000:03d}",
        }
    return told
