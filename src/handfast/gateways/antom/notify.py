"""Notifications in Antom's protocol: JSON, signed in headers, until the merchant answers with a result of success.

Vendor's pages notifyPayment, notifyCapture, notifyRefund and notifyDispute; the sandbox never sends anything again.
"""

import json
from collections.abc import Mapping

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from msgspec import Struct, msgpack

from handfast.core.clocks import HOUR, MINUTE, Clock
from handfast.core.ids import OBJECT, Id, event_id, owner_of
from handfast.domain.apps import APPS
from handfast.domain.checkouts import CHECKOUTS, REFUND_NUMBERS, Checkout
from handfast.domain.notifications import Endpoint, Notice, Parcel, parse_url
from handfast.domain.payments import Payment, Refund
from handfast.gateways.antom.bodies import show_amount
from handfast.gateways.antom.notify_disputes import KINDS, dispute_message, dispute_of
from handfast.gateways.antom.results import Value, is_acknowledged, result
from handfast.gateways.antom.signing import iso_time, notice_headers
from handfast.services import Readers
from handfast.store.reader import Reader, find, get
from handfast.store.rows import EVENTS, Event

PAUSES = (2 * MINUTE, 10 * MINUTE, 10 * MINUTE, HOUR, 2 * HOUR, 6 * HOUR, 15 * HOUR)
"""How long to wait after each failed try."""

SANDBOX = "SANDBOX_"
"""How the client ids begin to which nothing is sent again."""

_TOLD = frozenset({"payment.authorised", "payment.captured", "payment.cancelled", "payment.refunded"})


class _Known(Struct, frozen=True):
    event: Event
    payment: Payment
    checkout: Checkout
    refund: Refund | None
    number: str
    before: int


def payment_id(checkout: Id) -> str:
    """How a checkout's payment, or a refund, is named to merchants."""
    return checkout[:OBJECT].hex()


class Notifications:
    """Tells clients of what became of their payments. `key` is the gateway's own; `market` stamps what is sent."""

    pauses = PAUSES

    def __init__(self, read: Readers, market: Clock, key: RSAPrivateKey) -> None:
        self._read = read
        self._market = market
        self._key = key

    def address(self, reader: Reader, endpoint: Endpoint, event: Event, /) -> str | None:
        """The paymentNotifyUrl of the payment, or its client's."""
        if event.type not in _TOLD and event.type not in KINDS:
            return None
        checkout = _checkout_of(reader, event)
        if checkout is None or checkout.gateway != "antom":
            return None
        app = get(reader, APPS, checkout.app)
        if app is None or checkout.merchant != endpoint.party:
            return None
        return checkout.notify_url or app.notify_url or None

    async def notice(self, parcel: Parcel, /) -> Notice:
        """The message of one try. Raises Unavailable, and Invalid for an address that cannot be signed."""
        message, client = await self._read.short(lambda reader: _told(reader, parcel.event))
        body = json.dumps(message, separators=(",", ":"), ensure_ascii=False).encode()
        path = parse_url(parcel.delivery.url, private=True).path.partition("?")[0]
        signed = notice_headers(self._key, path.encode(), client, self._market(), body)
        headers = {"content-type": "application/json; charset=UTF-8"}
        headers |= {name.decode(): value.decode() for name, value in signed}
        return Notice(headers, body, once=client.startswith(SANDBOX))

    def is_receipt(self, status: int, body: bytes, /) -> bool:
        """Whether the answer's result says that it was received."""
        return 200 <= status < 300 and is_acknowledged(body)


def _checkout_of(reader: Reader, event: Event) -> Checkout | None:
    """What was asked, of which the event tells, or its dispute."""
    about = dispute_of(event).payment if event.type in KINDS else owner_of(event.id)
    return get(reader, CHECKOUTS, about)


def _told(reader: Reader, event: Event) -> tuple[Mapping[str, Value], str]:
    """The message, and the client id."""
    checkout = _checkout_of(reader, event)
    assert checkout is not None, "the delivery was made for a checkout"
    app = get(reader, APPS, checkout.app)
    assert app is not None, "a checkout's app is never deleted"
    if event.type in KINDS:
        return dispute_message(event, checkout), app.number
    return _message(_known(reader, event, checkout)), app.number


def _known(reader: Reader, event: Event, checkout: Checkout) -> _Known:
    refund = None
    if event.type == "payment.refunded":
        # The refund's own event is the one right before, of the same operation.
        for before in find(reader, EVENTS, "seq = ? AND type = 'refund.created'", event.seq - 1):
            refund = msgpack.decode(before.body, type=Refund)
    number = get(reader, REFUND_NUMBERS, refund.id if refund else event.id)
    payment = msgpack.decode(event.body, type=Payment)
    earlier = get(reader, EVENTS, event_id(payment.id, payment.version - 1))
    taken = msgpack.decode(earlier.body, type=Payment).captured if earlier else 0
    return _Known(event, payment, checkout, refund, number.number if number else "", taken)


def _message(known: _Known) -> Mapping[str, Value]:
    event, payment, checkout = known.event, known.payment, known.checkout
    named: dict[str, Value] = {"paymentRequestId": checkout.number, "paymentId": payment_id(checkout.id)}
    at = iso_time(event.at)
    if known.refund is not None:
        return {
            "notifyType": "REFUND_RESULT",
            "result": result(),
            "refundStatus": "SUCCESS",
            "refundRequestId": known.number or payment_id(known.refund.id),
            "refundId": payment_id(known.refund.id),
            "refundAmount": show_amount(known.refund.amount, known.refund.currency),
            "refundTime": at,
            **named,
        }
    if event.type == "payment.captured" and checkout.capture == "manual":
        return {
            "notifyType": "CAPTURE_RESULT",
            "result": result(),
            "captureRequestId": known.number or event.id.hex(),
            "captureId": event.id.hex(),
            "captureAmount": show_amount(payment.captured - known.before, payment.currency),
            "captureTime": at,
            **named,
        }
    paid = event.type != "payment.cancelled"
    return {
        "notifyType": "PAYMENT_RESULT",
        "result": result() if paid else result("ORDER_IS_CLOSED"),
        **named,
        "paymentAmount": show_amount(payment.amount, payment.currency),
        "paymentCreateTime": iso_time(payment.created),
        **({"paymentTime": at} if paid else {}),
    }
