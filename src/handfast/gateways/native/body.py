"""From bytes to a checked struct, and from what msgspec says of bad ones to a refusal with a code and a param."""

import re
from collections.abc import Callable
from json import JSONDecoder
from typing import Annotated, Any, TypeVar, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Meta, Struct
from msgspec.structs import fields

from handfast.core.errors import Invalid

Shape = TypeVar("Shape", bound=Struct)

_AT = re.compile(r" - at `(?:key` in `)?\$\.?([^`]*)`$")
_NAMED = re.compile(r"^Object (missing required|contains unknown) field `(.*)`$", re.DOTALL)
_DIGITS = re.compile(r"[0-9]{1,18}", re.ASCII)
_LONGEST_PARAM = 100

_WORDS = {
    "amount_invalid": "an amount is a whole number of minor units in digits alone, and positive where it is needed",
    "amount_too_large": "an amount is at most 10^15 minor units",
    "currency_unknown": "a currency is three capital letters of ISO 4217",
    "text_invalid": "the text is too short, too long, or holds control characters",
    "url_invalid": "the address is too long",
}


def decoder(shape: type[Shape]) -> Callable[[bytes], Shape]:
    """A function that turns a JSON body into that struct. It raises Invalid, naming the guilty field."""
    decode = msgspec.json.Decoder(shape).decode
    codes = field_codes(shape)

    def checked(body: bytes) -> Shape:
        try:
            value = decode(body)
            _STRICT.decode(body.decode())
        except msgspec.ValidationError as fault:
            raise refused(str(fault), codes) from None
        except (msgspec.DecodeError, ValueError, RecursionError):
            raise Invalid("body_malformed", "the body is not a JSON object in UTF-8") from None
        except _RepeatedError:
            raise Invalid("body_malformed", "the body names a member twice: readers may differ about it") from None
        return value

    return checked


def converter(shape: type[Shape]) -> Callable[[dict[str, Any]], Shape]:
    """The same for what came as text in a query: numbers are read from digits."""
    codes = field_codes(shape)
    hints = get_type_hints(shape)
    numbers = {field.encode_name for field in fields(shape) if hints[field.name] is int}

    def checked(values: dict[str, Any]) -> Shape:
        for name in numbers & values.keys():
            if _DIGITS.fullmatch(values[name]) is None:
                raise Invalid("field_invalid", "a whole number is written in digits", name)
            values[name] = int(values[name])
        try:
            return msgspec.convert(values, shape)
        except msgspec.ValidationError as fault:
            raise refused(str(fault), codes) from None

    return checked


def field_codes(shape: type[Struct]) -> dict[str, str]:
    """The codes that the fields of a struct, and of those within it, have for a bad value: by the field's name."""
    codes: dict[str, str] = {}
    for name, hint in get_type_hints(shape, include_extras=True).items():
        for part in _parts(hint):
            if isinstance(part, Meta) and part.extra and "code" in part.extra:
                codes.setdefault(name, part.extra["code"])
            elif isinstance(part, type) and issubclass(part, Struct):
                codes = field_codes(part) | codes
    return codes


def _parts(hint: Any) -> list[Any]:
    """A type, and all that it is made of."""
    if get_origin(hint) is Annotated:
        return [*hint.__metadata__, *_parts(hint.__origin__)]
    inner = [part for argument in get_args(hint) for part in _parts(argument)]
    return inner or [hint]


def refused(words: str, codes: dict[str, str]) -> Invalid:
    """The refusal for what msgspec found: its words name the place and what was expected there."""
    at = _AT.search(words)
    place = at[1] if at else ""
    words = words[: at.start()] if at else words
    named = _NAMED.match(words)
    if named:
        missing = named[1] == "missing required"
        param = f"{place}.{named[2]}" if place else named[2]
        code, said = ("field_missing", "is missing") if missing else ("field_unknown", "is not known here")
        return Invalid(code, f"a member {said}", _short(param))
    if not place:
        return Invalid("body_malformed", "the body is not a JSON object")
    leaf = re.sub(r"\[.*?\]", "", place).rpartition(".")[2]
    code = codes.get(leaf, "field_invalid")
    if code == "amount_invalid" and ("<=" in words or words.endswith("out of range")):
        code = "amount_too_large"
    if code == "text_invalid" and "got" in words:
        code = "field_invalid"
    return Invalid(code, _WORDS.get(code, words[:200]), _short(place))


def _short(param: str) -> str:
    return "".join(letter if letter.isprintable() else "?" for letter in param[:_LONGEST_PARAM])


class _RepeatedError(Exception):
    """A member that came twice."""


def _once(pairs: list[tuple[str, Any]]) -> None:
    if len(dict(pairs)) < len(pairs):
        raise _RepeatedError


_STRICT = JSONDecoder(object_pairs_hook=_once, parse_int=str, parse_float=str)
