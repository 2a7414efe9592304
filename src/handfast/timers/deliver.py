"""The loop that brings events to merchants: fans them out to their endpoints, claims what is due, sends it, settles.

Each turn hands the desk one batch: what came of the last sends, the next page of events, and claims of what is due. A
crash between sending and settling sends again once the lease has ended, with the same id.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator

import structlog
from msgspec import Struct

from handfast.core.errors import Unavailable
from handfast.core.ids import Id, text
from handfast.domain.notifications import (
    ENDPOINTS,
    Claim,
    Delivery,
    Endpoint,
    FanOut,
    Settle,
    active_endpoints,
    any_active,
    claim,
    due_deliveries,
    endpoints_with_due,
    events_after,
    events_by_id,
    fan_out,
    fanned_out,
    is_owed,
    last_event,
    open_secrets,
    settle,
    signed_headers,
)
from handfast.domain.parties import HOUSE, PERSON_KEYS
from handfast.services import Services
from handfast.store.reader import Reader, get
from handfast.store.rows import Event
from handfast.store.verb import Request, Verb
from handfast.timers.sender import Outcome, Sender

MAX_SENDING = 64
MAX_TO_ONE = 8
MAX_STRUGGLING = 32
"""How many sends may be under way: in all; to one endpoint; and to all of those whose last answer was late or a no.

Of these each has one at a time, so that many broken receivers cannot take the places of those that work.
"""

LATE = 2.0
"""Seconds after which an answer is late."""

PAGE = 200
"""Events, and about as many deliveries, that one turn fans out."""

IDLE = 0.25
"""Seconds between turns while nothing is due."""

Render = Callable[[Event, Id], Awaitable[bytes]]
"""Makes an event's body as a party may see it."""

_NOBODY: Id = bytes(16)
_log = structlog.get_logger("handfast.deliver")


class _Parcel(Struct, frozen=True):
    """All that one try needs."""

    delivery: Delivery
    endpoint: Endpoint
    event: Event
    wrapped_key: bytes


