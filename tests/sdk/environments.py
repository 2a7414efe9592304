"""The SDKs' own environments: made once from pinned and hashed lists, beside the interpreter that runs the tests."""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
KEPT = Path(sys.prefix) / "sdk"
"""Where they are kept: no file of the repository, and gone with the virtual environment (`make clean`)."""

PYTHON_SDKS = ("alipay-sdk-python", "python-alipay-sdk", "global-open-sdk-python")


def python_of(name: str) -> Path:
    """The interpreter of the environment with that SDK in it."""
    requirements = HERE / f"{name}.txt"
    return made(name, [requirements], lambda place: install_python(place, requirements)) / "bin" / "python"


def install_python(place: Path, requirements: Path) -> None:
    # It stands beside the interpreter (make setup), and compiles nothing unless asked: one SDK has 9,500 classes.
    installer = [str(Path(sys.prefix) / "bin" / "uv"), "--quiet", "--no-config"]
    run([*installer, "venv", "--python", sys.executable, str(place)])
    install = ["pip", "install", "--require-hashes", "--requirement", str(requirements)]
    run([*installer, *install], VIRTUAL_ENV=str(place))


def npm_modules() -> Path:
    """The directory in which node finds the npm SDK."""
    lists = [HERE / "npm" / "package.json", HERE / "npm" / "package-lock.json"]
    return made("npm", lists, lambda place: install_npm(place, lists))


def install_npm(place: Path, lists: list[Path]) -> None:
    place.mkdir()
    for path in lists:
        shutil.copy(path, place)
    run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"], cwd=place)


def missing_npm() -> str | None:
    """Why the npm SDK cannot be tested on this machine, or None where it can."""
    lacking = [name for name in ("node", "npm") if shutil.which(name) is None]
    return f"{' and '.join(lacking)} not installed" if lacking else None


def made(name: str, lists: list[Path], install: Callable[[Path], None]) -> Path:
    """The environment for these lists; if it is not there yet, made by the first process that asks."""
    version = hashlib.sha256(b"".join(path.read_bytes() for path in lists)).hexdigest()[:12]
    place = KEPT / f"{name}-{version}"
    KEPT.mkdir(exist_ok=True)
    with (KEPT / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (place / ".made").exists():
            for stale in KEPT.glob(f"{name}-????????????"):
                shutil.rmtree(stale)
            install(place)
            (place / ".made").touch()
    return place


def run(command: list[str], cwd: Path | None = None, **environment: str) -> None:
    done = subprocess.run(command, cwd=cwd, env=os.environ | environment, check=False, capture_output=True, text=True)
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
