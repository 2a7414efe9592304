"""Rows of webhook endpoints, deliveries and the marks that loops keep."""

from handfast.core.ids import Id, digest_id
from handfast.domain.notifications.model import Delivery, Endpoint, Mark
from handfast.store.reader import Reader, find, get, select
from handfast.store.rows import EVENTS, Event
from handfast.store.table import Table

ENDPOINTS = Table("endpoints", Endpoint)
DELIVERIES = Table("deliveries", Delivery)
MARKS = Table("marks", Mark)
INDEXES = (
    ("endpoints", "party, id", ""),
    ("deliveries", "endpoint, due, seq", "due IS NOT NULL"),
    ("deliveries", "endpoint, seq", ""),
    ("deliveries", "event", ""),
    ("events", "owner, seq", ""),
)

FANNED_OUT = digest_id(b"mark", b"events fanned out")
MARKET_OFFSET = digest_id(b"mark", b"market clock offset")
