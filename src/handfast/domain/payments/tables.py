"""Rows of payments, refunds and consents."""

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from msgspec import msgpack

from handfast.core.ids import Id, account_purpose, digest_id, event_id, owner_of
from handfast.domain.payments.model import Consent, Line, Payment, Refund
from handfast.ledger import Purpose
from handfast.ledger.journal import balances_of, entries_at, entries_of, places_touching
from handfast.store.reader import Reader, find, get
from handfast.store.rows import EVENTS, OWED_EVENTS, Event
from handfast.store.table import Table

PAYMENTS = Table("payments", Payment)
REFUNDS = Table("refunds", Refund)
CONSENTS = Table("consents", Consent)
INDEXES = (
    ("payments", "due, id", "due IS NOT NULL"),
    ("refunds", "payment, id", ""),
    ("refunds", "merchant, id", ""),
    ("consents", "payer", ""),
)


_lines = msgpack.Decoder(tuple[Line, ...]).decode


def lines_of(payment: Payment) -> tuple[Line, ...]:
    """The payment's lines; none for a direct payment."""
    return _lines(payment.lines) if payment.lines else ()


@lru_cache(maxsize=32_768)  # a payer comes back to the shop, and a verb that begins anew asks again
def consent_id(payer: Id, merchant: Id) -> Id:
    """The id of the consent that a payer gave a merchant."""
    return digest_id(b"consent", payer, merchant)


def due_payments(reader: Reader, now: int, limit: int) -> list[Payment]:
    """Payments whose time to be paid or captured has run out, the earliest first."""
    return find(reader, PAYMENTS, "due IS NOT NULL AND due <= ? ORDER BY due, id LIMIT ?", now, limit)


def refunds_of(reader: Reader, payment: Id) -> list[Refund]:
    """The refunds of a payment, oldest first."""
    return find(reader, REFUNDS, "payment = ? ORDER BY id", payment)


def moved_between(reader: Reader, merchant: Id, start: int, end: int) -> Iterator[Event]:
    """The events of what a merchant was paid and gave back from `start` until `end` (µs, market time), newest first."""
    kinds = "type IN ('payment.captured', 'refund.created')"
    place = 2**63 - 1
    while found := find(
        reader, OWED_EVENTS, f"owner = ? AND seq < ? AND {kinds} ORDER BY seq DESC LIMIT ?", merchant, place, _AT_ONCE
    ):
        yield from (event for event in found if start <= event.at < end)
        place = found[-1].seq
        if found[-1].at < start:
            return


def captured_before(reader: Reader, captured: Event) -> int:
    """How much of a payment was taken before the event that tells of more."""
    payment = msgpack.decode(captured.body, type=Payment)
    before = get(reader, EVENTS, event_id(payment.id, payment.version - 1))
    return msgpack.decode(before.body, type=Payment).captured if before is not None else 0


Walk = Callable[[int | None], tuple[int, list[Id]] | None]
"""The next payments of a walk beyond a place, and the place that it then has come to; None at its end."""

_AT_ONCE = 200


def sold_by(
    reader: Reader, merchant: Id, limit: int, *, below: Id | None, above: Id | None, equal: Mapping[str, Any]
) -> list[Payment] | None:
    """A page of the merchant's payments that meet `equal`, the newest first; None for a cursor that is none of them.

    They are found through the merchant's events, so that a payment needs no index of its own for this.
    """
    rising = above is not None
    bound, order = ("seq > ?", "seq") if rising else ("seq < ?", "seq DESC")
    kinds = "type IN ('payment.created', 'payment.authorised', 'payment.captured')"
    sql = f"SELECT seq, id FROM owed_events WHERE owner = ? AND {bound} AND {kinds} ORDER BY {order} LIMIT ?"

    def walk(place: int | None) -> tuple[int, list[Id]] | None:
        rows = reader.rows(sql, (merchant, place if place is not None else 2**63 - 1, _AT_ONCE))
        first = [owner_of(key) for _, key in rows if key == event_id(key, 1)]
        return (rows[-1][0], first) if rows else None

    start = None
    if (cursor := above or below) is not None:
        found = reader.rows("SELECT seq FROM events WHERE id = ? AND owner = ?", (event_id(cursor, 1), merchant))
        if not found:
            return None
        start = found[0][0]
    return _page(reader, walk, start, limit, equal, rising=rising)


def paid_by(
    reader: Reader, payer: Id, limit: int, *, below: Id | None, above: Id | None, equal: Mapping[str, Any]
) -> list[Payment] | None:
    """A page of the payments out of the payer's wallets that meet `equal`, the newest first; None as in `sold_by`.

    They are found through the statements of the wallets.
    """
    accounts = [balance.account for balance in balances_of(reader, payer)]
    wallets = [account for account in accounts if account_purpose(account) == Purpose.WALLET]
    rising = above is not None

    def walk(place: int | None) -> tuple[int, list[Id]] | None:
        if rising:
            places = places_touching(reader, wallets, _AT_ONCE, after=place)
        else:
            places = places_touching(reader, wallets, _AT_ONCE, before=place)
        kinds = ("payment.pay", "payment.authorise")
        paid = {entry.seq: owner_of(entry.id) for entry in entries_at(reader, places) if entry.kind in kinds}
        return (places[-1], [paid[place] for place in places if place in paid]) if places else None

    start = None
    if (cursor := above or below) is not None:
        taken = entries_of(reader, cursor)
        if not taken or taken[0] not in places_touching(reader, wallets, 1, after=taken[0] - 1):
            return None
        start = taken[0]
    return _page(reader, walk, start, limit, equal, rising=rising)


def _page(
    reader: Reader, walk: Walk, place: int | None, limit: int, equal: Mapping[str, Any], *, rising: bool
) -> list[Payment]:
    found: list[Payment] = []
    while len(found) < limit and (step := walk(place)) is not None:
        place, keys = step
        marks = ", ".join("?" * len(keys))
        rows = {row.id: row for row in find(reader, PAYMENTS, f"id IN ({marks})", *keys)} if keys else {}
        found += [rows[key] for key in keys if all(getattr(rows[key], name) == value for name, value in equal.items())]
    return found[:limit][::-1] if rising else found[:limit]
