"""Claims as a shop and its buyer live them: what is asked, answered and given back, and what the clock does."""

import pytest
from tests.unit.domain.claims.conftest import NewQuarrel
from tests.unit.domain.conftest import START
from tests.unit.domain.quarrel import Quarrel, silent

from handfast.core.clocks import DAY
from handfast.domain.claims import MOST_CHANGES, AskClaim, claims_of, due_claims
from handfast.domain.payments import refunds_of
from handfast.domain.trades import ConfirmTrade
from handfast.domain.transfers import CreateTransfer
from handfast.ledger import Purpose


def test_an_agreed_part_goes_back_and_the_trade_goes_on_with_the_rest(quarrel: Quarrel) -> None:
    quarrel.do("ship")
    quarrel.wait(4)
    quarrel.do("ask", amount=4_000)
    assert (quarrel.trade.due, quarrel.trade.paused, quarrel.wallets()) == (None, 6 * DAY, (10_000, 0))
    quarrel.wait(1)
    quarrel.do("agree")
    assert (quarrel.wallets(), quarrel.held()) == ((6_000, 0), 6_000)
    assert (quarrel.trade.state, quarrel.trade.due, quarrel.trade.paused) == ("shipped", START + 11 * DAY, None)
    quarrel.do("confirm")
    assert (quarrel.wallets(), quarrel.held()) == ((6_000, 5_790), 0)
    assert quarrel.market.house(Purpose.COMMISSION, "USD") == 210
    assert [refund.amount for refund in refunds_of(quarrel.reader, quarrel.payment)] == [4_000]


def test_all_that_is_left_ends_the_trade(quarrel: Quarrel) -> None:
    quarrel.do("ship")
    quarrel.do("ask", reason="not_received")
    assert quarrel.do("agree").state == "refunded"
    assert (quarrel.wallets(), quarrel.held(), quarrel.trade.state) == ((0, 0), 0, "refunded")


def test_an_offer_that_is_taken_is_what_goes_back(quarrel: Quarrel) -> None:
    quarrel.do("ship")
    quarrel.do("ask", amount=6_000, goods="return")
    quarrel.refused("refund_exceeds_captured", "offer", amount=6_000)
    quarrel.refused("field_invalid", "offer", goods="burn")
    offered = quarrel.do("offer", amount=1_500)
    assert (offered.state, offered.amount, offered.due) == ("offered", 6_000, START + 3 * DAY)
    taken = quarrel.do("accept")
    assert (taken.state, taken.amount, taken.goods) == ("refunded", 1_500, "keep")
    assert (quarrel.wallets(), quarrel.held()) == ((8_500, 0), 8_500)


def test_an_offer_may_want_the_goods_back(quarrel: Quarrel) -> None:
    quarrel.do("ship")
    quarrel.do("ask")
    quarrel.do("offer", amount=9_000, goods="return")
    assert quarrel.do("accept").state == "returning"
    quarrel.do("send_back")
    quarrel.do("receive")
    assert (quarrel.wallets(), quarrel.held()) == ((1_000, 0), 1_000)


def test_goods_come_back_before_the_money_does(quarrel: Quarrel) -> None:
    quarrel.do("ship")
    quarrel.do("ask", goods="return")
    assert quarrel.do("agree").due == START + 6 * DAY
    assert quarrel.wallets() == (10_000, 0)
    quarrel.refused("field_missing", "send_back", tracking="")
    sent = quarrel.do("send_back", tracking="SF2")
    assert (sent.state, sent.tracking, sent.due) == ("sent_back", "SF2", START + 8 * DAY)
    quarrel.refused("state_conflict", "withdraw")
    quarrel.do("receive")
    assert (quarrel.wallets(), quarrel.trade.state) == ((0, 0), "refunded")


def test_a_claim_after_the_release_takes_from_each_what_it_got(quarrel: Quarrel) -> None:
    quarrel.do("ship")
    quarrel.do("confirm")
    assert quarrel.wallets() == (10_000, 9_650)
    quarrel.do("ask", amount=5_000)
    quarrel.do("agree")
    assert quarrel.wallets() == (5_000, 4_825)
    assert quarrel.market.house(Purpose.COMMISSION, "USD") == 175
    assert quarrel.trade.state == "released"


def test_a_seller_who_spent_it_is_advanced_the_refund_and_owes_it(quarrel: Quarrel) -> None:
    quarrel.do("ship")
    quarrel.do("confirm")
    quarrel.market.do(CreateTransfer(quarrel.shop, quarrel.stranger, "USD", 9_650))
    quarrel.do("ask", amount=4_000)
    quarrel.do("agree")
    assert quarrel.wallets() == (6_000, 0)
    assert quarrel.market.balance(quarrel.shop, Purpose.RECEIVABLE, "USD") == -3_860


def test_a_refusal_leads_to_a_change_or_to_the_end(quarrel: Quarrel) -> None:
    quarrel.do("ship")
    quarrel.do("ask", amount=9_000)
    refused = quarrel.do("refuse")
    assert (refused.state, refused.answer, refused.due) == ("refused", b"sealed", START + 3 * DAY)
    changed = quarrel.do("change", amount=500)
    assert (changed.state, changed.amount, changed.changes) == ("asked", 500, 1)
    quarrel.do("refuse")
    quarrel.until(quarrel.claim.due)
    assert quarrel.fire(quarrel.silence()).state == "closed"
    assert (quarrel.held(), quarrel.trade.due) == (10_000, START + 13 * DAY)


