"""What merchants are told of disputes on their guaranteed trades: opened, decided for good, withdrawn.

Vendor's page notifyDispute.
"""

from collections.abc import Mapping

from msgspec import msgpack

from handfast.domain.checkouts import Checkout
from handfast.domain.disputes import Dispute
from handfast.gateways.antom.bodies import show_amount
from handfast.gateways.antom.results import Value
from handfast.gateways.antom.signing import iso_time
from handfast.gateways.antom.wire import show_id
from handfast.store.rows import Event

KINDS: Mapping[str, str] = {
    "dispute.opened": "DISPUTE_CREATED",
    "dispute.final": "DISPUTE_JUDGED",
    "dispute.withdrawn": "DISPUTE_CANCELLED",
}
"""disputeNotificationType by the event that it tells."""


def dispute_of(event: Event) -> Dispute:
    """The dispute as it was then."""
    return msgpack.decode(event.body, type=Dispute)


def dispute_message(event: Event, checkout: Checkout) -> Mapping[str, Value]:
    """The members of a notification; a judgement says who bears it, and how much of the money went back."""
    dispute = dispute_of(event)
    told: dict[str, Value] = {
        "disputeNotificationType": KINDS[event.type],
        "disputeId": show_id(dispute.id),
        "paymentRequestId": checkout.number,
        "paymentId": show_id(checkout.id),
        "disputeTime": iso_time(dispute.created),
        "disputeAmount": show_amount(dispute.asked, dispute.currency),
        "disputeSource": "HANDFAST",
    }
    if event.type == "dispute.opened":
        told["defenseDueTime"] = iso_time(dispute.evidence_until)
    if event.type == "dispute.final":
        told["disputeJudgedTime"] = iso_time(event.at)
        told["disputeJudgedAmount"] = show_amount(dispute.amount, dispute.currency)
        told["disputeJudgedResult"] = "ACCEPT_BY_MERCHANT" if dispute.amount else "ACCEPT_BY_CUSTOMER"
    return told
