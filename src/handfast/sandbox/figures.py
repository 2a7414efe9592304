"""Figures taken from the books of a whole market, and one hash over all of them."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256
from typing import Any

from msgspec import Struct, msgpack

from handfast.core.ids import OBJECT, Id, account_currency, account_id, account_purpose
from handfast.domain.disputes import DISPUTES
from handfast.domain.payments import PAYMENTS, REFUNDS
from handfast.domain.trades import TRADES
from handfast.ledger import Mode, Purpose
from handfast.ledger.model import decode_postings
from handfast.store.reader import Reader, select

_BALANCES = "SELECT id, debits_pending, debits_posted, credits_pending, credits_posted FROM accounts ORDER BY id"
_ENTRIES = "SELECT id, kind, at, postings FROM entries ORDER BY id"
_EVENTS = "SELECT id, type, owner, at, body FROM events ORDER BY id"

CHARGED_AGAIN = "charged_again"
REFUNDED_AGAIN = "refunded_again"
TOPPED_UP_AGAIN = "topped_up_again"
NEVER_SHIPPED = "paid_and_never_shipped"
NOTICE_LOST = "notification_lost"
LOSSES = (CHARGED_AGAIN, REFUNDED_AGAIN, TOPPED_UP_AGAIN, NEVER_SHIPPED, NOTICE_LOST)
"""What a market can lose or do twice; NEVER_SHIPPED are those whose seller was never told of the sale."""

_CHARGED = (
    "SELECT pay_currency, count(*), sum(pay_amount) FROM payments WHERE state NOT IN ('open', 'cancelled')"
    " GROUP BY pay_currency"
)
_REFUNDED = "SELECT pay_currency, count(*), sum(pay_amount) FROM refunds WHERE reason LIKE ? GROUP BY pay_currency"
_TOPPED_UP = (
    "SELECT l.currency, count(*), sum(l.amount) FROM bank_lines l LEFT JOIN deals d ON d.id = l.object"
    " LEFT JOIN payouts p ON p.id = l.object WHERE d.id IS NULL AND p.id IS NULL GROUP BY l.currency"
)
_SHOPS_REASON = "refund %"
_VERSIONS = (
    ("payments", "payment.%"),
    ("refunds", "refund.%"),
    ("trades", "trade.%"),
    ("claims", "claim.%"),
    ("disputes", "dispute.%"),
)
_SEALED: Mapping[str, dict[str, bytes]] = {
    "party": {"details": b""},
    "claim": {"words": b"", "answer": b""},
    "evidence": {"sealed": b"", "digest": b""},
}
"""By the first word of an event's type: what of its object is sealed, or the digest of something sealed."""

_PENDS = frozenset({Mode.PENDING, Mode.VOID})
_encode = msgpack.Encoder().encode


class Held(Struct, frozen=True):
    """Guaranteed money in minor units of the price's currency: what is held, was released to sellers, went back."""

    held: int
    released: int
    refunded: int


class Loss(Struct, frozen=True):
    """What was lost or done twice: how often, how much in minor units by currency, how often by which kind of fault."""

    count: int = 0
    amounts: dict[str, int] = {}
    causes: dict[str, int] = {}


Totals = Mapping[str, tuple[int, int]]
"""Count and sum (minor units) by currency."""


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

    The hash covers balances, entries with postings, trades, payments, refunds, disputes and events, ordered by id. Left
    out is what differs between equal runs: sequence numbers, wall times, what is sealed (under random nonces).
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
        for rows in (select(PAYMENTS), select(REFUNDS), select(DISPUTES)):
            for row in reader.stream(f"{rows} ORDER BY id"):
                digest.update(_encode(row))
        faults += _gaps(_hashed(digest, _without_secrets(reader.stream(_EVENTS))))
    return Books(digest.hexdigest(), total, tuple(faults))


def _hashed(digest: Any, rows: Iterator[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
    for row in rows:
        digest.update(_encode(row))
        yield row


def _without_secrets(events: Iterator[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
    for key, type_, owner, at, body in events:
        sealed = _SEALED.get(type_.partition(".")[0])
        yield key, type_, owner, at, _encode(msgpack.decode(body) | sealed) if sealed else body


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


def losses(reader: Reader, asked: Mapping[str, Totals]) -> dict[str, Loss]:
    """What the books have more, or less, than was asked for and came in; for each object's version there is an event.

    `asked` has what clients were told of payments and of shops' own refunds, and what the bank said came from people.
    """
    with reader.snapshot():
        told = {key[:OBJECT] for (key,) in reader.rows("SELECT id FROM events WHERE type = 'payment.captured'")}
        paid = reader.rows("SELECT id, currency, amount FROM payments WHERE captured > 0")
        untold = [(currency, amount) for key, currency, amount in paid if key[:OBJECT] not in told]
        missing = sum(_versions_without_event(reader, table, types) for table, types in _VERSIONS)
        return {
            CHARGED_AGAIN: _difference(_totals(reader.rows(_CHARGED)), asked.get(CHARGED_AGAIN, {})),
            REFUNDED_AGAIN: _difference(
                _totals(reader.rows(_REFUNDED, (_SHOPS_REASON,))), asked.get(REFUNDED_AGAIN, {})
            ),
            TOPPED_UP_AGAIN: _difference(_totals(reader.rows(_TOPPED_UP)), asked.get(TOPPED_UP_AGAIN, {})),
            NEVER_SHIPPED: Loss(len(untold), summed(untold)),
            NOTICE_LOST: Loss(missing),
        }


def _totals(rows: Iterable[tuple[Any, ...]]) -> Totals:
    return {currency: (int(count), int(amount)) for currency, count, amount in rows}


def _difference(books: Totals, asked: Totals) -> Loss:
    """Counts and sums that differ, whichever way; in `amounts` a shortfall is below zero."""
    none = (0, 0)
    currencies = sorted(books.keys() | asked.keys())
    counts = (abs(books.get(code, none)[0] - asked.get(code, none)[0]) for code in currencies)
    amounts = {code: books.get(code, none)[1] - asked.get(code, none)[1] for code in currencies}
    return Loss(sum(counts), {code: amount for code, amount in amounts.items() if amount})


def _versions_without_event(reader: Reader, table: str, types: str) -> int:
    ((versions,),) = reader.rows(f"SELECT sum(version) FROM {table}")
    ((events,),) = reader.rows("SELECT count(*) FROM events WHERE type LIKE ?", (types,))
    return int(versions or 0) - int(events)


def summed(amounts: Iterable[tuple[str, int]]) -> dict[str, int]:
    """Sums by currency, in the currencies' order."""
    sums: dict[str, int] = defaultdict(int)
    for currency, amount in amounts:
        sums[currency] += amount
    return dict(sorted(sums.items()))
