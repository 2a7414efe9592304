"""The write-ahead log is copied beside the desk, and does not grow for ever."""

from pathlib import Path

import pytest
from tests.conftest import NewDatabase, open_engine

from handfast.store import checkpoints

FRAME = 4096 + 24


def test_the_log_is_copied_and_begun_anew(new_sqlite: NewDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoints, "PAGES", 40)
    engine = open_engine(new_sqlite())
    path = Path(engine.url.removeprefix("sqlite:///"))
    before = path.stat().st_size
    db = engine.store.connection
    db.execute("CREATE TABLE filler (n INTEGER PRIMARY KEY, content BLOB)")
    for n in range(600):
        db.execute("INSERT INTO filler VALUES (?, zeroblob(4000))", (n,))
        bulk = engine.store._checkpoints._bulk  # type: ignore[union-attr]
        if bulk is not None:
            bulk.join()
    log = path.with_name(path.name + "-wal").stat().st_size
    assert path.stat().st_size > before + 500 * 4096, "what was committed is in the database"
    assert log < 200 * FRAME, "and the log was begun anew, not grown to all 1,200 pages and more"
    engine.store.close()
