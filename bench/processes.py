"""Other processes of a benchmark: their CPU time, this one's memory, and modules run on their own."""

import os
import re
import subprocess
import sys
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid: int | None, *, children: bool = True) -> float:
    """CPU time of a process, its children, and those that have ended and were waited for; 0 without one."""
    if pid is None:
        return 0.0
    total = 0.0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        own = int(stat.parent.name) == pid
        if own or (children and int(fields[1]) == pid):
            total += (int(fields[11]) + int(fields[12])) / _TICKS
        if own and children:
            total += (int(fields[13]) + int(fields[14])) / _TICKS
    return total


def resident() -> float:
    """MiB of memory that this process has had at most."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return int(found[1]) / 1024 if found else 0.0


def run_module(name: str, *arguments: str) -> str:
    """Run a module in a process of its own; what it prints."""
    done = subprocess.run([sys.executable, "-m", name, *arguments], check=False, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{name} failed: {done.stderr.strip()[-2000:]}")
    return done.stdout
