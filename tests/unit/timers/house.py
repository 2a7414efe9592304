"""A service without HTTP for the delivery loop: a desk that is stepped in the loop's own thread, and given clocks."""

import asyncio
import json
import time
from collections.abc import Callable, Sequence
from typing import Any

from tests.unit.domain.conftest import Market
from tests.unit.timers.receivers import Receiver

from handfast.core.errors import Unavailable
from handfast.core.ids import Id, text
from handfast.core.settings import Settings
from handfast.domain.notifications import (
    CreateEndpoint,
    Delivery,
    Endpoint,
    deliveries_of,
    events_owed,
    new_secret,
)
from handfast.domain.parties import PERSON_KEYS, CreateParty, MoveParty, Vault
from handfast.domain.transfers import CreateTransfer
from handfast.gateways.native import Webhooks
from handfast.gateways.native.notify import Render
from handfast.services import Services, Value
from handfast.store.reader import Reader, get
from handfast.store.rows import Event
from handfast.store.verb import Answer, Request
from handfast.timers.deliver import Deliverer
from handfast.timers.sender import Sender

VAULT = Vault(bytes(range(32)))


async def render(event: Event, _party: Id) -> bytes:
    return json.dumps({"id": text("evt", event.id), "type": event.type}).encode()


class House:
    """Stands for the hand and the readers of Services. `at` is wall time; `away` says who fails next: desk, reader."""

    def __init__(self, market: Market, reader: Reader) -> None:
        self.market = market
        self.reader = reader
        self.at = time.time_ns() // 1000
        self.away: list[str] = []
        self.handed: asyncio.Queue[str] = asyncio.Queue()
        self.shop = self.party()
        self._customer = market.party("customer")
        market.fund(self._customer, "USD", 1_000_000)
        self.services = Services(self, self, VAULT, Settings(), lambda: self.at, lambda: market.now, market.ids)
        self.sender = Sender(private=True)

    async def call_many(self, requests: Sequence[Request]) -> list[Answer]:
        if "desk" in self.away:
            self.away.remove("desk")
            return [Answer(b"", None, Unavailable("desk_unreachable", "away")) for _ in requests]
        answers = self.market.desk.run(requests)
        for request in requests:
            self.handed.put_nowait(request.verb)
        return answers

    async def short(self, query: Callable[[Reader], Value]) -> Value:
        if "reader" in self.away:
            self.away.remove("reader")
            raise Unavailable("store_unavailable", "away")
        return query(self.reader)

    async def call(self, request: Request) -> Answer:
        raise NotImplementedError

    async def control(self, name: str, *arguments: Any) -> Any:
        raise NotImplementedError

    async def long(self, query: Callable[[Reader], Value]) -> Value:
        raise NotImplementedError

    def party(self) -> Id:
        """A merchant whose secrets are sealed."""
        key = self.market.ids(self.market.now)
        self.market.do(CreateParty(key, "merchant", "US", VAULT.new_key(key), b""))
        return key

    def seal(self, party: Id, secret: str) -> bytes:
        key = get(self.reader, PERSON_KEYS, party)
        assert key is not None
        return VAULT.seal(key.wrapped, party, secret)

    def endpoint(self, receiver: Receiver, secret: str = "", party: Id | None = None) -> Endpoint:
        """Where the shop's events go."""
        self.market.now += 1
        party = party or self.shop
        sealed = self.seal(party, secret or new_secret())
        endpoint: Endpoint = self.market.do(CreateEndpoint(party, receiver.url, sealed, private=True))
        return endpoint

    def pay(self, party: Id | None = None) -> str:
        """One event about an object of its own; the event's public id."""
        party = party or self.shop
        self.market.do(CreateTransfer(self._customer, party, "USD", 1))
        return text("evt", events_owed(self.reader, party, 0, 2**62, 10_000)[-1].id)

    def change(self, *steps: str) -> list[str]:
        """One event for each step, all about one object, the shop."""
        for step in steps:
            self.market.do(MoveParty(self.shop, step))
        events = events_owed(self.reader, self.shop, 0, 2**62, 10_000)
        return [text("evt", event.id) for event in events[-len(steps) :]]

    def deliverer(self, make: Render = render) -> Deliverer:
        webhooks = Webhooks(VAULT, self.services.wall, make)
        return Deliverer(self.services, {"native": webhooks}, self.sender)

    def deliveries(self, endpoint: Endpoint) -> list[Delivery]:
        return deliveries_of(self.reader, endpoint.id, 1000)[::-1]

    def states(self, endpoint: Endpoint) -> list[str]:
        return [delivery.state for delivery in self.deliveries(endpoint)]


async def until(deliverer: Deliverer, condition: Callable[[], bool]) -> None:
    """Turn until it is so."""
    async with asyncio.timeout(60):
        while not condition():
            if not await deliverer.turn():
                await deliverer.pause()


async def settled(deliverer: Deliverer) -> None:
    """Turn until nothing is due and nothing is under way."""
    async with asyncio.timeout(60):
        while await deliverer.turn() or deliverer.sending:
            await deliverer.pause()
