"""The desk: runs waiting verbs as one batch, in one transaction, and answers only after the commit.

A verb is `async def verb(tx, command) -> result`. It awaits rows by key, stages changed rows and events, and awaits its
one ledger entry as the last thing that can fail. The desk advances all verbs of a batch until each asks for something,
loads all that they ask for in one query a table, posts all entries in one ledger call, writes one statement a table,
commits once. A verb whose reads meet the writes of one accepted before it is restarted and sees them.
"""

import types
from collections.abc import Callable, Coroutine, Generator, Iterable, Mapping, Sequence
from typing import Any, Protocol, TypeVar, get_type_hints

import structlog
from msgspec import Struct, msgpack

from handfast.core.clocks import Clock
from handfast.core.errors import Conflict, Refusal, Unavailable, refusal
from handfast.core.ids import Id, NewId, event_id
from handfast.store.rows import OPERATIONS, Event, Operation
from handfast.store.table import Row, Table

Key = tuple[Table[Any], Id]
Post = Callable[[Sequence[Any], int], Sequence[Refusal | None]]
Result = TypeVar("Result")

_log = structlog.get_logger("handfast.desk")
_encode = msgpack.Encoder().encode


class Store(Protocol):
    """What the desk needs of a database. Its transaction is fenced: `save` fails once another desk has taken over."""

    def begin(self) -> None:
        """Open the batch's transaction, reconnecting where the connection was lost."""

    def load(self, wants: Mapping[Table[Any], Sequence[Id]]) -> dict[Table[Any], list[Any]]:
        """The stored rows of the wanted keys, by table."""

    def save(self, changes: "Changes") -> None:
        """Write everything that the batch changed, and check the fence."""

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


class Verb(Struct, frozen=True):
    """A verb by its name, with the types that cross a socket; `about` names the command's field that holds its object.

    A quiet verb leaves no operations row: for a loop's own bookkeeping, which stages no events and takes no key.
    """

    name: str
    run: Callable[["Tx", Any], Coroutine[Any, Any, Any]]
    command: Any
    result: Any
    about: str | None
    quiet: bool = False


def verb(
    name: str, about: str | None = None, *, quiet: bool = False
) -> Callable[[Callable[["Tx", Any], Coroutine[Any, Any, Any]]], Verb]:
    """Register a coroutine function as a verb; command and result types are read from its annotations."""

    def register(run: Callable[["Tx", Any], Coroutine[Any, Any, Any]]) -> Verb:
        hints = get_type_hints(run)
        (command,) = (hint for key, hint in hints.items() if key not in ("tx", "return"))
        return Verb(name, run, command, hints["return"], about, quiet)

    return register


class Request(Struct, frozen=True, gc=False):
    """A verb handed to the desk. `key` is the operation's id, derived from the caller and its idempotency key."""

    verb: str
    command: Any
    actor: str
    request: Id
    key: Id | None = None
    fingerprint: bytes = b""


class Answer(Struct, frozen=True, gc=False):
    """What became of a request: the verb's result, or a refusal; `replayed` if it was answered before."""

    operation: Id
    result: Any = None
    refusal: Refusal | None = None
    replayed: bool = False

    def unwrap(self) -> Any:
        """The result; raises the refusal."""
        if self.refusal is not None:
            raise self.refusal
        return self.result


