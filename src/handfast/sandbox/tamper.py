"""Proof that the books can be checked: they are sealed, verified, and a clever change in a copy of them is named."""

import tempfile
from pathlib import Path
from typing import Any

import apsw
from msgspec import Struct, msgpack

from handfast.app.copies import FILE, backup
from handfast.core.clocks import Clock
from handfast.core.settings import Settings, seal_key
from handfast.domain.heads import Head
from handfast.sandbox.driver import Driver
from handfast.timers.seal import Seal, publish
from handfast_verify import Result, verify
from handfast_verify.reading import load

_STOLEN = 100


class Sealed(Struct, frozen=True):
    """What sealing and verifying came to: the root over everything, and whether the change was named by its row."""

    merkle_root: str
    tamper_named: bool
    faults: tuple[str, ...]


def prove(driver: Driver, settings: Settings, clock: Clock) -> Sealed:
    """Seal all that is committed, verify it, then change a copy consistently and see that this is named."""
    heads = _seal(driver, settings, clock)
    result = _verify(settings.database_url, settings, heads[-1].key)
    with tempfile.TemporaryDirectory(prefix="handfast-tamper-") as folder:
        copied = Path(folder, "copy")
        backup(settings, copied)
        file = copied / FILE
        if not file.exists():
            load(copied, file)
        entry = tamper(file)
        found = _verify(f"sqlite:///{file}", settings, heads[-1].key)
    # Every other check passes, or the change would not have been a clever one.
    named = bool(found.faults) and found.faults[0].key == entry.hex() and {it.check for it in found.faults} == {"seal"}
    return Sealed(heads[-1].root.hex(), named, tuple(map(str, result.faults)))


def _seal(driver: Driver, settings: Settings, clock: Clock) -> list[Head]:
    seal = Seal(seal_key(settings))
    heads: list[Head] = []
    while (request := seal.next(driver.reader, clock())) is not None:
        heads += driver.done([request])
    publish(settings.heads_file, heads)
    return heads


def _verify(url: str, settings: Settings, key: bytes) -> Result:
    return verify(url, heads=settings.heads_file, key=key)


def tamper(file: Path) -> bytes:
    """Raise a top-up that the bank booked: in its entry, both balances, its rows and their events; the entry's id."""
    db = apsw.Connection(str(file))
    try:
        with db:
            for (name,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'").fetchall():
                db.execute(f"DROP TRIGGER {name}")
            entry = _raise_topup(db)
    finally:
        db.close()
    return entry


def _raise_topup(db: apsw.Connection) -> bytes:
    entry, blob = _one(db, "SELECT id, postings FROM entries WHERE kind = 'topup.book' ORDER BY seq LIMIT 1")
    ((custody, wallet, amount, *rest),) = msgpack.decode(blob)
    postings = msgpack.encode([[custody, wallet, amount + _STOLEN, *rest]])
    db.execute("UPDATE entries SET postings = ? WHERE id = ?", (postings, entry))
    db.execute("UPDATE accounts SET debits_posted = debits_posted + ? WHERE id = ?", (_STOLEN, custody))
    db.execute("UPDATE accounts SET credits_posted = credits_posted + ? WHERE id = ?", (_STOLEN, wallet))
    line, topup = _one(db, "SELECT id, object FROM bank_lines WHERE substr(id, 1, 13) = ?", entry[:13])
    for table, key, column in (("bank_lines", line, "amount"), ("topups", topup, "credited")):
        db.execute(f"UPDATE {table} SET {column} = {column} + ? WHERE id = ?", (_STOLEN, key))
        owner, version = _one(db, f"SELECT substr(id, 1, 13), version FROM {table} WHERE id = ?", key)
        _retell(db, owner + version.to_bytes(3, "big"), column)
    return bytes(entry)


def _one(db: apsw.Connection, sql: str, *params: bytes) -> tuple[Any, ...]:
    (row,) = db.execute(sql, params).fetchall()
    return row


def _retell(db: apsw.Connection, event: bytes, column: str) -> None:
    (body,) = _one(db, "SELECT body FROM events WHERE id = ?", event)
    told: dict[str, Any] = msgpack.decode(body)
    told[column] += _STOLEN
    db.execute("UPDATE events SET body = ? WHERE id = ?", (msgpack.encode(told), event))
