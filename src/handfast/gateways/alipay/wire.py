"""Reading business parameters: from the JSON that SDKs send, in which amounts may be numbers, to checked structs."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta, Struct

from handfast.core.errors import Invalid
from handfast.core.json_text import Json
from handfast.core.money import format_decimal, parse_decimal

Given = TypeVar("Given", bound=Struct)

CURRENCY = "CNY"
"""What this gateway counts in."""

MOST = 100_000_000_00
"""The largest amount of one order, in fen."""


class Yuan(int):
    """An amount in fen, which requests write as yuan with at most two decimals, as text or as a JSON number."""

    __slots__ = ()


Number = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_\-]{1,64}\Z")]
"""A number of the merchant's own."""

Text64 = Annotated[str, Meta(max_length=64)]
Text128 = Annotated[str, Meta(max_length=128)]
Text256 = Annotated[str, Meta(max_length=256)]
Text512 = Annotated[str, Meta(max_length=512)]
Kept64 = Annotated[str, Meta(max_length=64, pattern=r"^[^\x00]*\Z")]
Kept256 = Annotated[str, Meta(max_length=256, pattern=r"^[^\x00]*\Z")]
"""Texts that are kept as they are: not every database keeps the character NUL."""

Text2048 = Annotated[str, Meta(max_length=2048)]


class BadField(Exception):
    """A business parameter is missing or not as it should be; the message says which and why."""


def read(type_: type[Given], biz: Mapping[str, Json]) -> Given:
    """The parameters that the method knows; what else was sent is left aside, null is as not sent. Raises BadField."""
    try:
        return msgspec.convert(_plain(dict(biz)), type_, strict=False, dec_hook=_yuan)
    except msgspec.ValidationError as fault:
        raise BadField(str(fault)) from None


def yuan(amount: int) -> str:
    """An amount in fen as answers have it: 88.80."""
    return format_decimal(amount, CURRENCY)


def _plain(value: Any) -> Any:
    """The value with its numbers as plain decimal text, without members that are null."""
    kind = type(value)
    if kind is Decimal:
        return format(value, "f")
    if kind is dict:
        return {name: _plain(item) for name, item in value.items() if item is not None}
    return [_plain(item) for item in value] if kind is list else value


def _yuan(type_: type, value: Any) -> Any:
    if type_ is not Yuan:
        raise NotImplementedError(type_)
    if not isinstance(value, str):
        raise ValueError("an amount is yuan with at most two decimals")  # noqa: TRY004 - msgspec tells where by it
    try:
        amount = parse_decimal(value, CURRENCY)
    except Invalid as no:
        raise ValueError(f"an amount is yuan with at most two decimals: {no.message}") from None
    if amount > MOST:
        raise ValueError(f"an amount is at most {yuan(MOST)}")
    return Yuan(amount)