class Tx:
    """A verb's handle: rows by key in, changed rows, events and one ledger entry out. `now` is market time (µs)."""

    __slots__ = ("_events", "_new_id", "_puts", "_reads", "actor", "now")

    def __init__(self, now: int, actor: str, new_id: NewId) -> None:
        self.now = now
        self.actor = actor
        self._new_id = new_id
        self._reads: list[Key] = []
        self._puts: list[tuple[Table[Any], Any]] = []
        self._events: list[tuple[str, Any, Id]] = []

    def new_id(self) -> Id:
        """A fresh object id."""
        return self._new_id(self.now)

    @types.coroutine
    def get(self, table: Table[Row], key: Id) -> Generator[Any, Any, Row | None]:
        """The row of that key, or None."""
        found = yield ((table, key),)
        return found[0]  # type: ignore[no-any-return]

    @types.coroutine
    def get_all(self, *keys: Key) -> Generator[Any, Any, list[Any]]:
        """The rows of several keys, in order, None where there is none; asked for together, so in one round."""
        found = yield keys
        return found  # type: ignore[no-any-return]

    def put(self, table: Table[Row], row: Row) -> None:
        """Stage a row: new, or read before in this verb and changed."""
        self._puts.append((table, row))

    def event(self, type_: str, row: Any, owner: Id) -> None:
        """Stage the event of an object's new version (`row.id`, `row.version`), owed to the owner."""
        self._events.append((type_, row, owner))

    @types.coroutine
    def post(self, entry: Any) -> Generator[Any, Any, None]:
        """Post the verb's entry: the last thing that may fail; only `return` may follow its success.

        A refusal drops what was staged and is raised here. A verb may catch it, stage what the refusal itself changes
        and raise it again (both are kept together), or post another entry.
        """
        yield entry


class _Run:
    """One request's course through a batch."""

    __slots__ = ("ask", "coroutine", "request", "slot", "start", "throw", "tx", "verb", "refused_once")

    def __init__(self, slot: int, request: Request, verb: Verb) -> None:
        self.slot = slot
        self.request = request
        self.verb = verb
        self.start = 0
        self.tx: Tx
        self.coroutine: Coroutine[Any, Any, Any] | None = None
        self.ask: Any = None
        self.throw: Refusal | None = None
        self.refused_once = False


class _Broken(Exception):
    """A verb failed where nothing may; the batch is undone and bisected."""


