"""The desk: runs waiting verbs as one batch, in one transaction, and answers only after the commit.

It owns its database: a fence in every commit keeps a deposed desk from writing. A verb that fails where nothing may
fail fails the batch, which is then bisected, so that only the guilty one is refused.

While a batch is being committed, the verbs of the next may begin on what it leaves. Nothing of them is posted or
written before that commit has returned, and if it fails they begin anew.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
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
from handfast.store.verb import Answer, Key, Request, Verb

Following = Callable[[], Sequence[Request]]
"""Gives the requests that are to be run next, as many as wait; it is asked while a batch is being committed."""

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
        self.kept: Callable[[Key], Any] = self._kept.get
        self._begun: Batch | None = None
        self._beside = ThreadPoolExecutor(1, "commit")

    def load(self, wants: Mapping[Table[Any], Sequence[Id]]) -> dict[Table[Any], list[Any]]:
        """See Store.load; what is read is kept."""
        found = self.store.load(wants)
        self._kept.read(found)
        return found

    def run(self, requests: Sequence[Request], following: Following | None = None) -> list[Answer]:
        """Answer the requests, in order of arrival; each answer is durable when this returns.

        What `following` gives must be run next, as the very sequence.
        """
        try:
            with self._undoing():
                return self._serve(requests, following)
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

    def commit(self, batch: Batch, following: Following | None = None) -> None:
        """Write what a batch changed, and make it durable."""
        self.store.save(batch)
        if following is None:
            self.store.commit()
        else:
            commit = self._beside.submit(self.store.commit)
            try:
                self._begin(following, batch)
            finally:
                commit.result()
        self._kept.written(batch.updates)

    def _begin(self, following: Following, before: Batch) -> None:
        """Begin the next batch on what the one before it leaves; it touches neither the store nor the ledger."""
        kept = self.kept

        def left(key: Key) -> Any:
            return before.seen(key) or kept(key)

        self.kept = left
        try:
            begun = Batch(self, following(), self.clock())
            begun.begin()
            self._begun = begun
        except Exception as error:  # noqa: BLE001 - the commit's outcome counts, and this batch can begin anew
            _log.exception("batch not begun", error=type(error).__name__)
        finally:
            self.kept = kept

    @contextmanager
    def _undoing(self) -> Iterator[None]:
        """Undo what fails, and say what that means: a Refusal for all of it, or Broken for the guilty."""
        try:
            yield
        except Exception as error:
            self._kept.forget()  # whether the commit was made is not known now
            self._begun = None
            self.store.rollback()
            if isinstance(error, (Refusal, Broken)):
                raise
            unavailable = self.store.unavailable(error)
            if unavailable is None:
                raise Broken(type(error).__name__) from error
            _log.warning("store unavailable", error=type(error).__name__, detail=str(error)[:200])
            raise unavailable from error

    def _serve(self, requests: Sequence[Request], following: Following | None) -> list[Answer]:
        """Run a batch in one transaction."""
        begun, self._begun = self._begun, None
        self.store.begin()
        batch = begun if begun is not None and begun.requests is requests else Batch(self, requests, self.clock())
        batch.play()
        if batch.inserts or batch.updates:
            self.commit(batch, following)
        else:
            self.store.rollback()
        return [answer for answer in batch.answers if answer is not None]
