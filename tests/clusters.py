"""TigerBeetle replicas on loopback, started and stopped by the tests that need a cluster of their own."""

import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

NUMBER = 8_201
PATIENCE = 120
MISSING = "TigerBeetle, as HANDFAST_TIGERBEETLE names no running cluster and no tigerbeetle is on PATH"


def server() -> str | None:
    """The server's program, or None."""
    return shutil.which("tigerbeetle")


def running() -> str | None:
    """The URL of a cluster that the tests may use, or None."""
    return os.environ.get("HANDFAST_TIGERBEETLE")


class Replicas:
    """A cluster of replicas with data files in a folder, all killed at the end."""

    def __init__(self, folder: Path, count: int) -> None:
        program = server()
        assert program is not None, "no tigerbeetle is on PATH"
        self._program = program
        self._folder = folder
        self.ports = _free_ports(count)
        self.processes: list[subprocess.Popen[bytes] | None] = [None] * count
        for n in range(count):
            words = [f"--cluster={NUMBER}", f"--replica={n}", f"--replica-count={count}", str(self._file(n))]
            subprocess.run([program, "format", *words], check=True, capture_output=True)
        for n in range(count):
            self.start(n)

    @property
    def url(self) -> str:
        return f"tigerbeetle://{','.join(f'127.0.0.1:{port}' for port in self.ports)}/{NUMBER}"

    def _file(self, n: int) -> Path:
        return self._folder / f"{n}.tigerbeetle"

    def start(self, n: int) -> None:
        addresses = ",".join(f"127.0.0.1:{port}" for port in self.ports)
        words = [self._program, "start", f"--addresses={addresses}", "--cache-grid=256MiB", str(self._file(n))]
        with (self._folder / f"{n}.log").open("ab") as log:
            self.processes[n] = subprocess.Popen(words, stdout=log, stderr=log)

    def kill(self, n: int) -> None:
        """SIGKILL, at once."""
        process = self.processes[n]
        assert process is not None
        process.send_signal(signal.SIGKILL)
        process.wait()
        self.processes[n] = None

    def primary(self) -> int:
        """The replica that leads: the last that said so, as its log tells."""
        views = {n: _view(self._folder / f"{n}.log") for n, process in enumerate(self.processes) if process is not None}
        return max(views.values()) % len(self.processes)

    def close(self) -> None:
        for n, process in enumerate(self.processes):
            if process is not None:
                self.kill(n)


def _view(log: Path) -> int:
    """The newest view that a replica's log names; its primary is the view's number modulo the count."""
    views = [0]
    for line in log.read_text(errors="replace").splitlines():
        for word in line.split():
            if word.startswith("view="):
                views += [int(part) for part in word[5:].strip(",)").split("..") if part.isdecimal()]
    return max(views)


def _free_ports(count: int) -> list[int]:
    doors = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [door.getsockname()[1] for door in doors]
    for door in doors:
        door.close()
    return ports


def until_it_answers(url: str) -> None:
    """Wait until a cluster answers: a replica takes some seconds to open its file."""
    from tigerbeetle.bindings import Operation

    from handfast.core.errors import Unavailable
    from handfast.ledger.cluster import Cluster, parse

    cluster = Cluster(*parse(url))
    end = time.monotonic() + PATIENCE
    while True:
        try:
            cluster.ask([(Operation.LOOKUP_ACCOUNTS, bytes(15) + b"\1")])
            break
        except Unavailable:
            assert time.monotonic() < end, "the cluster does not answer"
    cluster.close()