class _Batch:
    """One attempt at a batch: rows loaded, runs at the barrier, changes accepted so far."""

    def __init__(self, desk: "Desk", requests: Sequence[Request], now: int) -> None:
        self._desk = desk
        self._now = now
        self._rows: dict[Table[Any], dict[Id, Any]] = {}
        self._stored: dict[Table[Any], set[Id]] = {}
        self._written: dict[Key, int] = {}
        self._accepted = 0
        self._dirty: dict[Table[Any], dict[Id, Any]] = {}
        self._runs = [_Run(slot, request, desk.verbs[request.verb]) for slot, request in enumerate(requests)]
        self.answers: list[Answer | None] = [None] * len(requests)
        self.inserts: dict[Table[Any], list[Any]] = {}
        self.updates: dict[Table[Any], list[Any]] = {}
        self.events: list[Event] = []

    def play(self) -> None:
        """Run every verb to its answer; the changes are left in `inserts`, `updates`, `events`."""
        live = self._runs
        while live:
            barrier: list[tuple[_Run, Any]] = []
            while live:
                blocked: list[_Run] = []
                for run in live:
                    stop = self._advance(run)
                    if stop is None:
                        blocked.append(run)
                    else:
                        barrier.append((run, stop))
                if blocked:
                    self._load(blocked)
                live = blocked
            barrier.sort(key=_slot)
            live = self._settle(barrier)
        self._sort_changes()

    def _advance(self, run: _Run) -> Any:
        """Step a run until it lacks rows (None) or stands at the barrier: its entry, its _Done, its Answer."""
        coroutine = run.coroutine
        if coroutine is None:
            key = run.request.key
            if key is not None:
                seen = self._rows.get(OPERATIONS, _EMPTY).get(key, _MISSING)
                if seen is _MISSING:
                    run.ask = ((OPERATIONS, key),)
                    return None
                if seen is not None:
                    return self._replay(run, seen)
            ids_of = self._desk.ids_of
            new_id = self._desk.new_id if ids_of is None or key is None else ids_of(key)
            run.tx = Tx(self._now, run.request.actor, new_id)
            if key is not None:
                run.tx._reads.append((OPERATIONS, key))
            run.start = self._accepted
            coroutine = run.coroutine = run.verb.run(run.tx, run.request.command)
            run.ask = None
        reads = run.tx._reads
        value: Any = None
        while True:
            if run.ask is not None:
                value = []
                for table, key in run.ask:
                    row = self._rows.get(table, _EMPTY).get(key, _MISSING)
                    if row is _MISSING:
                        return None
                    value.append(row)
                reads.extend(run.ask)
                run.ask = None
            try:
                if run.throw is not None:
                    thrown, run.throw = run.throw, None
                    ask = coroutine.throw(thrown)
                else:
                    ask = coroutine.send(value)
            except StopIteration as stop:
                return _Done(stop.value, None)
            except Refusal as no:
                return _Done(None, no)
            except Exception as error:
                _log.exception("verb failed", verb=run.verb.name, error=type(error).__name__)
                return _Done(None, Unavailable("internal", "an unexpected fault; nothing was done"))
            if type(ask) is not tuple:
                return ask
            run.ask = ask

    def _replay(self, run: _Run, seen: Operation) -> "Answer":
        if seen.fingerprint != run.request.fingerprint or seen.verb != run.verb.name:
            no = Conflict("idempotency_key_reused", "this idempotency key was used with another request")
            return Answer(seen.id, None, no)
        return replay(run.verb, seen)

    def _load(self, runs: Iterable[_Run]) -> None:
        wants: dict[Table[Any], dict[Id, None]] = {}
        for run in runs:
            for table, key in run.ask:
                if key not in self._rows.get(table, _EMPTY):
                    wants.setdefault(table, {})[key] = None
        found = self._desk.store.load({table: list(keys) for table, keys in wants.items()})
        for table, keys in wants.items():
            rows = self._rows.setdefault(table, {})
            rows.update(dict.fromkeys(keys))
            stored = {row.id: row for row in found[table]}
            rows.update(stored)
            self._stored.setdefault(table, set()).update(stored)

    def _settle(self, barrier: list[tuple[_Run, Any]]) -> list[_Run]:
        """Accept, in order, what conflicts with nothing accepted before it; post the entries; return who goes on."""
        again: list[_Run] = []
        claimed: set[Key] = set()
        posting: list[_Run] = []
        entries: list[Any] = []
        finished: list[tuple[_Run, _Done]] = []
        for run, stop in barrier:
            if type(stop) is Answer:
                self.answers[run.slot] = stop
                continue
            if self._conflicts(run, claimed):
                self._restart(run)
                again.append(run)
                continue
            claimed.update((table, row.id) for table, row in run.tx._puts)
            if run.request.key is not None:
                claimed.add((OPERATIONS, run.request.key))
            if type(stop) is _Done:
                finished.append((run, stop))
            else:
                posting.append(run)
                entries.append(stop)
        outcomes = self._desk.post(entries, self._now) if entries else ()
        by_slot = dict(zip((run.slot for run in posting), outcomes, strict=True))
        done = dict((run.slot, stop) for run, stop in finished)
        for run in sorted([*posting, *(run for run, _ in finished)], key=_run_slot):
            if run.slot in done:
                self._finish(run, done[run.slot])
            elif (no := by_slot[run.slot]) is None:
                self._finish(run, self._return(run))
            else:
                run.tx._puts.clear()
                run.tx._events.clear()
                run.refused_once = True
                run.throw = no
                again.append(run)
        return again

    def _conflicts(self, run: _Run, claimed: set[Key]) -> bool:
        written = self._written
        if not written and not claimed:
            return False
        start = run.start
        return any(key in claimed or written.get(key, 0) > start for key in run.tx._reads)

    def _restart(self, run: _Run) -> None:
        if run.coroutine is not None:
            run.coroutine.close()
        run.coroutine = None
        run.ask = None
        run.throw = None
        run.refused_once = False

    def _return(self, run: _Run) -> "_Done":
        """The value of a run whose entry is in the ledger: from here on nothing may refuse."""
        assert run.coroutine is not None
        try:
            run.coroutine.send(None)
        except StopIteration as stop:
            return _Done(stop.value, None)
        except Exception as error:
            raise _Broken(run.verb.name) from error
        raise _Broken(f"{run.verb.name} asks for more after its entry was posted")

    def _finish(self, run: _Run, done: "_Done") -> None:
        tx = run.tx
        request = run.request
        no = done.refusal
        operation = request.key or self._desk.new_id(self._now)
        self.answers[run.slot] = Answer(operation, done.result, no)
        if isinstance(no, Unavailable):
            return
        if no is not None and request.key is None and not run.refused_once:
            return
        about = getattr(request.command, run.verb.about) if run.verb.about else None
        self._accepted += 1
        if no is None or run.refused_once:
            for table, row in tx._puts:
                self._write(table, row)
            for type_, row, owner in tx._events:
                about = about or row.id
                body = _encode(row)
                self.events.append(Event(event_id(row.id, row.version), 0, type_, owner, operation, self._now, body))
        if run.verb.quiet:
            assert not tx._events, run.verb.name
            return
        body = _encode(done.result) if no is None else _encode((no.message, no.param))
        code = "" if no is None else no.code
        self._write(
            OPERATIONS,
            Operation(
                operation,
                run.verb.name,
                request.actor,
                request.request,
                about,
                request.fingerprint,
                code,
                body,
                self._now,
            ),
        )

    def _write(self, table: Table[Any], row: Any) -> None:
        key = row.id
        self._rows.setdefault(table, {})[key] = row
        self._dirty.setdefault(table, {})[key] = row
        self._written[(table, key)] = self._accepted

    def _sort_changes(self) -> None:
        for table, rows in self._dirty.items():
            stored = self._stored.get(table, ())
            fresh = [row for key, row in rows.items() if key not in stored]
            if fresh:
                self.inserts[table] = fresh
            if len(fresh) < len(rows):
                self.updates[table] = [row for key, row in rows.items() if key in stored]


