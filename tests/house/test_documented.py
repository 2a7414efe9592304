"""What callers and operators meet by name stands in docs/, in the code's own order of kinds and without leftovers."""

import re
from pathlib import Path

from handfast.core.errors import CODES
from handfast.domain.parties.model import PARTY_STATES
from handfast.domain.payouts.model import PAYOUT_STATES

DOCS = Path(__file__).parents[2] / "docs"
SOURCE = Path(__file__).parents[2] / "src" / "handfast"
EVENT_ROW = re.compile(r"^\| `([\w.]+)` \| [\w ]+ \| .+\. \|$", re.MULTILINE)
THINGS = (
    "bank_line|bank_statement|claim|consent|custody_account|deal|dispute|evidence|head|party|payment|payout"
    "|payout_file|payout_plan|policy_book|quote|refund|topup|trade|transfer|write_off"
)
EVENT_NAME = re.compile(rf'"({THINGS})\.([a-z_]+|{{[\w.]+}})"')
ERROR_ROW = re.compile(r"^\| `(\w+)` \| (\w+) \| .+\. \|$", re.MULTILINE)


def test_every_error_code_is_documented_with_its_kind() -> None:
    documented = dict(ERROR_ROW.findall((DOCS / "errors.md").read_text()))
    assert documented == {code: kind.__name__ for code, kind in CODES.items()}


def test_error_codes_are_listed_in_order() -> None:
    listed = [code for code, _ in ERROR_ROW.findall((DOCS / "errors.md").read_text())]
    assert listed == list(CODES)


def told_by_the_code() -> set[str]:
    """The event types that the domain's verbs name; a state in braces stands for each state that may follow a move."""
    states = {
        "party": {after for moves in PARTY_STATES.values() for after in moves.values()},
        "payout": {after for moves in PAYOUT_STATES.values() for after in moves.values()},
        "bank_line": {"matched", "suspense"},
    }
    told: set[str] = set()
    for path in (SOURCE / "domain").rglob("*.py"):
        if path.name in ("postings.py", "tables.py"):
            continue  # the kinds of entries look alike, and are none
        for thing, change in EVENT_NAME.findall(path.read_text()):
            told |= {f"{thing}.{state}" for state in states[thing]} if "{" in change else {f"{thing}.{change}"}
    return told


def test_every_event_is_documented() -> None:
    documented = EVENT_ROW.findall((DOCS / "events.md").read_text())
    assert documented == sorted(documented)
    assert set(documented) == told_by_the_code()
