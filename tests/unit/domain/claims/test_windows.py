"""When a claim may be asked: by the trade's state and its policy's periods, to the microsecond."""

import pytest
from msgspec.structs import replace
from tests.unit.domain.claims.conftest import NewQuarrel
from tests.unit.domain.conftest import START
from tests.unit.domain.quarrel import PLAIN, Quarrel, days

from handfast.core.clocks import DAY


def test_what_is_not_shipped_is_claimed_from_a_day_after_the_payment_on(quarrel: Quarrel) -> None:
    quarrel.until(START + DAY, -1)
    quarrel.refused("claim_too_early", "ask", reason="unshipped")
    quarrel.until(START + DAY)
    assert quarrel.do("ask", reason="unshipped").due == START + 3 * DAY


@pytest.mark.parametrize("reason", ["not_received", "not_as_described", "no_reason"])
def test_what_was_not_shipped_yet_cannot_have_come_wrong(quarrel: Quarrel, reason: str) -> None:
    quarrel.wait(2)
    quarrel.refused("state_conflict", "ask", reason=reason, goods="return" if reason == "no_reason" else "keep")


def test_what_was_shipped_is_no_longer_unshipped(quarrel: Quarrel) -> None:
    quarrel.wait(2)
    quarrel.do("ship")
    quarrel.refused("state_conflict", "ask", reason="unshipped")


@pytest.mark.parametrize("reason", ["not_received", "not_as_described"])
def test_a_reason_is_good_until_the_confirmation_is_due(quarrel: Quarrel, reason: str) -> None:
    quarrel.do("ship")
    due = quarrel.trade.due
    quarrel.until(due)
    quarrel.refused("state_conflict", "ask", reason=reason)
    quarrel.until(due, -1)
    assert quarrel.do("ask", reason=reason).state == "asked"
    assert (quarrel.trade.due, quarrel.trade.paused) == (None, 1)


@pytest.mark.parametrize("reason", ["not_received", "not_as_described"])
def test_after_the_release_a_reason_is_good_for_fifteen_days(quarrel: Quarrel, reason: str) -> None:
    quarrel.do("ship")
    quarrel.do("confirm")
    quarrel.until(START + 15 * DAY)
    quarrel.refused("claim_too_late", "ask", reason=reason)
    quarrel.until(START + 15 * DAY, -1)
    assert quarrel.do("ask", reason=reason).state == "asked"


def test_goods_go_back_without_a_reason_for_seven_days_after_dispatch(quarrel: Quarrel) -> None:
    quarrel.wait(1)
    quarrel.do("ship")
    quarrel.until(START + 8 * DAY)
    quarrel.refused("claim_too_late", "ask", reason="no_reason", goods="return")
    quarrel.until(START + 8 * DAY, -1)
    quarrel.refused("field_invalid", "ask", reason="no_reason", goods="keep")
    assert quarrel.do("ask", reason="no_reason", goods="return").state == "asked"


def test_a_confirmation_leaves_the_right_to_return(quarrel: Quarrel) -> None:
    quarrel.do("ship")
    quarrel.do("confirm")
    quarrel.wait(6)
    assert quarrel.do("ask", reason="no_reason", goods="return").state == "asked"


def test_a_right_of_no_days_is_no_right(new_quarrel: NewQuarrel) -> None:
    quarrel = new_quarrel(replace(PLAIN, returns=replace(PLAIN.returns, right=days(0)), after_sale=days(0)))
    quarrel.do("ship")
    quarrel.refused("claim_too_late", "ask", reason="no_reason", goods="return")
    quarrel.do("confirm")
    quarrel.refused("claim_too_late", "ask")


def test_nobody_claims_more_than_is_left(quarrel: Quarrel) -> None:
    quarrel.do("ship")
    quarrel.do("give", amount=4_000)
    quarrel.refused("refund_exceeds_captured", "ask", amount=6_001)
    quarrel.refused("amount_invalid", "ask", amount=0)
    assert quarrel.do("ask").amount == 6_000


@pytest.mark.parametrize(
    ("code", "given"),
    [
        ("field_invalid", {"reason": "bored"}),
        ("field_invalid", {"goods": "burn"}),
        ("field_invalid", {"reason": "not_received", "goods": "return"}),
    ],
)
def test_a_claim_is_one_that_there_can_be(quarrel: Quarrel, code: str, given: dict[str, str]) -> None:
    quarrel.do("ship")
    quarrel.refused(code, "ask", **given)


def test_what_is_over_cannot_be_claimed(quarrel: Quarrel) -> None:
    quarrel.do("ship")
    quarrel.do("ask")
    quarrel.do("agree")
    quarrel.refused("state_conflict", "ask")
    quarrel.refused("state_conflict", "dispute")
