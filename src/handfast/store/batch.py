"""One attempt at a batch of verbs: which rows they see, in which order they are accepted, and what they leave to write.

All verbs are advanced until each asks for something; what they ask for is loaded in one query a table. Those that have
come to their entry, or to their end, wait at the barrier. There each is accepted in order of arrival, unless a row that
it read was written by one accepted since it began: then it starts anew and sees that. So a batch equals its verbs run
one after the other in the order of their acceptance.
"""

from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from typing import Any, Protocol

import structlog
from msgspec import Struct, msgpack

from handfast.core.errors import Conflict, Refusal, Unavailable
from handfast.core.ids import Id, NewId, event_id
from handfast.store.rows import EVENTS, OPERATIONS, Event, Operation
from handfast.store.table import Table
from handfast.store.verb import Answer, Key, Request, Tx, Verb, replay

Post = Callable[[Sequence[Any], int], Sequence[Refusal | None]]
"""Posts entries in order as of a market time; a refusal for each that is not in the ledger."""

_log = structlog.get_logger("handfast.desk")
_encode = msgpack.Encoder().encode
_MISSING = object()


class Owner(Protocol):
    """What a batch needs of its desk."""

    verbs: Mapping[str, Verb]
    post: Post
    new_id: NewId
    ids_of: Callable[[Id], NewId] | None
    kept: Callable[[Key], Any]
    """A stored row that is at hand, or None."""

    def load(self, wants: Mapping[Table[Any], Sequence[Id]]) -> dict[Table[Any], list[Any]]:
        """The stored rows of the wanted keys, by table."""


class Run:
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


class Done(Struct, frozen=True):
    """A run that came to its end."""

    result: Any
    refusal: Refusal | None


class Left(Struct, frozen=True):
    """What a run leaves: its answer, and rows, events and record to be kept, if it counts."""

    answer: Answer
    puts: Sequence[tuple[Table[Any], Any]] = ()
    events: Sequence[Event] = ()
    operation: Operation | None = None
    counts: bool = True


class Broken(Exception):
    """A verb failed where nothing may; the batch is undone and bisected."""


