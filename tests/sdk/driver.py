"""The other end of an SDK: a process in its environment that is told what to do and says what came of it."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from tests.sdk.environments import ROOT


class SdkError(Exception):
    """What the SDK raised, as text."""


class Driver:
    """One driver process. It gets a JSON plan on each line and answers with a line: {"ok": …} or {"error": …}."""

    def __init__(self, command: list[str], **environment: str) -> None:
        self._process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=os.environ | environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )

    def do(self, op: str, **plan: Any) -> Any:
        """Let the SDK do it. Raises SdkError for what the SDK raised."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"op": op, **plan}) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, f"the driver ended with {self._process.wait()}"
        answer = json.loads(line)
        if "error" in answer:
            raise SdkError(answer["error"])
        return answer["ok"]

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()


def python_driver(python: Path, name: str) -> Driver:
    return Driver([str(python), "-m", f"tests.sdk.drivers.{name}"])


def npm_driver(modules: Path) -> Driver:
    return Driver(["node", str(ROOT / "tests/sdk/drivers/npm.cjs")], NODE_PATH=str(modules / "node_modules"))