def test_a_claim_is_changed_five_times(quarrel: Quarrel) -> None:
    quarrel.do("ship")
    quarrel.do("ask")
    for amount in range(1, MOST_CHANGES + 1):
        assert quarrel.do("change", amount=amount).changes == amount
    quarrel.refused("changes_spent", "change")
    assert quarrel.do("agree").amount == MOST_CHANGES


def test_a_change_is_a_claim_that_there_can_be(quarrel: Quarrel) -> None:
    quarrel.do("ship")
    quarrel.do("ask", reason="not_received")
    quarrel.refused("field_invalid", "change", goods="return")
    quarrel.refused("refund_exceeds_captured", "change", amount=10_001)


def test_one_claim_at_a_time_and_nothing_beside_it(quarrel: Quarrel) -> None:
    quarrel.do("ship")
    quarrel.do("ask", amount=1_000)
    for deed in ("ask", "confirm", "give"):
        quarrel.refused("claim_open", deed)
    quarrel.do("withdraw")
    quarrel.wait(1)
    quarrel.do("ask", amount=2_000)
    assert [claim.state for claim in claims_of(quarrel.reader, quarrel.trade.id)] == ["withdrawn", "asked"]


def test_each_deed_is_for_its_own_side(quarrel: Quarrel) -> None:
    quarrel.do("ship")
    for by in (quarrel.stranger, quarrel.shop):
        quarrel.refused("object_not_found", "ask", by=by)
    quarrel.do("ask")
    for by in (quarrel.stranger, quarrel.shop):
        for deed in ("change", "accept", "withdraw", "send_back"):
            quarrel.refused("object_not_found", deed, by=by)
    for by in (quarrel.stranger, quarrel.buyer):
        for deed in ("agree", "offer", "refuse", "receive"):
            quarrel.refused("object_not_found", deed, by=by)


def test_the_unshipped_is_shipped_once_the_claim_has_ended(quarrel: Quarrel) -> None:
    quarrel.wait(2)
    quarrel.do("ask", reason="unshipped")
    quarrel.refused("claim_open", "ship")
    quarrel.do("refuse")
    quarrel.do("withdraw")
    assert quarrel.do("ship").state == "shipped"


def test_confirmation_and_claim_in_one_batch(quarrel: Quarrel) -> None:
    market = quarrel.market
    quarrel.do("ship")
    ask, _ = quarrel.deed("ask")
    confirm, _ = quarrel.deed("confirm")
    answers = market.desk.run([market.request(ask), market.request(confirm)])
    assert [answer.refusal and answer.refusal.code for answer in answers] == [None, "claim_open"]
    assert (quarrel.held(), quarrel.trade.state) == (10_000, "shipped")


@pytest.mark.parametrize(("first", "refused"), [("claim", "state_conflict"), ("silence", None)])
def test_claim_and_release_by_silence_in_one_batch(quarrel: Quarrel, first: str, refused: str | None) -> None:
    """A claim that comes before the timer is too late for the trade; one after it is a claim after the sale."""
    market = quarrel.market
    quarrel.do("ship")
    quarrel.until(quarrel.trade.due)
    requests = {"claim": market.request(*quarrel.deed("ask")), "silence": market.request(*quarrel.silence("trade"))}
    order = sorted(requests, key=lambda name: name != first)
    answers = dict(zip(order, market.desk.run([requests[name] for name in order]), strict=True))
    claim, silence = answers["claim"].refusal, answers["silence"].refusal
    assert (claim and claim.code, silence) == (refused, None)
    assert (quarrel.trade.state, quarrel.wallets()) == ("released", (10_000, 9_650))


def test_two_claims_in_one_batch(quarrel: Quarrel) -> None:
    market = quarrel.market
    quarrel.do("ship")
    requests = [market.request(AskClaim(quarrel.buyer, quarrel.trade.id, "not_received")) for _ in range(2)]
    answers = market.desk.run(requests)
    assert [answer.refusal and answer.refusal.code for answer in answers] == [None, "claim_open"]
    assert len(claims_of(quarrel.reader, quarrel.trade.id)) == 1


def test_withdrawal_and_confirmation_in_one_batch(quarrel: Quarrel) -> None:
    market = quarrel.market
    quarrel.do("ship")
    quarrel.do("ask")
    withdraw = market.request(*quarrel.deed("withdraw"))
    confirm = market.request(ConfirmTrade(quarrel.buyer, quarrel.trade.id))
    assert [answer.refusal for answer in market.desk.run([withdraw, confirm])] == [None, None]
    assert quarrel.wallets() == (10_000, 9_650)


def test_the_due_are_found_by_their_time(new_quarrel: NewQuarrel) -> None:
    quarrel = new_quarrel(silent("answer", "close"))
    quarrel.do("ship")
    claim = quarrel.do("ask")
    assert due_claims(quarrel.reader, claim.due - 1, 10) == []
    assert due_claims(quarrel.reader, claim.due, 10) == [(claim, quarrel.trade.policy)]
    quarrel.until(claim.due)
    quarrel.fire(quarrel.silence())
    assert due_claims(quarrel.reader, claim.due, 10) == []
