"""What the rooms above the domain are given: one frozen object with the desk's hand, readers, vault, clocks and ids."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from handfast.core.clocks import Clock
from handfast.core.ids import NewId
from handfast.core.settings import Settings
from handfast.domain.parties import Vault
from handfast.store.reader import Reader
from handfast.store.verb import Answer, Request

Value = TypeVar("Value")

REQUEST = "handfast.request"
"""Under this name an ASGI scope carries the request's id (16 bytes), which every answer names in `Request-Id`."""


class Hand(Protocol):
    """Hands requests to the desk, wherever it runs. Never raises a refusal: it comes in the answer (`Answer.unwrap`).

    A request that names no verb is answered Invalid(field_invalid), one that finds the queue full or the desk away
    Unavailable(desk_overloaded) or Unavailable(desk_unreachable).
    """

    async def call(self, request: Request) -> Answer:
        """One request's answer, durable when it is there."""

    async def call_many(self, requests: Sequence[Request]) -> list[Answer]:
        """The requests' answers, in order; they arrive together, so they run in one batch where it has room."""

    async def control(self, name: str, *arguments: Any) -> Any:
        """Call a function of the running service that is no verb, such as "status" or "clock.advance".

        Raises NotFound(route_not_found) for an unknown name, and whatever it refuses.
        """


class Readers(Protocol):
    """Runs queries on read-only connections. Raises Unavailable(store_unavailable) while the database is away."""

    async def short(self, query: Callable[[Reader], Value]) -> Value:
        """A query by key, or of one bounded page: at most some hundred rows, so it may run on the loop itself."""

    async def long(self, query: Callable[[Reader], Value]) -> Value:
        """A query that may take long (a report, a snapshot of all balances): always in a thread, a few at a time."""


@dataclass(frozen=True, slots=True)
class Services:
    """The service as a gateway, a page or a timer sees it. `wall` serves signatures and leases, `market` the rest."""

    hand: Hand
    read: Readers
    vault: Vault
    settings: Settings
    wall: Clock
    market: Clock
    new_id: NewId
