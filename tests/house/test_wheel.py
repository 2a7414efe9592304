"""The wheel: what the package reads at run time is in it."""

import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
UV = Path(sys.executable).with_name("uv")


def test_the_wheel_holds_everything_that_lies_in_the_package(tmp_path: Path) -> None:
    words = ("build", "--wheel", "--quiet", "--no-config", "--offline")
    subprocess.run([UV, *words, "--out-dir", tmp_path, ROOT], check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    package = (path for path in (ROOT / "src/handfast").rglob("*") if path.is_file() and path.suffix != ".pyc")
    missing = {path.relative_to(ROOT / "src").as_posix() for path in package} - names
    assert missing == set()
    assert "handfast/domain/policies/presets/taobao.json" in names
