"""The simulation judged: each fault that is planted into the real code is found, and named by a fitting invariant."""

import pytest
from tests.simulation import town
from tests.simulation.invariants import TABLE
from tests.simulation.planted import PLANTED
from tests.simulation.simulation import simulate

SIZE = 120


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_fault_is_found(name: str) -> None:
    plant, codes, seeds = PLANTED[name]
    town.opened()  # the town itself is built by sound code
    broken, words, seed = "", "", 0
    while not broken and seed < seeds:
        seed += 1
        with plant():
            result = simulate(seed, SIZE)
        broken, words = result.broken, result.words
    assert broken in codes, f"{name} within {seeds} seeds: {broken} {words}"


def test_the_planted_faults_are_many_and_name_invariants_that_there_are() -> None:
    assert len(PLANTED) >= 12
    assert {code for _, codes, _ in PLANTED.values() for code in codes} <= TABLE.keys()
