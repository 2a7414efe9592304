"""The results that calls answer with, as data: status, code, words; and the envelope that carries them."""

import json
from collections.abc import Mapping, Sequence
from typing import TypeAlias

Value: TypeAlias = "str | bool | Sequence[Value] | Mapping[str, Value] | None"
Fields: TypeAlias = Mapping[str, Value]

SUCCESS = "SUCCESS"

RESULTS: Mapping[str, tuple[str, str]] = {
    SUCCESS: ("S", "Success."),
    "PAYMENT_IN_PROCESS": ("U", "The payment is being processed: inquire, or wait for the notification."),
    "REFUND_IN_PROCESS": ("U", "The refund is being processed: inquire, or wait for the notification."),
    "REQUEST_TRAFFIC_EXCEED_LIMIT": ("U", "Too many calls: call again with the same request id."),
    "UNKNOWN_EXCEPTION": ("U", "The outcome is unknown: call again with the same request id."),
    "ACCESS_DENIED": ("F", "This client may not do that."),
    "BUSINESS_NOT_SUPPORT": ("F", "This is not supported here."),
    "CURRENCY_NOT_SUPPORT": ("F", "The currency is not supported."),
    "INVALID_CLIENT": ("F", "There is no such client id."),
    "INVALID_MERCHANT_STATUS": ("F", "The merchant, or the buyer, may not trade now."),
    "INVALID_SIGNATURE": ("F", "The signature does not fit what it signs."),
    "KEY_NOT_FOUND": ("F", "No public key of that version was registered for this client."),
    "MEDIA_TYPE_NOT_ACCEPTABLE": ("F", "Send the body as application/json."),
    "MERCHANT_BALANCE_NOT_ENOUGH": ("F", "The merchant's balance is too low."),
    "METHOD_NOT_SUPPORTED": ("F", "Calls are made with POST."),
    "NO_INTERFACE_DEF": ("F", "There is no such call."),
    "ORDER_IS_CLOSED": ("F", "The order is closed."),
    "ORDER_NOT_EXIST": ("F", "There is no such order."),
    "ORDER_STATUS_INVALID": ("F", "The order's state does not allow this."),
    "PARAM_ILLEGAL": ("F", "A parameter is not valid."),
    "PAYMENT_AMOUNT_EXCEED_LIMIT": ("F", "The amount is over the limit."),
    "PROCESS_FAIL": ("F", "It failed for good: do not try again."),
    "REFUND_AMOUNT_EXCEED": ("F", "More would be refunded than was paid."),
    "REFUND_NOT_EXIST": ("F", "There is no such refund."),
    "REFUND_WINDOW_EXCEED": ("F", "The time for refunds is over."),
    "REPEAT_REQUEST": ("F", "This was done before."),
    "REPEAT_REQ_INCONSISTENT": ("F", "A request with this id exists, and it is not the same request."),
    "SETTLE_CONTRACT_NOT_MATCH": ("F", "The merchant does not settle in this currency."),
    "TIME_EXCEEDS_LIMIT": ("F", "The time for this is over."),
    "USER_BALANCE_NOT_ENOUGH": ("F", "The buyer's balance is too low."),
    "USER_NOT_EXIST": ("F", "There is no such user."),
}
"""resultStatus and resultMessage by resultCode."""


class Refused(Exception):
    """A result that is not a success: one of the codes, and words for people."""

    def __init__(self, code: str, message: str | None = None) -> None:
        self.status, meaning = RESULTS[code]
        self.code = code
        self.message = message or meaning
        super().__init__(code, self.message)


def result(code: str = SUCCESS, message: str | None = None) -> dict[str, Value]:
    """The member `result` of an answer, and of an acknowledged notification."""
    status, meaning = RESULTS[code]
    return {"resultCode": code, "resultStatus": status, "resultMessage": message or meaning}


def answer(fields: Fields, code: str = SUCCESS, message: str | None = None) -> bytes:
    """The body of an answer: its result, then the fields; ASCII without blanks, members that are None left out."""
    members = {"result": result(code, message), **fields}
    present = {name: value for name, value in members.items() if value is not None}
    return json.dumps(present, separators=(",", ":")).encode()


def refusal(no: Refused, fields: Fields | None = None) -> bytes:
    """The body of a no."""
    return answer(fields or {}, no.code, no.message)


def is_acknowledged(body: bytes) -> bool:
    """Whether a merchant's answer to a notification says that it was received."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return False
    said = found.get("result") if isinstance(found, dict) else None
    return isinstance(said, dict) and said.get("resultStatus") == "S"
