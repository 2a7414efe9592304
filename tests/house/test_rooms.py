"""Rooms of the domain: one plan for all, and from room to room by the door only.

Import contracts hold the floors and the stack (pyproject.toml); that one room may use another's door, but nothing
behind it, they cannot say.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

DOMAIN = Path(__file__).parents[2] / "src/handfast/domain"
PLAN = {"__init__.py", "model.py", "postings.py", "verbs.py", "tables.py"}
FURTHER_FILES = 3


def rooms(domain: Path) -> list[Path]:
    return sorted(door.parent for door in domain.glob("*/__init__.py"))


def imported(source: str) -> Iterator[str]:
    """Dotted names that a module imports; `from a import b` gives `a.b`, since b may be a module."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def reached_behind(domain: Path, name: str) -> Path | None:
    """The file behind a room's door that a dotted name reaches, if it reaches one."""
    parts = name.split(".")
    if parts[:2] != ["handfast", "domain"] or len(parts) < 4:
        return None
    behind = domain / parts[2] / parts[3]
    return next((path for path in (behind.with_suffix(".py"), behind) if path.exists()), None)


def trespasses(domain: Path) -> list[str]:
    """Imports that reach behind another room's door."""
    return [
        f"{path.relative_to(domain).as_posix()} imports {name}"
        for room in rooms(domain)
        for path in sorted(room.rglob("*.py"))
        for name in imported(path.read_text())
        if (behind := reached_behind(domain, name)) and not behind.is_relative_to(room)
    ]


def departures(domain: Path) -> dict[str, list[str]]:
    """Files beyond the plan, for each room that has more than three of them or a room within."""
    further = {
        room.name: sorted(path.relative_to(room).as_posix() for path in room.rglob("*.py") if path.name not in PLAN)
        for room in rooms(domain)
    }
    return {
        room: files
        for room, files in further.items()
        if len(files) > FURTHER_FILES or any("/" in name for name in files)
    }


def test_rooms_reach_each_other_by_the_door() -> None:
    assert trespasses(DOMAIN) == []


def test_rooms_keep_the_plan() -> None:
    assert departures(DOMAIN) == {}, f"a room is {sorted(PLAN)} and at most {FURTHER_FILES} further files"


def test_domain_itself_is_only_rooms() -> None:
    assert [path.name for path in sorted(DOMAIN.glob("*.py"))] == ["__init__.py"]


def test_the_rules_bite(tmp_path: Path) -> None:
    for name in (
        "pay/__init__",
        "pay/verbs",
        "trade/__init__",
        "trade/tables",
        "trade/a",
        "trade/b",
        "trade/c",
        "trade/d",
    ):
        path = tmp_path / f"{name}.py"
        path.parent.mkdir(exist_ok=True)
        path.touch()
    (tmp_path / "pay/verbs.py").write_text(
        "import handfast.domain.trade.tables\n"
        "from handfast.domain.trade import Trade, tables\n"
        "from handfast.domain.trade.tables import TRADES\n"
        "from handfast.domain.pay.verbs import pay\n"
        "from handfast.core import money\n"
    )
    assert trespasses(tmp_path) == [
        "pay/verbs.py imports handfast.domain.trade.tables",
        "pay/verbs.py imports handfast.domain.trade.tables",
        "pay/verbs.py imports handfast.domain.trade.tables.TRADES",
    ]
    assert departures(tmp_path) == {"trade": ["a.py", "b.py", "c.py", "d.py"]}
