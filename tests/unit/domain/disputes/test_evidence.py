"""Evidence: who may show what until when, how much of it, and who may read it; one timeline for all."""

import pytest
from msgspec.structs import replace
from tests.unit.domain.conftest import START
from tests.unit.domain.disputes.conftest import NewQuarrel
from tests.unit.domain.quarrel import PLAIN, Quarrel

from handfast.core.clocks import DAY
from handfast.core.errors import NotFound
from handfast.domain.claims import Claim
from handfast.domain.disputes import (
    MOST_BYTES,
    Dispute,
    Evidence,
    Moment,
    as_seen,
    evidence_of,
    side_of,
    timeline,
    visible,
)
from handfast.domain.parties import HOUSE

FILE = {"kind": "file", "media_type": "image/png", "size": MOST_BYTES, "digest": bytes(32)}


@pytest.fixture
def disputed(quarrel: Quarrel) -> Quarrel:
    quarrel.do("ship")
    quarrel.do("dispute")
    return quarrel


def test_a_side_shows_until_the_time_for_it_is_over(disputed: Quarrel) -> None:
    due = disputed.dispute.due
    disputed.until(due, -1)
    shown = disputed.do("show", **FILE)
    assert (shown.side, shown.party, shown.digest) == ("buyer", disputed.buyer, bytes(32))
    disputed.until(due)
    disputed.refused("state_conflict", "show")
    disputed.refused("state_conflict", "show", by=HOUSE)
    disputed.fire(disputed.silence("dispute"))
    disputed.refused("state_conflict", "show")
    assert disputed.do("show", by=HOUSE).side == "operator"


def test_who_rests_shows_no_more(disputed: Quarrel) -> None:
    disputed.do("rest")
    disputed.refused("state_conflict", "show")
    disputed.do("show", by=disputed.shop)


def test_on_appeal_both_show_again_as_long_as_the_first_time(disputed: Quarrel) -> None:
    for by in (disputed.buyer, disputed.shop):
        disputed.do("rest", by=by)
    disputed.do("decide")
    disputed.refused("state_conflict", "show", by=HOUSE)
    disputed.refused("evidence_invalid", "appeal", reasons=b"")
    appealed = disputed.do("appeal")
    assert (appealed.evidence_until, appealed.due) == (START + 3 * DAY, START + 8 * DAY)
    (reasons,) = evidence_of(disputed.reader, disputed.dispute.id)
    assert (reasons.side, reasons.kind, reasons.sealed) == ("buyer", "message", b"sealed")
    disputed.until(appealed.evidence_until, -1)
    disputed.do("show", by=disputed.shop)
    disputed.until(appealed.evidence_until)
    disputed.refused("state_conflict", "show", by=disputed.shop)
    disputed.do("show", by=HOUSE)


def test_twenty_a_side_and_fifty_in_all(disputed: Quarrel) -> None:
    for by in (disputed.buyer, disputed.shop):
        for _ in range(20):
            disputed.do("show", by=by)
        disputed.refused("evidence_too_large", "show", by=by)
    for _ in range(10):
        disputed.do("show", by=HOUSE)
    disputed.refused("evidence_too_large", "show", by=HOUSE)
    dispute = disputed.dispute
    assert (dispute.evidence_buyer, dispute.evidence_seller, dispute.evidence_operator) == (20, 20, 10)
    assert len(evidence_of(disputed.reader, dispute.id)) == 50


@pytest.mark.parametrize(
    ("code", "given"),
    [
        ("evidence_invalid", {"kind": "rumour"}),
        ("evidence_invalid", {"sealed": b""}),
        ("evidence_too_large", {"sealed": bytes(16 * 1024 + 1)}),
        ("evidence_invalid", {"kind": "message", "size": 1}),
        ("evidence_invalid", {"kind": "tracking", "media_type": "image/png"}),
        ("evidence_invalid", FILE | {"media_type": "text/html"}),
        ("evidence_invalid", FILE | {"digest": b"short"}),
        ("evidence_invalid", FILE | {"size": 0}),
        ("evidence_too_large", FILE | {"size": MOST_BYTES + 1}),
    ],
)
def test_evidence_is_of_a_kind_that_is_taken(disputed: Quarrel, code: str, given: dict[str, object]) -> None:
    disputed.refused(code, "show", **given)


