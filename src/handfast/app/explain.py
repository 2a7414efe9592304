"""An object's whole life as the books have it: what was asked about it, the entries, the events, their deliveries."""

from collections.abc import Iterable, Sequence
from typing import Any

from msgspec import Struct

from handfast.app.standing import facts
from handfast.app.story import Step, tell
from handfast.core.errors import NotFound
from handfast.core.ids import Id, account_currency, account_purpose, owner_of
from handfast.domain.claims import claims_of
from handfast.domain.disputes import disputes_of, evidence_of
from handfast.domain.notifications import ENDPOINTS, Attempt, Delivery, attempts_of, deliveries_of_event
from handfast.domain.parties import HOUSE
from handfast.domain.payments import PAYMENTS, refunds_of
from handfast.domain.trades import TRADES, trades_of
from handfast.gateways.native.prefixes import PREFIXES, parse_kind, show
from handfast.ledger import Mode, Purpose
from handfast.ledger.journal import Booked, balances_of, entries_at, entries_of, places_touching
from handfast.store.reader import Reader, find, get
from handfast.store.rows import EVENTS, KNOWN_OPERATIONS, OPERATIONS, Event, Operation

_MOST = 10_000
_LAST = 2**63


class AskedLine(Struct, frozen=True):
    """A verb that was asked: by whom, in which request, and "done" or the code of its refusal. Times: UTC, in µs."""

    at: int
    verb: str
    outcome: str
    actor: str
    request: str
    operation: str


class PostingLine(Struct, frozen=True):
    """One posting of an entry: `amount` minor units go from the debit account to the credit account."""

    at: int
    entry: str
    kind: str
    debit: str
    credit: str
    amount: int
    currency: str
    mode: str


class EventLine(Struct, frozen=True):
    """One state change, and its place among all events."""

    at: int
    place: int
    type: str
    object: str
    event: str
    operation: str


class DeliveryLine(Struct, frozen=True):
    """One event on its way to one endpoint; its time is the wall clock's, or the market's for other gateways."""

    at: int | None
    event: str
    type: str
    gateway: str
    url: str
    state: str
    tries: int
    last_status: int
    last_error: str


class AttemptLine(Struct, frozen=True):
    """One try at a delivery, at a time of the same clock, and the beginning of what was answered."""

    at: int
    event: str
    url: str
    number: int
    status: int
    error: str
    answer: str


class Life(Struct, frozen=True):
    """All that is known of an object and of what belongs to it, oldest first.

    To a payment belong its trades and refunds, to a trade its claims, disputes, their evidence, and its refunds. Of
    both, `facts` say how it stands now, and `story` how it came to that.
    """

    object: str
    parts: list[str]
    facts: list[str]
    story: list[Step]
    asked: list[AskedLine]
    postings: list[PostingLine]
    events: list[EventLine]
    deliveries: list[DeliveryLine]
    attempts: list[AttemptLine]


def explain(reader: Reader, text: str) -> Life:
    """The life of the object that a public id names. Raises NotFound(object_not_found)."""
    kind, key = _parse(text)
    with reader.snapshot():
        names = {key: text, **_parts(reader, kind, key)}
        events = sorted((event for each in names for event in _events(reader, each)), key=_place)
        operations = _operations(reader, names, events)
        entries = entries_at(reader, _places(reader, names))
        if not events and not operations and not entries:
            raise _unknown(text)
        sent = [(event, row) for event in events for row in deliveries_of_event(reader, event.id)]
        return Life(
            object=text,
            parts=list(names.values())[1:],
            facts=facts(reader, kind, key),
            story=tell(reader, kind, key, operations, events, entries),
            asked=[_asked(operation) for operation in operations],
            postings=[line for entry in entries for line in _postings(entry, names)],
            events=[_event(event, names) for event in events],
            deliveries=[_delivery(reader, row, event) for event, row in sent],
            attempts=[_attempt(row, delivery) for _, delivery in sent for row in attempts_of(reader, delivery.id)],
        )


def _parse(text: str) -> tuple[str, Id]:
    for kind in PREFIXES:
        key = parse_kind(kind, text)
        if key is not None:
            return kind, key
    raise _unknown(text)


def _unknown(text: str) -> NotFound:
    return NotFound("object_not_found", f"nothing is known of {text}", "id")


