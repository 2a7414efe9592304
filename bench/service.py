"""The service over HTTP: authenticated, durable payments at 64 connections, by batch size and number of fronts."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

from msgspec import Struct

from bench.market import prepare
from bench.processes import cpu_seconds, run_module
from handfast.core.ids import text
from handfast.domain.parties import CreateClient, format_key, new_secret, secret_hash

CONNECTIONS = 64
SECONDS = 6.0
ITEMS = 256


class Way(Struct, frozen=True):
    """How the service runs and how it is asked: the desk's largest batch, fronts, connections, payments a request."""

    batch: int = 512
    fronts: int = 0
    connections: int = CONNECTIONS
    items: int = 0


CASES = {
    "single payments, desk's batch of 1": Way(batch=1),
    "single payments": Way(),
    "single payments, two fronts": Way(fronts=2),
    "single payments, 1 connection": Way(connections=1),
    f"batches of {ITEMS}, 1 connection": Way(connections=1, items=ITEMS),
    f"batches of {ITEMS}, 8 connections": Way(connections=8, items=ITEMS),
}
"""64 connections where nothing else is said."""


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
def serving(data: Path, way: Way) -> Iterator[tuple[int, int]]:
    """A server on a copy of the data: its port and its process id."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [str(Path(sys.executable).with_name("handfast")), "serve", "--data", str(data), "--port", str(port)]
    environment = {**os.environ, "HANDFAST_BATCH": str(way.batch), "HANDFAST_LOG_LEVEL": "error"}
    with subprocess.Popen(
        [*command, "--fronts", str(way.fronts)], env=environment, stdout=subprocess.DEVNULL
    ) as process:
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


def sample(data: Path, way: Way, seconds: float) -> dict[str, Any]:
    """One run against a fresh copy of the data."""
    copy = data.with_name("copy")
    shutil.copytree(data, copy)
    try:
        with serving(copy, way) as (port, pid):
            load = ("bench.load", str(port), str(way.connections))
            more = (str(copy / "people"), str(way.items))
            run_module(*load, "1", *more)
            before = cpu_seconds(pid)
            result: dict[str, Any] = json.loads(run_module(*load, str(seconds), *more))
            result["cpu_us"] = (cpu_seconds(pid) - before) / result["count"] * 1e6
            if set(result["statuses"]) != {"200"}:
                raise RuntimeError(f"not all payments were made: {result['statuses']}")
            return result
    finally:
        shutil.rmtree(copy)


def figures(
    folder: Path, rounds: int, report: Callable[[str], None], seconds: float = SECONDS, cases: Mapping[str, Way] = CASES
) -> dict[str, dict[str, float]]:
    """Medians of every case, the cases taking turns."""
    data = make_data(folder)
    samples: dict[str, list[dict[str, Any]]] = {}
    for _ in range(rounds):
        for name, way in cases.items():
            taken = sample(data, way, seconds)
            samples.setdefault(name, []).append(taken)
            report(f"{name}: {taken['count'] / taken['wall']:,.0f}/s")
    return {
        name: {
            "per_second": round(median(s["count"] / s["wall"] for s in taken)),
            "cpu_us": round(median(s["cpu_us"] for s in taken), 1),
            "p50_ms": round(median(s["p50_ms"] for s in taken), 2),
            "p99_ms": round(median(s["p99_ms"] for s in taken), 2),
            "load_cpu_us": round(median(s["load_cpu"] / s["count"] * 1e6 for s in taken), 1),
        }
        for name, taken in samples.items()
    }


def ratios(figures: dict[str, dict[str, float]]) -> dict[str, float]:
    """What the figures are taken for."""
    single, alone, batched, many = (
        figures[name]
        for name in (
            "single payments",
            "single payments, 1 connection",
            f"batches of {ITEMS}, 1 connection",
            f"batches of {ITEMS}, 8 connections",
        )
    )
    return {
        "single / desk's batch of 1": round(
            single["per_second"] / figures["single payments, desk's batch of 1"]["per_second"], 2
        ),
        "two fronts / one process": round(
            figures["single payments, two fronts"]["per_second"] / single["per_second"], 2
        ),
        "p99 / p50 of single payments": round(single["p99_ms"] / single["p50_ms"], 2),
        "batches / single, 1 connection each": round(batched["per_second"] / alone["per_second"], 2),
        "batches, 8 connections / single, 64": round(many["per_second"] / single["per_second"], 2),
        "CPU of a batched payment / of a single one": round(many["cpu_us"] / single["cpu_us"], 2),
    }
