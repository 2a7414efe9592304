"""The keys of SQLite's operations: new ones are kept in memory, and filed under their index a slice at a time.

A key is a digest, so the new ones of a batch would each dirty a page of the index of their own. Here they wait until
there are many, and a hand that goes round the key space like a clock's files those of one slice together, which lie on
few pages. The database tells at any time which are filed: those in `operation_keys`, among them all whose place is at
most the mark `filed`.
"""

from array import array
from collections.abc import Sequence
from typing import Any

import apsw
from msgspec.structs import astuple

from handfast.core.ids import OBJECT, Id
from handfast.store.rows import OPERATIONS, Operation

UNFILED = 16_384
"""How many keys wait at most, but for those of the batch that is being written."""

SLICES = 128
"""Into how many slices the key space is cut."""

_TAIL = bytes(16 - OBJECT)
_COLUMNS = ", ".join(OPERATIONS.columns)
_LOAD = f"SELECT {_COLUMNS} FROM carray(?) AS asked CROSS JOIN operations ON place = asked.value"
_FILED = "SELECT place FROM carray(?) AS asked CROSS JOIN operation_keys ON id = asked.value"
_INSERT = f"INSERT INTO operations (place, {_COLUMNS}) VALUES (?, {', '.join('?' * len(OPERATIONS.columns))})"
_MARKS = "SELECT hand, filed, (SELECT coalesce(max(place), 0) FROM operations) FROM desk"
_UNFILED = """
    SELECT id, place FROM operations
    WHERE place > ? AND NOT EXISTS (SELECT 1 FROM operation_keys WHERE operation_keys.id = operations.id)"""


class Filing:
    """The operations of one writing connection, inside its transactions.

    A transaction that wrote some and is rolled back must be followed by `forget`: what waits is then read back.
    """

    def __init__(self, db: apsw.Connection) -> None:
        self._db = db
        self._known = False
        self._waiting: list[dict[Id, int]] = []
        self._count = 0
        self._last = 0
        self._hand = 0

    def forget(self) -> None:
        """Take nothing for known."""
        self._known = False

    def read_back(self) -> None:
        """Know which keys wait, reading that where it is not known."""
        if self._known:
            return
        marks: Any = self._db.execute(_MARKS).fetchall()
        ((self._hand, filed, self._last),) = marks
        self._waiting = [{} for _ in range(SLICES)]
        self._count = 0
        for key, place in self._db.execute(_UNFILED, (filed,)):
            self._waiting[_slice(key)][key] = place
            self._count += 1
        self._known = True

    def load(self, keys: Sequence[Id]) -> list[Operation]:
        """The stored operations of these keys."""
        places = array("q")
        filed: list[Id] = []
        for key in keys:
            place = self._waiting[_slice(key)].get(key)
            if place is None:
                filed.append(key)
            else:
                places.append(place)
        if filed:
            places.extend(place for (place,) in self._db.execute(_FILED, (apsw.carray(tuple(filed)),)))
        if not places:
            return []
        return [Operation(*values) for values in self._db.execute(_LOAD, (apsw.carray(places),))]

    def save(self, operations: Sequence[Operation]) -> None:
        """Write new operations, and file what waits in excess. The desk has seen that their keys are new."""
        first = self._last + 1
        rows = [(place, *astuple(operation)) for place, operation in enumerate(operations, first)]
        self._db.executemany(_INSERT, rows)
        for place, key, *_ in rows:
            if self._waiting[_slice(key)].setdefault(key, place) != place:
                raise apsw.ConstraintError("two operations have one key")
        self._count += len(rows)
        self._last += len(rows)
        while self._count > UNFILED:
            self._file_slice()

    def _file_slice(self) -> None:
        """File the keys under the hand, in their order, and move it on."""
        due = self._waiting[self._hand]
        self._waiting[self._hand] = {}
        self._count -= len(due)
        self._db.executemany("INSERT INTO operation_keys (id, place) VALUES (?, ?)", sorted(due.items()))
        self._hand = (self._hand + 1) % SLICES
        self._db.execute("UPDATE desk SET hand = ?", (self._hand,))
        if self._hand == 0:
            # Every slice was filed since the lap began, so nothing waits that was there then.
            self._db.execute("UPDATE desk SET filed = lap, lap = ?", (self._last,))


def _slice(key: Id) -> int:
    # What came without a key has an object's id, which begins with the time: its random bytes spread it over the
    # slices, and those of one time lie together anyway.
    return key[OBJECT - 1 if key.endswith(_TAIL) else 0] * SLICES >> 8
