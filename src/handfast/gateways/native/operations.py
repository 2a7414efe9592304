"""What became of a request: looked up by its idempotency key, or by the operation's id."""

from collections.abc import Iterable
from typing import Any

from msgspec import Struct, msgpack

from handfast.core.errors import refusal
from handfast.core.ids import Id
from handfast.domain import (
    claims,
    disputes,
    exchange,
    notifications,
    parties,
    payments,
    payouts,
    policies,
    receivables,
    topups,
    trades,
    transfers,
)
from handfast.domain.parties import API_CLIENTS
from handfast.gateways.native.calls import Call
from handfast.gateways.native.errors import error_of
from handfast.gateways.native.idempotency import operation_id
from handfast.gateways.native.lists import Query
from handfast.gateways.native.prefixes import parse_kind, show, unknown
from handfast.gateways.native.render import SECOND
from handfast.gateways.native.reports import Operation
from handfast.store import rows
from handfast.store.reader import Reader, body_of, get
from handfast.store.rows import KNOWN_OPERATIONS
from handfast.store.verb import Verb

_ROOMS: Iterable[Any] = (
    *(claims, disputes, exchange, notifications, parties, payments, payouts, policies, receivables),
    *(topups, trades, transfers),
)
_VERBS: dict[str, Verb] = {verb.name: verb for room in _ROOMS for verb in room.VERBS}


class OperationQuery(Query, frozen=True, kw_only=True):
    """The idempotency key that the request was sent with."""

    idempotency_key: str


async def find_operation(call: Call[OperationQuery]) -> Operation:
    """Ask what became of a request by its idempotency key; where nothing is found, it was never carried out."""
    return await _shown(call, operation_id(call.caller.party, call.given.idempotency_key, "idempotency_key"))


async def see_operation(call: Call[Any]) -> Operation:
    """See an operation."""
    return await _shown(call, call.id)


async def _shown(call: Call[Any], key: Id) -> Operation:
    def find(reader: Reader) -> tuple[rows.Operation, bytes, Id | None] | None:
        row = get(reader, KNOWN_OPERATIONS, key)
        if row is None:
            return None
        client = parse_kind("client", row.actor)
        its = get(reader, API_CLIENTS, client) if client else None
        return row, body_of(reader, row), its.party if its else None

    found = await call.services.read.long(find)  # a key that is not filed yet is looked for among the newest
    if found is None or not call.caller.sees(found[2]):
        raise unknown("operation")
    return await operation(call, found[0], found[1])


async def operation(call: Call[Any], row: rows.Operation, body: bytes) -> Operation:
    """An operation with its result, or its error as it was answered."""
    result = error = None
    if row.outcome:
        message, param = msgpack.decode(body)
        error = error_of(refusal(row.outcome, message, param), row.request)
    else:
        verb = _VERBS.get(row.verb)
        found = msgpack.decode(body, type=verb.result) if verb else None
        result = await call.show(found) if isinstance(found, Struct) else found
    return Operation(
        id=show("operation", row.id),
        object="operation",
        verb=row.verb,
        state="refused" if row.outcome else "done",
        request_id=show("request", row.request),
        result=result,
        error=error,
        created=row.at // SECOND,
    )
