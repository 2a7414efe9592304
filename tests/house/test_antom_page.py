"""docs/antom.md has the endpoint table as the code has it; run as a module, this file draws it anew."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path

from msgspec import Struct
from msgspec.structs import FieldInfo, fields

from handfast.gateways.antom.calls import Endpoint
from handfast.gateways.antom.endpoints import ENDPOINTS, UNSUPPORTED
from handfast.gateways.antom.refusals import TABLE
from handfast.gateways.antom.results import RESULTS

PAGE = Path(__file__).parents[2] / "docs/antom.md"
DRAWN = re.compile(r"(<!-- (\w+): begin -->\n).*?(<!-- \2: end -->)", re.DOTALL)


def calls() -> str:
    """A section for each call."""
    rows = ["", "| Call | Permission | What it does |", "|---|---|---|"]
    rows += [f"| `{line.path}` | {line.product} | {line.says} |" for line in ENDPOINTS.values()]
    return "\n".join(rows) + "\n" + "".join(section(line) for line in ENDPOINTS.values()) + "\n"


def section(line: Endpoint) -> str:
    changed = {result for code, result in line.refusals.items() if result != TABLE[code]}
    own = sorted({*changed, *line.also})
    parts = [
        f"### `{line.path}`",
        f"Takes {members(line.given, needed=True)}.",
        f"Answers {members(line.told, needed=False)}.",
        *([f"Has results of its own: {', '.join(f'`{code}`' for code in own)}."] if own else []),
    ]
    return "\n" + "\n\n".join(parts) + "\n"


def members(type_: type[Struct], *, needed: bool) -> str:
    """The members of a body; of what comes, those that the call needs first and in bold."""

    def shown(field: FieldInfo) -> str:
        return f"**`{field.encode_name}`**" if needed and field.required else f"`{field.encode_name}`"

    return ", ".join(shown(field) for field in sorted(fields(type_), key=lambda field: needed and not field.required))


def unsupported() -> str:
    """The families of calls that are known and not offered."""
    rows = ["", "| Calls under | For |", "|---|---|"]
    return "\n".join([*rows, *(f"| `{family}/` | {what} |" for family, what in UNSUPPORTED.items())]) + "\n\n"


def results() -> str:
    """All results."""
    rows = ["", "| resultCode | resultStatus | When |", "|---|---|---|"]
    return (
        "\n".join([*rows, *(f"| `{code}` | {status} | {says} |" for code, (status, says) in RESULTS.items())]) + "\n\n"
    )


def refusals() -> str:
    """The total table of refusals."""
    rows = ["", "| Refusal | resultCode |", "|---|---|"]
    return "\n".join([*rows, *(f"| `{code}` | `{result}` |" for code, result in TABLE.items())]) + "\n\n"


DRAWINGS: Mapping[str, Callable[[], str]] = {
    "calls": calls,
    "unsupported": unsupported,
    "results": results,
    "refusals": refusals,
}


def drawn(page: str) -> str:
    """The page with everything in it drawn anew."""
    return DRAWN.sub(lambda found: found[1] + DRAWINGS[found[2]]() + found[3], page)


def test_the_calls_on_the_page_are_those_of_the_code() -> None:
    page = PAGE.read_text()
    assert {found[2] for found in DRAWN.finditer(page)} == DRAWINGS.keys()
    assert page == drawn(page)


if __name__ == "__main__":
    PAGE.write_text(drawn(PAGE.read_text()))
