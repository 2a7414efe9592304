"""The references of top-ups: short enough to be typed at a bank, checked so that a slip names nobody else.

"HF", eight characters for 40 random bits of the top-up's id, and a check character, all in Crockford's base 32 (no I,
L, O, U). The check makes the nine symbols a word of a Reed-Solomon code over GF(32): any one wrong character and any
two swapped ones are noticed.
"""

import re

from handfast.core.ids import OBJECT, Id

_SYMBOLS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_DATA = 8
_PREFIX = "HF"
_READ_AS = str.maketrans("OIL", "011")
_ANYTHING_ELSE = re.compile(r"[^0-9A-Z]+")
_REFERENCE = re.compile(rf"(?={_PREFIX}([{_SYMBOLS}]{{{_DATA + 1}}}))")


def reference_of(topup: Id) -> str:
    """The reference of a top-up: eleven characters."""
    bits = int.from_bytes(topup[OBJECT - 5 : OBJECT], "big")
    symbols = [bits >> 5 * place & 31 for place in reversed(range(_DATA))]
    return _PREFIX + "".join(_SYMBOLS[symbol] for symbol in (*symbols, _times_alpha(_syndrome(symbols))))


def references_in(text: str) -> set[str]:
    """All references in a text as banks transmit it: any case, spaces and signs anywhere, O for 0 and I or L for 1."""
    letters = _ANYTHING_ELSE.sub("", text.upper()).translate(_READ_AS)
    return {
        _PREFIX + symbols
        for symbols in _REFERENCE.findall(letters)
        if _syndrome([_SYMBOLS.index(symbol) for symbol in symbols]) == 0
    }


def _syndrome(symbols: list[int]) -> int:
    """The symbols as a polynomial over GF(32), at alpha: zero for a word of the code."""
    value = 0
    for symbol in symbols:
        value = _times_alpha(value) ^ symbol
    return value


def _times_alpha(value: int) -> int:
    """Times x in GF(32) = GF(2)[x] / (x^5 + x^2 + 1)."""
    value <<= 1
    return value ^ 0b100101 if value & 32 else value
