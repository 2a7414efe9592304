"""What would have been: past trades replayed through the real verbs and timers, on a database of their own.

The same people do the same things at the same times, under the policies of a file; silence is what that file makes of
it. The past service's lateness counts as it was: a time-out that is due as it was then fires when it did then.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from msgspec.structs import replace

from handfast.app import VERBS, database, owning, reading
from handfast.app.telemetry import Posting
from handfast.core.clocks import MarketClock
from handfast.core.ids import Id, NewId, ids_from_keys, seeded_ids
from handfast.core.settings import Settings
from handfast.domain.disputes import DISPUTES
from handfast.domain.payments import RefundPayment
from handfast.domain.policies import POLICIES, digest_of, read_book
from handfast.domain.trades import TRADES, AgreeProposal, ProposeChange
from handfast.sandbox.footing import Footing
from handfast.sandbox.past import Deed, Past
from handfast.store.desk import Desk
from handfast.store.reader import Reader, find, get
from handfast.store.verb import Answer, Request
from handfast.timers.expire import PAGE, Due, due

_FEW = 32
_AT_ONCE = 256
_NEVER = 2**62
_EARLIEST = (
    "SELECT min(due) FROM (SELECT min(due) AS due FROM trades WHERE due IS NOT NULL UNION ALL"
    " SELECT min(due) FROM claims WHERE due IS NOT NULL UNION ALL"
    " SELECT min(due) FROM disputes WHERE due IS NOT NULL)"
)

Watch = Callable[[int, int, int], None]
"""Told how far a replay is: the first moment, the moment reached and the last one (µs)."""


class Replay:
    """A replay: `past` and `scratch` read what was and what would have been; `refused` counts deeds by (name, code)."""

    def __init__(self, past: Reader, scratch: Reader, desk: Desk, clock: MarketClock, book: bytes) -> None:
        self.past = past
        self.scratch = scratch
        self.deeds = 0
        self.refused: Counter[tuple[str, str]] = Counter()
        self.first_refused: dict[tuple[str, str], tuple[Id, int]] = {}
        self._desk = desk
        self._desk.ids_of = self._ids_of
        self._clock = clock
        self._book = book
        self._ids: dict[Id, tuple[Id, ...]] = {}
        self._fresh = ids_from_keys(0)
        self._fires: dict[tuple[Id, int], tuple[int, int]] = {}
        self._new_policies = {policy.name: digest_of(policy) for policy in read_book(book).policies}
        self._footing = Footing(past)
        self._told = Past(past, self._footing.another_person)

    def run(self, watch: Watch = lambda _first, _now, _last: None) -> None:
        """Play it all, inside a snapshot of the past. Raises Invalid(policy_invalid)."""
        ((first, last),) = self.past.rows("SELECT min(at), max(at) FROM events")
        if first is None:
            return
        self._clock.advance_to(first)
        for requests, ids in self._footing.requests(self._book, first):
            self._ids.update(ids)
            for answer in self._desk.run(requests):
                answer.unwrap()
            self._ids.clear()
        for moment, deeds in groupby(self._told.deeds(), key=_at):
            self._fire(moment)
            self._clock.advance_to(moment)
            batch: list[Deed] = []
            for deed in deeds:
                batch.append(deed)
                if len(batch) == _AT_ONCE:
                    self._do(batch)
                    batch = []
            self._do(batch)
            watch(first, moment, last)
        self._fire(last)
        watch(first, last, last)

    def _do(self, deeds: Sequence[Deed]) -> None:
        """Do what was done at one moment, in its order, as one batch."""
        requests: list[Request] = []
        last: list[int] = []
        for deed in deeds:
            for n, (verb, command) in enumerate(deed.steps):
                key = deed.key if n == 0 else deed.key[:-1] + bytes((deed.key[-1] ^ 1,))
                self._ids[key] = deed.ids if n == 0 else ()
                requests.append(Request(verb, self._adapted(command), "what if", key, key))
            last.append(len(requests) - 1)
        answers = self._desk.run(requests) if requests else []
        self._ids.clear()
        for deed, n in zip(deeds, last, strict=True):
            self._count(deed, answers[n])

    def _count(self, deed: Deed, answer: Answer) -> None:
        self.deeds += 1
        if answer.refusal is not None:
            what = deed.name, answer.refusal.code
            self.refused[what] += 1
            self.first_refused.setdefault(what, (deed.trade, deed.at))

    def _adapted(self, command: Any) -> Any:
        """The command with the replay's own payments and policies in the place of the past ones."""
        if isinstance(command, RefundPayment):
            assert command.trade is not None, "deeds are about trades"
            trade = get(self.scratch, TRADES, command.trade)
            return command if trade is None else replace(command, payment=trade.payment)
        if isinstance(command, (ProposeChange, AgreeProposal)) and command.policy is not None:
            old = get(self.past, POLICIES, command.policy)
            new = self._new_policies.get(old.name, command.policy) if old else command.policy
            return replace(command, policy=new)
        return command

    def _ids_of(self, key: Id) -> NewId:
        """The ids that the past operation of this key gave, then fresh ones."""
        known, fresh = iter(self._ids.get(key, ())), self._fresh(key)
        return lambda now: next(known, None) or fresh(now)

    def _fire(self, until: int) -> None:
        """Let what has come due until a moment fire, each in its time."""
        ((earliest,),) = self.scratch.rows(_EARLIEST)
        if earliest is None or earliest > until:
            return
        limit = _FEW
        while found := due(self.scratch, until, limit):
            times = [(self._fires_at(item), item) for item in found]
            moment = min(at for at, _ in times)
            if len(found) == limit < PAGE and moment > found[-1].at:
                limit = min(PAGE, limit * 2)  # what is not seen yet may come before
                continue
            if moment > until:
                if len(found) < limit:
                    return
                limit *= 2
                continue
            together = [item for at, item in times if at == moment]
            self._clock.advance_to(moment)
            for item in together:
                self._prepare(item)
            for answer in self._desk.run([item.request for item in together]):
                answer.unwrap()
            self._ids.clear()
            limit = _FEW if len(together) < len(found) else min(PAGE, limit * 2)

    def _fires_at(self, item: Due) -> int:
        """When a time-out fires: at once, or, where the past had the very same, when that did, if ever it did."""
        key = item.object, item.version
        known = self._fires.get(key)
        if known is None or known[0] != item.at:
            if len(self._fires) > 10 * PAGE:
                self._fires.clear()
            known = self._fires[key] = item.at, self._fired_at(item)
        return known[1]

    def _fired_at(self, item: Due) -> int:
        was = self._told.version(item.object, item.version)
        if was is None or was[0].due != item.at:
            return item.at
        then = self._told.version(item.object, item.version + 1)
        if then is None:
            return _NEVER
        # What has run out, only the clock moves: if the next version came after that, it was then.
        return max(item.at, then[1])

    def _prepare(self, item: Due) -> None:
        """Where the clock opens a dispute, let it have the id of the next one that it opened in the past."""
        trade = getattr(item.request.command, "trade", None)
        if item.request.verb == "disputes.open_due" and item.request.key is not None:
            opened = find(self.past, DISPUTES, "trade = ? AND opened_by = 'clock' ORDER BY id", trade)
            ids = [dispute.id for dispute in opened if get(self.scratch, DISPUTES, dispute.id) is None]
            self._ids[item.request.key] = tuple(ids[:1])


@contextmanager
def replay(settings: Settings, book: bytes) -> Iterator[Replay]:
    """A replay of the settings' database under a policy file's content, on a scratch database that ends with it.

    Raises Invalid(policy_invalid), Unavailable(store_unavailable).
    """
    read_book(book)
    with TemporaryDirectory(prefix="handfast-what-if-") as directory, closing(reading(settings)) as past:
        own = Settings(data=Path(directory), market="sandbox")
        with owning(own) as (store, ledger), past.snapshot():
            store.connection.execute("PRAGMA synchronous = OFF")  # nothing here outlives the command
            store.take_over()
            clock = MarketClock(lambda: 0)
            desk = Desk(store, Posting(ledger), VERBS, clock, seeded_ids(0))
            with closing(database(own.database_url).read()) as scratch:
                yield Replay(past, scratch, desk, clock, book)


def _at(deed: Deed) -> int:
    return deed.at
