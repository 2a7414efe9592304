"""What callers and operators meet by name stands in docs/, in the code's own order of kinds and without leftovers."""

import re
from pathlib import Path

from handfast.core.errors import CODES

DOCS = Path(__file__).parents[2] / "docs"
ERROR_ROW = re.compile(r"^\| `(\w+)` \| (\w+) \| .+\. \|$", re.MULTILINE)


def test_every_error_code_is_documented_with_its_kind() -> None:
    documented = dict(ERROR_ROW.findall((DOCS / "errors.md").read_text()))
    assert documented == {code: kind.__name__ for code, kind in CODES.items()}


def test_error_codes_are_listed_in_order() -> None:
    listed = [code for code, _ in ERROR_ROW.findall((DOCS / "errors.md").read_text())]
    assert listed == list(CODES)
