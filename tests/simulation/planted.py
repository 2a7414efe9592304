"""Faults planted into the real code, each as somebody might write it by mistake, with the invariants that name it."""

import copy
import itertools
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from typing import Any, NamedTuple
from unittest.mock import patch

from tests.simulation import machine

from handfast.core.errors import Declined, Refusal
from handfast.domain import custody, exchange, notifications, payments, trades, transfers
from handfast.domain.parties import PERSON_KEYS
from handfast.domain.payouts import PAYOUT_STATES, PAYOUTS
from handfast.gateways.native import notify
from handfast.ledger import rules
from handfast.ledger.batch import Batch as Entries
from handfast.ledger.model import Mode, Outcome
from handfast.store import batch, kept
from handfast.store.filing import Filing
from handfast.store.reader import find
from handfast.store.rows import OPERATIONS
from handfast.store.sqlite import SqliteStore
from handfast.store.verb import Tx
from handfast.timers import payout_files, reconcile

Plant = Callable[[], AbstractContextManager[Any]]


class Planted(NamedTuple):
    """How to plant it, which invariants may name it first, and within how many seeds it is found at the latest."""

    plant: Plant
    codes: frozenset[str]
    seeds: int


PLANTED: dict[str, Planted] = {}


def planted(codes: str, seeds: int = 40) -> Callable[[Plant], Plant]:
    """Register a fault by its name."""

    def register(plant: Plant) -> Plant:
        PLANTED[plant.__name__] = Planted(plant, frozenset(codes.split()), seeds)
        return plant

    return register


@contextmanager
def recoded(function: Any, mutant: Any) -> Iterator[None]:
    """Give a function another body, wherever it was imported to; the body sees the function's own module."""
    before = function.__code__
    function.__code__ = mutant.__code__
    try:
        yield
    finally:
        function.__code__ = before


# The desk and its store.


@planted("B12 B13 F1")
def answer_before_commit() -> AbstractContextManager[Any]:
    """The commit is put off until the next batch begins; the answers are not."""
    begin = SqliteStore.begin

    def late(store: Any) -> None:
        if store.connection.in_transaction:
            store.connection.execute("COMMIT")
        begin(store)

    unlock = machine.Office.unlock

    def commit_first(office: Any) -> None:
        if office.store.connection.in_transaction:
            office.store.connection.execute("COMMIT")
        unlock(office)

    stack = ExitStack()
    stack.enter_context(patch.object(SqliteStore, "begin", late))
    stack.enter_context(patch.object(SqliteStore, "commit", lambda _store: None))
    stack.enter_context(patch.object(machine.Office, "unlock", commit_first))
    return stack


@planted("B3 B4 B12", seeds=100)
def key_outside_the_moneys_transaction() -> AbstractContextManager[Any]:
    """The record of the idempotency key is written after the money's commit, in a transaction of its own."""
    save = SqliteStore.save

    def without_keys(store: Any, changes: Any) -> None:
        store.keys = changes.inserts.pop(OPERATIONS, [])
        save(store, changes)

    def commit(store: Any) -> None:
        store.connection.execute("COMMIT")
        store.connection.execute("BEGIN IMMEDIATE")
        store._filing.save(store.keys)
        store.connection.execute("COMMIT")
        store._saved = False

    stack = ExitStack()
    stack.enter_context(patch.object(SqliteStore, "save", without_keys))
    stack.enter_context(patch.object(SqliteStore, "commit", commit))
    return stack


@planted("B3 B4 B5 B6 B7 B8 B10 D1")
def lost_update() -> AbstractContextManager[Any]:
    """Verbs of one batch do not see each other's rows."""
    return patch.object(batch.Batch, "_conflict", lambda _self, _run, _claimed: None)


@planted("B5 B8 D1")
def guard_after_post() -> AbstractContextManager[Any]:
    """A transfer is refused after its entry was posted, and the desk takes that for an answer."""
    returned = batch.Batch._return
    create = transfers.create.run

    async def late_guard(tx: Tx, command: Any) -> Any:
        made = await create(tx, command)
        if made.amount % 2:
            raise Declined("balance_insufficient", "an odd amount")
        return made

    def tolerant(self: Any, run: Any) -> batch.Done:
        try:
            run.coroutine.send(None)
        except StopIteration as stop:
            return batch.Done(stop.value, None)
        except Refusal as no:
            return batch.Done(None, no)
        return returned(self, run)

    stack = ExitStack()
    from handfast.app import VERBS

    verb = VERBS["transfers.create"]
    changed = type(verb)(verb.name, late_guard, verb.command, verb.result, verb.about)
    stack.enter_context(patch.dict(VERBS, {"transfers.create": changed}))
    stack.enter_context(patch.object(batch.Batch, "_return", tolerant))
    return stack


