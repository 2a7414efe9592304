"""Texts as hostile as JSON allows: braces, quotes, ampersands, Chinese, control characters, JSON within JSON."""

import json
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st

SHARP = "{}[]\"'\\&=%+ /<>:,;#?\n\r\t\0\x1f\x7f支付宝中文，。€é\u2028\ufeff\U0001f600"

FEW = settings(max_examples=max(20, settings().max_examples // 4))
"""For what costs a slow signature in an SDK."""


def texts(codec: str = "utf-8") -> st.SearchStrategy[str]:
    """Texts that a charset can write, not empty: SDKs leave out what is."""
    able = "".join(letter for letter in SHARP if letter.encode(codec, "ignore"))
    letters = st.sampled_from(able) | st.characters(codec=codec, exclude_categories=["Cs"])
    plain = st.text(letters, min_size=1, max_size=30)
    return plain | values(plain).map(lambda value: json.dumps(value, ensure_ascii=codec != "utf-8"))


def values(strings: st.SearchStrategy[str]) -> st.SearchStrategy[Any]:
    """JSON values made of such strings."""
    leaves = strings | st.integers(-(2**53), 2**53) | st.booleans() | st.none()
    return st.recursive(
        leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(strings, inner, max_size=3), max_leaves=6
    )
