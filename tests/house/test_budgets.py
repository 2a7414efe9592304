"""Budgets that keep each piece small enough to be read whole: functions, files, rooms, names, first sentences."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
MODULES = sorted(path for top in ("src", "tests", "bench") for path in (ROOT / top).rglob("*.py"))

FUNCTION_LINES = 70
FILE_LINES = 400
ROOM_FILES = 8
DRAWERS = {"base", "common", "helper", "helpers", "manager", "misc", "util", "utils"}
TWO_SENTENCES = re.compile(r"[.!?]\s+[A-Z]")


def where(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def long_functions(source: str) -> Iterator[tuple[str, int]]:
    """Names and lengths of the functions over budget, counted from `def` to the last line."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > FUNCTION_LINES:
                yield node.name, length


def opening_fault(source: str) -> str | None:
    """What is wrong with a module's first words, or None where they are one plain sentence."""
    docstring = ast.get_docstring(ast.parse(source))
    if docstring is None:
        return "no docstring"
    opening = docstring.split("\n\n")[0].strip()
    if not opening.endswith((".", ":")):
        return "its first paragraph does not end as a sentence"
    if TWO_SENTENCES.search(opening):
        return "its first paragraph is more than one sentence"
    return None


def test_functions_fit_on_a_screen() -> None:
    over = [f"{where(path)}: {name} has {n} lines" for path in MODULES for name, n in long_functions(path.read_text())]
    assert over == [], f"a function has at most {FUNCTION_LINES} lines"


def test_files_stay_short() -> None:
    lengths = {where(path): len(path.read_text().splitlines()) for path in MODULES}
    assert lengths, "the budgets found no modules to judge"
    over = {path: n for path, n in lengths.items() if n > FILE_LINES}
    assert over == {}, f"a file has at most {FILE_LINES} lines"


def test_domain_rooms_stay_small() -> None:
    counts = {where(door.parent): len(list(door.parent.rglob("*.py"))) for door in MODULES if is_room_door(door)}
    over = {room: n for room, n in counts.items() if n > ROOM_FILES}
    assert over == {}, f"a room of the domain has at most {ROOM_FILES} files: split the room, not the plan"


def is_room_door(path: Path) -> bool:
    return path.name == "__init__.py" and path.parent.parent == ROOT / "src/handfast/domain"


def test_no_drawers() -> None:
    named = {path for module in MODULES for path in (module, *module.parents) if path.is_relative_to(ROOT)}
    drawers = sorted(where(path) for path in named if path.stem.strip("_") in DRAWERS)
    assert drawers == [], "a module's name says what it owns"


def test_modules_open_with_one_sentence() -> None:
    faults = {where(path): fault for path in MODULES if (fault := opening_fault(path.read_text()))}
    assert faults == {}, "a module opens with a docstring of one sentence that says what it owns"


def test_the_budgets_bite() -> None:
    body = "    x = 1\n" * FUNCTION_LINES
    assert list(long_functions(f"async def pay():\n{body}")) == [("pay", FUNCTION_LINES + 1)]
    assert list(long_functions(f"def pay():\n{body[10:]}")) == []
    assert opening_fault("x = 1") == "no docstring"
    assert opening_fault('"""Money and rates. Also the kitchen sink."""') is not None
    assert opening_fault('"""Money"""') is not None
    assert opening_fault('"""Money, e.g. 1 cent.\n\nMore. And more."""') is None
