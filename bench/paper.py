"""Writes what was measured into the documents: the tables of performance.md and scale.md, and the plot of growth.

`python -m bench.paper` puts them between the marks `<!-- name -->` and `<!-- end -->`, from docs/bench.json.
"""

import re
from collections.abc import Mapping
from typing import Any

from bench import scale
from handfast.sandbox.plots import Series, lines

DOCS = scale.FIGURES.parent
PLOT = DOCS / "growth.svg"
_MARKED = re.compile(r"(<!-- ([\w-]+) -->\n).*?(<!-- end -->)", re.DOTALL)
_COLOURS = {
    "--ink": "#1c1c1c",
    "--muted": "#5c5c5c",
    "--line": "#c8c8c8",
    "--plot-1": "#0b6bcb",
    "--plot-2": "#c2410c",
}
"""What a page gives its plots: here there is none."""


def table(section: Mapping[str, Any]) -> str:
    """A part's cases and ratios, in Markdown."""
    columns = list(next(iter(section["cases"].values())))
    rows = [f"| case | {' | '.join(columns)} |", "|---|" + "---:|" * len(columns)]
    for name, row in section["cases"].items():
        rows.append(f"| {name} | " + " | ".join(f"{row[column]:,}" for column in columns) + " |")
    if section["ratios"]:
        rows += ["", "| ratio | |", "|---|---:|"]
        rows += [f"| {name} | {ratio:.2f} |" for name, ratio in section["ratios"].items()]
    return "\n".join(rows) + "\n"


def written(text: str, figures: Mapping[str, Any]) -> str:
    """A document with its marked places filled."""

    def fill(found: re.Match[str]) -> str:
        name = found[2]
        if name == "scale":
            inner = scale.tables(figures)
        elif name == "conditions":
            rows = [f"| {key} | {value} |" for key, value in figures["conditions"].items()]
            inner = "\n".join(["| condition | |", "|---|---|", *rows]) + "\n"
        elif name in figures:
            inner = table(figures[name])
        else:
            inner = "Not measured in this run.\n"
        return f"{found[1]}{inner}{found[3]}"

    return _MARKED.sub(fill, text)


def plot(figures: Mapping[str, Any]) -> str:
    """CPU µs a payment by the number of accounts, on each store, by the product's own plots."""
    cases = figures["growth"]["cases"]
    values: dict[str, dict[str, float]] = {}
    for name, row in cases.items():
        store, _, accounts = name.partition(", ")
        values.setdefault(store, {})[accounts.removesuffix(" accounts")] = row["cpu_us"]
    labels = list(dict.fromkeys(size for rows in values.values() for size in rows))
    names = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}
    series = [Series(names[store], [rows[size] for size in labels if size in rows]) for store, rows in values.items()]
    svg = lines("growth", "CPU µs a payment", labels, series).wide
    for name, colour in _COLOURS.items():
        svg = svg.replace(f"var({name})", colour)
    return svg.replace("font-family:inherit", "font-family:sans-serif") + "\n"


def main() -> None:
    """Write all of it."""
    figures = scale.read()
    for name in ("performance.md", "scale.md"):
        file = DOCS / name
        file.write_text(written(file.read_text(), figures))
    PLOT.write_text(plot(figures))


if __name__ == "__main__":
    main()
