"""Rows of endpoints, deliveries, their tries, and the marks that loops keep."""

from collections.abc import Collection, Mapping
from typing import Any

from handfast.core.ids import OBJECT, Id, digest_id
from handfast.domain.notifications.model import Attempt, Delivery, Endpoint, Mark
from handfast.domain.parties import HOUSE
from handfast.store.reader import Reader, find, get, page
from handfast.store.rows import EVENTS, OWED_EVENTS, Event
from handfast.store.table import Table

ENDPOINTS = Table("endpoints", Endpoint)
DELIVERIES = Table("deliveries", Delivery)
ATTEMPTS = Table("attempts", Attempt)
MARKS = Table("marks", Mark)
INDEXES = (
    ("endpoints", "party, id", ""),
    ("deliveries", "endpoint, due, seq", "due IS NOT NULL"),
    ("deliveries", "endpoint, seq", ""),
    ("deliveries", "event", ""),
    ("attempts", "delivery, number", ""),
)

FANNED_OUT = digest_id(b"mark", b"events fanned out")
MARKET_OFFSET = digest_id(b"mark", b"market clock offset")


def queue(endpoint: Id, about: Id) -> Id:
    """The mark that counts what was queued for an endpoint about an object."""
    return digest_id(b"queue", endpoint, about)


def delivery_id(endpoint: Id, about: Id, place: int) -> Id:
    """The delivery that has that place in the queue of an endpoint and an object."""
    return digest_id(b"delivery", endpoint, about, place.to_bytes(8, "big"))


def gateway_endpoint(party: Id, gateway: str) -> Id:
    """A party's one endpoint of a gateway that is not the native one."""
    return digest_id(b"endpoint", party, gateway.encode())[:OBJECT].ljust(16, b"\0")


def attempt_id(delivery: Id, number: int) -> Id:
    """That try of a delivery."""
    return digest_id(b"attempt", delivery, number.to_bytes(4, "big"))


def fanned_out(reader: Reader) -> int:
    """The place among all events up to which deliveries were made."""
    mark = get(reader, MARKS, FANNED_OUT)
    return mark.value if mark else 0


def events_after(reader: Reader, seq: int, limit: int) -> list[Event]:
    """The next events of all, in order."""
    return find(reader, EVENTS, "seq > ? ORDER BY seq LIMIT ?", seq, limit)


def last_event(reader: Reader) -> int:
    """The place of the newest event, 0 before the first."""
    ((seq,),) = reader.rows("SELECT coalesce(max(seq), 0) FROM events")
    return int(seq)


def any_active(reader: Reader) -> bool:
    """Whether there is an endpoint at all that is sent to."""
    return bool(reader.rows("SELECT 1 FROM endpoints WHERE state = 'active' LIMIT 1"))


def events_by_id(reader: Reader, ids: Collection[Id]) -> dict[Id, Event]:
    """The events of those ids."""
    return {event.id: event for event in find(reader, EVENTS, f"id IN ({_marks(ids)})", *ids)}


def active_endpoints(reader: Reader, parties: Collection[Id]) -> dict[Id, list[Endpoint]]:
    """The endpoints of each of these parties that are sent to."""
    found: dict[Id, list[Endpoint]] = {}
    for endpoint in find(reader, ENDPOINTS, f"party IN ({_marks(parties)}) AND state = 'active' ORDER BY id", *parties):
        found.setdefault(endpoint.party, []).append(endpoint)
    return found


def _marks(values: Collection[Id]) -> str:
    return ", ".join("?" * len(values)) or "NULL"


def endpoints_of(reader: Reader, party: Id) -> list[Endpoint]:
    """A party's endpoints, oldest first."""
    return find(reader, ENDPOINTS, "party = ? ORDER BY id", party)


_CLOCK = "CASE WHEN gateway = 'native' THEN ? ELSE ? END"


