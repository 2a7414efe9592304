"""docs/settings.md names every setting, in the struct's order, with the default that it has."""

import re
from pathlib import Path

from msgspec.structs import fields

from handfast.core.settings import Settings

DOCS = Path(__file__).parents[2] / "docs/settings.md"
ROW = re.compile(r"^\| `(\w+)` \| (.+?) \| (.+) \|$", re.MULTILINE)
IN_WORDS = {
    "database": "a SQLite file in `data`",
    "evidence_dir": "`evidence` in `data`",
    "ledger": "the database",
    "master_key": "`master.key` in `data`",
    "policies": "the preset `taobao`",
}


def shown(name: str, default: object) -> str:
    """A default as the table writes it."""
    if name in IN_WORDS:
        return IN_WORDS[name]
    return f"`{str(default).lower() if isinstance(default, bool) else default}`"


def test_every_setting_is_documented_with_its_default() -> None:
    documented = [(name, default) for name, default, _ in ROW.findall(DOCS.read_text())]
    assert documented == [(field.name, shown(field.name, field.default)) for field in fields(Settings)]


def test_every_meaning_is_a_sentence() -> None:
    meanings = [meaning for _, _, meaning in ROW.findall(DOCS.read_text())]
    assert all(meaning[0].isupper() or meaning[0] == "`" for meaning in meanings)
    assert all(meaning.endswith(".") for meaning in meanings)
