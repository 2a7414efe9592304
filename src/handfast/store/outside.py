"""The desk of a database whose ledger is outside it: the intention commits first, then the ledger, then the status.

An intention holds all that is about to be posted in one round of a batch, with the rows, events and answers that follow
if the ledger takes it; it is committed together with what came before. After a crash, or an answer of the ledger that
did not come, the same entries are posted again, and those in the ledger are finished as they were meant, without asking
their guards. Until then the desk begins nothing else, so that no verb sees what is half known.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import structlog
from msgspec import Raw, Struct, msgpack

from handfast.core.clocks import Clock
from handfast.core.errors import Refusal, Unavailable, refusal
from handfast.core.ids import Id, NewId
from handfast.store.batch import Batch, Broken, Done, Left, Post, Run
from handfast.store.desk import Desk, Following, Store
from handfast.store.rows import INTENTIONS, Event, Intention, Operation
from handfast.store.table import TABLES
from handfast.store.verb import Answer, Request, Verb

KEY: Id = bytes(15) + b"\1"
"""The key of the one intention."""

_log = structlog.get_logger("handfast.desk")


class No(Struct, frozen=True, array_like=True):
    """An entry that was refused, and why."""

    entry: Id
    code: str
    message: str
    param: str | None


class Item(Struct, frozen=True, array_like=True):
    """One verb of an intention: what was asked, the ids that it drew, its entry, and what follows if that is taken.

    One that was refused and has not ended yet is an item too, for as long: its `entry` may then be nil, and `noes`
    tell it what it has heard.
    """

    verb: str
    command: Raw
    actor: str
    request: Id
    key: Id | None
    fingerprint: bytes
    ids: list[Id]
    noes: list[No]
    entry: Raw
    puts: list[tuple[str, Raw]]
    events: list[Event]
    operation: Operation | None


class Intended(Struct, frozen=True, array_like=True):
    """The body of an intention: the market time, and its verbs in order."""

    at: int
    items: list[Item]


_encode = msgpack.Encoder().encode
_decode = msgpack.Decoder(Intended).decode


class _LedgerAway(Exception):
    """The ledger gave no answer; the intention stays open."""

    def __init__(self, no: Unavailable) -> None:
        super().__init__(no)
        self.no = no


class _Ids:
    """A verb's new ids, the same ones again when it begins again."""

    def __init__(self, new_id: NewId, drawn: Sequence[Id] = ()) -> None:
        self._new_id = new_id
        self.drawn = list(drawn)
        self.next = 0

    def __call__(self, now: int) -> Id:
        if self.next == len(self.drawn):
            self.drawn.append(self._new_id(now))
        self.next += 1
        return self.drawn[self.next - 1]


