"""An order's whole life: who asked for what, what came of it, which entries it made, whom it was told to."""

from collections.abc import Iterable

from msgspec import Struct

from handfast.core.ids import OBJECT, Id, account_currency, account_purpose, owner_of, parse
from handfast.domain.notifications import DELIVERIES
from handfast.domain.parties import API_CLIENTS, HOUSE, PARTIES, PERSON_KEYS, Details, Vault
from handfast.domain.payments import Payment, refunds_of
from handfast.domain.trades import Trade, trades_of
from handfast.gateways.native.prefixes import PREFIXES, show
from handfast.ledger import Mode, Purpose
from handfast.store.reader import Reader, find, get
from handfast.store.rows import EVENTS, OPERATIONS, Event, Operation

_ENTRIES = (
    "SELECT e.id, e.kind, e.at, p.debit, p.credit, p.amount, p.mode FROM entries e"
    " JOIN postings p ON p.entry = e.seq WHERE e.id >= ? AND e.id < ? ORDER BY e.seq, p.n"
)
_TELLS = {
    "payment.pay": "payment.captured",
    "payment.authorise": "payment.authorised",
    "payment.capture": "payment.captured",
    "payment.void": "payment.voided",
    "payment.refund": "refund.created",
    "trade.release": "trade.released",
}
"""By kind of entry, the event that its verb tells it by: several verbs may have come at one moment."""

_MODES = {Mode.POSTED: "", Mode.PENDING: "set aside", Mode.POST: "of what was set aside", Mode.VOID: "let go"}
_PURPOSES = {
    Purpose.WALLET: "wallet of {}",
    Purpose.PAYOUT: "on its way to {}",
    Purpose.SUSPENSE: "suspense",
    Purpose.CUSTODY: "bank account",
    Purpose.POSITION: "exchange position",
    Purpose.COMMISSION: "commission",
    Purpose.TAX: "tax",
    Purpose.ROUNDING: "rounding",
    Purpose.OPERATOR: "the operator's own money",
}


class Leg(Struct, frozen=True):
    """A posting in words; `amount` in minor units, `mode` empty where it was posted at once."""

    debit: str
    credit: str
    amount: int
    currency: str
    mode: str


class Booked(Struct, frozen=True):
    """A ledger entry with its postings."""

    id: Id
    kind: str
    at: int
    legs: tuple[Leg, ...]


class Told(Struct, frozen=True):
    """An event, and what became of each delivery of it."""

    id: Id
    type: str
    deliveries: tuple[str, ...]


class Step(Struct, frozen=True):
    """A verb that was asked and answered at a moment of market time (µs); `outcome` is empty or the refusal's code."""

    operation: Id
    request: Id
    verb: str
    actor: str
    outcome: str
    at: int
    entries: tuple[Booked, ...]
    events: tuple[Told, ...]


class Names:
    """What people call parties and accounts; details are opened here and go no further than the page."""

    def __init__(self, reader: Reader, vault: Vault) -> None:
        self._reader = reader
        self._vault = vault
        self._known: dict[Id, str] = {HOUSE: "the operator"}
        self._titles: dict[Id, str] = {}

    def trades(self, trades: Iterable[Trade]) -> None:
        """Learn what trades are called: their goods and whose they are."""
        self._titles.update((trade.id, f"{trade.title} of {self.party(trade.seller)}") for trade in trades)

    def party(self, key: Id | None) -> str:
        """A party's name, or its id where the name was erased."""
        if key is None:
            return "nobody yet"
        if key not in self._known:
            party, wrapped = get(self._reader, PARTIES, key), get(self._reader, PERSON_KEYS, key)
            details = self._vault.open(wrapped.wrapped, key, party.details, Details) if party and wrapped else None
            self._known[key] = details.name if details else show("party", key)
        return self._known[key]

    def account(self, key: Id) -> str:
        """A ledger account in words."""
        purpose = Purpose(account_purpose(key))
        if purpose is Purpose.HELD:
            return "held for " + (self._titles.get(owner_of(key)) or show("trade", owner_of(key)))
        return _PURPOSES[purpose].format(self.party(owner_of(key)))

    def actor(self, text: str) -> str:
        """Who asked, where the operation names a party or a party's API client."""
        party, client = parse(PREFIXES["party"], text), parse(PREFIXES["client"], text)
        if client is not None:
            known = get(self._reader, API_CLIENTS, client)
            return f"{known.name} for {self.party(known.party)}" if known else text
        return text if party is None else self.party(party)


def life(reader: Reader, names: Names, payment: Payment) -> list[Step]:
    """What happened to a payment, its trades, refunds and quote, in the order in which it happened."""
    trades = trades_of(reader, payment.id)
    names.trades(trades)
    objects = [payment.id, *(trade.id for trade in trades)]
    objects += [refund.id for refund in refunds_of(reader, payment.id)]
    if payment.quote is not None:
        objects.append(payment.quote)
    events = [event for key in objects for event in _events(reader, key)]
    entries = {key: _entries(reader, names, key) for key in objects}
    steps = []
    for operation in _operations(reader, objects, events):
        caused = sorted((event for event in events if event.operation == operation.id), key=lambda event: event.seq)
        told = {(owner_of(event.id), event.type) for event in caused}
        owners = dict.fromkeys(owner_of(event.id) for event in caused)
        steps.append(
            Step(
                operation=operation.id,
                request=operation.request,
                verb=operation.verb,
                actor=names.actor(operation.actor),
                outcome=operation.outcome,
                at=operation.at,
                entries=tuple(
                    entry
                    for key in owners
                    for entry in entries[key]
                    if entry.at == operation.at and (key, _TELLS.get(entry.kind, "")) in told
                ),
                events=tuple(Told(event.id, event.type, _deliveries(reader, event)) for event in caused),
            )
        )
    return steps


def _span(key: Id) -> tuple[Id, Id]:
    """Between which ids everything lies that derives from an object."""
    return key, key[:OBJECT] + b"\xff\xff\xff"


def _events(reader: Reader, key: Id) -> list[Event]:
    return find(reader, EVENTS, "id >= ? AND id < ? ORDER BY id", *_span(key))


def _entries(reader: Reader, names: Names, key: Id) -> list[Booked]:
    booked: dict[Id, Booked] = {}
    for entry, kind, at, debit, credit, amount, mode in reader.rows(_ENTRIES, _span(key)):
        leg = Leg(names.account(debit), names.account(credit), amount, account_currency(debit), _MODES[Mode(mode)])
        before = booked.get(entry)
        booked[entry] = Booked(entry, kind, at, (*(before.legs if before else ()), leg))
    return list(booked.values())


def _operations(reader: Reader, objects: Iterable[Id], events: Iterable[Event]) -> list[Operation]:
    """Those that the events name, and those that were refused, in order of time and then of what came of them."""
    firsts: dict[Id, int] = {}
    for event in events:
        firsts[event.operation] = min(event.seq, firsts.get(event.operation, event.seq))
    found = {row.id: row for key in firsts if (row := get(reader, OPERATIONS, key)) is not None}
    for key in objects:
        found.update((row.id, row) for row in find(reader, OPERATIONS, "object = ? AND outcome <> ''", key))
    return sorted(found.values(), key=lambda row: (row.at, firsts.get(row.id, 1 << 62), row.id))


def _deliveries(reader: Reader, event: Event) -> tuple[str, ...]:
    rows = find(reader, DELIVERIES, "event = ? ORDER BY endpoint", event.id)
    return tuple(f"{row.state} after {row.tries} tries, last status {row.last_status}" for row in rows)
