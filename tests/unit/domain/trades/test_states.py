"""The state table of trades: every move that it has is made, and every one that it lacks is refused by name."""

from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace
from tests.unit.domain.conftest import Market
from tests.unit.domain.policy_books import policy, reserve, step
from tests.unit.domain.shop import Shop

from handfast.core.errors import Refusal
from handfast.domain.disputes import OpenDue
from handfast.domain.payments import RefundPayment
from handfast.domain.trades import (
    OVER,
    TRADE_STATES,
    AgreeProposal,
    ConfirmTrade,
    DeliverTrade,
    DueTrade,
    ExtendTrade,
    ProposeChange,
    ReleasePart,
    ShipTrade,
    Trade,
)

ALIKE = {"ship": step(5, "extend", 1, "refund"), "confirm": step(10, "extend", 1, "release")}
POLICIES = (
    policy("plain"),
    policy("parts", milestones=(5_000, 5_000)),
    policy("refunding", confirm=step(10, "refund")),
    policy("extending", **ALIKE),
    policy("disputing", ship=step(5, "dispute"), confirm=step(10, "dispute")),
    policy("reserving", reserve=reserve(1_000, 30)),
)


def timer(verb: str) -> Callable[[Shop, Trade], tuple[Any, str]]:
    """The timer's verb, at the moment that the open step is over."""

    def ask(shop: Shop, trade: Trade) -> tuple[Any, str]:
        shop.market.now = max(shop.market.now, trade.due or 0)
        command = OpenDue if verb == "disputes.open_due" else DueTrade
        return command(trade.id, trade.version), verb

    return ask


def refunds_by_silence(shop: Shop, trade: Trade) -> tuple[Any, str]:
    return timer("payments.close_unshipped" if trade.state == "held" else "payments.close_unconfirmed")(shop, trade)


def cancels(shop: Shop, trade: Trade) -> tuple[Any, str]:
    proposal = ProposeChange(shop.seller, trade.id, "cancel")
    if trade.state in (*OVER, "released"):
        return proposal, ""
    shop.done(proposal)
    return AgreeProposal(shop.buyer, trade.id, "cancel"), ""


MOVES: dict[str, tuple[str, Callable[[Shop, Trade], tuple[Any, str]]]] = {
    "ship": ("plain", lambda shop, trade: (ShipTrade(shop.seller, trade.id), "")),
    "deliver": ("plain", lambda shop, trade: (DeliverTrade(shop.seller, trade.id, shop.market.now), "")),
    "confirm": ("plain", lambda shop, trade: (ConfirmTrade(shop.buyer, trade.id), "")),
    "confirm_milestone": ("parts", lambda shop, trade: (ConfirmTrade(shop.buyer, trade.id), "")),
    "extend": ("plain", lambda shop, trade: (ExtendTrade(shop.buyer, trade.id), "")),
    "release_part": ("plain", lambda shop, trade: (ReleasePart(shop.buyer, trade.id, 1), "")),
    "release": ("plain", lambda shop, trade: (ReleasePart(shop.buyer, trade.id, trade.amount), "")),
    "refund_rest": ("plain", lambda shop, trade: (RefundPayment(shop.seller, trade.payment, trade.id), "")),
    "cancel": ("plain", cancels),
    "silent_release": ("plain", timer("trades.release_due")),
    "silent_milestone": ("parts", timer("trades.release_due")),
    "silent_refund": ("refunding", refunds_by_silence),
    "silent_extend": ("extending", timer("trades.release_due")),
    "silent_dispute": ("disputing", timer("disputes.open_due")),
    "free_reserve": ("reserving", timer("trades.free_reserve")),
    "finish": ("plain", timer("trades.finish")),
}
"""By move: the policy under which it is tried, and how it is asked for."""


def bring(shop: Shop, state: str, category: str) -> Trade:
    """A new trade of 100.00 in that state."""
    key = shop.sell(category=category)
    if state in ("shipped", "delivered"):
        shop.ship(key)
    if state == "delivered":
        shop.deliver(key)
    if state in ("released", "finished"):
        shop.release(key, 10_000)
    if state == "refunded":
        shop.refund(key)
    while state == "finished" != shop.trade(key).state:
        shop.wait_out(key)
    return shop.trade(key)


def test_the_table_has_no_move_that_is_not_tried() -> None:
    assert {move for moves in TRADE_STATES.values() for move in moves} == MOVES.keys()


@pytest.mark.parametrize("state", TRADE_STATES)
def test_each_move_leads_where_the_table_says_and_no_other_is_made(market: Market, state: str) -> None:
    shop = Shop(market, *POLICIES)
    for move, (category, ask) in MOVES.items():
        before = bring(shop, state, category)
        command, verb = ask(shop, before)
        if move in TRADE_STATES[state]:
            market.do(command, verb)
            assert shop.trade(before.id).state == TRADE_STATES[state][move], move
            continue
        before = shop.trade(before.id)
        with pytest.raises(Refusal) as no:
            market.do(command, verb)
        assert no.value.code == "state_conflict", (state, move)
        assert f"is {state}" in no.value.message, (state, move)
        assert shop.trade(before.id) == before


def test_a_refusal_names_the_move_and_the_state(market: Market) -> None:
    shop = Shop(market)
    with pytest.raises(Refusal, match="cannot confirm what is held"):
        shop.confirm(shop.sell())
    released = bring(shop, "released", "")
    with pytest.raises(Refusal, match="cannot release part what is released"):
        shop.release(released.id, 1)


def test_strangers_and_the_wrong_side_find_no_trade(market: Market) -> None:
    shop = Shop(market)
    held, shipped = shop.sell(), shop.sell()
    shop.ship(shipped)
    stranger = market.party("merchant")
    for command in (
        ShipTrade(shop.buyer, held),
        ReleasePart(shop.seller, held, 1),
        DeliverTrade(shop.buyer, shipped, market.now),
        ConfirmTrade(shop.seller, shipped),
        *(kind(stranger, shipped) for kind in (ConfirmTrade, ExtendTrade)),
        ShipTrade(stranger, bytes(16)),
        ProposeChange(stranger, held, "cancel"),
        AgreeProposal(stranger, held, "cancel"),
    ):
        market.refused("object_not_found", command)


def test_a_timer_that_comes_too_early_or_for_another_version_does_nothing(market: Market) -> None:
    shop = Shop(market)
    key = shop.sell()
    held = shop.trade(key)
    assert held.due is not None
    verb = "payments.close_unshipped"
    market.now = held.due - 1
    market.refused("state_conflict", DueTrade(key, held.version), verb)
    market.now = held.due
    market.refused("state_conflict", DueTrade(key, held.version + 1), verb)
    for other in ("payments.close_unconfirmed", "trades.release_due", "trades.free_reserve", "trades.finish"):
        market.refused("state_conflict", DueTrade(key, held.version), other)
    market.do(DueTrade(key, held.version), verb)
    assert shop.trade(key) == replace(held, state="refunded", refunded=10_000, due=None, version=held.version + 1)