def test_a_stranger_shows_nothing(disputed: Quarrel) -> None:
    disputed.refused("object_not_found", "show", by=disputed.stranger)


def test_whose_side_a_reader_is_on(disputed: Quarrel) -> None:
    trade = disputed.trade
    sides = {disputed.buyer: "buyer", disputed.shop: "seller", HOUSE: "operator"}
    for by, side in sides.items():
        assert side_of(trade, by) == side_of(disputed.dispute, by) == side
    with pytest.raises(NotFound):
        side_of(trade, disputed.stranger)


def test_what_is_confidential_its_author_and_the_handler_read(disputed: Quarrel) -> None:
    openly, between_us = disputed.do("show"), disputed.do("show", confidential=True)
    assert [visible(openly, side) for side in ("buyer", "seller", "operator")] == [True, True, True]
    assert [visible(between_us, side) for side in ("buyer", "seller", "operator")] == [True, False, True]


def outline(moments: list[Moment]) -> list[tuple[int, str, bytes]]:
    return [(moment.at, moment.kind, moment.object) for moment in moments]


def test_one_timeline_for_all_and_to_each_what_it_may_see(new_quarrel: NewQuarrel) -> None:
    quarrel = new_quarrel(replace(PLAIN, disputing=replace(PLAIN.disputing, second_eyes={"*": 0})))
    quarrel.do("ship")
    quarrel.do("ask", amount=4_000)
    quarrel.do("refuse")
    quarrel.do("dispute")
    quarrel.do("show", confidential=True)
    quarrel.do("show", by=quarrel.shop)
    for by in (quarrel.buyer, quarrel.shop):
        quarrel.do("rest", by=by)
    quarrel.do("decide", outcome="part", amount=4_000, reasons="It is half empty.")
    quarrel.do("approve")
    for by in (quarrel.buyer, quarrel.shop):
        quarrel.do("consent", by=by)
    seen = {side: timeline(quarrel.reader, quarrel.trade, side) for side in ("buyer", "seller", "operator")}
    assert outline(seen["buyer"]) == outline(seen["seller"]) == outline(seen["operator"])
    assert [moment.kind for moment in seen["buyer"]] == [
        "trade.held",
        "trade.shipped",
        "trade.claimed",
        "claim.asked",
        "claim.refused",
        "claim.disputed",
        "trade.disputed",
        "dispute.opened",
        "evidence.added",
        "evidence.added",
        "dispute.rested",
        "dispute.under_review",
        "dispute.proposed",
        "dispute.decided",
        "dispute.accepted",
        "dispute.final",
        "claim.decided",
        "trade.refunded",
        "refund.created",
    ]
    assert {moment.kind for moment in seen["seller"] if moment.row is None} == {"evidence.added"}
    hidden = {side: [n for n, moment in enumerate(moments) if moment.row is None] for side, moments in seen.items()}
    assert hidden == {"buyer": [], "seller": [8], "operator": []}
    proposed = {side: moments[12].row for side, moments in seen.items()}
    assert [isinstance(row, Dispute) and row.outcome for row in proposed.values()] == ["", "", "part"]
    decided = [moments[13].row for moments in seen.values()]
    assert all(isinstance(row, Dispute) and row.reasons == "It is half empty." for row in decided)
    assert isinstance(seen["seller"][3].row, Claim)
    assert isinstance(seen["seller"][9].row, Evidence)


def test_what_is_proposed_on_appeal_is_seen_by_the_handlers_only(new_quarrel: NewQuarrel) -> None:
    quarrel = new_quarrel(replace(PLAIN, disputing=replace(PLAIN.disputing, second_eyes={"*": 0})))
    quarrel.do("ship")
    quarrel.do("dispute")
    for by in (quarrel.buyer, quarrel.shop):
        quarrel.do("rest", by=by)
    quarrel.do("decide", outcome="release", reasons="It came.")
    quarrel.do("approve")
    quarrel.do("appeal")
    proposed = quarrel.do("decide", handler=quarrel.handlers[2], outcome="refund", reasons="It did not.")
    assert as_seen(proposed, "operator").outcome == "refund"
    for side in ("buyer", "seller"):
        seen = as_seen(proposed, side)
        assert (seen.outcome, seen.amount, seen.reasons, seen.handler) == (
            "release",
            0,
            "It came.",
            quarrel.handlers[0],
        )
