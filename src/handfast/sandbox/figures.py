"""Figures taken from the books of a whole market, and one hash over all of them."""

from collections import defaultdict
from collections.abc import Iterator
from hashlib import sha256
from typing import Any

from msgspec import Struct, msgpack

from handfast.core.ids import OBJECT, Id, account_currency, account_id, account_purpose
from handfast.domain.payments import PAYMENTS, REFUNDS
from handfast.domain.trades import TRADES
from handfast.ledger import Mode, Purpose
from handfast.ledger.model import decode_postings
from handfast.store.reader import Reader, select

_BALANCES = "SELECT id, debits_pending, debits_posted, credits_pending, credits_posted FROM accounts ORDER BY id"
_ENTRIES = "SELECT id, kind, at, postings FROM entries ORDER BY id"
_EVENTS = "SELECT id, type, owner, at, body FROM events ORDER BY id"
_PENDS = frozenset({Mode.PENDING, Mode.VOID})
_encode = msgpack.Encoder().encode


class Held(Struct, frozen=True):
    """Guaranteed money in minor units of the price's currency: what is held, was released to sellers, went back."""

    held: int
    released: int
    refunded: int


class Books(Struct, frozen=True):
    """All books at one instant: their hash, and what does not hold of them (nothing, if all is well)."""

    state_hash: str
    postings_sum: int
    faults: tuple[str, ...]


def held_released_refunded(reader: Reader) -> Held:
    """The money of all trades as the trades tell it."""
    ((held, released, refunded),) = reader.rows(
        "SELECT sum(amount - refunded - released), sum(released - returned), sum(refunded + returned) FROM trades"
    )
    return Held(int(held or 0), int(released or 0), int(refunded or 0))


def read_books(reader: Reader) -> Books:
    """Read everything once, in one snapshot, hash it and hold its parts against each other.

    The hash covers balances, entries with postings, trades, payments, refunds and events, ordered by id. Left out is
    what differs between equal runs: sequence numbers, wall times, sealed details (encrypted under random nonces).
    """
    digest = sha256()
    with reader.snapshot():
        balances = _hashed(digest, reader.stream(_BALANCES))
        kept: dict[Id, tuple[int, int]] = {row[0]: (row[2], row[4]) for row in balances}
        folded, total = _fold(_hashed(digest, reader.stream(_ENTRIES)))
        faults = [f"account {key.hex()}: balance and postings differ" for key in _differing(kept, folded)]
        for row in _hashed(digest, reader.stream(f"{select(TRADES)} ORDER BY id")):
            trade = TRADES.row(*row)
            debits, credits = kept.get(account_id(trade.id, Purpose.HELD, trade.currency), (0, 0))
            if credits - debits != trade.amount - trade.refunded - trade.released:
                faults.append(f"trade {trade.id.hex()}: its account holds another amount than it says")
        for rows in (select(PAYMENTS), select(REFUNDS)):
            for row in reader.stream(f"{rows} ORDER BY id"):
                digest.update(_encode(row))
        faults += _gaps(_hashed(digest, _without_details(reader.stream(_EVENTS))))
    return Books(digest.hexdigest(), total, tuple(faults))


def _hashed(digest: Any, rows: Iterator[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
    for row in rows:
        digest.update(_encode(row))
        yield row


def _without_details(events: Iterator[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
    for key, type_, owner, at, body in events:
        if type_.startswith("party."):
            yield key, type_, owner, at, _encode({**msgpack.decode(body), "details": b""})
        else:
            yield key, type_, owner, at, body


def _fold(entries: Iterator[tuple[Any, ...]]) -> tuple[dict[Id, list[int]], int]:
    """Posted debits and credits of each account, added up anew from its postings, and all debits less all credits."""
    folded: dict[Id, list[int]] = defaultdict(lambda: [0, 0])
    for _, _, _, postings in entries:
        for posting in decode_postings(postings):
            if posting.mode not in _PENDS:
                folded[posting.debit][0] += posting.amount
                folded[posting.credit][1] += posting.amount
    return folded, sum(debits - credits for debits, credits in folded.values())


def _differing(kept: dict[Id, tuple[int, int]], folded: dict[Id, list[int]]) -> list[Id]:
    keys = sorted(kept.keys() | folded.keys())
    return [key for key in keys if kept.get(key, (0, 0)) != tuple(folded.get(key, (0, 0)))]


def _gaps(events: Iterator[tuple[Any, ...]]) -> list[str]:
    """Objects whose events do not count 1, 2, 3 and so on, without a gap."""
    faults: list[str] = []
    owner, version = b"", 0
    for key, *_ in events:
        version = version + 1 if key[:OBJECT] == owner else 1
        owner = key[:OBJECT]
        if int.from_bytes(key[OBJECT:], "big") != version:
            faults.append(f"event {key.hex()}: number {version} of its object was expected")
    return faults


def money_by_purpose(reader: Reader) -> dict[tuple[str, Purpose], int]:
    """Posted credits less debits by currency and purpose."""
    sums: dict[tuple[str, Purpose], int] = defaultdict(int)
    for key, debits, credits in reader.rows("SELECT id, debits_posted, credits_posted FROM accounts"):
        sums[account_currency(key), Purpose(account_purpose(key))] += credits - debits
    return dict(sums)
