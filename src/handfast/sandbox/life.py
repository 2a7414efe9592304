"""An order's life for people to read: each request with the entries and events that it caused, and names for ids."""

import re
from collections import defaultdict
from collections.abc import Iterable

from msgspec import Struct

from handfast.app.explain import DeliveryLine, EventLine, PostingLine, explain
from handfast.app.story import TELLS
from handfast.core.ids import Id, parse
from handfast.domain.parties import API_CLIENTS, HOUSE, PARTIES, PERSON_KEYS, Details, Vault
from handfast.domain.payments import Payment
from handfast.domain.trades import Trade, trades_of
from handfast.gateways.native.prefixes import read, show
from handfast.store.reader import Reader, get

_PARTY = re.compile(r"pty_[0-9a-f]{26}")
_TRADE = re.compile(r"trd_[0-9a-f]{26}")
_CLIENT = re.compile(r"key_[0-9a-f]{26}")


class Leg(Struct, frozen=True):
    """A posting in words; `amount` in minor units, `mode` says how where it was not posted at once."""

    debit: str
    credit: str
    amount: int
    currency: str
    mode: str


class Booked(Struct, frozen=True):
    """A ledger entry with its postings."""

    id: str
    kind: str
    legs: tuple[Leg, ...]


class Told(Struct, frozen=True):
    """An event, and what became of each delivery of it."""

    id: str
    type: str
    deliveries: tuple[str, ...]


class Step(Struct, frozen=True):
    """A verb that was asked and answered at a moment of market time (µs); `outcome` is "done" or the refusal's code.

    `says` tells in sentences what came of it.
    """

    operation: str
    request: str
    verb: str
    actor: str
    outcome: str
    at: int
    says: tuple[str, ...]
    entries: tuple[Booked, ...]
    events: tuple[Told, ...]


class Names:
    """What people call parties and trades; details are opened here and go no further than the page."""

    def __init__(self, reader: Reader, vault: Vault) -> None:
        self._reader = reader
        self._vault = vault
        self._parties: dict[Id, str] = {HOUSE: "the operator"}
        self._trades: dict[str, str] = {}

    def learn(self, trades: Iterable[Trade]) -> None:
        """Learn what trades are called: their goods and whose they are."""
        for trade in trades:
            self._trades[show("trade", trade.id)] = f"{trade.title} of {self.party(trade.seller)}"

    def party(self, key: Id | None) -> str:
        """A party's name, or its id where the name was erased."""
        if key is None:
            return "nobody yet"
        if key not in self._parties:
            party, wrapped = get(self._reader, PARTIES, key), get(self._reader, PERSON_KEYS, key)
            details = self._vault.open(wrapped.wrapped, key, party.details, Details) if party and wrapped else None
            self._parties[key] = details.name if details else show("party", key)
        return self._parties[key]

    def account(self, words: str) -> str:
        """An account's name with names for the ids in it."""
        words = _PARTY.sub(lambda found: f"of {self.party(read('party', found[0]))}", words)
        return _TRADE.sub(lambda found: f"for {self._trades.get(found[0], found[0])}", words)

    def sentence(self, words: str) -> str:
        """A sentence with names for the persons' ids in it."""
        return _CLIENT.sub(lambda found: self._person(read("client", found[0])) or found[0], words)

    def _person(self, client: Id) -> str:
        known = get(self._reader, API_CLIENTS, client)
        return known.name if known else ""

    def actor(self, text: str) -> str:
        """Who asked, where the operation names a party or a party's API client."""
        party, client = parse("pty", text), parse("key", text)
        if client is not None:
            known = get(self._reader, API_CLIENTS, client)
            return f"{known.name} for {self.party(known.party)}" if known else text
        return text if party is None else self.party(party)


def life(reader: Reader, names: Names, payment: Payment) -> list[Step]:
    """What happened to a payment, its trades, claims, disputes, refunds and quote, in order."""
    names.learn(trades_of(reader, payment.id))
    lives = [explain(reader, show("payment", payment.id))]
    if payment.quote is not None:
        lives.append(explain(reader, show("quote", payment.quote)))
    asked = {line.operation: line for each in lives for line in each.asked}
    said = {step.operation: (*step.says, *step.waterfall) for each in lives for step in each.story}
    events: dict[str, list[EventLine]] = defaultdict(list)
    for event in sorted((line for each in lives for line in each.events), key=lambda line: line.place):
        events[event.operation].append(event)
    deliveries: dict[str, list[DeliveryLine]] = defaultdict(list)
    for delivery in (line for each in lives for line in each.deliveries):
        deliveries[delivery.event].append(delivery)
    entries: dict[str, list[PostingLine]] = defaultdict(list)
    for posting in lives[0].postings:
        entries[posting.entry].append(posting)
    order = sorted(
        asked.values(),
        key=lambda line: (line.at, events[line.operation][0].place if events[line.operation] else 1 << 62),
    )
    return [
        Step(
            operation=line.operation,
            request=line.request,
            verb=line.verb,
            actor=names.actor(line.actor),
            outcome=line.outcome,
            at=line.at,
            says=tuple(map(names.sentence, said.get(line.operation, ()))),
            entries=tuple(
                _booked(each, names) for each in entries.values() if _caused(each[0], events[line.operation])
            ),
            events=tuple(
                Told(event.event, event.type, _fates(deliveries[event.event])) for event in events[line.operation]
            ),
        )
        for line in order
    ]


def _caused(posting: PostingLine, events: Iterable[EventLine]) -> bool:
    """Whether one of an operation's events tells of the entry: of its object (the same digits), at its time."""
    owner = posting.entry[4:30]
    return any(
        event.object.endswith(owner) and event.at == posting.at and event.type == TELLS.get(posting.kind)
        for event in events
    )


def _booked(postings: list[PostingLine], names: Names) -> Booked:
    legs = (
        Leg(
            names.account(line.debit),
            names.account(line.credit),
            line.amount,
            line.currency,
            "" if line.mode in ("posted", "up_to") else line.mode,
        )
        for line in postings
    )
    return Booked(postings[0].entry, postings[0].kind, tuple(legs))


def _fates(deliveries: Iterable[DeliveryLine]) -> tuple[str, ...]:
    return tuple(f"{line.state} to {line.url} after {line.tries} tries" for line in deliveries)
