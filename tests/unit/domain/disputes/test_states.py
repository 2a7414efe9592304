"""The state table of disputes, row by row: every move that it has is made, every move that it lacks is refused."""

import pytest
from msgspec.structs import replace
from tests.conftest import NewDatabase, open_engine
from tests.unit.domain.conftest import Market
from tests.unit.domain.disputes.conftest import NewQuarrel
from tests.unit.domain.quarrel import PLAIN, Quarrel

from handfast.app import database
from handfast.domain.disputes import DISPUTE_STATES
from handfast.domain.policies import Policy

FOUR_EYES = replace(PLAIN, disputing=replace(PLAIN.disputing, second_eyes={"*": 0}))
OVER = ("final", "withdrawn")
COMMANDS = ("rest", "concede", "drop", "decide", "approve", "reject", "appeal", "consent")
MOVES = {
    "close_evidence": "rest",
    "concede": "concede",
    "withdraw": "drop",
    "decide": "decide",
    "propose": "decide",
    "approve": "approve",
    "reject": "reject",
    "appeal": "appeal",
    "accept": "consent",
}
ROWS = [(state, move) for state, moves in DISPUTE_STATES.items() for move in moves]


def law(state: str, move: str = "") -> Policy:
    """Four eyes where somebody has to propose."""
    return FOUR_EYES if state.startswith("proposed") or move == "propose" else PLAIN


def bring(quarrel: Quarrel, state: str) -> None:
    """Open a dispute, and come to a state."""
    quarrel.do("ship")
    quarrel.do("dispute")
    if state in OVER:
        quarrel.do("concede" if state == "final" else "drop")
    if state not in ("open", *OVER):
        for by in (quarrel.buyer, quarrel.shop):
            quarrel.do("rest", by=by)
    if state in ("proposed", "decided", "appealed", "proposed_again"):
        quarrel.do("decide")
    if quarrel.dispute.state == "proposed" and state != "proposed":
        quarrel.do("approve")
    if state in ("appealed", "proposed_again"):
        quarrel.do("appeal")
    if state == "proposed_again":
        quarrel.do("decide", handler=quarrel.handlers[2])
    assert quarrel.dispute.state == state


def twice(quarrel: Quarrel, deed: str) -> None:
    """What takes both sides."""
    for by in (quarrel.buyer, quarrel.shop):
        quarrel.do(deed, by=by)


@pytest.mark.parametrize(("state", "move"), ROWS)
def test_every_move_of_the_table_is_made(new_quarrel: NewQuarrel, state: str, move: str) -> None:
    quarrel = new_quarrel(law(state, move))
    bring(quarrel, state)
    if move.startswith("silent_"):
        asked = quarrel.silence("dispute")
        quarrel.until(quarrel.dispute.due, -1)
        quarrel.market.refused("state_conflict", *asked)
        quarrel.until(quarrel.dispute.due)
        quarrel.fire(asked)
        quarrel.market.refused("state_conflict", *asked)
    elif move in ("close_evidence", "accept"):
        twice(quarrel, MOVES[move])
    elif state in ("appealed", "proposed_again"):
        quarrel.do(MOVES[move], handler=quarrel.handlers[3])
    else:
        quarrel.do(MOVES[move])
    dispute, trade = quarrel.dispute, quarrel.trade
    assert dispute.state == DISPUTE_STATES[state][move]
    if dispute.state in OVER:
        assert (dispute.due, trade.dispute, trade.paused) == (None, None, None)
        assert trade.due is not None or trade.state == "refunded"
    else:
        assert (dispute.due is not None, trade.dispute, trade.due) == (True, dispute.id, None)


@pytest.mark.parametrize("state", DISPUTE_STATES)
def test_every_other_move_is_refused_by_name(new_sqlite: NewDatabase, state: str) -> None:
    engine = open_engine(new_sqlite())
    quarrel = Quarrel(Market(engine), database(engine.url).read(), law(state))
    bring(quarrel, state)
    before = quarrel.dispute
    for move, command in MOVES.items():
        if move != "propose" and move not in DISPUTE_STATES[state]:
            quarrel.refused("state_conflict", command)
    quarrel.market.refused("state_conflict", *quarrel.silence("dispute"))
    if before.due is not None:
        quarrel.refused("claim_open", "dispute")
        quarrel.refused("claim_open", "ask")
        quarrel.refused("claim_open", "confirm")
        quarrel.market.now = before.due
        for command in (*COMMANDS, "show"):
            quarrel.refused("state_conflict", command)
    assert quarrel.dispute == before
    quarrel.reader.close()
    engine.store.close()
