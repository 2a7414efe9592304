"""The state table of claims, row by row: every move that it has is made, every move that it lacks is refused."""

from typing import NamedTuple

import pytest
from tests.conftest import NewDatabase, open_engine
from tests.unit.domain.claims.conftest import NewQuarrel
from tests.unit.domain.conftest import Market
from tests.unit.domain.quarrel import PLAIN, Quarrel, silent

from handfast.app import database
from handfast.domain.claims import CLAIM_STATES
from handfast.domain.policies import Policy


class Way(NamedTuple):
    """How a move is made: from goods of one kind, by a deed, or by silence at a step that means something else."""

    deed: str
    goods: str = "keep"
    silence: tuple[str, str] | None = None


WAYS = {
    "agree": Way("agree"),
    "agree_return": Way("agree", "return"),
    "offer": Way("offer"),
    "refuse": Way("refuse"),
    "withdraw": Way("withdraw"),
    "change": Way("change"),
    "escalate": Way("dispute"),
    "contest": Way("contest"),
    "accept": Way("accept"),
    "accept_return": Way("accept", "return"),
    "send_back": Way("send_back"),
    "receive": Way("receive"),
    "decide": Way("decide"),
    "reopen": Way("drop"),
}
STEPS = {"asked": "answer", "offered": "accept", "refused": "revise", "returning": "send_back", "sent_back": "receive"}
COMMANDS = ("agree", "offer", "refuse", "withdraw", "change", "accept", "send_back", "receive")
ROWS = [(state, move) for state, moves in CLAIM_STATES.items() for move in moves]


def way(state: str, move: str) -> Way:
    if not move.startswith("silent_"):
        return WAYS[move]
    silence = move.removeprefix("silent_").replace("return", "refund")
    goods = "return" if move == "silent_return" else "keep"
    return Way("silence", goods, (STEPS[state], silence))


def bring(quarrel: Quarrel, state: str, goods: str = "keep") -> None:
    """Ask, and come to a state."""
    goods = "return" if state in ("returning", "sent_back") else goods
    quarrel.do("ship")
    quarrel.do("ask", goods=goods)
    deeds: dict[str, tuple[str, ...]] = {
        "offered": ("offer",),
        "refused": ("refuse",),
        "returning": ("agree",),
        "sent_back": ("agree", "send_back"),
        "disputed": ("dispute",),
        "refunded": ("agree",),
        "withdrawn": ("withdraw",),
        "decided": ("dispute", "concede"),
        "closed": ("dispute", "drop"),
    }
    for deed in deeds.get(state, ()):
        given = {"goods": goods} if deed == "offer" else {}
        quarrel.do(deed, **given)
    assert quarrel.claim.state == state


@pytest.mark.parametrize(("state", "move"), ROWS)
def test_every_move_of_the_table_is_made(new_quarrel: NewQuarrel, state: str, move: str) -> None:
    how = way(state, move)
    policy = silent(*how.silence) if how.silence else PLAIN
    quarrel = new_quarrel(policy)
    bring(quarrel, state, how.goods)
    if how.deed == "silence":
        quarrel.until(quarrel.claim.due)
        disputes = move == "silent_dispute"
        quarrel.fire(quarrel.silence_disputes() if disputes else quarrel.silence())
    elif move == "decide":
        for deed in ("rest", "decide", "consent"):
            for side in ("buyer", "shop") if deed != "decide" else ("",):
                quarrel.do(deed, **({"by": getattr(quarrel, side)} if side else {}))
    else:
        quarrel.do(how.deed)
    claim, trade = quarrel.claim, quarrel.trade
    assert claim.state == CLAIM_STATES[state][move]
    if claim.state in STEPS:
        assert (claim.due is not None, trade.claim, trade.due) == (True, claim.id, None)
    elif claim.state == "disputed":
        assert (claim.due, trade.claim, trade.dispute) == (None, claim.id, quarrel.dispute.id)
    else:
        assert (claim.due, trade.claim, trade.dispute, trade.paused) == (None, None, None, None)
        assert trade.state == ("refunded" if claim.state == "refunded" and not claim.offered else "shipped")


@pytest.mark.parametrize("state", CLAIM_STATES)
def test_every_other_move_is_refused_by_name(new_sqlite: NewDatabase, state: str) -> None:
    engine = open_engine(new_sqlite())
    quarrel = Quarrel(Market(engine), database(engine.url).read())
    bring(quarrel, state)
    before = quarrel.claim
    for command in COMMANDS:
        if not {command, f"{command}_return"} & CLAIM_STATES[state].keys():
            quarrel.refused("state_conflict", command)
    quarrel.market.refused("state_conflict", *quarrel.silence())
    if state == "disputed":
        quarrel.refused("claim_open", "dispute")
    if before.due is not None:
        quarrel.market.now = before.due
        for command in COMMANDS:
            quarrel.refused("state_conflict", command)
        quarrel.refused("state_conflict", "dispute")
    assert quarrel.claim == before
    quarrel.reader.close()
    engine.store.close()


def every_silence() -> list[tuple[str, Policy, str, str]]:
    """State, policy, goods and the state after."""
    rows = []
    for state, moves in CLAIM_STATES.items():
        for move, after in moves.items():
            if move.startswith("silent_"):
                how = way(state, move)
                assert how.silence is not None
                rows.append((state, silent(*how.silence), how.goods, after))
    return rows


@pytest.mark.parametrize(("state", "policy", "goods", "after"), every_silence())
def test_silence_is_what_the_policy_says_and_not_a_moment_before(
    new_quarrel: NewQuarrel, state: str, policy: Policy, goods: str, after: str
) -> None:
    quarrel = new_quarrel(policy)
    bring(quarrel, state, goods)
    asked = quarrel.silence_disputes() if after == "disputed" else quarrel.silence()
    other = quarrel.silence() if after == "disputed" else quarrel.silence_disputes()
    quarrel.until(quarrel.claim.due, -1)
    quarrel.market.refused("state_conflict", *asked)
    quarrel.until(quarrel.claim.due)
    quarrel.market.refused("state_conflict", *other)
    quarrel.fire(asked)
    assert quarrel.claim.state == after
    quarrel.market.refused("state_conflict", *asked)
