"""Disputes from their opening to the refund: who opens them and when, and one that takes every turn there is."""

import pytest
from msgspec.structs import replace
from tests.unit.domain.conftest import START
from tests.unit.domain.disputes.conftest import NewQuarrel
from tests.unit.domain.quarrel import PLAIN, Quarrel, silent

from handfast.core.clocks import DAY
from handfast.domain.disputes import disputes_of, due_disputes, open_disputes
from handfast.domain.payments import refunds_of
from handfast.domain.transfers import CreateTransfer
from handfast.ledger import Purpose


def test_refusal_dispute_part_appeal_and_a_refund_after_the_release(quarrel: Quarrel) -> None:
    """Half of the parcel is missing: USD 100.00 with a commission of 3.50."""
    quarrel.wait(1)
    quarrel.do("ship")
    quarrel.wait(4)
    quarrel.do("ask", amount=5_000)
    quarrel.do("refuse")
    quarrel.wait(1)
    dispute = quarrel.do("dispute")
    assert (dispute.claim, dispute.asked, dispute.opened_by) == (quarrel.claim.id, 5_000, "buyer")
    assert (quarrel.claim.state, quarrel.trade.paused) == ("disputed", 6 * DAY)
    quarrel.do("show")
    quarrel.do("show", by=quarrel.shop, kind="tracking")
    quarrel.until(dispute.due)
    quarrel.fire(quarrel.silence("dispute"))
    quarrel.do("decide", outcome="part", amount=2_000, reasons="One cup of five is broken.")
    quarrel.do("appeal")
    quarrel.do("show", confidential=True)
    final = quarrel.do("decide", handler=quarrel.handlers[1], outcome="part", amount=3_000, reasons="Two are.")
    assert (final.state, final.first_amount, final.amount, quarrel.claim.state) == ("final", 2_000, 3_000, "decided")
    assert (quarrel.wallets(), quarrel.held(), quarrel.trade.state) == ((7_000, 0), 7_000, "shipped")
    quarrel.until(quarrel.trade.due)
    quarrel.fire(quarrel.silence("trade"))
    assert (quarrel.wallets(), quarrel.trade.state) == ((7_000, 6_755), "released")
    quarrel.market.do(CreateTransfer(quarrel.shop, quarrel.stranger, "USD", 6_000))
    quarrel.wait(3)
    quarrel.do("ask", amount=1_000)
    quarrel.do("agree")
    # Of 10.00 the seller gives 9.65: 7.55 are in its wallet, 2.10 the operator advances; 0.35 are the commission's.
    assert (quarrel.wallets(), quarrel.trade.state) == ((6_000, 0), "released")
    assert quarrel.market.balance(quarrel.shop, Purpose.RECEIVABLE, "USD") == -210
    assert quarrel.market.house(Purpose.COMMISSION, "USD") == 210
    assert [refund.amount for refund in refunds_of(quarrel.reader, quarrel.payment)] == [3_000, 1_000]


def test_a_dispute_is_opened_when_a_claim_could_be_asked(quarrel: Quarrel) -> None:
    quarrel.until(START + DAY, -1)
    quarrel.refused("claim_too_early", "dispute")
    quarrel.market.now += 1
    quarrel.refused("object_not_found", "dispute", by=quarrel.stranger)
    quarrel.refused("refund_exceeds_captured", "dispute", amount=10_001)
    opened = quarrel.do("contest", amount=3_000)
    assert (opened.opened_by, opened.asked, opened.due) == ("seller", 3_000, START + 4 * DAY)
    quarrel.do("drop")
    quarrel.do("ship")
    quarrel.do("confirm")
    quarrel.until(START + 16 * DAY)
    quarrel.refused("claim_too_late", "dispute")
    quarrel.until(START + 16 * DAY, -1)
    assert quarrel.do("dispute").asked == 10_000
    assert [dispute.state for dispute in disputes_of(quarrel.reader, quarrel.trade.id)] == ["withdrawn", "open"]


def test_the_claim_says_what_is_in_dispute(quarrel: Quarrel) -> None:
    quarrel.do("ship")
    quarrel.do("ask", amount=2_000)
    quarrel.refused("field_invalid", "dispute", amount=3_000)
    quarrel.until(quarrel.claim.due)
    quarrel.refused("state_conflict", "dispute")
    quarrel.until(quarrel.claim.due, -1)
    assert quarrel.do("dispute").asked == 2_000


