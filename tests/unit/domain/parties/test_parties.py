"""Parties: what is asked of one before it is taken in."""

from tests.unit.domain.conftest import Market

from handfast.core.money import MAX_AMOUNT
from handfast.domain.parties import CreateParty


def test_a_commission_has_its_bounds(market: Market) -> None:
    def newcomer(rate: int, cap: int) -> CreateParty:
        key = market.ids(market.now)
        return CreateParty(key, "merchant", "US", b"wrapped", b"sealed", commission_bps=rate, commission_cap=cap)

    market.refused("field_invalid", newcomer(10_001, 0))
    market.refused("field_invalid", newcomer(-1, 0))
    market.refused("amount_invalid", newcomer(0, -1))
    market.refused("amount_too_large", newcomer(0, MAX_AMOUNT + 1))
    assert market.do(newcomer(10_000, MAX_AMOUNT)).commission_cap == MAX_AMOUNT