def endpoints_with_due(reader: Reader, after: Id, wall: int, market: int, limit: int) -> list[tuple[Id, int]]:
    """Active endpoints to which something may be sent, with what their clock shows of the two times.

    By id, round robin from after `after`.
    """
    due = f"SELECT 1 FROM deliveries WHERE deliveries.endpoint = endpoints.id AND due <= {_CLOCK}"
    sql = f"SELECT id, gateway FROM endpoints WHERE state = 'active' AND id {{}} ? AND EXISTS ({due})"
    sql += " ORDER BY id LIMIT ?"
    found = reader.rows(sql.format(">"), (after, wall, market, limit))
    if len(found) < limit:
        found += reader.rows(sql.format("<="), (after, wall, market, limit - len(found)))
    return [(key, wall if gateway == "native" else market) for key, gateway in found]


def next_on_market(reader: Reader, until: int) -> int | None:
    """The market time of the earliest delivery on the market's clock that is due then or before, if there is one."""
    sql = """SELECT min(due) FROM endpoints JOIN deliveries ON deliveries.endpoint = endpoints.id
        WHERE endpoints.state = 'active' AND gateway <> 'native' AND due <= ?"""
    ((due,),) = reader.rows(sql, (until,))
    return None if due is None else int(due)


def any_on_market(reader: Reader) -> bool:
    """Whether there is an endpoint that is sent to on market time."""
    return bool(reader.rows("SELECT 1 FROM endpoints WHERE state = 'active' AND gateway <> 'native' LIMIT 1"))


def attempts_of(reader: Reader, delivery: Id) -> list[Attempt]:
    """A delivery's tries, the first first."""
    return find(reader, ATTEMPTS, "delivery = ? ORDER BY number", delivery)


def due_deliveries(reader: Reader, endpoint: Id, at: int, limit: int) -> list[Delivery]:
    """What may be sent to an endpoint at that time of its clock, what has waited longest first."""
    return find(reader, DELIVERIES, "endpoint = ? AND due <= ? ORDER BY due, seq LIMIT ?", endpoint, at, limit)


def deliveries_of(reader: Reader, endpoint: Id, limit: int, before: Delivery | None = None) -> list[Delivery]:
    """An endpoint's deliveries, newest event first; `before` is the last one of the page before."""
    if before is None:
        return find(reader, DELIVERIES, "endpoint = ? ORDER BY seq DESC, id LIMIT ?", endpoint, limit)
    where = "endpoint = ? AND seq <= ? AND (seq < ? OR id > ?) ORDER BY seq DESC, id LIMIT ?"
    return find(reader, DELIVERIES, where, endpoint, before.seq, before.seq, before.id, limit)


def deliveries_of_event(reader: Reader, event: Id) -> list[Delivery]:
    """All deliveries of an event, to whichever endpoint, oldest first."""
    return find(reader, DELIVERIES, "event = ? ORDER BY created, place", event)


def events_owed(reader: Reader, party: Id, after: int, until: int, limit: int) -> list[Event]:
    """The events that a party is owed whose place among all is in after < seq <= until, in order; the house, all."""
    if party == HOUSE:
        return find(reader, EVENTS, "seq > ? AND seq <= ? ORDER BY seq LIMIT ?", after, until, limit)
    where = "owner = ? AND seq > ? AND seq <= ? ORDER BY seq LIMIT ?"
    return find(reader, OWED_EVENTS, where, party, after, until, limit)


def owed_to(
    reader: Reader, party: Id, limit: int, *, below: Id | None, above: Id | None, equal: Mapping[str, Any]
) -> list[Event] | None:
    """A page of the events that a party is owed that meet `equal`, the newest first.

    None for a cursor that is none of them.
    """
    place = None
    if (cursor := above or below) is not None:
        event = get(reader, EVENTS, cursor)
        if event is None or event.owner != party:
            return None
        place = event.seq
    low, high = (None, place) if above is not None else (place, None)
    return page(reader, OWED_EVENTS, limit, owners=(("owner",), party), equal=equal, by="seq", below=low, above=high)
