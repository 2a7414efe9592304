"""Answers of the first interface: XML, a yes with signed fields or a no with one word; and its words for each no."""

from collections.abc import Mapping
from xml.sax.saxutils import escape, quoteattr

from handfast.core.errors import CODES, Forbidden, Invalid, NotFound, Refusal, TooLarge

ERRORS: Mapping[str, str] = {
    "HAS_NO_PRIVILEGE": "this partner may not use this service",
    "ILLEGAL_ARGUMENT": "a parameter is missing, or is not valid",
    "ILLEGAL_CHARSET": "_input_charset is utf-8, gbk, gb2312 or gb18030, and everything is written in it",
    "ILLEGAL_PARTNER": "there is no such partner",
    "ILLEGAL_SERVICE": "there is no such service",
    "ILLEGAL_SIGN": "the signature does not fit what it signs",
    "ILLEGAL_SIGN_TYPE": "sign_type is MD5 or RSA, as the partner signs, and MD5 only where the operator allows it",
    "SYSTEM_ERROR": "the outcome is unknown: query it",
    "TRADE_DATA_MATCH_ERROR": "an order with this out_trade_no exists, and it is not the same order",
    "TRADE_NOT_EXIST": "there is no such trade",
    "TRADE_STATUS_NOT_AVAILD": "the trade's state does not allow this",
}
"""What is meant by each error; the spelling is the vendor's."""

_CODES = {
    "claim_open": "TRADE_STATUS_NOT_AVAILD",
    "number_reused": "TRADE_DATA_MATCH_ERROR",
    "state_conflict": "TRADE_STATUS_NOT_AVAILD",
}
_KINDS: Mapping[type[Refusal], str] = {
    Forbidden: "HAS_NO_PRIVILEGE",
    Invalid: "ILLEGAL_ARGUMENT",
    NotFound: "TRADE_NOT_EXIST",
    TooLarge: "ILLEGAL_ARGUMENT",
}
REFUSALS: Mapping[str, str] = {
    code: _CODES.get(code) or _KINDS.get(kind, "SYSTEM_ERROR") for code, kind in CODES.items()
}
"""Error by the core's code, for all of them."""


class No(Exception):
    """A no, by its word."""

    def __init__(self, error: str) -> None:
        super().__init__(error)
        self.error = error


def yes(request: Mapping[str, str], name: str, fields: Mapping[str, str], sign: str, sign_type: str) -> str:
    """A yes: what was asked, and the fields of what it is about, under that name; without any there is no signature."""
    asked = "".join(f"<param name={quoteattr(_xml(key))}>{_text(value)}</param>" for key, value in request.items())
    told = f"<is_success>T</is_success><request>{asked}</request>"
    if fields:
        inner = "".join(f"<{key}>{_text(value)}</{key}>" for key, value in fields.items())
        told += f"<response><{name}>{inner}</{name}></response><sign>{_text(sign)}</sign>"
        told += f"<sign_type>{sign_type}</sign_type>"
    return f"<alipay>{told}</alipay>"


def no(error: str) -> str:
    """A no."""
    return f"<alipay><is_success>F</is_success><error>{error}</error></alipay>"


def document(xml: str, charset: str) -> bytes:
    """The document in the bytes of a charset; what that cannot write stands as a character reference."""
    return f'<?xml version="1.0" encoding="{charset}"?>{xml}'.encode(charset, "xmlcharrefreplace")


def _text(value: str) -> str:
    return escape(_xml(value))


def _xml(value: str) -> str:
    """The text without the characters that XML 1.0 (section 2.2) has not."""
    return "".join(letter for letter in value if letter in "\t\n\r" or (" " <= letter not in "\ufffe\uffff"))