@planted("B3 B4 B12")
def refusals_are_not_kept() -> AbstractContextManager[Any]:
    """A business refusal is answered, and not remembered under its key."""
    leave = batch.Batch._leave

    def forgetful(self: Any, run: Any, done: Any) -> Any:
        left = leave(self, run, done)
        return batch.Left(left.answer, counts=False) if done.refusal is not None else left

    return patch.object(batch.Batch, "_leave", forgetful)


@planted("B4")
def another_body_is_taken() -> AbstractContextManager[Any]:
    """A key used with another body is answered as if it were the first one."""
    replay = batch.Batch._replay

    def blind(self: Any, run: Any, seen: Any) -> Any:
        run.request = type(run.request)(
            *(seen.verb, run.request.command, run.request.actor, run.request.request, run.request.key, seen.fingerprint)
        )
        return replay(self, run, seen)

    return patch.object(batch.Batch, "_replay", blind)


@planted("F1 B3 B8 B12 D1", seeds=100)
def fenced_desk_commits() -> AbstractContextManager[Any]:
    """A desk takes the database's epoch for its own whenever it writes."""
    save = SqliteStore.save

    def trusting(store: Any, changes: Any) -> None:
        store.epoch = store._number("SELECT epoch FROM desk")
        save(store, changes)

    return patch.object(SqliteStore, "save", trusting)


@planted("B5 B6 B8 B10 D1")
def rows_kept_after_a_lost_answer() -> AbstractContextManager[Any]:
    """The desk goes on with the rows that it knew, though it cannot know what became of its last commit."""
    return patch.object(kept.Kept, "forget", lambda _self: None)


@planted("B8 D1")
def places_go_on_after_a_rollback() -> AbstractContextManager[Any]:
    """An event's place is taken though its transaction was undone."""
    rollback = SqliteStore.rollback

    def keeping(store: Any) -> None:
        place = store._next_event
        rollback(store)
        store._next_event = place

    return patch.object(SqliteStore, "rollback", keeping)


@planted("B3 B4 B12 D1")
def waiting_keys_survive_a_rollback() -> AbstractContextManager[Any]:
    """What was to be filed under its key is remembered though its transaction was undone."""
    return patch.object(Filing, "forget", lambda _self: None)


# Money.


@planted("B2")
def balance_read_before_the_batch() -> AbstractContextManager[Any]:
    """Each entry of a batch is judged by the balances from before the batch."""

    def decide(self: Any) -> list[Outcome]:
        before, outcomes = copy.deepcopy(self.balances), []
        for entry in self._entries:
            outcome = self.replayed(entry)
            if outcome is None:
                limited = any(each.mode == Mode.UP_TO for each in entry.postings)
                seen = self.balances if limited else before
                outcome, _ = rules.create_entry(entry, copy.deepcopy(seen), copy.deepcopy(self.pendings))
                if outcome is Outcome.CREATED:
                    with nullcontext() if limited else patch.multiple(rules, _FLOORED=b"", _PAYOUT=-1):
                        _, moved = rules.create_entry(entry, self.balances, self.pendings)
                    self._record(entry, moved, self._at)
                else:
                    self.take(entry, outcome, (), self._at)
            outcomes.append(outcome)
        return outcomes

    return patch.object(Entries, "decide", decide)


