"""Decisions: who may make them, how much they move and when, and what nobody's decision means."""

from typing import Any

import pytest
from msgspec.structs import replace
from tests.unit.domain.conftest import START
from tests.unit.domain.disputes.conftest import NewQuarrel
from tests.unit.domain.quarrel import PLAIN, Quarrel, silent

from handfast.core.clocks import DAY
from handfast.domain.parties import HOUSE, CreateClient, RevokeClient
from handfast.domain.payments import refunds_of
from handfast.domain.transfers import CreateTransfer
from handfast.ledger import Purpose


def judged(quarrel: Quarrel, outcome: str, amount: int | None = None, **given: Any) -> Any:
    """The dispute after its evidence is over and it is decided."""
    for by in (quarrel.buyer, quarrel.shop):
        quarrel.do("rest", by=by)
    return quarrel.do("decide", outcome=outcome, amount=amount, **given)


def accepted(quarrel: Quarrel) -> None:
    """Both sides waive their appeal."""
    for by in (quarrel.buyer, quarrel.shop):
        quarrel.do("consent", by=by)


@pytest.mark.parametrize(
    ("outcome", "amount", "buyer_spent", "seller_got", "held", "state"),
    [
        ("refund", None, 0, 0, 0, "refunded"),
        ("part", 4_000, 6_000, 0, 6_000, "shipped"),
        ("split", 4_000, 6_000, 5_790, 0, "released"),
        ("release", None, 10_000, 9_650, 0, "released"),
        ("dismiss", None, 10_000, 0, 10_000, "shipped"),
    ],
)
def test_what_a_decision_does_to_held_money(
    quarrel: Quarrel, outcome: str, amount: int | None, buyer_spent: int, seller_got: int, held: int, state: str
) -> None:
    quarrel.do("ship")
    quarrel.wait(4)
    quarrel.do("dispute")
    judged(quarrel, outcome, amount)
    assert (quarrel.wallets(), quarrel.held()) == ((10_000, 0), 10_000), "no money moves before the decision is final"
    quarrel.wait(1)
    accepted(quarrel)
    assert quarrel.wallets() == (buyer_spent, seller_got)
    assert (quarrel.held(), quarrel.trade.state) == (held, state)
    assert quarrel.market.house(Purpose.COMMISSION, "USD") == buyer_spent - seller_got - held
    assert len(refunds_of(quarrel.reader, quarrel.payment)) == (quarrel.dispute.amount > 0)
    if state == "shipped":
        assert quarrel.trade.due == START + 11 * DAY, "the clock had six days left, and stood still for one"
        quarrel.do("confirm")
        assert quarrel.held() == 0


@pytest.mark.parametrize(
    ("outcome", "amount", "buyer_spent", "seller_got"),
    [
        ("refund", None, 0, 0),
        ("part", 4_000, 6_000, 5_790),
        ("split", 4_000, 6_000, 5_790),
        ("release", None, 10_000, 9_650),
        ("dismiss", None, 10_000, 9_650),
    ],
)
def test_what_a_decision_does_after_the_release(
    quarrel: Quarrel, outcome: str, amount: int | None, buyer_spent: int, seller_got: int
) -> None:
    quarrel.do("ship")
    quarrel.do("confirm")
    finished = quarrel.trade.due
    assert finished == START + 90 * DAY
    quarrel.do("dispute")
    quarrel.wait(2)
    judged(quarrel, outcome, amount)
    accepted(quarrel)
    assert quarrel.wallets() == (buyer_spent, seller_got)
    assert quarrel.market.house(Purpose.COMMISSION, "USD") == buyer_spent - seller_got
    assert quarrel.trade.due == (None if outcome == "refund" else finished + 2 * DAY)


def test_who_has_spent_it_owes_what_a_decision_gives_back(quarrel: Quarrel) -> None:
    quarrel.do("ship")
    quarrel.do("confirm")
    quarrel.market.do(CreateTransfer(quarrel.shop, quarrel.stranger, "USD", 9_000))
    quarrel.do("dispute")
    judged(quarrel, "refund")
    accepted(quarrel)
    assert quarrel.wallets() == (0, 0)
    assert quarrel.market.balance(quarrel.shop, Purpose.RECEIVABLE, "USD") == -9_000


