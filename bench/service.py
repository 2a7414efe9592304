"""The service over HTTP: authenticated, durable payments at 64 connections, by batch size and number of fronts."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

from bench.market import prepare
from handfast.core.ids import text
from handfast.domain.parties import CreateClient, format_key, new_secret, secret_hash

CONNECTIONS = 64
SECONDS = 6.0
CASES = {"one process, batch of 1": ["1", "0"], "one process": ["512", "0"], "two fronts": ["512", "2"]}


def make_data(folder: Path) -> Path:
    """A data directory with a market, and `people`: an API key and a consenting payer for each of 64 merchants."""
    data = folder / "service"
    data.mkdir()
    bench = prepare(f"sqlite:///{data}/handfast.db", merchants=CONNECTIONS, buyers=CONNECTIONS * 50)
    lines = []
    for n, merchant in enumerate(bench.merchants):
        secret = new_secret()
        request = ("clients.create", CreateClient(merchant, "bench", secret_hash(secret), "read payments"))
        (client,) = bench.run([request])
        lines.append(json.dumps([format_key(client.id, secret), text("pty", bench.buyers[n])]))
    (data / "people").write_text("\n".join(lines))
    (data / "master.key").write_bytes(os.urandom(32).hex().encode())
    (data / "master.key").chmod(0o600)
    bench.store.close()
    return data


@contextmanager
def serving(data: Path, batch: str, fronts: str) -> Iterator[tuple[int, int]]:
    """A server on a copy of the data: its port and its process id."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [str(Path(sys.executable).with_name("handfast")), "serve", "--data", str(data), "--port", str(port)]
    environment = {**os.environ, "HANDFAST_BATCH": batch, "HANDFAST_LOG_LEVEL": "error"}
    with subprocess.Popen([*command, "--fronts", fronts], env=environment, stdout=subprocess.DEVNULL) as process:
        try:
            _wait(port)
            yield port, process.pid
        finally:
            process.terminate()


def _wait(port: int) -> None:
    for _ in range(200):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=1):
                return
        except OSError:
            time.sleep(0.05)
    raise TimeoutError("the server did not become ready")


def cpu_seconds(pid: int) -> float:
    """CPU time of a process and all its descendants."""
    total = 0.0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(stat.parent.name) == pid or int(fields[1]) == pid:
            total += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return total


def sample(data: Path, batch: str, fronts: str) -> dict[str, Any]:
    """One run against a fresh copy of the data."""
    copy = data.with_name("copy")
    shutil.copytree(data, copy)
    try:
        with serving(copy, batch, fronts) as (port, pid):
            load = [sys.executable, "-m", "bench.load", str(port), str(CONNECTIONS)]
            subprocess.run([*load, "1", str(copy / "people")], check=True, stdout=subprocess.DEVNULL)
            before = cpu_seconds(pid)
            done = subprocess.run(
                [*load, str(SECONDS), str(copy / "people")], check=True, capture_output=True, text=True
            )
            result: dict[str, Any] = json.loads(done.stdout)
            result["cpu_us"] = (cpu_seconds(pid) - before) / result["count"] * 1e6
            if set(result["statuses"]) != {"200"}:
                raise RuntimeError(f"not all payments were made: {result['statuses']}")
            return result
    finally:
        shutil.rmtree(copy)


def figures(folder: Path, rounds: int, report: Callable[[str], None]) -> dict[str, dict[str, float]]:
    """Medians of every case, the cases taking turns."""
    data = make_data(folder)
    samples: dict[str, list[dict[str, Any]]] = {}
    for _ in range(rounds):
        for name, (batch, fronts) in CASES.items():
            taken = sample(data, batch, fronts)
            samples.setdefault(name, []).append(taken)
            report(f"{name}: {taken['count'] / taken['wall']:,.0f}/s")
    return {
        name: {
            "per_second": round(median(s["count"] / s["wall"] for s in taken)),
            "cpu_us": round(median(s["cpu_us"] for s in taken), 1),
            "p50_ms": round(median(s["p50_ms"] for s in taken), 2),
            "p99_ms": round(median(s["p99_ms"] for s in taken), 2),
        }
        for name, taken in samples.items()
    }


def ratios(figures: dict[str, dict[str, float]]) -> dict[str, float]:
    """What the figures are taken for."""
    one = figures["one process"]["per_second"]
    return {
        "one process / batch of 1": round(one / figures["one process, batch of 1"]["per_second"], 2),
        "two fronts / one process": round(figures["two fronts"]["per_second"] / one, 2),
    }
