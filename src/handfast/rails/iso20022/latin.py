"""The characters that every bank accepts, and how other writing is brought into them.

Source: European Payments Council, EPC217-08 (SEPA requirements for an extended character set): the basic Latin set, the
nearest basic letter for a letter outside it, a full stop for what has none; references keep the set exactly and neither
begin nor end with a slash nor hold two in a row.
"""

import re
import unicodedata

from handfast.core.errors import Invalid

_ALLOWED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/-?:().,'+ ")
_REFERENCE = re.compile(r"(?!/)(?! )(?!.*//)[A-Za-z0-9/\-?:().,'+ ]{1,35}(?<!/)(?<! )", re.ASCII)

# Letters that Unicode does not take apart into a basic letter and a mark, and signs with a usual stand-in.
_STAND_INS = str.maketrans(
    {
        "ß": "ss", "ẞ": "SS", "Æ": "AE", "æ": "ae", "Œ": "OE", "œ": "oe", "Ø": "O", "ø": "o", "Ł": "L", "ł": "l",
        "Đ": "D", "đ": "d", "Ð": "D", "ð": "d", "Þ": "TH", "þ": "th", "ı": "i", "Ħ": "H", "ħ": "h", "&": "+",
        "_": "-", "[": "(", "]": ")", "{": "(", "}": ")", ";": ",", "`": "'", "‘": "'", "’": "'", "“": "'", "”": "'",
        '"': "'", "–": "-", "—": "-", "€": "EUR",
    }
)  # fmt: skip


def latin(text: str, longest: int, param: str, *, may_be_empty: bool = False) -> str:
    """The text in the basic Latin set, 1 to `longest` characters, spaces run together.

    A text that keeps no letter or digit is refused, since it would name nobody.
    Raises Invalid(payout_file_invalid).
    """
    replaced = unicodedata.normalize("NFKD", text.translate(_STAND_INS))
    basic = "".join(
        character if character in _ALLOWED else "."
        for character in " ".join(replaced.split())
        if not unicodedata.combining(character)
    )
    if len(basic) > longest:
        raise Invalid("payout_file_invalid", f"longer than {longest} characters as banks write it", param)
    if not any(character.isalnum() for character in basic) and (text or not may_be_empty):
        raise Invalid("payout_file_invalid", "keeps no letter or digit in the characters that banks accept", param)
    return basic


def reference(text: str, param: str) -> str:
    """The reference unchanged, if every bank accepts it as it is. Raises Invalid(payout_file_invalid)."""
    if not _REFERENCE.fullmatch(text):
        raise Invalid("payout_file_invalid", "a reference is 1 to 35 basic Latin characters, not ending in /", param)
    return text
