"""Webhook endpoints, the deliveries to them, and sending again."""

from typing import Any

from msgspec.structs import replace

from handfast.domain import notifications
from handfast.domain.notifications import DELIVERIES, ENDPOINTS, Attempt, Delivery, Endpoint
from handfast.gateways.native import objects, reports, wire
from handfast.gateways.native.calls import Call
from handfast.gateways.native.lists import Limit, Query, listed, no_cursor
from handfast.gateways.native.people import wrapped_key
from handfast.gateways.native.prefixes import parse_kind, unknown
from handfast.gateways.native.render import attempt, endpoint
from handfast.gateways.native.reports import List
from handfast.store.reader import Reader, get


class DeliveryPage(Query, frozen=True, kw_only=True):
    """Which page: older deliveries than `starting_after`."""

    limit: Limit = 10
    starting_after: wire.Ref | None = None


def party_of(row: Endpoint) -> tuple[bytes]:
    """Whose an endpoint is."""
    return (row.party,)


async def create_endpoint(call: Call[wire.NewEndpoint]) -> objects.Endpoint:
    """Have events sent to a URL; this answer alone tells the secret that signs them."""
    party, services, secret = call.caller.party, call.services, notifications.new_secret()
    sealed = services.vault.seal(await wrapped_key(call, party), party, secret)
    private = services.settings.allow_private_webhooks
    command = notifications.CreateEndpoint(party, call.given.url, sealed, call.given.types, private)
    return _told(call, await call.do(notifications.create_endpoint, command), secret)


async def rotate_secret(call: Call[wire.Nothing]) -> objects.Endpoint:
    """Get a new secret, told by this answer alone; for a day the former one signs beside it."""
    row = await call.find(ENDPOINTS, party_of, "endpoint")
    services, secret = call.services, notifications.new_secret()
    sealed = services.vault.seal(await wrapped_key(call, row.party), row.party, secret)
    command = notifications.RotateSecret(call.caller.party, row.id, sealed, services.wall())
    return _told(call, await call.do(notifications.rotate_secret, command), secret)


def _told(call: Call[Any], row: Endpoint, secret: str) -> objects.Endpoint:
    return endpoint(row, None if call.replayed else secret)


def disable_endpoint(call: Call[wire.Nothing]) -> notifications.MoveEndpoint:
    """Send nothing more to an endpoint; what happens meanwhile is not kept for it."""
    return notifications.MoveEndpoint(call.caller.party, call.id, "disable")


def enable_endpoint(call: Call[wire.Nothing]) -> notifications.MoveEndpoint:
    """Send to a disabled endpoint again."""
    return notifications.MoveEndpoint(call.caller.party, call.id, "enable")


async def list_deliveries(call: Call[DeliveryPage]) -> List:
    """List what was sent, or is to be sent, to an endpoint; the newest event first."""
    given = call.given
    row = await call.find(ENDPOINTS, party_of, "endpoint")

    def rows(reader: Reader) -> list[Delivery]:
        before = None
        if given.starting_after is not None:
            key = parse_kind("delivery", given.starting_after)
            before = None if key is None else get(reader, DELIVERIES, key)
            if before is None or before.endpoint != row.id:
                raise no_cursor("delivery", "starting_after")
        return notifications.deliveries_of(reader, row.id, given.limit + 1, before)

    return await listed(call, await call.look(rows), given.limit)


async def see_delivery(call: Call[Any]) -> objects.Delivery:
    """See a delivery, with all its tries."""

    def find(reader: Reader) -> tuple[Delivery | None, Endpoint | None, list[Attempt]]:
        delivery = get(reader, DELIVERIES, call.id)
        its = get(reader, ENDPOINTS, delivery.endpoint) if delivery else None
        return delivery, its, notifications.attempts_of(reader, call.id)

    delivery, its, attempts = await call.look(find)
    if delivery is None or its is None or not call.caller.sees(its.party):
        raise unknown("delivery")
    shown: objects.Delivery = await call.show(delivery)
    return replace(shown, attempts=[attempt(row) for row in attempts])


def replay_delivery(call: Call[wire.Nothing]) -> notifications.Replay:
    """Send an event to an endpoint once more."""
    return notifications.Replay(call.caller.party, call.id, call.services.wall())


async def replay_events(call: Call[wire.ReplayOf]) -> reports.Replay:
    """Send events to an endpoint, whether they were sent to it before or not; those it is not owed are left out."""
    found = (parse_kind("event", each) for each in call.given.events)
    events = tuple(dict.fromkeys(key for key in found if key is not None))
    command = notifications.ReplayEvents(call.caller.party, call.id, events, call.services.wall())
    return reports.Replay("replay", await call.do(notifications.replay_events, command))
