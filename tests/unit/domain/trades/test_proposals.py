"""What both sides want: a frozen trade is cancelled or amended where one proposes and the other agrees."""

from typing import Any

import pytest
from tests.unit.domain.conftest import START, Market
from tests.unit.domain.policy_books import days, policy, reserve, step
from tests.unit.domain.shop import Shop, freight

from handfast.core.clocks import DAY
from handfast.core.ids import Id
from handfast.domain.policies import digest_of
from handfast.domain.trades import AgreeProposal, DropProposal, Proposal, ProposeChange, Trade, proposal_of

SURFACE = policy("surface", ship=step(9, "refund"), confirm=step(30, "release"), confirm_delivered=days(20))


def propose(shop: Shop, key: Id, *change: Any, by: Id | None = None, **what: Any) -> Trade:
    return shop.done(ProposeChange(by or shop.seller, key, *change, **what))


def agree(shop: Shop, key: Id, *change: Any, by: Id | None = None, **what: Any) -> Trade:
    return shop.done(AgreeProposal(by or shop.buyer, key, *change, **what))


def test_cancelled_by_both_the_buyer_has_all_that_is_held(market: Market) -> None:
    shop = Shop(market)
    key = shop.sell(pay="CNY")
    shop.ship(key)
    proposed = propose(shop, key, "cancel")
    assert proposal_of(proposed) == Proposal("seller", "cancel")
    assert proposed.due == START + 10 * DAY, "a proposal stops no clock"
    market.refused("no_proposal", AgreeProposal(shop.seller, key, "cancel"))
    cancelled = agree(shop, key, "cancel")
    assert (cancelled.state, cancelled.refunded, cancelled.due, cancelled.proposal) == ("refunded", 10_000, None, b"")
    assert market.wallet(shop.buyer, "CNY") == 1_000_000


def test_what_was_released_stays_where_it_is_when_both_cancel(market: Market) -> None:
    shop = Shop(market, policy(reserve=reserve(1_000, 30)))
    carrier = market.party("customer")
    key = shop.sell(shares=(freight(carrier, 500),))
    shop.release(key, 4_000)
    propose(shop, key, "cancel", by=shop.buyer)
    cancelled = agree(shop, key, "cancel", by=shop.seller)
    assert (cancelled.state, cancelled.refunded, cancelled.released) == ("released", 6_000, 4_000)
    assert cancelled.due == START + 30 * DAY, "for the reserve's sake"
    assert (market.wallet(shop.buyer, "USD"), market.wallet(carrier, "USD")) == (996_000, 200)
    assert shop.has(shop.seller) == (3_294, 366, 0), "40 % of 100.00 - 3.50 - 5.00; of 36.60 a tenth is kept"


def test_another_policy_begins_the_open_step_anew(market: Market) -> None:
    shop = Shop(market, policy(), SURFACE)
    key = shop.sell()
    market.wait(3)
    propose(shop, key, "amend", digest_of(SURFACE), by=shop.buyer)
    amended = agree(shop, key, "amend", digest_of(SURFACE), by=shop.seller)
    assert (amended.policy, amended.due, amended.state) == (digest_of(SURFACE), START + 12 * DAY, "held")
    market.wait(8)
    assert shop.ship(key).due == START + 41 * DAY
    assert shop.deliver(key).due == START + 31 * DAY


def test_another_end_is_agreed_on(market: Market) -> None:
    shop = Shop(market)
    key = shop.sell()
    propose(shop, key, "amend", due=START + 100 * DAY)
    assert agree(shop, key, "amend", due=START + 100 * DAY).due == START + 100 * DAY
    assert (shop.wait_out(key).state, market.now) == ("refunded", START + 100 * DAY)


