"""What this gateway says for each refusal of the core: one total table, and what single calls say instead."""

from collections.abc import Mapping

from handfast.core.errors import (
    CODES,
    Conflict,
    Declined,
    Forbidden,
    Invalid,
    NotFound,
    Refusal,
    TooLarge,
    Unauthenticated,
    Unavailable,
)
from handfast.gateways.antom.results import RESULTS, Refused

Table = Mapping[str, str]
"""`resultCode` by the core's code, for all of them."""

LONGEST = 256
"""How many characters a resultMessage has at most (vendor's pages)."""

_KINDS: Mapping[type[Refusal], str] = {
    Invalid: "PARAM_ILLEGAL",
    Unauthenticated: "ACCESS_DENIED",
    Declined: "PROCESS_FAIL",
    Forbidden: "ACCESS_DENIED",
    NotFound: "ORDER_NOT_EXIST",
    Conflict: "PROCESS_FAIL",
    TooLarge: "PARAM_ILLEGAL",
    Unavailable: "UNKNOWN_EXCEPTION",
}

_SINGLE: Mapping[str, str] = {
    "amount_too_large": "PAYMENT_AMOUNT_EXCEED_LIMIT",
    "balance_insufficient": "USER_BALANCE_NOT_ENOUGH",
    "capture_exceeds_authorised": "PAYMENT_AMOUNT_EXCEED_LIMIT",
    "claim_open": "ORDER_STATUS_INVALID",
    "code_invalid": "PARAM_ILLEGAL",
    "currency_mismatch": "CURRENCY_NOT_SUPPORT",
    "currency_unknown": "CURRENCY_NOT_SUPPORT",
    "declaration_exceeded": "PARAM_ILLEGAL",
    "desk_overloaded": "REQUEST_TRAFFIC_EXCEED_LIMIT",
    "number_reused": "REPEAT_REQ_INCONSISTENT",
    "party_suspended": "INVALID_MERCHANT_STATUS",
    "quote_expired": "PARAM_ILLEGAL",
    "quote_used": "PARAM_ILLEGAL",
    "rate_unknown": "CURRENCY_NOT_SUPPORT",
    "refund_exceeds_captured": "REFUND_AMOUNT_EXCEED",
    "state_conflict": "ORDER_STATUS_INVALID",
}

TABLE: Table = {code: _SINGLE.get(code) or _KINDS[kind] for code, kind in CODES.items()}


def refused(table: Table, no: Refusal) -> Refused:
    """The refusal as this gateway says it, with the core's own words, unless they are about the service itself."""
    code = table[no.code]
    meaning = RESULTS[code][1]
    words = meaning if isinstance(no, Unavailable) else f"{meaning} {no.message}"
    return Refused(code, words[:LONGEST])
