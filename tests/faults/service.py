"""A Handfast service as operators run it: the real command in a process of its own, to be killed."""

import select
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx

COMMAND = [sys.executable, "-c", "from handfast.cli import main; main()"]
PATIENCE = 60


class Service:
    """A service over a data directory. What it logs goes to the file `log` there."""

    address: str
    process: subprocess.Popen[bytes]

    def __init__(self, data: Path) -> None:
        self.data = data

    @property
    def socket(self) -> Path:
        return self.data / "desk.sock"

    def start(self, *options: str) -> None:
        """Start it and wait until it says that it is ready."""
        self._spawn(*options)
        self.await_ready()

    def stand_by(self, *options: str) -> None:
        """Start it and wait until it says that it stands by."""
        self._spawn("--standby", *options)
        assert self._line() == "handfast stands by\n"

    def _spawn(self, *options: str) -> None:
        words = [*COMMAND, "serve", "--data", str(self.data), "--port", "0", *options]
        with (self.data / "log").open("ab") as log:
            self.process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=log)

    def await_ready(self) -> None:
        """Wait until it says that it is ready."""
        line = self._line()
        assert line.startswith("handfast is ready at "), line + (self.data / "log").read_text()[-4000:]
        self.address = line.split()[-1]

    def _line(self) -> str:
        assert self.process.stdout is not None
        ready, _, _ = select.select([self.process.stdout], [], [], PATIENCE)
        assert ready, "the service does not get ready"
        return self.process.stdout.readline().decode()

    def kill(self) -> None:
        """SIGKILL, at once."""
        self._end(signal.SIGKILL)
        assert self.process.returncode == -signal.SIGKILL, "it had ended before"

    def stop(self) -> None:
        """SIGTERM, and it ends well."""
        self._end(signal.SIGTERM)
        assert self.process.returncode == 0, (self.data / "log").read_text()[-4000:]

    def _end(self, how: signal.Signals) -> None:
        self.process.send_signal(how)
        self.wait()

    def post(self, path: str, key: str, body: object, idempotency_key: str) -> tuple[int, Any]:
        """POST with an API key; status and JSON."""
        headers = {"Authorization": f"Bearer {key}", "Idempotency-Key": idempotency_key}
        answer = httpx.post(self.address + path, headers=headers, json=body, timeout=PATIENCE)
        return answer.status_code, answer.json()

    def get(self, path: str, key: str = "") -> tuple[int, Any]:
        """GET with an API key; status and JSON."""
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        answer = httpx.get(self.address + path, headers=headers, timeout=PATIENCE)
        return answer.status_code, answer.json()

    def wait(self) -> int:
        """Wait until it has ended; its exit code."""
        assert self.process.stdout is not None
        self.process.stdout.close()
        return self.process.wait(PATIENCE)

    def close(self) -> None:
        """End what a failed test left running."""
        if hasattr(self, "process"):
            self._end(signal.SIGKILL)
