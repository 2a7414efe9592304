"""What one would write instead of the desk: the same rows by a plain handler, or by one call of a database's function.

They get the product's own tables with its indexes, do the same reads and guards, and are durable in the same way. They
keep no statements of account, which is in their favour.
"""

import random
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
from msgspec import Struct, msgpack
from msgspec.structs import astuple

from bench.market import Bench, new_id
from handfast.core.clocks import wall_clock
from handfast.core.ids import Id, account_id, entry_id, event_id
from handfast.domain.payments import PAYMENTS, Payment
from handfast.domain.payments.tables import consent_id
from handfast.ledger import Posting, Purpose
from handfast.ledger.model import encode_postings
from handfast.store import postgres, sqlite

CONNECTIONS = 16
_encode = msgpack.Encoder().encode


class Ask(Struct, frozen=True):
    """A payment that is asked for."""

    payer: Id
    merchant: Id
    amount: int


class Rows(Struct, frozen=True):
    """Everything that a payment leaves, made by the handler."""

    key: Id
    consent: Id
    payment: tuple[Any, ...]
    event: tuple[Id, str, Id, bytes]
    entry: tuple[Id, str, bytes]
    giver: Id
    taker: Id
    at: int


def asks(bench: Bench, count: int, hot: float) -> list[Ask]:
    """Payments like the desk's."""
    found = []
    for _ in range(count):
        n = random.randrange(len(bench.buyers))
        merchant = bench.merchants[0 if random.random() < hot else n % len(bench.merchants)]
        found.append(Ask(bench.buyers[n], merchant, random.randrange(100, 10_000)))
    return found


def rows_of(ask: Ask) -> Rows:
    """The rows of a payment."""
    at = wall_clock()
    key, whole = new_id(at), ask.amount
    giver, taker = (account_id(owner, Purpose.WALLET, "USD") for owner in (ask.payer, ask.merchant))
    money = ("USD", whole, whole)
    words = ("order 2014-10-28/1", "two cups and a pot", b'{"basket":"17"}')
    told = (key, ask.merchant, ask.payer, "captured", "automatic", "USD", whole, whole, 0, 0, 0, 0)
    payment = Payment(*told, *money, *money, None, *words, b"", None, 0, None, at, 1, at)
    event = (event_id(key, 1), "payment.captured", ask.merchant, _encode(payment))
    entry = (entry_id(key, 1), "payment.pay", encode_postings((Posting(giver, taker, whole),)))
    consent = consent_id(ask.payer, ask.merchant)
    return Rows(random.randbytes(16), consent, astuple(payment), event, entry, giver, taker, at)


_PAYMENT = ", ".join(PAYMENTS.columns)
_MARKS = ", ".join("?" * len(PAYMENTS.columns))
_SQLITE = (
    "SELECT 1 FROM operation_keys WHERE id = ?",
    "SELECT id, kind, state FROM parties WHERE id IN (?, ?)",
    "SELECT state, currency, ceiling FROM consents WHERE id = ?",
    (
        "UPDATE accounts SET debits_posted = debits_posted + ?2"
        " WHERE id = ?1 AND credits_posted - debits_posted - debits_pending >= ?2"
    ),
    (
        "INSERT INTO accounts VALUES (?1, 0, 0, 0, ?2, x'')"
        " ON CONFLICT (id) DO UPDATE SET credits_posted = credits_posted + ?2"
    ),
    "INSERT INTO entries (seq, id, kind, at, postings) VALUES ((SELECT max(seq) + 1 FROM entries), ?, ?, ?, ?)",
    f"INSERT INTO payments ({_PAYMENT}) VALUES ({_MARKS})",
    (
        "INSERT INTO operations (place, id, verb, actor, request, object, fingerprint, outcome, body, told, at)"
        " VALUES ((SELECT coalesce(max(place), 0) + 1 FROM operations),"
        " ?, 'payments.create', 'bench', ?, ?, ?, '', x'', ?, ?)"
    ),
    "INSERT INTO operation_keys (id, place) SELECT id, place FROM operations ORDER BY place DESC LIMIT 1",
    (
        "INSERT INTO events (seq, id, type, owner, operation, at, body)"
        " VALUES ((SELECT max(seq) + 1 FROM events), ?, ?, ?, ?, ?, ?)"
    ),
    "INSERT INTO event_owners (owner, seq) SELECT owner, seq FROM events ORDER BY seq DESC LIMIT 1",
)


