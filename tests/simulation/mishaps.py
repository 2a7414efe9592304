"""What goes wrong between a desk and its database: deaths at any statement and around the commit, and errors."""

from collections.abc import Callable
from random import Random
from typing import Any

import apsw
from msgspec import Struct

from handfast.store.desk import Changes, Store
from handfast.store.sqlite import SqliteStore

CRASHES = ("crash_in_transaction", "crash_before_commit", "crash_in_commit", "crash_after_commit")
ERRORS = ("error_in_transaction", "busy_at_begin", "busy_at_commit", "answer_lost_after_commit")
DEEP = 60
"""A death in a transaction comes at one of its first so many statements."""


class Crash(BaseException):
    """The process was killed; a BaseException, since the dead tidy nothing up."""

    def __init__(self, kind: str, cut: int | None = None) -> None:
        super().__init__(kind)
        self.kind = kind
        self.cut = cut


class Plan(Struct):
    """What is to go wrong in the next transaction: its kind, and at which statement."""

    kind: str = ""
    statement: int = 0


class Mishaps:
    """Arms one fault at a time, drawn from the dice; `happened` is told of each that came to pass."""

    def __init__(self, dice: Random, happened: Callable[[str], None], log: Callable[[], int]) -> None:
        self.dice = dice
        self.plan = Plan()
        self.between: Callable[[], None] | None = None
        self._happened = happened
        self._log = log

    def arm(self, kind: str) -> None:
        """Have this happen in the next transaction that writes."""
        self.plan = Plan(kind, self.dice.randrange(DEEP))

    def spent(self, kind: str) -> None:
        """It has happened."""
        self.plan = Plan()
        self._happened(kind)

    def wrap(self, store: Store) -> Store:
        """The store as the desk gets it."""
        assert isinstance(store, SqliteStore)
        return MortalStore(store, self)


class MortalStore:
    """A store around the real one, in whose calls the process may die or the database fail."""

    def __init__(self, store: SqliteStore, mishaps: Mishaps) -> None:
        self._store = store
        self._mishaps = mishaps
        self.load = store.load
        self.unavailable = store.unavailable
        self._left = -1
        self._trace = self._statement  # held here, since the connection lets go of it while it runs

    def begin(self) -> None:
        """See Store.begin."""
        mishaps = self._mishaps
        if mishaps.plan.kind == "busy_at_begin":
            mishaps.spent("busy_at_begin")
            raise apsw.BusyError("injected")
        self._store.begin()
        if mishaps.plan.kind.endswith("_in_transaction"):
            self._left = mishaps.plan.statement
            self._store.connection.exec_trace = self._trace

    def _statement(self, _cursor: Any, sql: str, _bindings: Any) -> bool:
        if self._left < 0 or sql == "ROLLBACK":
            return True
        if self._left == 0 or sql == "COMMIT":
            self._left = -1
            kind = self._mishaps.plan.kind
            self._mishaps.spent(kind)
            if kind.startswith("crash"):
                raise Crash(kind)
            raise self._mishaps.dice.choice((apsw.IOError, apsw.FullError))("injected")
        self._left -= 1
        return True

    def save(self, changes: Changes) -> None:
        """See Store.save."""
        self._store.save(changes)
        if self._mishaps.between is not None:
            self._mishaps.between()

    def commit(self) -> None:
        """See Store.commit."""
        mishaps, kind = self._mishaps, self._mishaps.plan.kind
        if kind == "busy_at_commit":
            mishaps.spent(kind)
            raise apsw.BusyError("injected")
        if kind == "crash_before_commit":
            mishaps.spent(kind)
            raise Crash(kind)
        before = mishaps._log()
        self._store.commit()
        if kind == "crash_in_commit" and mishaps._log() > before:
            mishaps.spent(kind)
            raise Crash(kind, mishaps.dice.randrange(before, mishaps._log()))
        if kind == "crash_after_commit":
            mishaps.spent(kind)
            raise Crash(kind)
        if kind == "answer_lost_after_commit":
            mishaps.spent(kind)
            raise apsw.IOError("injected")

    def rollback(self) -> None:
        """See Store.rollback."""
        self._store.connection.exec_trace = None
        self._store.rollback()
