"""What differs between trades as they were and as they would have been: how and when each ended, and the money."""

from collections import Counter, defaultdict
from collections.abc import Iterator

from msgspec import Struct
from msgspec.msgpack import decode

from handfast.core.ids import OBJECT, Id, event_id, owner_of
from handfast.domain.claims import claims_of
from handfast.domain.disputes import disputes_of
from handfast.domain.trades import TRADES, Trade
from handfast.store.reader import Reader, find, get
from handfast.store.rows import EVENTS, Event

NOT_SOLD, OTHERWISE, EARLIER, LATER, OTHER_AMOUNTS = KINDS = (
    "not_sold",
    "ends_otherwise",
    "ends_earlier",
    "ends_later",
    "other_amounts",
)
"""How a trade differs, the first that is so: it cannot be sold; it ends in another way or by somebody else; it ends
before or after it did, or only the one of both does; the money goes elsewhere."""

_PAGE = 500
_LAST = 2**24 - 1


class Fate(Struct, frozen=True):
    """How a trade ended, or how far it came: `by` "person", "silence", "claim" or "dispute" at a market time (µs).

    What went back to the buyer, and what the parties got and kept, are minor units of the price's currency.
    """

    state: str
    by: str
    at: int | None
    refunded: int
    released: int


class Difference(Struct, frozen=True):
    """A trade that would have fared otherwise; `would` is None for one that would not have been sold."""

    trade: Id
    kind: str
    currency: str
    amount: int
    was: Fate
    would: Fate | None


class Sums(Struct):
    """Differing trades of one kind, in minor units by currency: their prices, and by how much more, or less, would have
    gone back to buyers and to the other parties.
    """

    count: int
    amount: Counter[str]
    refunded: Counter[str]
    released: Counter[str]


class Comparison:
    """Holds all trades of two databases against each other; `trades` and `kinds` count what was seen so far."""

    def __init__(self, past: Reader, scratch: Reader) -> None:
        self._past = past
        self._scratch = scratch
        self.trades = 0
        self.kinds: dict[str, Sums] = defaultdict(lambda: Sums(0, Counter(), Counter(), Counter()))

    def differences(self) -> Iterator[Difference]:
        """The trades that differ, by id."""
        after = b""
        while page := find(self._past, TRADES, "id > ? ORDER BY id LIMIT ?", after, _PAGE):
            first, after = page[0].id, page[-1].id
            others = {row.id: row for row in find(self._scratch, TRADES, "id >= ? AND id <= ?", first, after)}
            ended = [_endings(reader, first, after) for reader in (self._past, self._scratch)]
            for trade in page:
                was = _fate(self._past, trade, ended[0])
                other = others.get(trade.id)
                would = None if other is None else _fate(self._scratch, other, ended[1])
                self.trades += 1
                if was != would:
                    yield self._noted(Difference(trade.id, _kind(was, would), trade.currency, trade.amount, was, would))

    def _noted(self, found: Difference) -> Difference:
        sums, currency = self.kinds[found.kind], found.currency
        refunded, released = (found.would.refunded, found.would.released) if found.would else (0, 0)
        sums.count += 1
        sums.amount[currency] += found.amount
        sums.refunded[currency] += refunded - found.was.refunded
        sums.released[currency] += released - found.was.released
        return found


def _kind(was: Fate, would: Fate | None) -> str:
    if would is None:
        return NOT_SOLD
    if was.at is None or would.at is None:
        if was.at == would.at:
            return OTHER_AMOUNTS if was.state == would.state else OTHERWISE
        return EARLIER if was.at is None else LATER
    if (was.state, was.by) != (would.state, would.by):
        return OTHERWISE
    if was.at != would.at:
        return EARLIER if would.at < was.at else LATER
    return OTHER_AMOUNTS


def _endings(reader: Reader, first: Id, last: Id) -> dict[Id, list[Event]]:
    """By trade, the events that may have ended it, oldest first."""
    where = "id >= ? AND id <= ? AND type IN ('trade.released', 'trade.refunded') ORDER BY id"
    found: dict[Id, list[Event]] = defaultdict(list)
    for event in find(reader, EVENTS, where, first, event_id(last, _LAST)):
        found[owner_of(event.id)].append(event)
    return found


def _fate(reader: Reader, trade: Trade, endings: dict[Id, list[Event]]) -> Fate:
    word = {"refunded": "trade.refunded", "released": "trade.released", "finished": "trade.released"}.get(trade.state)
    ended = [event for event in endings.get(trade.id, ()) if event.type == word]
    by, at = (_by(reader, trade.id, ended[-1]), ended[-1].at) if ended else ("", None)
    return Fate(trade.state, by, at, trade.refunded + trade.returned, trade.released - trade.returned)


def _by(reader: Reader, trade: Id, event: Event) -> str:
    """Whose doing it was: the same operation ended a dispute or a claim, or the step before had run out.

    What has run out, only the clock moves.
    """
    before = get(reader, EVENTS, event_id(trade, int.from_bytes(event.id[OBJECT:], "big") - 1))
    due = decode(before.body, type=Trade).due if before else None
    if due is not None and due <= event.at:
        return "silence"
    for dispute in disputes_of(reader, trade):
        if _made(reader, dispute.id, dispute.version) == event.operation:
            return "dispute"
    for claim in claims_of(reader, trade):
        if _made(reader, claim.id, claim.version) == event.operation:
            return "claim"
    return "person"


def _made(reader: Reader, thing: Id, version: int) -> Id | None:
    told = get(reader, EVENTS, event_id(thing, version))
    return None if told is None else told.operation
