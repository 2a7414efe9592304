"""Strict JSON: what is read equals what was written, and what two readers could read differently is refused."""

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handfast.core.json_text import DEPTH, VALUES, BadJson, Json, read_object

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=10)
VALUE = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9).map(Decimal) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=20,
)


def written(value: Any, *, ascii_only: bool) -> str:
    return json.dumps(value, default=float, ensure_ascii=ascii_only)


@given(st.dictionaries(TEXTS, VALUE, max_size=5), st.booleans())
def test_what_is_written_is_read(value: dict[str, Json], ascii_only: bool) -> None:
    assert read_object(written(value, ascii_only=ascii_only)) == value


@given(st.text(max_size=60) | st.text('{}[]":,\\u0d8ef1-.eE ', max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        found = read_object(text)
    except BadJson:
        return
    assert read_object(written(found, ascii_only=True)) == found


def test_numbers_are_exact() -> None:
    read = read_object('{"a":88.88,"b":0.1,"c":1e2,"d":-0.00,"e":12345678901234567890}')
    assert read == {
        "a": Decimal("88.88"),
        "b": Decimal("0.1"),
        "c": Decimal(100),
        "d": Decimal(0),
        "e": Decimal(12345678901234567890),
    }


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "not JSON"),
        ("[]", "not an object"),
        ('"a"', "not an object"),
        ("{} x", "not JSON"),
        ("\ufeff{}", "not JSON"),
        ('{"a":1,"a":1}', "names a member twice"),
        ('{"a":NaN}', "NaN"),
        ('{"a":-Infinity}', "Infinity"),
        ('{"a":"\\ud800"}', "surrogate"),
        ('{"\\udc00":1}', "surrogate"),
        ('{"a":"\n"}', "not JSON"),
        ('{"a":1e41}', "too large"),
        ('{"a":0e999999999}', "too large"),
        ('{"a":' + "1" * 41 + "}", "too long"),
        ('{"a":' * 9_999 + "1" + "}" * 9_999, "nested deeper"),
        ('{"a":[' + "1," * VALUES + "1]}", "values"),
    ],
)
def test_refusals(text: str, why: str) -> None:
    with pytest.raises(BadJson, match=why):
        read_object(text)


def test_the_deepest_that_is_read() -> None:
    deepest = '{"a":' * (DEPTH - 1) + "{}" + "}" * (DEPTH - 1)
    assert read_object(deepest)
    with pytest.raises(BadJson, match="nested deeper"):
        read_object('{"a":' + deepest + "}")
