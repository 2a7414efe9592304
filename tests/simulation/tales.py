"""The tale model: every object as its events tell it, every event with an operation, every operation with a request."""

from collections import Counter
from typing import Any

from msgspec import msgpack
from msgspec.structs import replace
from tests.simulation.history import History, must

from handfast.core.ids import Id, owner_of
from handfast.domain.claims import CLAIM_STATES, CLAIMS
from handfast.domain.custody import BANK_LINES, BANK_STATEMENTS, CUSTODY_ACCOUNTS
from handfast.domain.disputes import DISPUTE_STATES, DISPUTES, EVIDENCE
from handfast.domain.exchange import DEAL_STATES, DEALS, QUOTE_STATES, QUOTES
from handfast.domain.heads import HEADS
from handfast.domain.parties import PARTIES
from handfast.domain.payments import CONSENTS, PAYMENT_STATES, PAYMENTS, REFUNDS
from handfast.domain.payouts import PAYOUT_FILES, PAYOUT_PLANS, PAYOUT_STATES, PAYOUTS
from handfast.domain.policies import BOOKS
from handfast.domain.receivables import WRITE_OFFS
from handfast.domain.topups import TOPUPS
from handfast.domain.trades import TRADE_STATES, TRADES
from handfast.domain.transfers import TRANSFERS
from handfast.store.reader import Reader
from handfast.store.rows import Event, Operation
from handfast.store.table import Table

TABLES: tuple[Table[Any], ...] = (
    *(PAYMENTS, TRADES, REFUNDS, CONSENTS, CLAIMS, DISPUTES, EVIDENCE, QUOTES, DEALS, TRANSFERS, TOPUPS),
    *(
        BOOKS,
        PAYOUTS,
        PAYOUT_FILES,
        PAYOUT_PLANS,
        BANK_LINES,
        BANK_STATEMENTS,
        CUSTODY_ACCOUNTS,
        PARTIES,
        WRITE_OFFS,
        HEADS,
    ),
)
"""Whose rows tell each of their changes in an event."""

LEFT_OUT: dict[Table[Any], dict[str, Any]] = {
    PAYOUTS: {"details": b""},
    PAYOUT_FILES: {"content": b""},
    BANK_LINES: {"details": b"", "attempt": 0},
    PARTIES: {"details": b"", "debtor": 0},
    DISPUTES: dict.fromkeys(("evidence_buyer", "evidence_seller", "evidence_operator"), 0),
}
"""What an object's own events do not tell: a dispute's evidence has events of its own."""

STATES: dict[Table[Any], dict[str, dict[str, str]]] = {
    PAYMENTS: PAYMENT_STATES,
    TRADES: TRADE_STATES,
    CLAIMS: CLAIM_STATES,
    DISPUTES: DISPUTE_STATES,
    QUOTES: QUOTE_STATES,
    DEALS: DEAL_STATES,
    PAYOUTS: PAYOUT_STATES,
}
TIMED = (PAYMENTS, TRADES, CLAIMS, DISPUTES, PAYOUT_PLANS)
"""What has a clock."""

NAMED = {TRADES: "B6", CLAIMS: "B6", DISPUTES: "B6", QUOTES: "B7", DEALS: "B7"}
"""The invariant that a wrong move breaks; for all others B5."""

WITHOUT_ROW: frozenset[str] = frozenset()
SAID_IN_REFUSING = {"payment.declined"}