@planted("B5 B7")
def shares_rounded_down() -> AbstractContextManager[Any]:
    """A share is cut instead of rounded, so that what goes back is a unit short here and there."""
    from handfast.domain.trades import terms

    return patch.object(terms, "share", lambda part, done, whole: part * done // whole)


def _one_sided(terms, payer, before, after):  # type: ignore[no-untyped-def]
    if terms.pay_currency == terms.currency:
        return payer, []
    pay = _step(terms.pay_amount, terms, before, after)  # type: ignore[name-defined]  # noqa: F821
    return _house(Purpose.POSITION, terms.currency), [  # type: ignore[name-defined]  # noqa: F821
        Move(payer, _house(Purpose.ROUNDING, terms.pay_currency), pay)  # type: ignore[name-defined]  # noqa: F821
    ]


@planted("B7")
def position_one_sided() -> AbstractContextManager[Any]:
    """What a payer gives in its own currency misses the operator's position."""
    return recoded(trades.pay_in, _one_sided)


@planted("B7")
def quote_without_end() -> AbstractContextManager[Any]:
    """A quote serves after its time."""
    use = exchange.use

    def lax(tx: Any, quote: Any, owners: Any, price: Any) -> None:
        now, tx.now = tx.now, min(tx.now, quote.expires - 1)
        try:
            use(tx, quote, owners, price)
        finally:
            tx.now = now

    return patch.object(exchange, "use", lax)


@planted("B4 B5")
def number_names_two_things() -> AbstractContextManager[Any]:
    """A merchant's number for a refund is not looked up before it is given."""
    from handfast.domain.checkouts import refunds

    async def careless(_tx: Any, _key: Any, _thing: Any, _digest: Any) -> None:
        return None

    return patch.object(refunds, "give_number", careless)


# Time.


async def _any_time(tx, key, version, *steps):  # type: ignore[no-untyped-def]
    trade = await load(tx, key)  # type: ignore[name-defined]  # noqa: F821
    policy = await effective(tx, trade.policy)  # type: ignore[name-defined]  # noqa: F821
    step = silent_step(policy, trade)  # type: ignore[name-defined]  # noqa: F821
    if steps and step not in steps:
        raise Conflict("state_conflict", "silence means otherwise", "state")  # type: ignore[name-defined]  # noqa: F821
    return trade, policy, step


@planted("T1 B6", seeds=100)
def timer_generation_ignored() -> AbstractContextManager[Any]:
    """A trade's timer does what silence means, whichever step it was set for, and whether that is over or not."""
    return recoded(trades.load_due, _any_time)


# Events and their delivery.


@planted("B8")
def event_without_its_change() -> AbstractContextManager[Any]:
    """An event now and then does not reach the outbox."""
    save, count = SqliteStore._save_events, itertools.count()

    def losing(store: Any, changes: Any) -> None:
        changes.events = [event for event in changes.events if next(count) % 40]
        if changes.events:
            save(store, changes)

    return patch.object(SqliteStore, "_save_events", losing)


@planted("B8")
def another_id_at_each_try() -> AbstractContextManager[Any]:
    """A message has an id of its own each time that it is sent."""
    signed, count = notifications.signed_headers, itertools.count(1)

    def renamed(secrets: Any, event: Any, at: int, body: bytes) -> Any:
        other = event[:5] + next(count).to_bytes(8, "big") + event[13:]
        return signed(secrets, other, at, body)

    return patch.object(notify, "signed_headers", renamed)


@planted("B8")
def order_of_delivery_broken() -> AbstractContextManager[Any]:
    """What is queued is due at once, whatever is before it."""
    return patch.object(notifications.verbs, "_OPEN", ())


@planted("B8")
def delivered_though_refused() -> AbstractContextManager[Any]:
    """Any answer counts as delivery."""
    return patch.object(notify.Webhooks, "is_receipt", lambda _self, _status, _body: True)


# The bank.


@planted("B11")
def bank_file_counted_twice() -> AbstractContextManager[Any]:
    """A line's id depends on when it was read."""
    line_id, count = custody.line_id, itertools.count()
    return patch.object(reconcile, "line_id", lambda account, key: line_id(account, f"{key}/{next(count)}"))


@planted("B5 B6 B8 B10 B11 D1")
def payout_file_generated_twice() -> AbstractContextManager[Any]:
    """Payouts that a file orders already go into the next one, too."""

    def all_of(reader: Any, currency: str, after: bytes, limit: int) -> list[Any]:
        where = "state IN ('requested', 'ordered') AND currency = ? AND id > ? ORDER BY id LIMIT ?"
        return find(reader, PAYOUTS, where, currency, after, limit)

    stack = ExitStack()
    stack.enter_context(patch.object(payout_files, "requested", all_of))
    stack.enter_context(patch.dict(PAYOUT_STATES["ordered"], {"order": "ordered"}))
    return stack


# People.


@planted("E1")
def erased_persons_key_left() -> AbstractContextManager[Any]:
    """Erasing a person leaves the key that sealed everything."""
    put = Tx.put

    def sparing(tx: Any, table: Any, row: Any) -> None:
        if table is not PERSON_KEYS or row.wrapped:
            put(tx, table, row)

    return patch.object(Tx, "put", sparing)


@planted("B14 B5 D1")
def amounts_without_bound() -> AbstractContextManager[Any]:
    """A payment of nothing, or less, is taken."""
    stack = ExitStack()
    for module in (payments.verbs, payments.cart):
        stack.enter_context(patch.object(module, "check_amount", lambda amount, _param="amount": amount))
    return stack
