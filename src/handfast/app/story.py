"""A trade's or a payment's life as a story: who did what, in sentences, and where the money went, leg by leg."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct, msgpack

from handfast.app.ledger_words import Leg, legs_of, waterfalls
from handfast.core.ids import Id, owner_of, parse
from handfast.domain.disputes import Dispute
from handfast.domain.parties import API_CLIENTS, HOUSE
from handfast.domain.payments import PAYMENTS, Payment
from handfast.domain.trades import TRADES, Trade, shares_of, trades_of
from handfast.gateways.native.prefixes import show
from handfast.gateways.native.showing import EVENT_ROWS
from handfast.gateways.native.telling import SAYS, outcome
from handfast.ledger.journal import Booked
from handfast.store.reader import Reader, get
from handfast.store.rows import Event, Operation

TELLS = {
    "payment.authorise": "payment.authorised",
    "payment.capture": "payment.captured",
    "payment.free": "payment.freed",
    "payment.pay": "payment.captured",
    "payment.refund": "refund.created",
    "payment.void": "payment.voided",
    "trade.free_reserve": "trade.reserve_freed",
    "trade.release": "trade.released",
    "trade.release_milestone": "trade.milestone_released",
    "trade.release_part": "trade.part_released",
}
"""By kind of entry, the event that its verb tells it by: several verbs may have come at one moment."""

_NOBODY: Id = bytes(16)
_PAYMENT = {
    "payment.authorised": "The money was set aside.",
    "payment.cancelled": "The payment was cancelled.",
    "payment.captured": "The payment was taken, or a part of it.",
    "payment.created": "A payment was asked for.",
    "payment.declined": "The payment was declined.",
    "payment.freed": "A part of what was set aside was freed.",
    "payment.voided": "What was set aside was freed.",
}


class Step(Struct, frozen=True):
    """A verb that was asked at a market time (µs, UTC) by somebody, and all that came of it.

    `outcome` is "done" or the code of the refusal. `legs` are the postings in words, `waterfall` who paid for what came
    back after release: out of a balance, out of a reserve, or by the operator's advance.
    """

    at: int
    who: str
    verb: str
    outcome: str
    says: list[str]
    legs: list[Leg]
    waterfall: list[str]
    operation: str


def tell(
    reader: Reader,
    kind: str,
    key: Id,
    operations: Sequence[Operation],
    events: Sequence[Event],
    entries: Sequence[Booked],
) -> list[Step]:
    """The story of a trade or a payment out of its operations, events and entries, each in their order.

    Of other objects it has no sentences, and is empty.
    """
    trades, payment = _bargain(reader, kind, key)
    if not trades and payment is None:
        return []
    people = _people(trades, payment)
    sentences = _sentences(events)
    caused = _entries_by_operation(events, entries)
    return [_step(reader, people, each, sentences[each.id], caused.get(each.id, ())) for each in operations]


def _bargain(reader: Reader, kind: str, key: Id) -> tuple[list[Trade], Payment | None]:
    if kind == "payment":
        return trades_of(reader, key), get(reader, PAYMENTS, key)
    trade = get(reader, TRADES, key) if kind == "trade" else None
    return ([trade], None) if trade else ([], None)


def _people(trades: Iterable[Trade], payment: Payment | None) -> dict[Id, str]:
    """What each party is in this story."""
    people: dict[Id, str] = {}
    if payment is not None:
        people[payment.merchant] = "the merchant"
        if payment.payer is not None:
            people[payment.payer] = "the buyer"
    sellers = {trade.seller for trade in trades}
    for trade in trades:
        people[trade.merchant] = "the merchant"
        people |= {part.payee: f"{part.kind} ({show('party', part.payee)})" for part in shares_of(trade)}
        people[trade.buyer] = "the buyer"
    for trade in trades:
        people[trade.seller] = (
            "the seller" if len(sellers) == 1 else f"the seller of {trade.title or show('trade', trade.id)}"
        )
    return people | {HOUSE: "the operator"}


def _sentences(events: Iterable[Event]) -> Mapping[Id, list[str]]:
    """By operation, what its events tell."""
    told: dict[Id, list[str]] = defaultdict(list)
    before: dict[Id, Any] = {}
    for event in events:
        key, says = owner_of(event.id), SAYS.get(event.type)
        if says is None:
            told[event.operation] += [_PAYMENT[event.type]] if event.type in _PAYMENT else []
            continue
        row: Any = msgpack.decode(event.body, type=EVENT_ROWS[event.type.partition(".")[0]])
        told[event.operation].append(says(row, before.get(key)))
        if isinstance(row, Dispute):
            told[event.operation] += _judged(event.type, row, before.get(key))
        before[key] = row
    return told


def _judged(kind: str, row: Dispute, before: Dispute | None) -> list[str]:
    """What is decided or proposed, by whom and why, where it was not told before; operators may know."""
    at_once = kind == "dispute.final" and before is not None and before.state in ("appealed", "proposed_again")
    if row.handler is None or not (at_once or kind in ("dispute.proposed", "dispute.decided")):
        return []
    did = "Proposed" if kind == "dispute.proposed" else "Decided"
    second = f", agreed to by {show('client', row.second)}" if row.second else ""
    return [f"{did} by {show('client', row.handler)}{second}: {outcome(row)}. “{row.reasons}”"]


def _entries_by_operation(events: Sequence[Event], entries: Iterable[Booked]) -> Mapping[Id, list[Booked]]:
    """By operation, the entries that it posted: an entry and its event are of one object, one moment and one kind."""
    waiting: dict[tuple[Id, int, str], list[Id]] = defaultdict(list)
    for event in events:
        waiting[owner_of(event.id), event.at, event.type].append(event.operation)
        if event.type == "trade.held":  # a trade's story does not tell of its payment, whose entry opened it
            waiting[_NOBODY, event.at, event.type] = [event.operation]
    found: dict[Id, list[Booked]] = defaultdict(list)
    for entry in entries:
        causes = waiting[owner_of(entry.id), entry.at, TELLS.get(entry.kind, "")]
        if not causes and entry.kind in ("payment.pay", "payment.capture"):
            causes = waiting[_NOBODY, entry.at, "trade.held"]
        if causes:
            found[causes.pop(0)].append(entry)
    return found


def _step(reader: Reader, people: Mapping[Id, str], row: Operation, says: list[str], entries: Sequence[Booked]) -> Step:
    return Step(
        at=row.at,
        who=_who(reader, people, row.actor),
        verb=row.verb,
        outcome=row.outcome or "done",
        says=says or ([f"Refused: {row.outcome}, {msgpack.decode(row.body)[0]}."] if row.outcome else []),
        legs=[leg for entry in entries for leg in legs_of(entry, people)],
        waterfall=[words for entry in entries for words in waterfalls(entry, people)],
        operation=show("operation", row.id),
    )


def _who(reader: Reader, people: Mapping[Id, str], actor: str) -> str:
    """Who asked, by what they are in this story."""
    if actor.startswith("timers"):
        return "the clock"
    party, client = parse("pty", actor), parse("key", actor)
    if client is not None:
        known = get(reader, API_CLIENTS, client)
        party = known.party if known else None
    return actor if party is None else people.get(party, show("party", party))
