"""Plots as SVG without scripts, in colours that the page gives them, so that light and dark both look right."""

import sys
from collections.abc import Sequence
from math import ceil, floor, log10
from typing import Any

import pygal
from lxml import etree
from msgspec import Struct
from pygal.style import Style

# pygal leaves behind an import hook for map plugins, of a kind that Python 3.11 warns of at each import.
sys.meta_path[:] = [finder for finder in sys.meta_path if not isinstance(finder, pygal.PluginImportFixer)]

_COLOURS = tuple(f"var(--plot-{n})" for n in range(1, 6))
_STYLE = Style(
    background="transparent",
    plot_background="transparent",
    foreground="var(--muted)",
    foreground_strong="var(--ink)",
    foreground_subtle="var(--line)",
    guide_stroke_color="var(--line)",
    major_guide_stroke_color="var(--line)",
    guide_stroke_dasharray="none",
    major_guide_stroke_dasharray="none",
    colors=_COLOURS,
    value_colors=("var(--ink)",) * len(_COLOURS),
    font_family="inherit",
    opacity="1",
    opacity_hover="1",
    stroke_opacity="1",
    stroke_width="2.5",
    transition="none",
    label_font_size=13,
    major_label_font_size=13,
    legend_font_size=14,
    title_font_size=13,
    value_font_size=13,
)


class Series(Struct, frozen=True):
    """A named row of values, one for each label."""

    name: str
    values: Sequence[float]


class Plot(Struct, frozen=True):
    """The same plot for wide and for narrow pages, each a complete SVG element."""

    wide: str
    narrow: str


def lines(name: str, unit: str, labels: Sequence[str], series: Sequence[Series], *, from_zero: bool = True) -> Plot:
    """Values over days; `name` is unique on its page."""

    def draw(width: int, columns: int, every: int) -> str:
        chart = pygal.Line(
            **_shared(width, 340),
            x_labels=labels,
            x_labels_major=labels[::every],
            show_minor_x_labels=False,
            y_labels=ticks([value for each in series for value in each.values], 5, from_zero=from_zero),
            show_dots=False,
            show_legend=len(series) > 1,
            legend_at_bottom=True,
            legend_at_bottom_columns=columns,
            y_title=unit,
        )
        for each in series:
            chart.add(each.name, list(each.values))
        return _drawn(chart, f"{name}-{width}")

    count, days = len(series), len(labels)
    return Plot(draw(880, count, max(1, days // 6)), draw(400, 2 if count == 4 else count, max(1, days // 3)))


def bars(name: str, labels: Sequence[str], values: Sequence[float]) -> Plot:
    """One value for each label, as horizontal bars, the first one on top."""

    def draw(width: int) -> str:
        chart = pygal.HorizontalBar(
            **_shared(width, 50 + 34 * len(labels)),
            show_legend=False,
            print_values=True,
            print_values_position="top",
            y_labels=ticks(values, 3),
        )
        chart.x_labels = list(reversed(labels))
        chart.add("", list(reversed(values)))
        return _drawn(chart, f"{name}-{width}")

    return Plot(draw(880), draw(400))


def ticks(values: Sequence[float], most: int, *, from_zero: bool = True) -> list[float]:
    """Round marks that enclose the values: 1, 2 or 5 times a power of ten apart, about as many as asked for."""
    low, high = min(values), max(values)
    if from_zero:
        low, high = min(low, 0), max(high, 0)
    power = 10.0 ** floor(log10((high - low or 1) / most))
    step = next(power * times for times in (1, 2, 5, 10) if power * times * most >= (high - low or 1))
    first, last = floor(low / step), ceil(high / step)
    return [round(step * number, 6) for number in range(first, last + 1)]


def _shared(width: int, height: int) -> dict[str, Any]:
    return {
        "style": _STYLE,
        "js": [],
        "width": width,
        "height": height,
        "margin": 10,
        "legend_box_size": 12,
        "truncate_legend": -1,
        "truncate_label": -1,
        "value_formatter": _written,
    }


def _written(value: float) -> str:
    return f"{value:,.2f}" if abs(value) < 100 and value % 1 else f"{value:,.0f}"


def _drawn(chart: Any, name: str) -> str:
    """The chart without scripts, comments and tooltips; its table twin says the same to those who cannot see it."""
    chart.uuid = name
    root = chart.render_tree()
    for node in list(root.iter()):
        if (
            node.tag is etree.Comment
            or node.tag in {"script", "title", "desc"}
            or "tooltip-overlay" in node.get("class", "")
        ):
            node.getparent().remove(node)
    root.set("aria-hidden", "true")
    svg: str = etree.tostring(root, encoding="unicode")
    return svg