@pytest.mark.parametrize(
    ("code", "given"),
    [
        ("field_invalid", {"outcome": "burn"}),
        ("field_invalid", {"reasons": ""}),
        ("field_invalid", {"reasons": " \n"}),
        ("field_invalid", {"reasons": "x" * 2_001}),
        ("amount_invalid", {"outcome": "part"}),
        ("amount_invalid", {"outcome": "part", "amount": 0}),
        ("amount_invalid", {"outcome": "part", "amount": -1}),
        ("amount_invalid", {"outcome": "split", "amount": 10_000}),
        ("amount_invalid", {"outcome": "refund", "amount": 9_999}),
        ("amount_invalid", {"outcome": "release", "amount": 1}),
        ("amount_invalid", {"outcome": "dismiss", "amount": 10_000}),
    ],
)
def test_a_decision_is_one_that_there_can_be(quarrel: Quarrel, code: str, given: dict[str, Any]) -> None:
    quarrel.do("ship")
    quarrel.do("dispute")
    for by in (quarrel.buyer, quarrel.shop):
        quarrel.do("rest", by=by)
    quarrel.refused(code, "decide", **given)
    assert quarrel.do("decide", outcome="refund", amount=10_000, reasons="x" * 2_000).state == "decided"


@pytest.mark.parametrize(
    ("amount", "outcome", "part", "state"),
    [
        (50_000, "refund", None, "decided"),
        (50_001, "refund", None, "proposed"),
        (50_001, "dismiss", None, "proposed"),
        (50_001, "release", None, "proposed"),
        (50_000, "split", 1, "decided"),
    ],
)
def test_above_an_amount_a_second_person_must_agree(
    new_quarrel: NewQuarrel, amount: int, outcome: str, part: int | None, state: str
) -> None:
    quarrel = new_quarrel(amount=amount)
    quarrel.do("ship")
    quarrel.do("dispute")
    assert judged(quarrel, outcome, part).state == state


@pytest.mark.parametrize(
    ("outcome", "amount", "state"),
    [("part", 50_000, "decided"), ("part", 50_001, "proposed"), ("split", 1, "proposed"), ("dismiss", None, "decided")],
)
def test_what_counts_is_what_was_asked_and_what_moves(
    new_quarrel: NewQuarrel, outcome: str, amount: int | None, state: str
) -> None:
    quarrel = new_quarrel(amount=60_000)
    quarrel.do("ship")
    quarrel.do("dispute", amount=500)
    assert judged(quarrel, outcome, amount).state == state


def test_a_currency_without_a_bound_needs_no_second_person(new_quarrel: NewQuarrel) -> None:
    quarrel = new_quarrel(replace(PLAIN, disputing=replace(PLAIN.disputing, second_eyes={"EUR": 0})), amount=100_000)
    quarrel.do("ship")
    quarrel.do("dispute")
    assert judged(quarrel, "refund").state == "decided"


def test_nobody_is_the_second_person_to_themselves(new_quarrel: NewQuarrel) -> None:
    quarrel = new_quarrel(amount=60_000)
    first, second, *_ = quarrel.handlers
    quarrel.do("ship")
    quarrel.do("dispute")
    judged(quarrel, "refund")
    for deed in ("approve", "reject"):
        quarrel.refused("second_person_needed", deed, handler=first)
    approved = quarrel.do("approve", handler=second)
    assert (approved.state, approved.handler, approved.second) == ("decided", first, second)
    assert approved.due == START + 4 * DAY


def test_a_rejected_decision_leaves_nothing_behind(new_quarrel: NewQuarrel) -> None:
    quarrel = new_quarrel(amount=60_000)
    quarrel.do("ship")
    quarrel.do("dispute")
    judged(quarrel, "refund")
    rejected = quarrel.do("reject")
    assert (rejected.state, rejected.outcome, rejected.amount, rejected.reasons) == ("review", "", 0, "")
    assert (rejected.handler, rejected.due) == (None, START + 5 * DAY)
    assert quarrel.do("decide", outcome="release").state == "proposed"


