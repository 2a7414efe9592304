"""Payments on the short way: those that one turn of the loop brings reach the desk together, and so do the answers.

The ordinary way costs a task, a queue and a future for each request. Here a connection hands its request over by a
plain call, the desk is woken once a turn of the loop, and the loop once a batch.
"""

import asyncio
from collections.abc import Iterable
from typing import Protocol

import structlog
from msgspec import Struct

from handfast.app.telemetry import HttpCounts, timer
from handfast.core.errors import Unavailable
from handfast.core.ids import Id
from handfast.gateways.native.auth import Caller
from handfast.gateways.native.prefixes import show
from handfast.gateways.native.quick import Headers, Quick, told
from handfast.services import Services
from handfast.store.intake import Intake, Pairs
from handfast.store.verb import Answer, Request

_log = structlog.get_logger("handfast.http")


class Awaiting(Protocol):
    """Where an answer goes."""

    def answer(self, status: int, headers: Iterable[tuple[bytes, bytes]], body: bytes) -> None:
        """Write it."""


class _Asked(Struct, frozen=True):
    """A request under way."""

    awaiting: Awaiting
    caller: Caller
    request: Id
    start: float


class Hot:
    """Owns the short way into one desk of this process. All but `deliver` is called on its loop."""

    def __init__(self, quick: Quick, services: Services, intake: Intake, counts: HttpCounts) -> None:
        self._quick = quick
        self._services = services
        self._intake = intake
        self._counts = counts
        self._loop = asyncio.get_running_loop()
        self._gathered: list[tuple[Request, _Asked]] = []

    def take(self, awaiting: Awaiting, headers: Headers, body: bytes) -> bool:
        """Whether the payment goes this way; it is answered later then."""
        start = timer()
        services = self._services
        number = services.new_id(services.wall())
        try:
            asked = self._quick.ask(headers, body, number)
        except Exception:
            return False  # the ordinary way meets the same fault, and knows how to tell of it
        if asked is None:
            return False
        request, caller = asked
        if not self._gathered:
            self._loop.call_soon(self._hand_over)
        self._gathered.append((request, _Asked(awaiting, caller, number, start)))
        return True

    def _hand_over(self) -> None:
        gathered, self._gathered = self._gathered, []
        self._answer(self._intake.give(gathered, self))

    def deliver(self, pairs: Pairs) -> None:
        """See Outlet.deliver."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._answer, pairs)

    def _answer(self, pairs: Pairs) -> None:
        now = timer()
        for asked, answer in pairs:
            name = show("request", asked.request)
            try:
                status, headers, body = told(answer, asked.caller, asked.request)
            except Exception:
                _log.exception("request failed", request=name)
                no = Unavailable("internal", "an unexpected fault; ask again with the same key")
                status, headers, body = told(Answer(b"", None, no), asked.caller, asked.request)
            headers.append((b"request-id", name.encode()))
            asked.awaiting.answer(status, headers, body)
            self._counts.add(status, now - asked.start)
