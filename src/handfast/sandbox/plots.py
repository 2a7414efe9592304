"""Plots as SVG without scripts, in colours that the page gives them, so that light and dark both look right."""

from collections.abc import Sequence
from typing import Any

import pygal
from lxml import etree
from msgspec import Struct
from pygal.style import Style

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
    opacity=".9",
    stroke_opacity="1",
    stroke_width="2.5",
    transition="none",
    label_font_size=13,
    major_label_font_size=13,
    legend_font_size=14,
)
_SVG = "{http://www.w3.org/2000/svg}"


class Series(Struct, frozen=True):
    """A named row of values, one for each label."""

    name: str
    values: Sequence[float]


def lines(name: str, title: str, labels: Sequence[str], series: Sequence[Series], *, from_zero: bool = True) -> str:
    """Values over days as an SVG document's element; `name` is unique on its page."""
    chart = pygal.Line(
        **_shared(title),
        x_labels=labels,
        x_labels_major=labels[::7],
        show_minor_x_labels=False,
        truncate_label=10,
        show_dots=False,
        include_x_axis=from_zero,
        legend_at_bottom_columns=min(len(series), 3),
    )
    for each in series:
        chart.add(each.name, list(each.values))
    return _drawn(chart, name)


def bars(name: str, title: str, labels: Sequence[str], values: Sequence[float]) -> str:
    """One value for each label, as horizontal bars."""
    chart = pygal.HorizontalBar(**_shared(title), show_legend=False, print_values=True, truncate_label=40)
    chart.x_labels = list(labels)
    chart.add("", list(values))
    chart.height = 60 + 30 * len(labels)
    return _drawn(chart, name)


def _shared(title: str) -> dict[str, Any]:
    return {
        "style": _STYLE,
        "js": [],
        "width": 880,
        "height": 360,
        "margin": 8,
        "legend_at_bottom": True,
        "legend_box_size": 12,
        "x_label_rotation": 0,
        "explicit_size": False,
        "disable_xml_declaration": True,
        "value_formatter": lambda value: f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.2f}",
        "title": None,
        "human_readable": True,
        "show_y_guides": True,
        "pretty_print": False,
        "x_title": None,
        "y_title": title,
    }


def _drawn(chart: Any, name: str) -> str:
    """The chart's element without its scripts and comments, described to those who cannot see it."""
    chart.uuid = name
    root = chart.render_tree()
    for node in list(root.iter()):
        if node.tag is etree.Comment or node.tag == f"{_SVG}script":
            node.getparent().remove(node)
    for title in root.findall(f"{_SVG}title"):
        root.remove(title)
    root.set("role", "img")
    root.set("aria-hidden", "true")
    return etree.tostring(root, encoding="unicode")