def test_only_the_operators_own_persons_decide(new_quarrel: NewQuarrel) -> None:
    quarrel = new_quarrel(amount=60_000)
    market, gone = quarrel.market, quarrel.handlers[3]
    market.do(RevokeClient(gone))
    clients = [market.do(CreateClient(party, "x", bytes(32), "read")).id for party in (HOUSE, quarrel.shop)]
    quarrel.do("ship")
    quarrel.do("dispute")
    for by in (quarrel.buyer, quarrel.shop):
        quarrel.do("rest", by=by)
    for nobody in (market.ids(0), HOUSE, quarrel.buyer, gone, *clients):
        quarrel.refused("scope_missing", "decide", handler=nobody)
    quarrel.do("decide")
    for deed in ("approve", "reject"):
        for nobody in (market.ids(0), HOUSE, quarrel.shop, gone, *clients):
            quarrel.refused("scope_missing", deed, handler=nobody)


def test_an_appeal_is_for_somebody_else(new_quarrel: NewQuarrel) -> None:
    quarrel = new_quarrel(amount=60_000)
    first, second, third, fourth = quarrel.handlers
    quarrel.do("ship")
    quarrel.do("dispute")
    judged(quarrel, "refund")
    quarrel.do("approve")
    appealed = quarrel.do("appeal", by=quarrel.shop)
    assert (appealed.appealed_by, appealed.first_outcome, appealed.first_amount) == ("seller", "refund", 60_000)
    for handler in (first, second):
        quarrel.refused("second_person_needed", "decide", handler=handler)
    quarrel.do("decide", handler=third, outcome="split", amount=10_000, reasons="Half of it was there.")
    for handler in (first, second, third):
        quarrel.refused("second_person_needed", "approve", handler=handler)
        quarrel.refused("second_person_needed", "reject", handler=handler)
    back = quarrel.do("reject", handler=fourth)
    assert (back.state, back.outcome, back.amount, back.handler, back.second) == (
        "appealed",
        "refund",
        60_000,
        first,
        second,
    )
    quarrel.do("decide", handler=third, outcome="split", amount=10_000, reasons="Half of it was there.")
    final = quarrel.do("approve", handler=fourth)
    assert (final.state, final.outcome, final.handler, final.second) == ("final", "split", third, fourth)
    assert quarrel.wallets() == (50_000, 48_250)


def test_an_appeal_is_decided_at_once_below_the_bound(quarrel: Quarrel) -> None:
    quarrel.do("ship")
    quarrel.do("dispute")
    judged(quarrel, "release")
    quarrel.do("appeal")
    quarrel.refused("second_person_needed", "decide")
    assert quarrel.do("decide", handler=quarrel.handlers[1], outcome="refund").state == "final"
    assert quarrel.wallets() == (0, 0)
    quarrel.refused("state_conflict", "appeal", by=quarrel.shop)


def test_who_accepted_does_not_appeal(quarrel: Quarrel) -> None:
    quarrel.do("ship")
    quarrel.do("dispute")
    judged(quarrel, "part", 2_000)
    assert quarrel.do("consent").state == "decided"
    quarrel.refused("state_conflict", "consent")
    quarrel.refused("state_conflict", "appeal")
    appealed = quarrel.do("appeal", by=quarrel.shop)
    assert (appealed.state, appealed.rested) == ("appealed", "")


