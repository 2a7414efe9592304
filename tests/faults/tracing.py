"""A process that breaks at the n-th system call: strace (a package of Debian's) kills it there, or fails the call."""

import re
import shutil
import subprocess
from collections import Counter
from pathlib import Path
from typing import NamedTuple

CALLS = ("pwrite64", "fdatasync", "fsync", "ftruncate", "unlink", "rename")
"""What SQLite writes and syncs with; `write` is what these tests talk over their pipes with."""

BREAKS = {"kill": "signal=KILL", "eio": "error=EIO", "enospc": "error=ENOSPC"}

_CALL = re.compile(r"^\d+ +(\w+)\(", re.MULTILINE)


class Call(NamedTuple):
    """The n-th call of a name."""

    name: str
    number: int

    def __str__(self) -> str:
        return f"{self.name}/{self.number}"


def reason() -> str:
    """Why strace cannot be had here; empty where it can."""
    strace = shutil.which("strace")
    if strace is None:
        return "no strace here (Debian: apt-get install strace); tests/faults/breaking.py breaks nearly the same"
    tried = subprocess.run([strace, "-f", "-e", "inject=unlink:error=EIO", "true"], capture_output=True, check=False)
    return "" if tried.returncode == 0 else f"strace may not trace here: {tried.stderr.decode()[-200:]}"


class Tracer:
    """strace on a process that waits; made, it is attached."""

    def __init__(self, process: int, log: Path, kind: str = "", call: Call | None = None) -> None:
        self._log = log
        words = ["strace", "-f", "-o", str(log), "-p", str(process), "-e", f"trace={','.join(CALLS)}"]
        if call is not None:
            words += ["-e", f"inject={call.name}:{BREAKS[kind]}:when={call.number}"]
        self._strace = subprocess.Popen(words, stderr=subprocess.PIPE)
        assert self._strace.stderr is not None
        said = self._strace.stderr.readline()
        assert b"attached" in said, said

    def calls(self) -> list[Call]:
        """Wait for the process's end; the calls that it made."""
        assert self._strace.stderr is not None
        self._strace.stderr.read()
        self._strace.stderr.close()
        self._strace.wait()
        counted = Counter(_CALL.findall(self._log.read_text()))
        return [Call(name, number + 1) for name in CALLS for number in range(counted[name])]
