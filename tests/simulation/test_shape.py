"""The capacity model's first assumption: what a payment leaves does not depend on how many there are."""

import pytest
from tests.simulation.shape import Shape, predicted, run

SHAPES = (Shape(), Shape(batch=256, trades=1000), Shape(batch=16, metadata=500))


@pytest.mark.parametrize("shape", SHAPES, ids=("direct", "guaranteed", "with metadata"))
def test_a_small_run_predicts_one_of_eight_times_its_size(shape: Shape) -> None:
    foretold = predicted(run(shape, 256), 2_048, shape)
    left = run(shape, 2_048)
    assert (left.entries, left.events, left.operations) == (foretold.entries, foretold.events, foretold.operations)
    assert left.commits == foretold.commits
    assert abs(left.bytes - foretold.bytes) < left.bytes // 20


def test_a_guaranteed_payment_leaves_one_entry_and_an_event_more() -> None:
    direct, held = run(Shape(), 256), run(Shape(trades=1000), 256)
    assert (direct.entries, direct.events) == (256, 256)
    assert (held.entries, held.events) == (256, 512)
    assert held.bytes > 2 * direct.bytes
