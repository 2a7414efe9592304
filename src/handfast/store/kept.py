"""Rows that the desk has read and keeps, since nobody else writes them: what is asked for often is read once."""

from collections.abc import Iterable, Mapping
from typing import Any

from handfast.store.rows import EVENTS, OPERATIONS
from handfast.store.table import Table
from handfast.store.verb import Key

MOST = 65_536
"""How many rows are kept in a generation. There are two: the older one goes when the newer is full."""

Rows = Mapping[Table[Any], Iterable[Any]]

_ASKED_ONCE = frozenset({OPERATIONS, EVENTS})


class Kept:
    """Committed rows by table and id. Whoever cannot be sure of a commit's outcome must `forget` them all."""

    def __init__(self) -> None:
        self._newer: dict[Key, Any] = {}
        self._older: dict[Key, Any] = {}

    def forget(self) -> None:
        """Keep nothing of what was read."""
        self._newer.clear()
        self._older.clear()

    def get(self, key: Key) -> Any:
        """The row, if it is kept."""
        row = self._newer.get(key)
        if row is None:
            row = self._older.get(key)
            if row is not None:
                self._newer[key] = row
        return row

    def read(self, found: Rows) -> None:
        """Keep what was read of the database, but for tables of which nothing is asked for twice."""
        for table, rows in found.items():
            if table not in _ASKED_ONCE:
                self._keep(table, rows)

    def written(self, changed: Rows) -> None:
        """Replace the rows that were changed by a commit: they had been read before."""
        for table, rows in changed.items():
            self._keep(table, rows)

    def _keep(self, table: Table[Any], rows: Iterable[Any]) -> None:
        self._newer.update(((table, row.id), row) for row in rows)
        if len(self._newer) > MOST:
            self._older, self._newer = self._newer, {}
