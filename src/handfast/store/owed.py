"""Which events are owed to whom, on SQLite: new ones lie in order of arrival, and are filed by owner a share at a time.

The owners of a batch's events are as many as its events, so an index by owner would dirty a page of its own for each.
Here they go to the end of `new_events`. When these are many they are sorted into `due_events`, a short table, and each
batch moves about as many as it brings, in that order, to `event_owners`: what lies together there is written together.
An event is in one of the three at any time, and the view `owed_events` shows them as one. All of it is kept in the
database, so that a rollback or a crash needs no thought.
"""

from typing import Any

import apsw

GATHERED = 16_384
"""How many new events there are before they are sorted."""

_NOTE = "INSERT INTO new_events (seq, owner) SELECT seq, owner FROM events WHERE seq >= ?"
_OLDEST = "SELECT coalesce(min(seq), 0) FROM new_events"
_SORT = "INSERT INTO due_events (owner, seq) SELECT owner, seq FROM new_events ORDER BY owner, seq"
_EMPTY = "DELETE FROM new_events"
_NEXT = "SELECT owner, seq FROM due_events ORDER BY owner, seq LIMIT 1 OFFSET ?"
_LAST = "SELECT owner, seq FROM due_events ORDER BY owner DESC, seq DESC LIMIT 1"
_FILE = "INSERT INTO event_owners (owner, seq) SELECT owner, seq FROM due_events WHERE (owner, seq) <= (?, ?)"
_DROP = "DELETE FROM due_events WHERE (owner, seq) <= (?, ?)"


def file_events(db: apsw.Connection, first: int, count: int) -> None:
    """Note the owners of so many events from that place on, which have just been written, and file what is due."""
    db.execute(_NOTE, (first,))
    # A few more than have come, so that all that is due is filed before as many others are there.
    bound: Any = db.execute(_NEXT, (count + count // 4,)).fetchall() or db.execute(_LAST).fetchall()
    if bound:
        db.execute(_FILE, bound[0])
        db.execute(_DROP, bound[0])
    elif first + count - db.execute(_OLDEST).get >= GATHERED:
        db.execute(_SORT)
        db.execute(_EMPTY)