class _OutsideBatch(Batch):
    """A batch that goes to the ledger with its intention committed.

    A verb that stands at its entry is let end as if the entry were taken, since nothing may follow but its result. One
    whose entry is refused begins again, with the same ids, and is told so when it comes to that entry.
    """

    def __init__(self, desk: "OutsideDesk", requests: Sequence[Request], now: int) -> None:
        super().__init__(desk, requests, now)
        self._outside = desk
        self._drawn: dict[int, _Ids] = {}
        self._left: dict[int, Left] = {}
        self._noes: dict[int, tuple[Run, list[No]]] = {}
        self.intends = False
        self.owes = False

    def resume(self, items: Sequence[Item]) -> None:
        """Post the entries of an intention, and play on those that are refused; all others are left to be kept."""
        self.intends = True
        runs, self._runs = self._runs, []
        self._load([(TABLES[name], _key(row)) for name, row in item.puts] for item in items)
        posting: list[tuple[Run, Item, Any]] = []
        for run, item in zip(runs, items, strict=True):
            self._drawn[run.slot] = _Ids(self._desk.new_id, item.ids)
            for no in item.noes:
                self._refused[no.entry] = refusal(no.code, no.message, no.param)
            if item.noes:
                self._noes[run.slot] = (run, list(item.noes))
            entry = msgpack.decode(item.entry, type=self._outside.entry | None)
            if entry is None:
                self._runs.append(run)
            else:
                posting.append((run, item, entry))
        outcomes = self._ask([entry for _, _, entry in posting]) if posting else ()
        for (run, item, entry), told in zip(posting, outcomes, strict=True):
            if told is None:
                puts = [(TABLES[name], msgpack.decode(row, type=TABLES[name].row)) for name, row in item.puts]
                self._keep(run, Left(Answer(item.key or b""), puts, item.events, item.operation))
                self._noes.pop(run.slot, None)
            else:
                self._hear(run, entry.id, self._refused.setdefault(entry.id, told))
                self._runs.append(run)
        self.play()

    def close(self) -> None:
        """Have the intention finished by what is saved next; what was refused and has not ended stays in it."""
        self._sort_changes()
        owed = self._owed()
        body = _encode(Intended(self._now, owed)) if owed else b""
        self.updates[INTENTIONS] = [Intention(KEY, self._outside.books, body)]
        self.owes = bool(owed)

    def intended(self, slot: int) -> bool:
        """Whether the intention that is open holds this request."""
        return slot in self._left or slot in self._noes

    def _ids(self, run: Run) -> NewId:
        ids = self._drawn.get(run.slot)
        if ids is None:
            ids = self._drawn[run.slot] = _Ids(super()._ids(run))
        ids.next = 0
        return ids

    def _post(self, runs: Sequence[Run], entries: Sequence[Any]) -> Sequence[Refusal | None]:
        fresh = [(run, entry) for run, entry in zip(runs, entries, strict=True) if entry.id not in self._refused]
        if not fresh:
            return [self._refused[entry.id] for entry in entries]
        for run, _ in fresh:
            self._left[run.slot] = super()._leave(run, super()._return(run))
        self._intend([*(self._item(run, entry) for run, entry in fresh), *self._owed()])
        told = iter(self._ask([entry for _, entry in fresh]))
        return [
            next(told) if run.slot in self._left else self._refused[entry.id]
            for run, entry in zip(runs, entries, strict=True)
        ]

    def _owed(self) -> list[Item]:
        """What was refused and has not ended, but for what stands at another entry."""
        return [self._item(run, None) for slot, (run, _) in self._noes.items() if slot not in self._left]

    def _item(self, run: Run, entry: Any) -> Item:
        left, request = self._left.get(run.slot), run.request
        _, noes = self._noes.get(run.slot, (run, []))
        return Item(
            request.verb,
            Raw(_encode(request.command)),
            request.actor,
            request.request,
            request.key,
            request.fingerprint,
            self._drawn[run.slot].drawn,
            noes,
            Raw(_encode(entry)),
            [(table.name, Raw(_encode(row))) for table, row in left.puts] if left else [],
            list(left.events) if left else [],
            left.operation if left else None,
        )

    def _intend(self, items: list[Item]) -> None:
        """Commit what was accepted so far, with the intention of the rest."""
        desk = self._outside
        self._sort_changes()
        self.updates[INTENTIONS] = [Intention(KEY, desk.books, _encode(Intended(self._now, items)))]
        desk.unfinished = True
        desk.commit(self)
        self.intends = True
        self._dirty, self.inserts, self.updates, self.events = {}, {}, {}, []
        desk.store.begin()

    def _ask(self, entries: Sequence[Any]) -> Sequence[Refusal | None]:
        try:
            return self._desk.post(entries, self._now)
        except Unavailable as no:
            raise _LedgerAway(no) from no

    def _return(self, run: Run) -> Done:
        return Done(self._left[run.slot].answer.result, None)

    def _leave(self, run: Run, done: Done) -> Left:
        self._noes.pop(run.slot, None)
        return self._left.pop(run.slot, None) or super()._leave(run, done)

    def _refuse(self, run: Run, entry: Id, no: Refusal) -> None:
        if self._left.pop(run.slot, None) is None:
            super()._refuse(run, entry, no)
        else:
            self._hear(run, entry, no)
            self._restart(run)

    def _hear(self, run: Run, entry: Id, no: Refusal) -> None:
        """Keep in mind what a run is told, for as long as it has not ended."""
        _, noes = self._noes.setdefault(run.slot, (run, []))
        noes.append(No(entry, no.code, no.message, no.param))


