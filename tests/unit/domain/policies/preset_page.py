"""What is derived of the presets: the tables in docs/policies.md and the holidays that they carry.

`python -m tests.unit.domain.policies.preset_page` writes the tables into the page anew.
"""

from collections.abc import Iterator
from pathlib import Path

import holidays

from handfast.cli.policy import steps
from handfast.domain.policies import PRESETS, Policy, preset

PAGE = Path(__file__).parents[4] / "docs/policies.md"
BEGIN, END = "<!-- tables of the presets: begin -->\n", "<!-- tables of the presets: end -->\n"
YEARS = (2014, 2015, 2016, 2026, 2027, 2028)


def federal_holidays() -> tuple[str, ...]:
    """The federal holidays of the United States, and the days on which they are observed, as ISO dates."""
    return tuple(day.isoformat() for day in sorted(holidays.country_holidays("US", years=YEARS)))


def tables() -> str:
    """All presets: their rules, their policies' steps, and the sources of the figures."""
    return "\n".join(line for name in PRESETS for line in _preset(name)) + "\n"


def _preset(name: str) -> Iterator[str]:
    book = preset(name)
    yield f"\n## {name}\n"
    for rule in book.rules:
        kind = "every delivery kind" if rule.delivery == "*" else f"delivery kind `{rule.delivery}`"
        goods = "" if rule.category == "*" else f", category `{rule.category}`"
        yield f"- {kind}{goods}: {rule.policy}"
    yield ""
    yield from _steps(book.policies)
    yield "\nSources:\n"
    sources: dict[str, list[str]] = {}
    for policy in book.policies:
        for source in policy.sources:
            sources.setdefault(source, []).append(policy.name)
    for source, names in sources.items():
        whose = "" if len(names) == len(book.policies) else f" – {', '.join(names)}"
        yield f"- {source}{whose}"


def _steps(policies: tuple[Policy, ...]) -> Iterator[str]:
    told = {policy.name: {step: (period, then) for step, period, then in steps(policy)} for policy in policies}
    rows: list[str] = []
    for words in told.values():
        place = 0
        for step in words:
            if step not in rows:
                rows.insert(place, step)
            place = rows.index(step) + 1
    yield f"| Step | {' | '.join(told)} |"
    yield "|---" * (len(told) + 1) + "|"
    for row in rows:
        cells = [" → ".join(filter(None, words.get(row, ("–", "")))) for words in told.values()]
        yield f"| {row} | {' | '.join(cells)} |"


def between(page: str) -> str:
    """The part of the page that is derived."""
    return page.partition(BEGIN)[2].partition(END)[0]


if __name__ == "__main__":
    text = PAGE.read_text()
    PAGE.write_text(text.replace(BEGIN + between(text) + END, BEGIN + tables() + END))
