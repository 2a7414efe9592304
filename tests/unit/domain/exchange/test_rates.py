"""Reference rates: as the ECB published them, crossed exactly, with the day that they are of."""

from fractions import Fraction

import pytest

from handfast.core.clocks import DAY
from handfast.core.errors import Invalid
from handfast.domain.exchange import rate

TUESDAY = 1_414_454_400_000_000  # 28 October 2014


def test_crossed_through_the_euro_without_a_float() -> None:
    num, den, source = rate("USD", "CNY", TUESDAY)
    assert Fraction(num, den) == Fraction("7.7935") / Fraction("1.2748")
    assert source == "ECB 2014-10-28"


def test_minor_units_of_currencies_with_other_decimals() -> None:
    num, den, _ = rate("USD", "JPY", TUESDAY)
    assert Fraction(num, den) == Fraction("137.45") / Fraction("1.2748") / 100
    num, den, _ = rate("EUR", "USD", TUESDAY)
    assert Fraction(num, den) == Fraction("1.2748")


def test_a_weekend_takes_fridays_rate() -> None:
    assert rate("USD", "CNY", TUESDAY + 5 * DAY)[2] == "ECB 2014-10-31"


def test_one_currency_needs_no_table() -> None:
    assert rate("USD", "USD", 0)[:2] == (1, 1)


@pytest.mark.parametrize(
    ("price", "pay", "at"),
    [("USD", "KWD", TUESDAY), ("USD", "CNY", 0), ("USD", "CNY", TUESDAY + 30 * 365 * DAY), ("CYP", "USD", TUESDAY)],
)
def test_what_nobody_published_is_refused(price: str, pay: str, at: int) -> None:
    with pytest.raises(Invalid) as caught:
        rate(price, pay, at)
    assert caught.value.code in ("rate_unknown", "currency_unknown")
