"""Plots: complete in themselves, in the page's colours, with round marks on their axes."""

import pytest
from lxml import etree

from handfast.sandbox.plots import Plot, Series, bars, lines, ticks


@pytest.mark.parametrize(
    ("values", "marks"),
    [
        ([0, 750_068], [0, 200_000, 400_000, 600_000, 800_000]),
        ([-30_244, 30_244], [-40_000, -20_000, 0, 20_000, 40_000]),
        ([7], [0, 2, 4, 6, 8]),
        ([0, 0], [0]),
    ],
)
def test_marks_are_round_and_enclose_the_values(values: list[float], marks: list[float]) -> None:
    assert ticks(values, 5) == marks


def test_marks_need_not_begin_at_zero() -> None:
    assert ticks([6.1112, 6.1889], 5, from_zero=False) == [6.1, 6.12, 6.14, 6.16, 6.18, 6.2]


@pytest.mark.parametrize(
    "plot",
    [
        lines("money", "USD", ["28 Oct", "29 Oct"], [Series("Held", [1, 2]), Series("<b>", [3, 4])]),
        lines("day", "USD", ["28 Oct"], [Series("Held", [0])]),
        bars("faults", ["Crash", "Silence"], [3, 5]),
    ],
)
def test_a_plot_is_one_element_without_scripts(plot: Plot) -> None:
    for svg in (plot.wide, plot.narrow):
        root = etree.fromstring(svg)
        names = {etree.QName(node).localname for node in root.iter(etree.Element)}
        assert root.tag == "{http://www.w3.org/2000/svg}svg"
        assert "script" not in names
        assert "var(--plot-1)" in svg
    assert plot.wide != plot.narrow