class SqliteHandler:
    """A plain handler over apsw: one durable transaction a request, on the one connection that SQLite can write by."""

    def __init__(self, path: Path) -> None:
        self._db = sqlite.connect(path)

    def pay(self, ask: Ask) -> None:
        """One payment."""
        db, rows = self._db, rows_of(ask)
        seen, parties, consents, debit, credit, entry, payment, operation, key, event, owner = _SQLITE
        db.execute("BEGIN IMMEDIATE")
        try:
            assert not db.execute(seen, (rows.key,)).fetchall()
            _guard(
                db.execute(parties, (ask.payer, ask.merchant)).fetchall(),
                db.execute(consents, (rows.consent,)).fetchall(),
                ask.amount,
            )
            db.execute(debit, (rows.giver, ask.amount))
            assert db.changes() == 1, "the balance does not cover this"
            db.execute(credit, (rows.taker, ask.amount))
            db.execute(entry, (*rows.entry[:2], rows.at, rows.entry[2]))
            db.execute(payment, rows.payment)
            db.execute(operation, (rows.key, rows.key, rows.payment[0], b"f" * 16, rows.event[0], rows.at))
            db.execute(key)
            db.execute(event, (*rows.event[:3], rows.key, rows.at, rows.event[3]))
            db.execute(owner)
            db.execute("COMMIT")
        except BaseException:
            db.execute("ROLLBACK")
            raise

    def close(self) -> None:
        """End the connection."""
        self._db.close()


def _guard(parties: Sequence[Any], consents: Sequence[Any], amount: int) -> None:
    assert len(parties) == 2
    assert all(state == "active" for _, _, state in parties)
    ((state, currency, ceiling),) = consents
    assert (state, currency) == ("active", "USD")
    assert amount <= ceiling


_NUMBERED = """
CREATE SEQUENCE IF NOT EXISTS plain_entries START 100000000;
CREATE SEQUENCE IF NOT EXISTS plain_events START 100000000;
"""
_POSTGRES = (
    "SELECT 1 FROM operations WHERE id = %s",
    "SELECT id, kind, state FROM parties WHERE id IN (%s, %s)",
    "SELECT state, currency, ceiling FROM consents WHERE id = %s",
    (
        "UPDATE accounts SET debits_posted = debits_posted + %s"
        " WHERE id = %s AND credits_posted - debits_posted - debits_pending >= %s"
    ),
    (
        "INSERT INTO accounts VALUES (%s, 0, 0, 0, %s, '')"
        " ON CONFLICT (id) DO UPDATE SET credits_posted = accounts.credits_posted + excluded.credits_posted"
    ),
    "INSERT INTO entries (seq, id, kind, at, postings) VALUES (nextval('plain_entries'), %s, %s, %s, %s)",
    f"INSERT INTO payments ({_PAYMENT}) VALUES ({_MARKS.replace('?', '%s')})",
    (
        "INSERT INTO operations (id, verb, actor, request, object, fingerprint, outcome, body, told, at)"
        " VALUES (%s, 'payments.create', 'bench', %s, %s, %s, '', '', %s, %s)"
    ),
    (
        "INSERT INTO events (seq, id, type, owner, operation, at, body)"
        " VALUES (nextval('plain_events'), %s, %s, %s, %s, %s, %s)"
    ),
)


class PostgresHandler:
    """A plain handler over psycopg: one durable transaction a request, one statement a round trip."""

    def __init__(self, url: str) -> None:
        self._db = postgres.connect(url)
        self._db.autocommit = False

    def pay(self, ask: Ask) -> None:
        """One payment."""
        db, rows = self._db, rows_of(ask)
        seen, parties, consents, debit, credit, entry, payment, operation, event = _POSTGRES
        with db.transaction():
            assert not db.execute(seen, (rows.key,)).fetchall()
            _guard(
                db.execute(parties, (ask.payer, ask.merchant)).fetchall(),
                db.execute(consents, (rows.consent,)).fetchall(),
                ask.amount,
            )
            done = db.execute(debit, (ask.amount, rows.giver, ask.amount))
            assert done.rowcount == 1, "the balance does not cover this"
            db.execute(entry, (*rows.entry[:2], rows.at, rows.entry[2]))
            db.execute(payment, rows.payment)
            db.execute(operation, (rows.key, rows.key, rows.payment[0], b"f" * 16, rows.event[0], rows.at))
            db.execute(event, (*rows.event[:3], rows.key, rows.at, rows.event[3]))
            db.execute(credit, (rows.taker, ask.amount))  # last, so that a busy row is locked for the shortest time

    def close(self) -> None:
        """End the connection."""
        self._db.close()


