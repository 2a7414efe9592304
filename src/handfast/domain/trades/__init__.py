"""Guaranteed trades: held, shipped, confirmed or released by clock, refunded; and the frozen terms that split money."""

from handfast.domain.trades.model import PERIODS, TRADE_STATES, Trade
from handfast.domain.trades.postings import hold
from handfast.domain.trades.tables import TRADES, due_trades, held_for, trades_of
from handfast.domain.trades.terms import (
    Frozen,
    Move,
    commission_of,
    converted_down,
    converted_up,
    disburse,
    pay_in,
    posted,
    reverse,
)
from handfast.domain.trades.verbs import (
    VERBS,
    ConfirmTrade,
    DueTrade,
    ShipTrade,
    confirm,
    in_time,
    keep,
    load,
    release_due,
    ship,
    stage_refund,
)

__all__ = [
    "PERIODS",
    "TRADES",
    "TRADE_STATES",
    "VERBS",
    "ConfirmTrade",
    "DueTrade",
    "Frozen",
    "Move",
    "ShipTrade",
    "Trade",
    "commission_of",
    "confirm",
    "converted_down",
    "converted_up",
    "disburse",
    "due_trades",
    "held_for",
    "hold",
    "in_time",
    "keep",
    "load",
    "pay_in",
    "posted",
    "release_due",
    "reverse",
    "ship",
    "stage_refund",
    "trades_of",
]