class Batch:
    """One attempt at a batch: rows loaded, runs at the barrier, changes accepted so far."""

    def __init__(self, desk: "Owner", requests: Sequence[Request], now: int) -> None:
        self._desk = desk
        self._now = now
        self._rows: dict[Key, Any] = {}
        self._written: dict[Key, int] = {}
        self._accepted = 0
        self._held: list[tuple[Run, set[Key]]] = []
        self._refused: dict[Id, Refusal] = {}
        self._dirty: dict[Key, bool] = {}
        self._begun: dict[int, Any] = {}
        self.requests = requests
        self._runs = [Run(slot, request, desk.verbs[request.verb]) for slot, request in enumerate(requests)]
        self.answers: list[Answer | None] = [None] * len(requests)
        self.inserts: dict[Table[Any], list[Any]] = {}
        self.updates: dict[Table[Any], list[Any]] = {}
        self.events: list[Event] = []

    def begin(self) -> None:
        """Advance the verbs as far as rows that are kept allow, as if none had been asked for before."""
        for run in self._runs:
            stop = self._advance(run)
            if stop is not None:
                self._begun[run.slot] = stop

    def seen(self, key: Key) -> Any:
        """A row as the batch leaves it, if it has seen it."""
        return self._rows.get(key)

    def play(self) -> None:
        """Run every verb to its answer; the changes are left in `inserts`, `updates`, `events`."""
        live = self._runs
        self._load([[(OPERATIONS, run.request.key)] for run in live if run.request.key is not None])
        begun, self._begun = self._begun, {}
        for run in live if begun else ():
            key = run.request.key
            if key is not None and run.coroutine is not None and self._rows[OPERATIONS, key] is not None:
                self._restart(run)
                begun.pop(run.slot, None)
        while live:
            barrier: list[tuple[Run, Any]] = []
            while live:
                blocked: list[Run] = []
                for run in live:
                    stop = begun.pop(run.slot, None) or self._advance(run)
                    if stop is None:
                        blocked.append(run)
                    else:
                        barrier.append((run, stop))
                if blocked:
                    self._load([run.ask for run in blocked])
                live = blocked
            barrier.sort(key=_slot)
            live = self._settle(barrier)
        self._sort_changes()

    def _advance(self, run: Run) -> Any:
        """Step a run until it lacks rows (None) or stands at the barrier: its entry, its Done, its Answer."""
        coroutine = run.coroutine
        if coroutine is None:
            key = run.request.key
            if key is not None:
                seen = self._rows.get((OPERATIONS, key))
                if seen is not None:
                    return self._replay(run, seen)
            run.tx = Tx(self._now, run.request.actor, self._ids(run))
            if key is not None:
                run.tx._reads.append((OPERATIONS, key))
            run.start = self._accepted
            coroutine = run.coroutine = run.verb.run(run.tx, run.request.command)
            run.ask = None
        rows, kept = self._rows, self._desk.kept
        value: Any = None
        while True:
            if run.ask is not None:
                value = []
                for ask in run.ask:
                    row = rows.get(ask, _MISSING)
                    if row is _MISSING:
                        row = kept(ask)
                        if row is None:
                            return None
                        rows[ask] = row
                    value.append(row)
                run.tx._reads += run.ask
                run.ask = None
            try:
                if run.throw is not None:
                    thrown, run.throw = run.throw, None
                    ask = coroutine.throw(thrown)
                else:
                    ask = coroutine.send(value)
            except StopIteration as stop:
                return Done(stop.value, None)
            except Refusal as no:
                no.__traceback__ = None  # its frames would keep the whole batch alive for as long as the answer lives
                return Done(None, no)
            except Exception as error:
                _log.exception("verb failed", verb=run.verb.name, error=type(error).__name__)
                return Done(None, Unavailable("internal", "an unexpected fault; nothing was done"))
            if type(ask) is not tuple:
                return ask
            run.ask = ask

    def _ids(self, run: Run) -> NewId:
        """Where a run that begins gets its new ids from."""
        key, ids_of = run.request.key, self._desk.ids_of
        return self._desk.new_id if ids_of is None or key is None else ids_of(key)

    def _replay(self, run: Run, seen: Operation) -> Answer | None:
        """The answer that was given before, or None where its row is yet to be loaded."""
        if seen.fingerprint != run.request.fingerprint or seen.verb != run.verb.name:
            no = Conflict("idempotency_key_reused", "this idempotency key was used with another request")
            return Answer(seen.id, None, no)
        body = seen.body
        if seen.told is not None:
            told = self._rows.get((EVENTS, seen.told)) or _find(self.events, seen.told)
            if told is None:
                run.ask = ((EVENTS, seen.told),)
                return None
            body = told.body
        return replay(run.verb, seen, body)

    def _load(self, asks: Iterable[Iterable[Key]]) -> None:
        rows = self._rows
        wants: dict[Table[Any], list[Id]] = {}
        for ask in asks:
            for item in ask:
                if item not in rows:
                    rows[item] = None
                    wants.setdefault(item[0], []).append(item[1])
        for table, found in self._desk.load(wants).items():
            for row in found:
                rows[table, row.id] = row

    def _settle(self, barrier: list[tuple[Run, Any]]) -> list[Run]:
        """Accept, in order, what conflicts with nothing accepted before it; post the entries; return who goes on."""
        claimed: set[Key] = set()
        accepted: list[tuple[Run, Any]] = []
        for run, stop in barrier:
            if type(stop) is Answer:
                self.answers[run.slot] = stop
            elif conflict := self._conflict(run, claimed) or self._missed(run, stop):
                self._restart(run)
                self._held.append((run, conflict))
            else:
                claimed.update([(table, row.id) for table, row in run.tx._puts])
                if run.request.key is not None:
                    claimed.add((OPERATIONS, run.request.key))
                accepted.append((run, stop))
        posting = [(run, stop) for run, stop in accepted if type(stop) is not Done]
        told = iter(self._post([run for run, _ in posting], [entry for _, entry in posting]) if posting else ())
        again: list[Run] = []
        for run, stop in accepted:
            if type(stop) is Done:
                self._finish(run, stop)
            elif (no := next(told)) is None:
                self._finish(run, self._return(run))
            else:
                # A run that starts anew, or its duplicate, posts a spent id: what counts is why it was refused first.
                self._refuse(run, stop.id, self._refused.setdefault(stop.id, no))
                again.append(run)
        return again + self._next_in_turn()

    def _post(self, _runs: Sequence[Run], entries: Sequence[Any]) -> Sequence[Refusal | None]:
        """What the ledger says of the entries at which these runs stand."""
        return self._desk.post(entries, self._now)

    def _refuse(self, run: Run, _entry: Id, no: Refusal) -> None:
        """Drop what a run has staged, and tell it why."""
        run.tx._puts.clear()
        run.tx._events.clear()
        run.refused_once = True
        run.throw = no

    def _next_in_turn(self) -> list[Run]:
        """Those that start anew now: one for each contended row, so that n writers of one row cost n starts, not n²."""
        free: list[Run] = []
        taken: set[Key] = set()
        held = sorted(self._held, key=_slot)
        self._held = []
        for run, conflict in held:
            if taken.isdisjoint(conflict):
                free.append(run)
                taken |= conflict
            else:
                self._held.append((run, conflict))
        return free

    def _conflict(self, run: Run, claimed: set[Key]) -> set[Key] | None:
        """The rows that the run read and that one accepted since it began has written, or is about to; None if none."""
        reads = run.tx._reads
        written, start = self._written, run.start
        if claimed.isdisjoint(reads) and not (written and any(written.get(key, 0) > start for key in reads)):
            return None
        return {key for key in reads if key in claimed or written.get(key, 0) > start}

    def _missed(self, run: Run, stop: Any) -> set[Key] | None:
        """The absent rows for which the run refuses, while one that came before it, and may bring them, is held."""
        if not self._held or type(stop) is not Done or stop.refusal is None:
            return None
        if all(held.slot > run.slot for held, _ in self._held):
            return None
        return {key for key in run.tx._reads if key[0] is not OPERATIONS and self._rows.get(key) is None}

    def _restart(self, run: Run) -> None:
        if run.coroutine is not None:
            run.coroutine.close()
        run.coroutine = None
        run.ask = None
        run.throw = None
        run.refused_once = False

    def _return(self, run: Run) -> Done:
        """The value of a run whose entry is in the ledger: from here on nothing may refuse."""
        assert run.coroutine is not None
        try:
            run.coroutine.send(None)
        except StopIteration as stop:
            return Done(stop.value, None)
        except Exception as error:
            raise Broken(run.verb.name) from error
        raise Broken(f"{run.verb.name} asks for more after its entry was posted")

    def _finish(self, run: Run, done: Done) -> None:
        self._keep(run, self._leave(run, done))

    def _keep(self, run: Run, left: Left) -> None:
        """Take over what a run has left."""
        self.answers[run.slot] = left.answer
        if not left.counts:
            return
        self._accepted += 1
        for table, row in left.puts:
            self._write(table, row)
        self.events += left.events
        if left.operation is not None:
            self._write(OPERATIONS, left.operation)

    def _leave(self, run: Run, done: Done) -> Left:
        """What a run leaves at its end."""
        tx = run.tx
        request = run.request
        no = done.refusal
        operation = request.key or self._desk.new_id(self._now)
        answer = Answer(operation, done.result, no)
        if isinstance(no, Unavailable) or (no is not None and request.key is None and not run.refused_once):
            return Left(answer, counts=False)
        about = getattr(request.command, run.verb.about) if run.verb.about else getattr(done.result, "id", None)
        told: Id | None = None
        events: list[Event] = []
        puts: list[tuple[Table[Any], Any]] = []
        if no is None or run.refused_once:
            puts = tx._puts
            for type_, row, owner in tx._events:
                event = event_id(row.id, row.version)
                events.append(Event(event, 0, type_, owner, operation, self._now, _encode(row)))
                if row is done.result:
                    told = event
        if run.verb.quiet:
            assert not events, run.verb.name
            return Left(answer, puts)
        body = b""
        if told is None:
            body = _encode(done.result) if no is None else _encode((no.message, no.param))
        code = "" if no is None else no.code
        record = Operation(
            operation,
            run.verb.name,
            request.actor,
            request.request,
            about,
            request.fingerprint,
            code,
            body,
            told,
            self._now,
        )
        return Left(answer, puts, events, record)

    def _write(self, table: Table[Any], row: Any) -> None:
        key = (table, row.id)
        if key not in self._dirty:
            self._dirty[key] = self._rows.get(key) is None
        self._rows[key] = row
        self._written[key] = self._accepted

    def _sort_changes(self) -> None:
        """A row that was not there when it was first written is new."""
        self.inserts, self.updates = {}, {}
        for key, new in self._dirty.items():
            (self.inserts if new else self.updates).setdefault(key[0], []).append(self._rows[key])


def _find(events: Iterable[Event], key: Id) -> Event | None:
    return next((event for event in events if event.id == key), None)


def _slot(item: tuple[Run, Any]) -> int:
    return item[0].slot