@pytest.mark.parametrize(("silence", "spent", "got"), [("refund", 0, 0), ("release", 10_000, 9_650)])
@pytest.mark.parametrize("proposed", [False, True])
def test_what_nobody_decided_the_policy_decides(
    new_quarrel: NewQuarrel, silence: str, spent: int, got: int, proposed: bool
) -> None:
    policy = silent("decide", silence)
    quarrel = new_quarrel(replace(policy, disputing=replace(policy.disputing, second_eyes={"*": 0})))
    quarrel.do("ship")
    quarrel.do("dispute")
    quarrel.until(quarrel.dispute.due)
    assert quarrel.fire(quarrel.silence("dispute")).state == "review"
    if proposed:
        quarrel.do("decide", outcome="part", amount=1)
    quarrel.until(quarrel.dispute.due)
    final = quarrel.fire(quarrel.silence("dispute"))
    assert (final.state, final.outcome, final.amount, final.handler) == ("final", silence, 10_000 - spent, None)
    assert quarrel.wallets() == (spent, got)


@pytest.mark.parametrize("proposed", [False, True])
def test_an_undecided_appeal_leaves_the_first_decision(new_quarrel: NewQuarrel, proposed: bool) -> None:
    quarrel = new_quarrel(replace(PLAIN, disputing=replace(PLAIN.disputing, second_eyes={"*": 0})))
    quarrel.do("ship")
    quarrel.do("dispute")
    judged(quarrel, "split", 3_000)
    quarrel.do("approve")
    quarrel.do("appeal")
    assert quarrel.dispute.due == START + 8 * DAY
    if proposed:
        quarrel.do("decide", handler=quarrel.handlers[2], outcome="refund")
    quarrel.until(quarrel.dispute.due)
    final = quarrel.fire(quarrel.silence("dispute"))
    assert (final.outcome, final.amount, final.handler) == ("split", 3_000, quarrel.handlers[0])
    assert quarrel.wallets() == (7_000, 6_755)


def test_a_decision_nobody_appeals_takes_effect_when_that_time_is_over(quarrel: Quarrel) -> None:
    quarrel.do("ship")
    quarrel.do("dispute")
    decided = judged(quarrel, "refund")
    quarrel.until(decided.due, -1)
    asked = quarrel.silence("dispute")
    quarrel.market.refused("state_conflict", *asked)
    quarrel.until(decided.due)
    quarrel.refused("state_conflict", "appeal")
    quarrel.fire(asked)
    assert quarrel.wallets() == (0, 0)


def test_two_handlers_decide_in_one_batch(quarrel: Quarrel) -> None:
    market = quarrel.market
    quarrel.do("ship")
    quarrel.do("dispute")
    for by in (quarrel.buyer, quarrel.shop):
        quarrel.do("rest", by=by)
    decisions = [
        quarrel.deed("decide", handler=handler, outcome=outcome)
        for handler, outcome in zip(quarrel.handlers, ("refund", "release"), strict=False)
    ]
    answers = market.desk.run([market.request(*decision) for decision in decisions])
    assert [answer.refusal and answer.refusal.code for answer in answers] == [None, "state_conflict"]
    assert (quarrel.dispute.outcome, quarrel.dispute.handler) == ("refund", quarrel.handlers[0])


def test_approval_and_rejection_in_one_batch(new_quarrel: NewQuarrel) -> None:
    quarrel = new_quarrel(amount=60_000)
    market = quarrel.market
    quarrel.do("ship")
    quarrel.do("dispute")
    judged(quarrel, "refund")
    deeds = [quarrel.deed("reject"), quarrel.deed("approve", handler=quarrel.handlers[2])]
    answers = market.desk.run([market.request(*deed) for deed in deeds])
    assert [answer.refusal and answer.refusal.code for answer in answers] == [None, "state_conflict"]
    assert quarrel.dispute.state == "review"


def test_appeal_and_silence_in_one_batch(quarrel: Quarrel) -> None:
    market = quarrel.market
    quarrel.do("ship")
    quarrel.do("dispute")
    decided = judged(quarrel, "refund")
    quarrel.until(decided.due)
    deeds = [quarrel.deed("appeal"), quarrel.silence("dispute")]
    answers = market.desk.run([market.request(*deed) for deed in deeds])
    assert [answer.refusal and answer.refusal.code for answer in answers] == ["state_conflict", None]
    assert (quarrel.dispute.state, quarrel.wallets()) == ("final", (0, 0))
