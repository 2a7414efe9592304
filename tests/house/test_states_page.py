"""docs/disputes.md draws the state tables as the code has them; run as a module, this file draws them anew."""

import re
from collections.abc import Mapping
from pathlib import Path

from handfast.domain.claims import CLAIM_STATES
from handfast.domain.disputes import DISPUTE_STATES, OUTCOMES
from handfast.domain.trades import TRADE_STATES

PAGE = Path(__file__).parents[2] / "docs/disputes.md"
DRAWN = re.compile(r"(?<=<!-- states: begin -->\n).*?(?=<!-- states: end -->)", re.DOTALL)


def drawn() -> str:
    """The tables, as Markdown."""
    tables = {"A claim": CLAIM_STATES, "A dispute": DISPUTE_STATES, "A trade": TRADE_STATES}
    return "\n" + "\n".join(table(thing, states) for thing, states in tables.items()) + "\n"


def table(thing: str, states: Mapping[str, Mapping[str, str]]) -> str:
    """One table: a row for each state, its moves by where they lead."""
    rows = [f"| {thing} that is | can become |", "|---|---|"]
    for state, moves in states.items():
        ways: dict[str, list[str]] = {}
        for move, after in moves.items():
            ways.setdefault(after, []).append(f"`{move}`")
        words = "; ".join(f"{after}: {', '.join(named)}" for after, named in ways.items())
        rows.append(f"| {state} | {words or 'nothing else: it is over'} |")
    return "\n".join(rows) + "\n"


def test_the_states_on_the_page_are_those_of_the_code() -> None:
    (found,) = DRAWN.findall(PAGE.read_text())
    assert found == drawn()


def test_every_outcome_and_every_open_state_has_its_row() -> None:
    page = PAGE.read_text()
    assert [outcome for outcome in OUTCOMES if f"\n| `{outcome}` |" in page] == list(OUTCOMES)
    _, deadlines, _ = re.split(r"\n## (?:Deadlines|Decisions)\n", page)
    waiting = {state for states in (CLAIM_STATES, DISPUTE_STATES) for state, moves in states.items() if moves}
    assert set(re.findall(r"`(\w+)`", "".join(row.split("|")[2] for row in deadlines.splitlines() if "|" in row))) == (
        waiting - {"disputed"}
    )


if __name__ == "__main__":
    PAGE.write_text(DRAWN.sub(lambda _found: drawn(), PAGE.read_text()))