class OutsideDesk(Desk):
    """A desk whose `post` leads out of its database; `entry` is the type of what it posts.

    A request that comes while an intention is open is refused: with outcome_unknown if it is part of that, else with
    ledger_unavailable. `unfinished` says that there is one.
    """

    def __init__(
        self,
        store: Store,
        post: Post,
        verbs: Mapping[str, Verb],
        clock: Clock,
        new_id: NewId,
        ids_of: Callable[[Id], NewId] | None = None,
        *,
        entry: type,
        books: int,
    ) -> None:
        super().__init__(store, post, verbs, clock, new_id, ids_of)
        self.entry = entry
        self.books = books
        self.unfinished = True

    def run(self, requests: Sequence[Request], _following: Following | None = None) -> list[Answer]:
        """See Desk.run. What an earlier batch left open is finished first, so no batch is begun before its turn."""
        if not self.unfinished:
            return super().run(requests)
        half_known: set[Id | None] = set()
        try:
            with self._undoing():
                self._resume(half_known)
        except Refusal as no:
            return [Answer(request.key or b"", None, _meanwhile(request, half_known, no)) for request in requests]
        except Broken as broken:
            _log.error("intention cannot be finished", fault=str(broken), exc_info=broken.__cause__)
            return [Answer(request.key or b"", None, _unexpected()) for request in requests]
        return super().run(requests)

    def is_unfinished(self) -> bool:
        """Whether an intention is, or may be, open."""
        return self.unfinished

    def _resume(self, half_known: set[Id | None]) -> None:
        """Finish the intention that is open, if any; the keys of its requests are added to `half_known`."""
        self.store.begin()
        (row,) = self.store.load({INTENTIONS: [KEY]})[INTENTIONS]
        if row.body:
            intended = _decode(row.body)
            half_known.update(item.key for item in intended.items if item.key is not None)
            batch = _OutsideBatch(self, [self._request(item) for item in intended.items], intended.at)
            try:
                batch.resume(intended.items)
            except _LedgerAway as away:
                raise away.no from None
            self._close(batch)
            assert not batch.owes, "played to its end, a batch owes nothing"
            _log.info("intention finished", verbs=len(intended.items))
        else:
            self.store.rollback()
        self.unfinished = False

    def _request(self, item: Item) -> Request:
        command = msgpack.decode(item.command, type=self.verbs[item.verb].command)
        return Request(item.verb, command, item.actor, item.request, item.key, item.fingerprint)

    def _serve(self, requests: Sequence[Request], _following: Following | None) -> list[Answer]:
        self.store.begin()
        batch = _OutsideBatch(self, requests, self.clock())
        broken = False
        try:
            batch.play()
        except _LedgerAway:
            self.store.rollback()
            return [
                answer or Answer(request.key or b"", None, _unknown() if batch.intended(slot) else _away())
                for slot, (request, answer) in enumerate(zip(requests, batch.answers, strict=True))
            ]
        except Broken:
            if not batch.intends:
                raise
            broken = True  # and those before it are in the ledger
        try:
            self._close(batch)
        except Exception as error:
            if not batch.intends or isinstance(error, Refusal) or self.store.unavailable(error) is not None:
                raise
            self.store.rollback()
            _log.exception("status cannot be written", error=type(error).__name__)
            return [Answer(request.key or b"", None, _unexpected()) for request in requests]
        if not broken:
            return [answer for answer in batch.answers if answer is not None]
        return self._rest(requests, batch)

    def _rest(self, requests: Sequence[Request], batch: _OutsideBatch) -> list[Answer]:
        """Run those that have no answer yet; what was refused has been left to `_resume`, which finds it by its key."""
        answers = list(batch.answers)
        for slot, request in enumerate(requests):
            if batch.intended(slot) and request.key is None:
                answers[slot] = Answer(b"", None, _unknown())
        rest = iter(self.run([r for r, answer in zip(requests, answers, strict=True) if answer is None]))
        return [answer or next(rest) for answer in answers]

    def _close(self, batch: _OutsideBatch) -> None:
        if batch.intends:
            batch.close()
        if batch.inserts or batch.updates:
            self.commit(batch)
            self.unfinished = batch.owes
        else:
            self.store.rollback()


def _meanwhile(request: Request, half_known: set[Id | None], no: Refusal) -> Refusal:
    """What is said of a request while an intention cannot be finished."""
    if not isinstance(no, Unavailable) or no.code not in ("ledger_unavailable", "outcome_unknown"):
        return no
    return _unknown() if request.key in half_known else _away()


def _unknown() -> Unavailable:
    return Unavailable("outcome_unknown", "the ledger has not answered yet; ask again with the same key")


def _away() -> Unavailable:
    return Unavailable("ledger_unavailable", "the ledger does not answer; nothing was done")


def _unexpected() -> Unavailable:
    return Unavailable("internal", "an unexpected fault; ask again with the same key")


def _key(row: Raw) -> Id:
    return msgpack.decode(row, type=_Keyed).id


class _Keyed(Struct):
    id: Id
