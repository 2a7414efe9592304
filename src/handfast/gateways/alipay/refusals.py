"""What this gateway says for each refusal of the core: total tables, and the business codes that methods add."""

from collections.abc import Mapping

from handfast.core.errors import CODES, Forbidden, Invalid, NotFound, Refusal, TooLarge, Unavailable
from handfast.gateways.alipay.codes import SUB_CODES, Refused

Table = Mapping[str, str]
"""`sub_code` by the core's code, for all of them."""


def _total(prefix: str, business: Mapping[str, str], not_found: str) -> Table:
    """A table over all codes of the core: by code, else by kind."""
    kinds: Mapping[type[Refusal], str] = {
        Invalid: f"{prefix}INVALID_PARAMETER",
        Forbidden: "isv.insufficient-isv-permissions",
        NotFound: not_found,
        TooLarge: "isv.invalid-parameter",
        Unavailable: "isp.unknow-error",
    }
    return {code: business.get(code) or kinds.get(kind) or f"{prefix}SYSTEM_ERROR" for code, kind in CODES.items()}


TRADES = _total(
    "ACQ.",
    {
        "balance_insufficient": "ACQ.BUYER_BALANCE_NOT_ENOUGH",
        "capture_exceeds_authorised": "ACQ.TOTAL_FEE_EXCEED",
        "claim_open": "ACQ.REASON_TRADE_STATUS_INVALID",
        "code_invalid": "ACQ.PAYMENT_AUTH_CODE_INVALID",
        "consent_exceeded": "ACQ.ACCESS_FORBIDDEN",
        "consent_missing": "ACQ.ACCESS_FORBIDDEN",
        "declaration_exceeded": "ACQ.TOTAL_FEE_EXCEED",
        "held_exceeded": "ACQ.ALLOC_AMOUNT_VALIDATE_ERROR",
        "number_reused": "ACQ.CONTEXT_INCONSISTENT",
        "party_suspended": "ACQ.ACCESS_FORBIDDEN",
        "refund_exceeds_captured": "ACQ.REASON_TRADE_REFUND_FEE_ERR",
        "state_conflict": "ACQ.TRADE_STATUS_ERROR",
    },
    "ACQ.TRADE_NOT_EXIST",
)
"""For what is about trades."""

TRANSFERS = _total(
    "",
    {"balance_insufficient": "PAYER_BALANCE_NOT_ENOUGH", "number_reused": "PAYMENT_INFO_INCONSISTENCY"},
    "ORDER_NOT_EXIST",
)
"""For what is about transfers, whose codes carry no prefix."""


AUTHS = _total(
    "",
    {
        "balance_insufficient": "PAYER_BALANCE_NOT_ENOUGH",
        "capture_exceeds_authorised": "REQUEST_AMOUNT_EXCEED",
        "code_invalid": "PAYMENT_AUTH_CODE_INVALID",
        "number_reused": "UNIQUE_VIOLATION",
        "state_conflict": "ORDER_ALREADY_FINISH",
    },
    "AUTH_ORDER_NOT_EXIST",
)
"""For what is about authorisations, whose codes carry no prefix either."""


def refused(table: Table, no: Refusal) -> Refused:
    """The refusal as this gateway says it. What is said of a request's field goes along; the rest has its own words."""
    sub_code = table[no.code]
    message = SUB_CODES[sub_code][1]
    if isinstance(no, Invalid):
        message = f"{message}: {no.message}" + (f" ({no.param})" if no.param else "")
    return Refused(sub_code, message)


def bad_field(table: Table, why: str) -> Refused:
    """The refusal of a business parameter."""
    sub_code = table["field_invalid"]
    return Refused(sub_code, f"{SUB_CODES[sub_code][1]}: {why}")
