"""Reading a call's members into checked structs, and writing an answer's struct as members; all scalars are strings."""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta, Struct

from handfast.core.ids import OBJECT, Id
from handfast.core.json_text import Json
from handfast.gateways.antom.bodies import read_amount
from handfast.gateways.antom.results import Fields, Refused

Taken = TypeVar("Taken", bound=Struct)

RequestId = Annotated[str, Meta(pattern=r"^[^\x00-\x1f\x7f]{1,64}\Z")]
"""A merchant's own number of something."""

Text64 = Annotated[str, Meta(pattern=r"^[^\x00-\x1f\x7f]{0,64}\Z")]
Text256 = Annotated[str, Meta(pattern=r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]{0,256}\Z")]
"""A text for people, which may have several lines."""

Text2048 = Annotated[str, Meta(pattern=r"^[^\x00-\x1f\x7f]{0,2048}\Z")]

_ID = re.compile(r"[0-9a-f]{26}", re.ASCII)


class Given(Struct, frozen=True, kw_only=True, rename="camel"):
    """What a call takes; members that are not known are left aside."""


class Told(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """What a call answers; members that are None are left out."""


class Money:
    """Minor units of a currency, on the wire {"currency", "value"}; more than zero."""

    __slots__ = ("amount", "currency")

    def __init__(self, amount: int, currency: str) -> None:
        self.amount = amount
        self.currency = currency


def read(type_: type[Taken], members: Mapping[str, Json]) -> Taken:
    """The members that the call knows; null is as not sent. Raises Refused."""
    try:
        return msgspec.convert(_plain(members), type_, strict=False, dec_hook=_money)
    except msgspec.ValidationError as fault:
        raise Refused("PARAM_ILLEGAL", str(fault)) from None


def write(told: Struct) -> Fields:
    """An answer's members."""
    fields: Fields = msgspec.to_builtins(told, enc_hook=_members)
    return fields


def show_id(thing: Id) -> str:
    """How an object is named to merchants: 26 hexadecimal digits."""
    return thing[:OBJECT].hex()


def read_id(text: str) -> Id | None:
    """The id that `show_id` showed, or None for what is none."""
    return bytes.fromhex(text).ljust(16, b"\0") if _ID.fullmatch(text) else None


def _plain(value: Any) -> Any:
    """The value with its numbers as plain decimal text, without members that are null."""
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items() if item is not None}
    return [_plain(item) for item in value] if isinstance(value, list) else value


def _money(type_: type, value: Any) -> Any:
    if type_ is not Money:
        raise NotImplementedError(type_)
    amount, currency = read_amount(value, "amount")
    if not amount:
        raise Refused("PARAM_ILLEGAL", "amount.value is more than zero")
    return Money(amount, currency)


def _members(value: Any) -> Any:
    if not isinstance(value, Money):
        raise NotImplementedError(type(value))
    return {"currency": value.currency, "value": str(value.amount)}
