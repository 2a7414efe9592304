"""Rows that the desk has read and keeps, since nobody else writes them: what is asked for often is read once."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from handfast.core.ids import Id
from handfast.store.rows import EVENTS, OPERATIONS
from handfast.store.table import Table

MOST = 16_384
"""How many rows of a table are kept in a generation. There are two: the older one goes when the newer is full."""

Wants = Mapping[Table[Any], Sequence[Id]]
Found = dict[Table[Any], list[Any]]

_ASKED_ONCE = frozenset({OPERATIONS, EVENTS})


class Kept:
    """Committed rows by table and id. Whoever cannot be sure of a commit's outcome must `forget` them all."""

    def __init__(self) -> None:
        self._newer: dict[Table[Any], dict[Id, Any]] = {}
        self._older: dict[Table[Any], dict[Id, Any]] = {}

    def forget(self) -> None:
        """Keep nothing of what was read."""
        self._newer.clear()
        self._older.clear()

    def load(self, wants: Wants, load: Callable[[Wants], Found]) -> Found:
        """The rows of the wanted keys; what is not kept is loaded, and kept from now on."""
        found: Found = {}
        lacking: dict[Table[Any], Sequence[Id]] = {}
        for table, keys in wants.items():
            if table in _ASKED_ONCE:
                lacking[table] = keys
                continue
            newer, older = self._newer.setdefault(table, {}), self._older.setdefault(table, {})
            rows = found[table] = []
            absent = []
            for key in keys:
                row = newer.get(key)
                if row is None:
                    row = older.get(key)
                    if row is None:
                        absent.append(key)
                        continue
                    newer[key] = row
                rows.append(row)
            if absent:
                lacking[table] = absent
        if lacking:
            for table, rows in load(lacking).items():
                if table in _ASKED_ONCE:
                    found[table] = rows
                else:
                    found[table] += rows
                    self._newer[table].update((row.id, row) for row in rows)
        self._age(found)
        return found

    def _age(self, tables: Iterable[Table[Any]]) -> None:
        for table in tables:
            if len(self._newer.get(table, ())) > MOST:
                self._older[table] = self._newer[table]
                self._newer[table] = {}

    def written(self, changed: Mapping[Table[Any], Iterable[Any]]) -> None:
        """Replace the rows that were changed by a commit: they had been read before."""
        for table, rows in changed.items():
            newer = self._newer.setdefault(table, {})
            newer.update((row.id, row) for row in rows)