def test_nobody_agrees_to_what_was_not_shown(market: Market) -> None:
    shop = Shop(market, policy(), SURFACE)
    key = shop.sell()
    market.refused("no_proposal", AgreeProposal(shop.buyer, key, "cancel"))
    market.refused("no_proposal", DropProposal(shop.buyer, key))
    propose(shop, key, "amend", due=START + 9 * DAY)
    for change in (("cancel",), ("amend", digest_of(SURFACE)), ("amend", None, START + 8 * DAY)):
        market.refused("no_proposal", AgreeProposal(shop.buyer, key, *change))
    market.refused("state_conflict", ProposeChange(shop.buyer, key, "cancel"))
    assert shop.done(DropProposal(shop.buyer, key)).proposal == b""
    propose(shop, key, "cancel", by=shop.buyer)
    assert shop.done(DropProposal(shop.buyer, key)).proposal == b""


def test_another_state_ends_a_proposal_and_a_part_of_the_money_does_not(market: Market) -> None:
    shop = Shop(market)
    key = shop.sell()
    propose(shop, key, "cancel")
    assert shop.release(key, 1_000).proposal
    assert shop.refund(key, 1_000).proposal
    assert shop.ship(key).proposal == b""
    propose(shop, key, "cancel")
    assert shop.deliver(key).proposal == b""
    propose(shop, key, "cancel")
    assert shop.confirm(key).proposal == b""
    market.refused("state_conflict", ProposeChange(shop.buyer, key, "cancel"))


def test_an_end_that_has_passed_meanwhile_is_agreed_on_no_more(market: Market) -> None:
    shop = Shop(market)
    key = shop.sell()
    propose(shop, key, "amend", due=START + DAY)
    market.wait(1)
    market.refused("field_invalid", AgreeProposal(shop.buyer, key, "amend", due=START + DAY))


@pytest.mark.parametrize(
    ("code", "kind", "what"),
    [
        ("field_invalid", "sell", {}),
        ("field_invalid", "cancel", {"due": START + DAY}),
        ("field_invalid", "cancel", {"policy": digest_of(SURFACE)}),
        ("field_invalid", "amend", {}),
        ("field_invalid", "amend", {"policy": digest_of(SURFACE), "due": START + DAY}),
        ("field_invalid", "amend", {"due": START}),
        ("field_invalid", "amend", {"due": START + 366 * DAY + 1}),
        ("object_not_found", "amend", {"policy": bytes(16)}),
    ],
)
def test_what_cannot_be_proposed(market: Market, code: str, kind: str, what: dict[str, Any]) -> None:
    shop = Shop(market, policy(), SURFACE)
    market.refused(code, ProposeChange(shop.buyer, shop.sell(), kind, **what))


def test_the_reserve_is_not_the_two_sides_to_change(market: Market) -> None:
    kept = policy("kept", reserve=reserve(1_000, 30))
    others = policy("shorter", reserve=reserve(1_000, 29)), policy("less", reserve=reserve(999, 30)), policy("none")
    shop = Shop(market, kept, *others)
    key = shop.sell()
    for other in others:
        market.refused("policy_invalid", ProposeChange(shop.buyer, key, "amend", digest_of(other)))


@pytest.mark.parametrize(
    ("milestones", "released"),
    [((3_000, 3_000, 4_000), 6_000), ((2_000, 2_000, 2_000, 4_000), 4_000), ((5_000, 5_000), 10_000), ((), 10_000)],
)
def test_milestones_that_are_over_count_by_their_number(
    market: Market, milestones: tuple[int, ...], released: int
) -> None:
    """Of 100.00 the first milestone released 30.00; by the other policy the next is its second."""
    other = policy("other", milestones=milestones)
    shop = Shop(market, policy("agreed", milestones=(3_000, 3_000, 4_000)), other)
    key = shop.sell()
    shop.ship(key)
    assert (shop.confirm(key).milestone, shop.trade(key).released) == (1, 3_000)
    propose(shop, key, "amend", digest_of(other))
    agree(shop, key, "amend", digest_of(other))
    shop.ship(key)
    assert shop.confirm(key).released == released
