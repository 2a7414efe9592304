"""Parties: what is asked of one before it is taken in."""

from typing import Any

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


def test_minimum_and_listing_fee_have_theirs(market: Market) -> None:
    def newcomer(minimum: int, cap: int, fee: int) -> CreateParty:
        key = market.ids(market.now)
        terms: dict[str, Any] = {"commission_minimum": minimum, "commission_cap": cap, "listing_fee": fee}
        return CreateParty(key, "merchant", "US", b"wrapped", b"sealed", **terms)

    market.refused("amount_invalid", newcomer(-1, 0, 0))
    market.refused("amount_invalid", newcomer(0, 0, -1))
    market.refused("field_invalid", newcomer(51, 50, 0))
    party = market.do(newcomer(50, 50, 5))
    assert (party.commission_minimum, party.commission_cap, party.listing_fee) == (50, 50, 5)
    assert market.do(newcomer(50, 0, 0)).commission_cap == 0, "which is none"