class Tales:
    """Events and operations as they were read; what was there before must be there still. `latest` is as last told."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.operations: dict[Id, Operation] = {}
        self.rows: dict[Table[Any], list[Any]] = {}
        self.latest: dict[Id, Any] = {}
        self._versions: Counter[Id] = Counter()

    def read(self, reader: Reader) -> None:
        """Read all tables that the checks need, and follow what new events tell."""
        for table in TABLES:
            rows = reader.rows(f"SELECT {', '.join(table.columns)} FROM {table.name} ORDER BY id")
            self.rows[table] = [table.row(*row) for row in rows]
        rows = reader.rows(
            "SELECT id, verb, actor, request, object, fingerprint, outcome, body, told, at FROM operations"
            " ORDER BY place"
        )
        self.operations = {row[0]: Operation(*row) for row in rows}
        must(len(self.operations) == len(rows), "B3", "two operations have one key")
        tables = {owner_of(row.id): table for table in TABLES for row in self.rows[table]}
        events = reader.rows("SELECT id, seq, type, owner, operation, at, body FROM events ORDER BY seq")
        known = len(self.events)
        must(len(events) >= known, "B12", f"{known} events were committed, {len(events)} are there")
        must([Event(*row) for row in events[:known]] == self.events, "B9", "an event that was written has changed")
        for n, row in enumerate(events[known:], known + 1):
            event = Event(*row)
            must(event.seq == n, "B8", f"event {event.seq} is the {n}th")
            self.events.append(event)
            self._follow(event, tables.get(owner_of(event.id)))

    def _follow(self, event: Event, table: Table[Any] | None) -> None:
        """Versions count 1, 2, 3 …; states move by their tables; what a timer did was due."""
        key, version = owner_of(event.id), int.from_bytes(event.id[13:], "big")
        must(version == self._versions[key] + 1, "B8", f"{event.type}: version {version} after {self._versions[key]}")
        self._versions[key] = version
        must(table is not None or event.type in WITHOUT_ROW, "B8", f"{event.type} tells of nothing")
        if table is None:
            return
        before, after = self.latest.get(key), msgpack.decode(event.body, type=table.row)
        self.latest[key] = after
        if before is not None:
            self._moved(table, event, before, after)

    def _moved(self, table: Table[Any], event: Event, before: Any, after: Any) -> None:
        if table in STATES and after.state != before.state:
            nexts = STATES[table][before.state].values()
            must(after.state in nexts, NAMED.get(table, "B5"), f"{event.type}: {before.state} to {after.state}")
        if table in TIMED and self._by_timer(table, event, before):
            must(before.due is not None and before.due <= event.at, "T1", f"{event.type} at {event.at}: {before.due}")
        if table is TRADES:
            for name in ("refunded", "released", "returned"):
                must(getattr(before, name) <= getattr(after, name), "B6", f"{event.type}: {name} moved back")

    def _by_timer(self, table: Table[Any], event: Event, before: Any) -> bool:
        """Whether a timer changed it because its own time had come; a claim's may lead to a dispute on its trade."""
        operation = self.operations.get(event.operation)
        if operation is None or operation.actor != "timers":
            return False
        if operation.verb == "disputes.open_due" and table in (TRADES, CLAIMS):
            return table is CLAIMS or before.claim is None
        if operation.verb == "checkouts.expire":
            return False
        return bool(operation.object == before.id)

    def objects_follow(self) -> None:
        """Each object is as its last event tells it."""
        for table in TABLES:
            for row in self.rows[table]:
                told = self._versions[owner_of(row.id)]
                must(told == row.version, "B8", f"{table.name}: version {row.version}, {told} events")
                shown, told_ = row, self.latest[owner_of(row.id)]
                if table in LEFT_OUT:
                    shown, told_ = replace(row, **LEFT_OUT[table]), replace(told_, **LEFT_OUT[table])
                must(told_ == shown, "B10", f"{table.name}: {shown}, but told {told_}")

    def every_effect_was_asked(self, history: History) -> None:
        """Events belong to operations that are there and were asked for, and nothing happened twice under one key."""
        effects: Counter[tuple[Id, Id, str]] = Counter()
        firsts: Counter[tuple[Id, str]] = Counter()
        for event in self.events:
            operation = self.operations.get(event.operation)
            must(operation is not None, "B3", f"{event.type} came of no operation")
            assert operation is not None
            must(not operation.outcome or event.type in SAID_IN_REFUSING, "B3", f"{operation.verb} refused, and told")
            effects[event.operation, owner_of(event.id), event.type] += 1
            if event.id.endswith(b"\0\0\1"):
                firsts[event.operation, event.type] += 1
        twice = [key[2] for key, count in effects.items() if count > 1]
        must(not twice, "B3", f"told twice by one operation: {twice}")
        doubled = [kind for (_, kind), count in firsts.items() if count > 1 and kind != "trade.held"]
        must(not doubled, "B3", f"one key made two objects: {doubled}")
        for operation in self.operations.values():
            asked = operation.request in history.requests or operation.actor in ("town", "timers", "timers.deliver")
            must(asked, "B3", f"nobody asked for {operation.verb}")

    def every_answer_is_kept(self, history: History) -> None:
        """What callers were told is there, word for word; a refusal has no effect; what was refused stays refused."""
        events = {event.id: event for event in self.events}
        for key, asked in history.asked.items():
            if asked.outcome is None:
                continue
            kept = self.operations.get(key)
            must(kept is not None, "B12", f"{asked.request.verb} was answered, and is forgotten")
            assert kept is not None
            must(kept.outcome == asked.refused, "B3", f"{kept.verb}: told {asked.refused!r}, kept {kept.outcome!r}")
            told = None if kept.told is None else events.get(kept.told)
            must(kept.told is None or told is not None, "B8", f"{kept.verb} is told by an event that is not there")
            body = kept.body if told is None else told.body
            if kept.outcome:
                message, param = msgpack.decode(body)
                body = msgpack.encode((kept.outcome, message, param))
            must(body == asked.outcome, "B4", f"{kept.verb}: told {asked.outcome!r}, kept {body!r}")
