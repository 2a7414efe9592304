"""Copies SQLite's write-ahead log into the database beside the desk, so that no batch waits for it.

SQLite would do it inside a commit (sqlite.org/wal.html, checkpointing). Here a thread with a connection of its own
copies the bulk while commits go on, and the commit that finds it done copies the few pages that came meanwhile: only
then is the log wholly copied, and the next batch writes it from its beginning.
"""

from pathlib import Path
from threading import Thread

import apsw
import structlog

PAGES = 16_000
"""How long the log grows before it is copied: 64 MiB of pages, in which what is written often is copied once."""

_log = structlog.get_logger("handfast.store")


class Checkpoints:
    """Watches one writing connection. A failure is logged and tried again: the log only grows meanwhile."""

    def __init__(self, path: Path, writer: apsw.Connection) -> None:
        self._path = path
        self._bulk: Thread | None = None
        self._next = PAGES
        writer.set_wal_hook(self._committed)

    def close(self) -> None:
        """Wait for the copying that is under way."""
        if self._bulk is not None:
            self._bulk.join()

    def _committed(self, writer: apsw.Connection, _database: str, pages: int) -> int:
        """Called by SQLite, in the desk's thread, after each commit; what it raised would look like a failed commit."""
        if self._bulk is None:
            if pages < PAGES:
                self._next = PAGES
            elif pages >= self._next:
                self._bulk = Thread(target=self._copy_bulk, name="checkpoint", daemon=True)
                self._bulk.start()
        elif not self._bulk.is_alive():
            self._bulk = None
            self._next = pages + PAGES // 4  # a long read may hold the rest back: then not at each commit again
            _copy(writer)
        return apsw.SQLITE_OK

    def _copy_bulk(self) -> None:
        try:
            db = apsw.Connection(str(self._path), flags=apsw.SQLITE_OPEN_READWRITE)
        except apsw.Error as error:
            _log.warning("checkpoint failed", error=str(error))
            return
        _copy(db)
        db.close()


def _copy(db: apsw.Connection) -> None:
    try:
        db.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
    except apsw.Error as error:
        _log.warning("checkpoint failed", error=str(error))
