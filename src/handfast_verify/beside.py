"""The sweep over objects in a process of its own, beside the journal's pass: both read the books as of one instant.

They speak by lines of JSON: one says where the books lie, the other which commit it reads as of; then either both begin
anew or both go on; then the other tells how many more objects it has checked, again and again, and at last its result.
"""

import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from queue import SimpleQueue
from threading import Thread

from msgspec import Struct, json

from handfast_verify.findings import Enough, Fault, Findings
from handfast_verify.objects import check_sums
from handfast_verify.reading import Books, Unreadable, opened
from handfast_verify.sweep import Sweep

Watch = Callable[[int], None]
TRIES = 50
"""So often both begin anew, before one process does it all."""


class Checked(Struct):
    """What the other process found: faults, how many objects there are, and how many seconds it took."""

    faults: list[Fault]
    count: int
    seconds: float


_Line = int | Checked
_lines = json.Decoder[_Line](_Line)


def check_objects(books: Books, findings: Findings, watch: Watch) -> int:
    """Check all objects; how many there are."""
    sweep = Sweep(books, findings, watch)
    sweep.run()
    check_sums(books, findings)
    return sweep.count


def beside(books: Books) -> "Beside | None":
    """A second process that checks objects; None where the books never stood still for both to begin."""
    other = Beside(books.url)
    if other.together(books):
        return other
    other.close()
    return None


class Beside:
    """Checks objects in a second process."""

    def __init__(self, database: str) -> None:
        command = [sys.executable, "-c", "from handfast_verify.beside import work; work()"]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._lines: SimpleQueue[bytes] = SimpleQueue()
        self._listener = Thread(target=self._listen, daemon=True)
        self._listener.start()
        self._checked: Checked | None = None
        self._say(database)

    def together(self, books: Books) -> bool:
        """Begin both readings anew until the same commit is the last one for both; whether it came to that."""
        for _ in range(TRIES):
            same = self._heard() == books.again()
            self._say(same)
            if same:
                return True
        return False

    def watched(self, watch: Watch) -> None:
        """Pass on what the other process has told of its progress."""
        while self._checked is None and not self._lines.empty():
            self._take(watch)

    def result(self, watch: Watch) -> Checked:
        """Wait for what it found. Raises Unreadable where it failed."""
        while self._checked is None:
            self._take(watch)
        return self._checked

    def _take(self, watch: Watch) -> None:
        told = self._heard()
        if isinstance(told, Checked):
            self._checked = told
        else:
            watch(told)

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(line)
        self._lines.put(b"")

    def _heard(self) -> _Line:
        line = self._lines.get()
        if not line:
            raise Unreadable("the process that checks objects has failed")
        told: _Line = _lines.decode(line)
        return told

    def _say(self, value: object) -> None:
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):
            self._process.stdin.write(json.encode(value) + b"\n")
            self._process.stdin.flush()

    def close(self) -> None:
        """End the other process."""
        self._process.kill()
        self._listener.join()
        self._process.communicate()


def work() -> None:
    """What the other process does."""
    lines, out = sys.stdin.buffer, sys.stdout.buffer

    def say(value: object) -> None:
        out.write(json.encode(value) + b"\n")
        out.flush()

    findings, count, start = Findings(), 0, time.perf_counter()
    with opened(json.decode(lines.readline(), type=str), None) as books:
        say(books.again())
        while not json.decode(lines.readline(), type=bool):
            say(books.again())
        with suppress(Enough):
            count = check_objects(books, findings, say)
    say(Checked(findings.faults, count, time.perf_counter() - start))
