"""JSON that other people's software sends: read strictly and within bounds, numbers as decimals."""

from decimal import Decimal
from json import JSONDecoder
from typing import NoReturn, TypeAlias

Json: TypeAlias = "bool | Decimal | str | list[Json] | dict[str, Json] | None"

DEPTH = 20
"""How deep arrays and objects may be nested."""

VALUES = 10_000
"""How many values a text may hold, at all depths together."""

_LONGEST_NUMBER = 40
_LARGEST_EXPONENT = 40


class BadJson(ValueError):
    """The text is not such JSON; the message says why."""


def read_object(text: str) -> dict[str, Json]:
    """The JSON object (RFC 8259) that the text is. Raises BadJson.

    Refused are also: a member named twice, NaN and Infinity, half a surrogate pair, numbers of more than 40 characters,
    more than DEPTH levels, more than VALUES values.
    """
    try:
        found = _DECODER.decode(text)
    except RecursionError:
        raise BadJson(f"it is nested deeper than {DEPTH} levels") from None
    except BadJson:
        raise
    except ValueError as fault:
        raise BadJson(f"it is not JSON: {fault}") from None
    if not isinstance(found, dict):
        raise BadJson("it is not an object")
    _check(found)
    return found


def _check(found: dict[str, Json]) -> None:
    """Raise BadJson for what is too deep, too much, or no Unicode text."""
    level: list[dict[str, Json] | list[Json]] = [found]
    count = depth = 0
    while level:
        depth += 1
        if depth > DEPTH:
            raise BadJson(f"it is nested deeper than {DEPTH} levels")
        below: list[dict[str, Json] | list[Json]] = []
        for holder in level:
            count += len(holder)
            if isinstance(holder, dict):
                for name in holder:
                    _check_text(name)
            for value in holder.values() if isinstance(holder, dict) else holder:
                if isinstance(value, str):
                    _check_text(value)
                elif isinstance(value, dict | list):
                    below.append(value)
        if count > VALUES:
            raise BadJson(f"it holds more than {VALUES} values")
        level = below


def _check_text(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise BadJson("it holds half a surrogate pair, which is no character") from None


def _number(text: str) -> Decimal:
    number = Decimal(text) if len(text) <= _LONGEST_NUMBER else None
    if number is None or abs(number.adjusted()) > _LARGEST_EXPONENT:
        raise BadJson("it holds a number too long or too large")
    return number


def _constant(name: str) -> NoReturn:
    raise BadJson(f"it holds {name}, which JSON does not have")


def _once(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise BadJson("it names a member twice")
    return found


_DECODER = JSONDecoder(
    object_pairs_hook=_once, parse_int=_number, parse_float=_number, parse_constant=_constant, strict=True
)