@pytest.mark.parametrize(
    ("asked", "spent", "held", "outcome", "state"),
    [(10_000, 0, 0, "refund", "refunded"), (2_500, 7_500, 7_500, "part", "shipped")],
)
def test_a_seller_concedes_what_was_asked(
    quarrel: Quarrel, asked: int, spent: int, held: int, outcome: str, state: str
) -> None:
    quarrel.do("ship")
    quarrel.do("ask", amount=asked)
    quarrel.do("dispute")
    for by in (quarrel.buyer, quarrel.stranger):
        quarrel.refused("object_not_found" if by == quarrel.stranger else "state_conflict", "concede", by=by)
    quarrel.do("rest")
    conceded = quarrel.do("concede")
    assert (conceded.outcome, conceded.amount, conceded.handler) == (outcome, asked, None)
    assert (quarrel.wallets(), quarrel.held()) == ((spent, 0), held)
    assert (quarrel.trade.state, quarrel.claim.state) == (state, "decided")


def test_a_withdrawn_dispute_ends_its_claim(quarrel: Quarrel) -> None:
    quarrel.do("ship")
    quarrel.wait(3)
    quarrel.do("ask")
    quarrel.do("contest")
    quarrel.refused("state_conflict", "drop", by=quarrel.shop)
    quarrel.wait(1)
    quarrel.do("drop")
    assert (quarrel.claim.state, quarrel.trade.due, quarrel.held()) == ("closed", START + 11 * DAY, 10_000)
    quarrel.do("ask")


def test_goods_that_came_back_wrong_are_contested(quarrel: Quarrel) -> None:
    quarrel.do("ship")
    quarrel.do("ask", goods="return")
    quarrel.do("agree")
    quarrel.do("send_back")
    assert quarrel.do("contest").opened_by == "seller"
    assert quarrel.claim.state == "disputed"


@pytest.mark.parametrize("step", ["ship", "confirm"])
def test_silence_about_a_trade_opens_a_dispute_and_its_step_begins_anew(new_quarrel: NewQuarrel, step: str) -> None:
    quarrel = new_quarrel(silent(step, "dispute"))
    if step == "confirm":
        quarrel.do("ship")
    length = {"ship": 5, "confirm": 10}[step] * DAY
    asked = quarrel.silence_disputes("trade")
    quarrel.until(quarrel.trade.due, -1)
    quarrel.market.refused("state_conflict", *asked)
    quarrel.until(quarrel.trade.due)
    quarrel.market.refused("state_conflict", *quarrel.silence("trade"))
    opened = quarrel.fire(asked)
    assert (opened.opened_by, opened.asked, opened.claim) == ("clock", 10_000, None)
    assert (quarrel.trade.due, quarrel.trade.paused) == (None, length)
    quarrel.market.refused("state_conflict", *asked)
    quarrel.do("drop")
    assert quarrel.trade.due == quarrel.market.now + length


def test_only_the_silence_that_the_policy_disputes_opens_a_dispute(quarrel: Quarrel) -> None:
    quarrel.do("ship")
    quarrel.until(quarrel.trade.due)
    quarrel.market.refused("state_conflict", *quarrel.silence_disputes("trade"))


def test_both_sides_rest_before_the_handler_begins(quarrel: Quarrel) -> None:
    quarrel.do("ship")
    quarrel.do("dispute")
    quarrel.wait(1)
    quarrel.refused("state_conflict", "decide")
    quarrel.refused("object_not_found", "rest", by=quarrel.stranger)
    assert quarrel.do("rest").rested == "buyer"
    quarrel.refused("state_conflict", "rest")
    review = quarrel.do("rest", by=quarrel.shop)
    assert (review.state, review.rested, review.due) == ("review", "", START + 6 * DAY)


def test_handlers_find_the_most_urgent_first(new_quarrel: NewQuarrel) -> None:
    quarrel = new_quarrel(replace(PLAIN, extensions=()))
    quarrel.do("ship")
    opened = quarrel.do("dispute")
    assert open_disputes(quarrel.reader, 10) == [opened]
    assert due_disputes(quarrel.reader, opened.due - 1, 10) == []
    assert due_disputes(quarrel.reader, opened.due, 10) == [opened]
    quarrel.do("concede")
    assert open_disputes(quarrel.reader, 10) == due_disputes(quarrel.reader, opened.due, 10) == []
