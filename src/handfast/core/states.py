"""State tables, state → {move → next state}: the table is the documentation, an illegal move is refused by name."""

from collections.abc import Mapping

from handfast.core.errors import Conflict

States = Mapping[str, Mapping[str, str]]


def move(table: States, state: str, step: str) -> str:
    """The state after a move. Raises Conflict(state_conflict), which names both, where the table has no such move."""
    try:
        return table[state][step]
    except KeyError:
        raise Conflict("state_conflict", f"cannot {step.replace('_', ' ')} what is {state}", "state") from None