_FUNCTION = """
CREATE OR REPLACE FUNCTION plain_pay(
    k bytea, c bytea, p payments, giver bytea, taker bytea, entry bytea, postings bytea, event bytea, body bytea
) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM operations WHERE id = k) THEN RETURN 'seen'; END IF;
    IF (SELECT count(*) FROM parties WHERE id IN (p.payer, p.merchant) AND state = 'active') <> 2 THEN
        RETURN 'party';
    END IF;
    PERFORM 1 FROM consents WHERE id = c AND state = 'active' AND currency = p.currency AND ceiling >= p.amount;
    IF NOT FOUND THEN RETURN 'consent'; END IF;
    UPDATE accounts SET debits_posted = debits_posted + p.amount
        WHERE id = giver AND credits_posted - debits_posted - debits_pending >= p.amount;
    IF NOT FOUND THEN RETURN 'balance'; END IF;
    INSERT INTO entries (seq, id, kind, at, postings)
        VALUES (nextval('plain_entries'), entry, 'payment.pay', p.created, postings);
    INSERT INTO payments SELECT (p).*;
    INSERT INTO operations (id, verb, actor, request, object, fingerprint, outcome, body, told, at)
        VALUES (k, 'payments.create', 'bench', k, p.id, '\\x66', '', '', event, p.created);
    INSERT INTO events (seq, id, type, owner, operation, at, body)
        VALUES (nextval('plain_events'), event, 'payment.captured', p.merchant, k, p.created, body);
    INSERT INTO accounts VALUES (taker, 0, 0, 0, p.amount, '')
        ON CONFLICT (id) DO UPDATE SET credits_posted = accounts.credits_posted + p.amount;
    RETURN '';
END $$
"""
_CALL = f"SELECT plain_pay(%s, %s, ROW({_MARKS.replace('?', '%s')})::payments, %s, %s, %s, %s, %s, %s)"


class FunctionHandler:
    """One call of a PL/pgSQL function a request, which does everything in the server: one round trip, one commit."""

    def __init__(self, url: str) -> None:
        self._db = postgres.connect(url)

    def pay(self, ask: Ask) -> None:
        """One payment."""
        rows = rows_of(ask)
        accounts = (rows.giver, rows.taker)
        more = (rows.entry[0], rows.entry[2], rows.event[0], rows.event[3])
        told = self._db.execute(_CALL, (rows.key, rows.consent, *rows.payment, *accounts, *more)).fetchone()
        assert told == ("",), told

    def close(self) -> None:
        """End the connection."""
        self._db.close()


def set_up(url: str) -> None:
    """What the PostgreSQL handlers need beside the product's tables."""
    with psycopg.connect(url, autocommit=True) as db:
        db.execute(_NUMBERED)
        db.execute(_FUNCTION)


def load(make: Callable[[], Any], work: Sequence[Ask], seconds: float, connections: int) -> tuple[int, float]:
    """Have each connection, in a thread of its own, pay until the time is over: how many were paid, in which time."""
    counts = [0] * connections
    faults: list[BaseException] = []
    until = time.perf_counter() + seconds

    def pay(place: int) -> None:
        try:
            with closing(make()) as handler:
                n = place
                while time.perf_counter() < until:
                    handler.pay(work[n % len(work)])
                    counts[place] += 1
                    n += connections
        except BaseException as fault:  # noqa: BLE001  # told by the thread that waits
            faults.append(fault)

    threads = [threading.Thread(target=pay, args=(place,)) for place in range(connections)]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if faults:
        raise faults[0]
    return sum(counts), time.perf_counter() - start