class _Done(Struct, frozen=True):
    """A run that came to its end."""

    result: Any
    refusal: Refusal | None


_MISSING = object()
_EMPTY: dict[Id, Any] = {}


def _slot(item: tuple[_Run, Any]) -> int:
    return item[0].slot


def _run_slot(run: _Run) -> int:
    return run.slot


def replay(verb: Verb, seen: Operation) -> Answer:
    """The answer that a stored operation gave."""
    if seen.outcome:
        message, param = msgpack.decode(seen.body)
        return Answer(seen.id, None, refusal(seen.outcome, message, param), replayed=True)
    return Answer(seen.id, msgpack.decode(seen.body, type=verb.result), None, replayed=True)


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

    def run(self, requests: Sequence[Request]) -> list[Answer]:
        """Answer the requests, in order of arrival; each answer is durable when this returns."""
        try:
            return self._attempt(requests)
        except Refusal as no:
            return [Answer(request.key or b"", None, no) for request in requests]
        except _Broken as broken:
            if len(requests) == 1:
                _log.error("verb broken", verb=requests[0].verb, exc_info=broken.__cause__)
                no = Unavailable("internal", "an unexpected fault; nothing was done")
                return [Answer(requests[0].key or b"", None, no)]
        half = len(requests) // 2
        return self.run(requests[:half]) + self.run(requests[half:])

    def call(self, request: Request) -> Any:
        """Run one request alone and return its result; raises its refusal."""
        return self.run([request])[0].unwrap()

    def _attempt(self, requests: Sequence[Request]) -> list[Answer]:
        try:
            self.store.begin()
            batch = _Batch(self, requests, self.clock())
            batch.play()
            if batch.inserts or batch.updates:
                self.store.save(batch)
                self.store.commit()
            else:
                self.store.rollback()
        except Exception as error:
            self.store.rollback()
            if isinstance(error, (Refusal, _Broken)):
                raise
            unavailable = self.store.unavailable(error)
            if unavailable is None:
                raise _Broken(type(error).__name__) from error
            _log.warning("store unavailable", error=type(error).__name__, detail=str(error)[:200])
            raise unavailable from error
        return [answer for answer in batch.answers if answer is not None]
