"""The desk: runs waiting verbs as one batch, in one transaction, and answers only after the commit.

It owns its database: a fence in every commit keeps a deposed desk from writing. A verb that fails where nothing may
fail fails the batch, which is then bisected, so that only the guilty one is refused.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

import structlog

from handfast.core.clocks import Clock
from handfast.core.errors import Refusal, Unavailable
from handfast.core.ids import Id, NewId
from handfast.store.batch import Batch, Broken, Post
from handfast.store.kept import Kept
from handfast.store.rows import Event
from handfast.store.table import Table
from handfast.store.verb import Answer, Request, Verb

_log = structlog.get_logger("handfast.desk")


class Store(Protocol):
    """What the desk needs of a database. Its transaction is fenced: none commits once another desk has taken over."""

    def begin(self) -> None:
        """Open the batch's transaction, reconnecting where the connection was lost."""

    def load(self, wants: Mapping[Table[Any], Sequence[Id]]) -> dict[Table[Any], list[Any]]:
        """The stored rows of the wanted keys, by table."""

    def save(self, changes: "Changes") -> None:
        """Write everything that the batch changed."""

    def commit(self) -> None:
        """Make it durable."""

    def rollback(self) -> None:
        """Undo the open transaction, if any; never raises."""

    def unavailable(self, error: Exception) -> Unavailable | None:
        """The refusal that a database error means, or None where it is not the database's state but our fault."""


class Changes(Protocol):
    """What a batch leaves to be written: rows to insert and to update by table, and events in order."""

    inserts: dict[Table[Any], list[Any]]
    updates: dict[Table[Any], list[Any]]
    events: list[Event]


class Desk:
    """Runs batches over one store and one ledger. Not thread-safe: one thread owns it, or a test steps it.

    `ids_of` gives a keyed request's verb ids of its own, where a run must come out the same whatever work was lost.
    """

    def __init__(
        self,
        store: Store,
        post: Post,
        verbs: Mapping[str, Verb],
        clock: Clock,
        new_id: NewId,
        ids_of: Callable[[Id], NewId] | None = None,
    ) -> None:
        self.store = store
        self.post = post
        self.verbs = verbs
        self.clock = clock
        self.new_id = new_id
        self.ids_of = ids_of
        self._kept = Kept()

    def load(self, wants: Mapping[Table[Any], Sequence[Id]]) -> dict[Table[Any], list[Any]]:
        """See Store.load; rows that were read before need not be read again."""
        return self._kept.load(wants, self.store.load)

    def run(self, requests: Sequence[Request]) -> list[Answer]:
        """Answer the requests, in order of arrival; each answer is durable when this returns."""
        try:
            return self._attempt(requests)
        except Refusal as no:
            return [Answer(request.key or b"", None, no) for request in requests]
        except Broken as broken:
            if len(requests) == 1:
                _log.error("verb broken", verb=requests[0].verb, fault=str(broken), exc_info=broken.__cause__)
                fault = Unavailable("internal", "an unexpected fault; nothing was done")
                return [Answer(requests[0].key or b"", None, fault)]
        half = len(requests) // 2
        return self.run(requests[:half]) + self.run(requests[half:])

    def call(self, request: Request) -> Any:
        """Run one request alone and return its result; raises its refusal."""
        return self.run([request])[0].unwrap()

    def _attempt(self, requests: Sequence[Request]) -> list[Answer]:
        with self._undoing():
            return self._serve(requests)

    def commit(self, changes: Changes) -> None:
        """Write what was changed, and make it durable."""
        self.store.save(changes)
        self.store.commit()
        self._kept.written(changes.updates)

    @contextmanager
    def _undoing(self) -> Iterator[None]:
        """Undo what fails, and say what that means: a Refusal for all of it, or Broken for the guilty."""
        try:
            yield
        except Exception as error:
            self._kept.forget()  # whether the commit was made is not known now
            self.store.rollback()
            if isinstance(error, (Refusal, Broken)):
                raise
            unavailable = self.store.unavailable(error)
            if unavailable is None:
                raise Broken(type(error).__name__) from error
            _log.warning("store unavailable", error=type(error).__name__, detail=str(error)[:200])
            raise unavailable from error

    def _serve(self, requests: Sequence[Request]) -> list[Answer]:
        """Run a batch in one transaction."""
        self.store.begin()
        batch = Batch(self, requests, self.clock())
        batch.play()
        if batch.inserts or batch.updates:
            self.commit(batch)
        else:
            self.store.rollback()
        return [answer for answer in batch.answers if answer is not None]