def _parts(reader: Reader, kind: str, key: Id) -> dict[Id, str]:
    """What belongs to an object, by id, with its public name."""
    if kind == "payment" and get(reader, PAYMENTS, key) is not None:
        trades = [trade.id for trade in trades_of(reader, key)]
        named = {trade: show("trade", trade) for trade in trades}
        for trade in trades:
            named |= _quarrels(reader, trade)
        return named | {refund.id: show("refund", refund.id) for refund in refunds_of(reader, key)}
    sold = get(reader, TRADES, key) if kind == "trade" else None
    if sold is not None:
        refunds = {row.id: show("refund", row.id) for row in refunds_of(reader, sold.payment) if row.trade == key}
        return _quarrels(reader, key) | refunds
    return {}


def _quarrels(reader: Reader, trade: Id) -> dict[Id, str]:
    """A trade's claims, its disputes and what was shown in them."""
    found = disputes_of(reader, trade)
    shown = [row.id for dispute in found for row in evidence_of(reader, dispute.id)]
    named = {claim.id: show("claim", claim.id) for claim in claims_of(reader, trade)}
    return named | {row.id: show("dispute", row.id) for row in found} | {key: show("evidence", key) for key in shown}


def _events(reader: Reader, key: Id) -> list[Event]:
    return find(reader, EVENTS, "id >= ? AND id <= ?", key, key[:-3] + b"\xff\xff\xff")


def _place(event: Event) -> int:
    return event.seq


def _operations(reader: Reader, keys: Iterable[Id], events: Sequence[Event]) -> list[Operation]:
    """Those that made the events, in their order, and those that were refused, of one moment last."""
    places: dict[Id, int] = {}
    for event in events:
        places[event.operation] = min(event.seq, places.get(event.operation, event.seq))
    found = {row.id: row for key in places if (row := get(reader, KNOWN_OPERATIONS, key)) is not None}
    for key in keys:
        found.update((row.id, row) for row in find(reader, OPERATIONS, "object = ? AND outcome <> ''", key))
    return sorted(found.values(), key=lambda row: (row.at, places.get(row.id, _LAST)))


def _places(reader: Reader, keys: Iterable[Id]) -> list[int]:
    """The places of entries that derive from the objects, and of those that moved money that is held for them."""
    found: set[int] = set()
    for key in keys:
        found.update(entries_of(reader, key))
        own = [balance.account for balance in balances_of(reader, key)]
        held = [account for account in own if account_purpose(account) == Purpose.HELD]
        found.update(places_touching(reader, held, _MOST))
    return sorted(found)


def _asked(row: Operation) -> AskedLine:
    request, operation = show("request", row.request), show("operation", row.id)
    return AskedLine(row.at, row.verb, row.outcome or "done", row.actor, request, operation)


def _postings(entry: Booked, names: dict[Id, str]) -> Iterable[PostingLine]:
    for posting in entry.postings:
        if not posting.amount:
            continue  # up to an amount, and there was nothing
        yield PostingLine(
            entry.at,
            show("entry", entry.id),
            entry.kind,
            account_name(posting.debit, names),
            account_name(posting.credit, names),
            posting.amount,
            account_currency(posting.debit),
            Mode(posting.mode).name.lower(),
        )


def account_name(account: Id, names: dict[Id, str]) -> str:
    """An account in words: its purpose, and whose it is unless it is the house's own."""
    purpose, owner = Purpose(account_purpose(account)), owner_of(account)
    word = purpose.name.lower()
    if owner == HOUSE:
        return word
    return f"{word} {names.get(owner) or show('trade' if purpose is Purpose.HELD else 'party', owner)}"


def _event(event: Event, names: dict[Id, str]) -> EventLine:
    return EventLine(
        event.at,
        event.seq,
        event.type,
        names[owner_of(event.id)],
        show("event", event.id),
        show("operation", event.operation),
    )


def _delivery(reader: Reader, row: Delivery, event: Event) -> DeliveryLine:
    endpoint: Any = get(reader, ENDPOINTS, row.endpoint)
    return DeliveryLine(
        row.last_try,
        show("event", event.id),
        event.type,
        endpoint.gateway,
        row.url,
        row.state,
        row.tries,
        row.last_status,
        row.last_error,
    )


def _attempt(row: Attempt, delivery: Delivery) -> AttemptLine:
    event = show("event", delivery.event)
    return AttemptLine(row.at, event, delivery.url, row.number, row.status, row.error, row.answer)
