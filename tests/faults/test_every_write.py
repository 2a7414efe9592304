"""Scripted flows are broken at every write and sync: a sample here, all of them in the release check."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.faults import tracing
from tests.faults.points import PLANT, PLANTS

LONG = bool(os.environ.get("HANDFAST_LONG"))
ROOT = Path(__file__).parents[2]


def run(*options: str, plant: str = "") -> list[dict[str, Any]]:
    """What tests.faults.points tells, flow by flow. It forks, which a process with threads must not: so, apart."""
    environment = dict(os.environ) | ({PLANT: plant} if plant else {})
    words = [sys.executable, "-m", "tests.faults.points", *options]
    done = subprocess.run(words, cwd=ROOT, env=environment, stdout=subprocess.PIPE, check=False)
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == int(any(flow["faults"] for flow in told)), "it did not come to its end"
    return told


def summary(told: list[dict[str, Any]], where: str) -> str:
    boundaries = sum(flow["boundaries"] for flow in told)
    points = sum(sum(flow["points"].values()) for flow in told)
    return f"{points:,} points broken at {boundaries:,} {where} of {len(told)} flows"


def test_at_every_act_of_the_disk(tell: Callable[[str], None]) -> None:
    told = run("--share", "1" if LONG else "0.005")
    tell(summary(told, "writes and syncs of SQLite's"))
    assert [fault for flow in told for fault in flow["faults"]] == []
    assert len(told) >= 20


def test_at_every_system_call(tell: Callable[[str], None]) -> None:
    if reason := tracing.reason():
        pytest.skip(reason)
    told = run("--strace", "--share", "1" if LONG else "0.003")
    tell(summary(told, "system calls that write or sync"))
    assert [fault for flow in told for fault in flow["faults"]] == []


@pytest.mark.parametrize(
    ("plant", "kind"), [("no sync", "power"), ("no transactions", "kill"), ("early answer", "kill")]
)
def test_planted_faults_are_found(plant: str, kind: str) -> None:
    assert plant in PLANTS
    (told,) = run("--flows", "transfers", "--kinds", kind, "--share", "0.1", plant=plant)
    assert told["faults"]
