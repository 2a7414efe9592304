"""The desk's own rows: what was asked (operations) and what came of it (events, the outbox)."""

from msgspec import Struct

from handfast.core.ids import Id
from handfast.store.table import Table


class Operation(Struct, frozen=True, gc=False):
    """One verb that was asked and answered: idempotency record, audit log and the root of `explain` in one.

    `id` is derived from actor and idempotency key where there is one. `outcome` is "" or the refusal's code; `body` the
    msgpack of the result, or of the refusal's message and param. `object` is what it was about. A result that an event
    of the operation tells is kept there only: then `told` is that event's id, and `body` empty.
    """

    id: Id
    verb: str
    actor: str
    request: Id
    object: Id | None
    fingerprint: bytes
    outcome: str
    body: bytes
    told: Id | None
    at: int


class Event(Struct, frozen=True, gc=False):
    """One state change of one object: `id` is the object's id and version, `body` the msgpack of the object then.

    `seq` orders all events of the database without gaps; `owner` is the party that is owed it.
    """

    id: Id
    seq: int
    type: str
    owner: Id
    operation: Id
    at: int
    body: bytes


class Intention(Struct, frozen=True, gc=False):
    """What the desk is about to have a ledger outside this database do; `body` is empty when that is finished.

    One row, there where the ledger is outside: `books` is the number under which this database's books lie in it.
    """

    id: Id
    books: int
    body: bytes


OPERATIONS = Table("operations", Operation)
KNOWN_OPERATIONS = Table("known_operations", Operation)
"""The same as a view that readers find an operation in by its id: SQLite has no index of its newest ones."""
EVENTS = Table("events", Event)
OWED_EVENTS = Table("owed_events", Event)
"""The same as a view that readers find an owner's events in, in order: SQLite has no index of the newest ones."""
INTENTIONS = Table("intentions", Intention)
