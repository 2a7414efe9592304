"""A disk that breaks on purpose: SQLite's files behind a VFS where the n-th write, sync, truncation or deletion fails.

It dies there by SIGKILL (before the act, in the middle of a write, or like a machine that loses power, so that what was
not synced is gone, wholly or in part), or it answers once with an I/O error or with "no space".
"""

import os
import signal
from pathlib import Path
from random import Random
from typing import Any

import apsw

DEATHS = ("kill", "torn", "power")
"""SIGKILL before the act; with the first half of the bytes written; and with what was never synced lost."""

FAILURES = ("eio", "enospc")
"""What fails once: with an I/O error, nothing written; with the disk full, half of it written."""

KINDS = (*DEATHS, *FAILURES)

_ERRORS = {
    "write": apsw.SQLITE_IOERR_WRITE,
    "sync": apsw.SQLITE_IOERR_FSYNC,
    "truncate": apsw.SQLITE_IOERR_TRUNCATE,
    "delete": apsw.SQLITE_IOERR_DELETE,
}


class Disk(apsw.VFS):
    """Every file of the process's SQLite from now on. `acts` counts; the act numbered `at` breaks in the way `kind`."""

    def __init__(self, kind: str = "", at: int = 0) -> None:
        super().__init__("breaking", "unix", makedefault=True)
        self.kind = kind
        self.at = at
        self.acts = 0
        self.unsynced: list[tuple[Path, int, bytes, int]] = []

    def xOpen(self, name: Any, flags: list[int]) -> "_File":  # noqa: N802 -- SQLite's own names, here and below
        """See SQLite."""
        return _File(self, name, flags)

    def xDelete(self, filename: str, syncdir: bool) -> None:  # noqa: N802
        """See SQLite."""
        self.pass_by("delete")
        super().xDelete(filename, syncdir)

    def excepthook(self, *_: Any) -> bool:
        """What SQLite ignores, as it may, is nothing to print."""
        return True

    def pass_by(self, act: str, file: "_File | None" = None, data: bytes = b"", offset: int = 0) -> None:
        """Count an act, and break if it is the one."""
        self.acts += 1
        if self.acts != self.at:
            return
        if self.kind == "eio":
            raise apsw.exception_for(_ERRORS[act])
        if self.kind in {"torn", "enospc"} and file is not None:
            file.put(data[: len(data) // 2], offset)
        if self.kind == "enospc":
            raise apsw.exception_for(_ERRORS[act] if act in {"sync", "delete"} else apsw.SQLITE_FULL)
        if self.kind == "power":
            self._lose()
        os.kill(os.getpid(), signal.SIGKILL)

    def _lose(self) -> None:
        """Undo what was not synced; where the act's number is odd, some of it had reached the disk all the same."""
        dice = Random(self.at)
        for path, offset, before, size in reversed(self.unsynced):
            if self.at % 2 and dice.random() < 0.5:
                continue
            with path.open("r+b") as file:
                file.seek(offset)
                file.write(before)
                file.truncate(max(size, offset + len(before)))


class _File(apsw.VFSFile):
    """A file of the disk, which keeps what stood where it was written since its last sync."""

    def __init__(self, disk: Disk, name: Any, flags: list[int]) -> None:
        super().__init__("unix", name, flags)
        self._disk = disk
        self._path = Path(name.filename() if isinstance(name, apsw.URIFilename) else str(name))

    def excepthook(self, *_: Any) -> bool:
        """See Disk."""
        return True

    def put(self, data: bytes, offset: int) -> None:
        """Write."""
        super().xWrite(data, offset)

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802
        """See SQLite."""
        self._disk.pass_by("write", self, data, offset)
        self._remember(offset, len(data))
        self.put(data, offset)

    def xTruncate(self, newsize: int) -> None:  # noqa: N802
        """See SQLite."""
        self._disk.pass_by("truncate")
        self._remember(newsize, self.xFileSize() - newsize)
        super().xTruncate(newsize)

    def xSync(self, flags: int) -> None:  # noqa: N802
        """See SQLite."""
        self._disk.pass_by("sync")
        self._disk.unsynced = [each for each in self._disk.unsynced if each[0] != self._path]
        super().xSync(flags)

    def _remember(self, offset: int, length: int) -> None:
        if self._disk.kind == "power":
            size = self.xFileSize()
            there = max(0, min(length, size - offset))
            before = self.xRead(there, offset) if there else b""
            self._disk.unsynced.append((self._path, offset, before, size))
