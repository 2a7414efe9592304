"""The loop that brings events to merchants: fans them out to their endpoints, claims what is due, sends it, settles.

What is sent, where, how often, and what counts as a receipt is each gateway's own rule (see Notifier). Each turn hands
the desk one batch: what came of the last sends, the next page of events, and claims of what is due. A crash between
sending and settling sends again once the lease has ended, with the same id.
"""

import asyncio
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Protocol

import structlog
from msgspec import Struct

from handfast.core.errors import Unavailable
from handfast.core.ids import Id, text
from handfast.domain.notifications import (
    ENDPOINTS,
    SHOWN,
    Claim,
    Delivery,
    Endpoint,
    FanOut,
    Notice,
    Parcel,
    Settle,
    active_endpoints,
    any_active,
    any_on_market,
    claim,
    due_deliveries,
    endpoints_with_due,
    events_after,
    events_by_id,
    fan_out,
    fanned_out,
    is_owed,
    last_event,
    next_on_market,
    settle,
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

CATCH_UP = 60
"""Seconds that a sandbox's market clock waits at a moment for what is sent then."""

_NOBODY: Id = bytes(16)
_log = structlog.get_logger("handfast.deliver")


class Notifier(Protocol):
    """A gateway's rules of telling its merchants."""

    @property
    def pauses(self) -> Sequence[int]:
        """How long to wait after the first, second … failed try (µs of its clock); one more try is the last."""

    def address(self, reader: Reader, endpoint: Endpoint, event: Event, /) -> str | None:
        """Where an event that the endpoint wants is to be sent; None where this gateway has nothing to tell of it."""

    async def notice(self, parcel: Parcel, /) -> Notice:
        """The request of one try. Raises Unavailable."""

    def is_receipt(self, status: int, body: bytes, /) -> bool:
        """Whether an answer says that the merchant has it, and nothing more is to be sent."""


class _Tried(Struct, frozen=True):
    """What came of one try; `once` where there is to be no other."""

    outcome: Outcome
    delivered: bool = False
    late: bool = False
    once: bool = False


class Deliverer:
    """Delivers events, until it is cancelled, by each gateway's notifier; `sending` is what is under way."""

    def __init__(self, services: Services, notifiers: Mapping[str, Notifier], sender: Sender) -> None:
        self._services = services
        self._notifiers = notifiers
        self._sender = sender
        self._turned = asyncio.Event()
        self._woken = asyncio.Event()
        self.sending: dict[asyncio.Task[_Tried], Parcel] = {}
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
                turned, self._turned = self._turned, asyncio.Event()
                turned.set()
                if not moved:
                    await self.pause()
        finally:
            for task in self.sending:
                task.cancel()

    async def pause(self) -> None:
        """Wait until a send has ended, somebody wants to catch up, or for a moment."""
        woken = asyncio.create_task(self._woken.wait())
        await asyncio.wait({*self.sending, woken}, timeout=IDLE, return_when=asyncio.FIRST_COMPLETED)
        woken.cancel()
        self._woken.clear()

    async def next_due(self, until: int) -> int | None:
        """The market time of the earliest notification that is due then or before, or None. Raises Unavailable."""
        return await self._services.read.short(lambda reader: next_on_market(reader, until))

    async def caught_up(self) -> None:
        """Wait until all that is due by the market clock was sent and settled, within bounds. Raises Unavailable."""

        def sending() -> bool:
            return any(parcel.endpoint.gateway != "native" for parcel in self.sending.values())

        def behind(reader: Reader) -> bool:
            new = any_on_market(reader) and fanned_out(reader) < last_event(reader)
            return new or next_on_market(reader, self._services.market()) is not None

        with suppress(TimeoutError):
            async with asyncio.timeout(CATCH_UP):
                while sending() or await self._services.read.short(behind):
                    self._woken.set()
                    await self._turned.wait()

    async def turn(self) -> bool:
        """Settle, fan out, claim, start sending; whether there may be more to do at once. Raises Unavailable."""
        self._collect()
        at = self._services.wall()
        page, due = await self._services.read.short(
            lambda reader: (self._next_page(reader, at), self._next_due(reader, at))
        )
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
        return bool(settling or due or (page and (page.owed or page.until - page.after >= PAGE)))

    def _collect(self) -> None:
        """Turn sends that have ended into what is to be settled."""
        for task in [task for task in self.sending if task.done()]:
            parcel = self.sending.pop(task)
            delivery, pauses = parcel.delivery, self._notifiers[parcel.endpoint.gateway].pauses
            fault = task.exception()
            if fault is not None:
                _log.error("delivery fault", owed=text("evt", delivery.event), exc_info=fault)
            tried = _Tried(Outcome(0, "internal")) if fault else task.result()
            if tried.late or not tried.delivered:
                self._struggling.add(delivery.endpoint)
            else:
                self._struggling.discard(delivery.endpoint)
            self._unsettled.append(
                Settle(
                    delivery=delivery.id,
                    tries=delivery.tries,
                    status=tried.outcome.status,
                    error=tried.outcome.error,
                    answer=_readable(tried.outcome.body),
                    delivered=tried.delivered,
                    pause=None if tried.once or delivery.tries > len(pauses) else pauses[delivery.tries - 1],
                    at=self._services.wall(),
                )
            )

    def _next_due(self, reader: Reader, at: int) -> list[Delivery]:
        """What is due and has room, endpoint by endpoint, going on after the one that was served last."""
        busy = Counter(parcel.endpoint.id for parcel in self.sending.values())
        room = MAX_SENDING - len(self.sending)
        room_for_struggling = MAX_STRUGGLING - sum(busy[endpoint] for endpoint in self._struggling)
        sending = {parcel.delivery.id for parcel in self.sending.values()}
        market = self._services.market()
        due: list[Delivery] = []
        without_room = len(busy.keys() | self._struggling)
        serve = endpoints_with_due(reader, self._last_served, at, market, room + without_room) if room else ()
        for endpoint, now in serve:
            if endpoint in self._struggling:
                free = min(room, 1 - busy[endpoint], room_for_struggling)
            else:
                free = min(room, MAX_TO_ONE - busy[endpoint])
            if free <= 0:
                continue
            # A market clock that was moved ends leases of what is under way.
            found = due_deliveries(reader, endpoint, now, free + busy[endpoint])
            found = [delivery for delivery in found if delivery.id not in sending][:free]
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
            self.sending[asyncio.create_task(self._post(parcel))] = parcel

    async def _post(self, parcel: Parcel) -> _Tried:
        """One try."""
        clock = asyncio.get_running_loop().time
        started = clock()
        notifier = self._notifiers[parcel.endpoint.gateway]
        notice = await notifier.notice(parcel)
        if notice.error:
            outcome = Outcome(0, notice.error)
        else:
            outcome = await self._sender.post(parcel.delivery.url, notice.headers, notice.body)
        return _Tried(
            outcome,
            delivered=notifier.is_receipt(outcome.status, outcome.body),
            late=clock() - started > LATE,
            once=notice.once,
        )

    def _next_page(self, reader: Reader, at: int) -> FanOut | None:
        """The next events, the endpoints that are owed them, and where they go."""
        after = until = fanned_out(reader)
        if not any_active(reader):
            newest = last_event(reader)
            return FanOut(after, newest, (), at) if newest > after else None
        events = events_after(reader, after, PAGE)
        if not events:
            return None
        endpoints = active_endpoints(reader, {HOUSE, *(event.owner for event in events)})
        owed: list[tuple[Id, Id, str]] = []
        for event in events:
            for endpoint in (
                each for party in dict.fromkeys((event.owner, HOUSE)) for each in endpoints.get(party, ())
            ):
                if is_owed(endpoint, event):
                    url = self._notifiers[endpoint.gateway].address(reader, endpoint, event)
                    owed += [] if url is None else [(event.id, endpoint.id, url)]
            until = event.seq
            if len(owed) >= PAGE:
                break
        return FanOut(after, until, tuple(owed), at)


def _owed(endpoints: Iterable[Endpoint], event: Event) -> list[Endpoint]:
    return [endpoint for endpoint in endpoints if is_owed(endpoint, event)]


def _readable(body: bytes) -> str:
    """The beginning of an answer as text that can be kept and shown anywhere."""
    text = body[: 4 * SHOWN].decode(errors="replace")
    return "".join(letter if letter.isprintable() else " " for letter in text[:SHOWN])


def _request(verb: Verb, command: Struct) -> Request:
    return Request(verb.name, command, "timers.deliver", _NOBODY)


def _parcels(reader: Reader, deliveries: list[Delivery]) -> Iterator[Parcel]:
    events = events_by_id(reader, {delivery.event for delivery in deliveries})
    for key in dict.fromkeys(delivery.endpoint for delivery in deliveries):
        endpoint = get(reader, ENDPOINTS, key)
        assert endpoint is not None
        person_key = get(reader, PERSON_KEYS, endpoint.party)
        wrapped_key = person_key.wrapped if person_key else b""
        for delivery in deliveries:
            if delivery.endpoint == key:
                yield Parcel(delivery, endpoint, events[delivery.event], wrapped_key)
