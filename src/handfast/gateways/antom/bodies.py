"""What comes in a call's body: a JSON object, amounts as strings of minor units."""

import re
from collections.abc import Mapping

from handfast.core.json_text import BadJson, Json, read_object
from handfast.core.money import EXPONENTS, MAX_AMOUNT
from handfast.gateways.antom.results import Refused, Value

MOST_BYTES = 1024 * 1024

_DIGITS = re.compile(r"[0-9]{1,16}", re.ASCII)
_STEPS: Mapping[str, int] = {"IDR": 100}
"""Where amounts end in zeros: nobody pays in hundredths of a rupiah (the SDK's own rules say so)."""


def read_body(body: bytes, content_type: bytes) -> dict[str, Json]:
    """The members of a body; numbers, which the protocol does not have, are decimals. Raises Refused."""
    if content_type.partition(b";")[0].strip().lower() != b"application/json":
        raise Refused("MEDIA_TYPE_NOT_ACCEPTABLE")
    if len(body) > MOST_BYTES:
        raise Refused("PARAM_ILLEGAL", f"a body has at most {MOST_BYTES} bytes")
    try:
        return read_object(body.decode())
    except UnicodeDecodeError:
        raise Refused("PARAM_ILLEGAL", "the body is not UTF-8") from None
    except BadJson as fault:
        raise Refused("PARAM_ILLEGAL", f"the body is not read: {fault}") from None


def read_amount(value: Json, param: str) -> tuple[int, str]:
    """Minor units and currency of {"currency", "value"}; zero is one. Raises Refused."""
    if not isinstance(value, dict):
        raise Refused("PARAM_ILLEGAL", f"{param} is an object of currency and value")
    currency, digits = value.get("currency"), value.get("value")
    if not isinstance(currency, str) or currency not in EXPONENTS:
        raise Refused("CURRENCY_NOT_SUPPORT", f"{param}.currency is none that is known here")
    if not isinstance(digits, str) or _DIGITS.fullmatch(digits) is None:
        raise Refused("PARAM_ILLEGAL", f"{param}.value is a string of digits, in minor units")
    amount = int(digits)
    if amount > MAX_AMOUNT:
        raise Refused("PAYMENT_AMOUNT_EXCEED_LIMIT", f"{param}.value is over the limit")
    if amount % _STEPS.get(currency, 1):
        raise Refused("PARAM_ILLEGAL", f"{param}.value has to end in 00 in {currency}")
    return amount, currency


def show_amount(amount: int, currency: str) -> dict[str, Value]:
    """An amount as the wire has it."""
    return {"currency": currency, "value": str(amount)}
