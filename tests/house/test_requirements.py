"""The requirement files: every package pinned and hashed, no address in any line, nothing asked for left out."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
FILES = {path.stem: path.read_text() for path in (ROOT / "requirements").glob("*.txt")}
PINNED = re.compile(r"[a-z0-9.-]+==[0-9][^\s;]*( ; [^\\]+)?( \\\n    --hash=sha256:[0-9a-f]{64})+\n")


def pinned(name: str) -> set[str]:
    return set(re.findall(r"^([a-z0-9.-]+)==", FILES[name], re.MULTILINE))


def asked(requirements: list[str]) -> set[str]:
    return {re.split(r"[\[<>=~!; ]", requirement, maxsplit=1)[0].lower() for requirement in requirements}


def test_every_line_is_a_pinned_and_hashed_package() -> None:
    assert set(FILES) == {"bootstrap", "runtime", "dev"}
    rest = {name: PINNED.sub("", text) for name, text in FILES.items()}
    assert rest == {"bootstrap": "", "runtime": "", "dev": ""}


def test_what_the_project_asks_for_is_pinned() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    runtime = asked(project["project"]["dependencies"])
    extras = asked([name for extra in project["project"]["optional-dependencies"].values() for name in extra])
    assert runtime | extras <= pinned("runtime")
    assert pinned("runtime") | asked(project["dependency-groups"]["dev"]) <= pinned("dev")


def test_the_two_sets_agree_on_every_version() -> None:
    versions = {name: dict(re.findall(r"^([a-z0-9.-]+)==([^\s;]+)", FILES[name], re.MULTILINE)) for name in FILES}
    shared = versions["runtime"].keys()
    assert {name: versions["dev"][name] for name in shared} == versions["runtime"]
