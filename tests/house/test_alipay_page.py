"""docs/alipay.md has the method table as the code has it; run as a module, this file draws it anew."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path

from msgspec import NODEFAULT, Struct
from msgspec.structs import fields

from handfast.core.errors import CODES
from handfast.gateways.alipay.calls import Method, Redirect
from handfast.gateways.alipay.codes import BUSINESS, PUBLIC
from handfast.gateways.alipay.methods import METHODS
from handfast.gateways.alipay.refusals import TRADES, TRANSFERS

PAGE = Path(__file__).parents[2] / "docs/alipay.md"
DRAWN = re.compile(r"(<!-- (\w+): begin -->\n).*?(<!-- \2: end -->)", re.DOTALL)
EVERYWHERE = {sub_code for group in PUBLIC.values() for sub_code in group}


def methods() -> str:
    """A section for each method."""
    rows = ["", "| Method | Permission | What it does |", "|---|---|---|"]
    rows += [f"| `{line.name}` | {line.product or 'none'} | {line.says} |" for line in METHODS.values()]
    return "\n".join(rows) + "\n" + "".join(section(line) for line in METHODS.values())


def section(line: Method) -> str:
    family = TRADES if line.refusals["field_invalid"] == TRADES["field_invalid"] else TRANSFERS
    changed = {sub_code for code, sub_code in line.refusals.items() if sub_code != family[code]}
    own = sorted({*changed, *line.also} - EVERYWHERE)
    parts = [
        f"### `{line.name}`",
        f"Takes {given(line.given)}.",
        "Leads a browser on." if line.answer is Redirect else f"Answers {answered(line.answer)}.",
        *([f"Has refusals of its own: {', '.join(f'`{code}`' for code in own)}."] if own else []),
    ]
    return "\n" + "\n\n".join(parts) + "\n"


def given(type_: type[Struct]) -> str:
    """The fields that a method reads, those that it needs first and in bold."""
    needed = [f"**`{field.name}`**" for field in fields(type_) if is_needed(field)]
    return ", ".join(needed + [f"`{field.name}`" for field in fields(type_) if not is_needed(field)])


def is_needed(field: object) -> bool:
    return getattr(field, "default", None) is NODEFAULT and getattr(field, "default_factory", None) is NODEFAULT


def answered(type_: type[Struct]) -> str:
    return ", ".join(f"`{field.name}`" for field in fields(type_))


def business() -> str:
    """What trade methods and transfer methods answer with, where they have nothing of their own for it."""
    rows = ["", "| sub_code | When | Of trades | Of transfers |", "|---|---|---|---|"]
    families = (set(TRADES.values()), set(TRANSFERS.values()))
    for sub_code, meaning in BUSINESS.items():
        marks = ["yes" if sub_code in family else "" for family in families]
        if any(marks):
            rows.append(f"| `{sub_code}` | {meaning[0].upper()}{meaning[1:]}. | {marks[0]} | {marks[1]} |")
    return "\n".join(rows) + "\n\n"


def refusals() -> str:
    """What any method may answer with."""
    rows = ["", "| Code | sub_code | When |", "|---|---|---|"]
    rows += [
        f"| {code} | `{sub_code}` | {meaning[0].upper()}{meaning[1:]}. |"
        for code, group in PUBLIC.items()
        for sub_code, meaning in group.items()
    ]
    return "\n".join(rows) + "\n\n"


DRAWINGS: Mapping[str, Callable[[], str]] = {"methods": methods, "business": business, "refusals": refusals}


def drawn(page: str) -> str:
    """The page with everything in it drawn anew."""
    return DRAWN.sub(lambda found: found[1] + DRAWINGS[found[2]]() + found[3], page)


def test_the_methods_on_the_page_are_those_of_the_code() -> None:
    page = PAGE.read_text()
    assert {found[2] for found in DRAWN.finditer(page)} == DRAWINGS.keys()
    assert page == drawn(page)


def test_every_method_says_what_it_does_and_what_it_refuses() -> None:
    for line in METHODS.values():
        assert line.says.endswith("."), line.name
        assert line.refusals.keys() == CODES.keys(), line.name


if __name__ == "__main__":
    PAGE.write_text(drawn(PAGE.read_text()))