class Deliverer:
    """Delivers events, until it is cancelled. `render` makes an event's body; `sending` is what is under way."""

    def __init__(self, services: Services, render: Render, sender: Sender) -> None:
        self._services = services
        self._render = render
        self._sender = sender
        self.sending: dict[asyncio.Task[tuple[Outcome, bool]], Delivery] = {}
        self._unsettled: list[Settle] = []
        self._struggling: set[Id] = set()
        self._last_served: Id = b""

    async def run(self) -> None:
        """Take turns for ever; while the database or the desk is away, wait for it."""
        try:
            while True:
                try:
                    moved = await self.turn()
                except Unavailable as away:
                    _log.warning("delivery waits", code=away.code)
                    moved = False
                if not moved:
                    await self.pause()
        finally:
            for task in self.sending:
                task.cancel()

    async def pause(self) -> None:
        """Wait until a send has ended, or for a moment."""
        if self.sending:
            await asyncio.wait(self.sending, timeout=IDLE, return_when=asyncio.FIRST_COMPLETED)
        else:
            await asyncio.sleep(IDLE)

    async def turn(self) -> bool:
        """Settle, fan out, claim, start sending; whether there may be more to do at once. Raises Unavailable."""
        self._collect()
        at = self._services.wall()
        page, due = await self._services.read.short(lambda reader: (_next_page(reader, at), self._next_due(reader, at)))
        settling = self._unsettled
        requests = [
            *(_request(settle, item) for item in settling),
            *(_request(claim, Claim(delivery.id, at)) for delivery in due),
            *([_request(fan_out, page)] if page else []),
        ]
        answers = await self._services.hand.call_many(requests) if requests else []
        self._unsettled = [
            item for item, answer in zip(settling, answers, strict=False) if isinstance(answer.refusal, Unavailable)
        ]
        claimed = answers[len(settling) : len(settling) + len(due)]
        await self._send([answer.result for answer in claimed if answer.refusal is None])
        for answer in answers:
            if isinstance(answer.refusal, Unavailable):
                raise answer.refusal
        return bool(settling or due or (page and (page.pairs or page.until - page.after >= PAGE)))

    def _collect(self) -> None:
        """Turn sends that have ended into what is to be settled."""
        for task in [task for task in self.sending if task.done()]:
            delivery = self.sending.pop(task)
            fault = task.exception()
            if fault is not None:
                _log.error("delivery fault", owed=text("evt", delivery.event), exc_info=fault)
            outcome, late = (Outcome(0, "internal"), False) if fault else task.result()
            if late or not 200 <= outcome.status < 300:
                self._struggling.add(delivery.endpoint)
            else:
                self._struggling.discard(delivery.endpoint)
            tried = Settle(delivery.id, delivery.tries, outcome.status, outcome.error, self._services.wall())
            self._unsettled.append(tried)

    def _next_due(self, reader: Reader, at: int) -> list[Delivery]:
        """What is due and has room, endpoint by endpoint, going on after the one that was served last."""
        busy = Counter(delivery.endpoint for delivery in self.sending.values())
        room = MAX_SENDING - len(self.sending)
        room_for_struggling = MAX_STRUGGLING - sum(busy[endpoint] for endpoint in self._struggling)
        due: list[Delivery] = []
        without_room = len(busy.keys() | self._struggling)
        for endpoint in endpoints_with_due(reader, self._last_served, at, room + without_room) if room else ():
            if endpoint in self._struggling:
                free = min(room, 1 - busy[endpoint], room_for_struggling)
            else:
                free = min(room, MAX_TO_ONE - busy[endpoint])
            if free <= 0:
                continue
            found = due_deliveries(reader, endpoint, at, free)
            due += found
            room -= len(found)
            room_for_struggling -= len(found) if endpoint in self._struggling else 0
            self._last_served = endpoint
        return due

    async def _send(self, deliveries: list[Delivery]) -> None:
        """Start a task for each claimed delivery."""
        if not deliveries:
            return
        for parcel in await self._services.read.short(lambda reader: list(_parcels(reader, deliveries))):
            self.sending[asyncio.create_task(self._post(parcel))] = parcel.delivery

    async def _post(self, parcel: _Parcel) -> tuple[Outcome, bool]:
        """One try, and whether it took long."""
        clock = asyncio.get_running_loop().time
        started = clock()
        endpoint, at = parcel.endpoint, self._services.wall()
        secrets = open_secrets(self._services.vault, parcel.wrapped_key, endpoint, at)
        if not secrets:
            return Outcome(0, "party_erased"), False
        body = await self._render(parcel.event, endpoint.party)
        headers = {"content-type": "application/json", **signed_headers(secrets, parcel.event.id, at, body)}
        outcome = await self._sender.post(endpoint.url, headers, body)
        return outcome, clock() - started > LATE


def _request(verb: Verb, command: Struct) -> Request:
    return Request(verb.name, command, "timers.deliver", _NOBODY)


def _next_page(reader: Reader, at: int) -> FanOut | None:
    """The next events, and the endpoints that are owed them."""
    after = until = fanned_out(reader)
    if not any_active(reader):
        newest = last_event(reader)
        return FanOut(after, newest, (), at) if newest > after else None
    events = events_after(reader, after, PAGE)
    if not events:
        return None
    endpoints = active_endpoints(reader, {HOUSE, *(event.owner for event in events)})
    pairs: list[tuple[Id, Id]] = []
    for event in events:
        owed = [endpoint for party in dict.fromkeys((event.owner, HOUSE)) for endpoint in endpoints.get(party, ())]
        pairs += [(event.id, endpoint.id) for endpoint in owed if is_owed(endpoint, event)]
        until = event.seq
        if len(pairs) >= PAGE:
            break
    return FanOut(after, until, tuple(pairs), at)


def _parcels(reader: Reader, deliveries: list[Delivery]) -> Iterator[_Parcel]:
    events = events_by_id(reader, {delivery.event for delivery in deliveries})
    for key in {delivery.endpoint for delivery in deliveries}:
        endpoint = get(reader, ENDPOINTS, key)
        assert endpoint is not None
        person_key = get(reader, PERSON_KEYS, endpoint.party)
        wrapped_key = person_key.wrapped if person_key else b""
        for delivery in deliveries:
            if delivery.endpoint == key:
                yield _Parcel(delivery, endpoint, events[delivery.event], wrapped_key)
