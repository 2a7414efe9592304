"""A whole service in one thread over one SQLite file: HTTP goes in, the desk answers at once, timers when told.

What flows and their checks know of the product stands here and in `flows`.
"""

import asyncio
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from hashlib import blake2b
from pathlib import Path
from typing import Any

import httpx
import msgspec
from msgspec import Struct
from tests.conftest import open_engine
from tests.unit.domain.conftest import START
from tests.unit.gateways.native.street import Street
from tests.unit.timers.bank_day import CUSTODY, MONDAY

from handfast.app import VERBS, database, owning
from handfast.app.telemetry import Posting
from handfast.core import ids
from handfast.core.clocks import DAY, HOUR, MarketClock
from handfast.core.errors import NotFound, Unavailable
from handfast.core.ids import Id, ids_from_keys
from handfast.core.settings import Settings, read_master_key
from handfast.domain.parties import Vault
from handfast.gateways.native import IMPORT_STATEMENT, PREPARE_PAYOUT_FILE, Native, Webhooks, render_event
from handfast.sandbox.bank import Bank
from handfast.services import Services
from handfast.store import checkpoints
from handfast.store.desk import Desk
from handfast.store.migrate import migrate
from handfast.store.readers import ReaderPool
from handfast.store.verb import Answer, Request
from handfast.timers.clerk import Clerk
from handfast.timers.clock import Advancer, read_offset
from handfast.timers.deliver import Deliverer
from handfast.timers.expire import Expirer
from handfast.timers.payout_files import prepare_payout_file
from handfast.timers.reconcile import import_statement
from handfast.timers.sender import Outcome

IN_BANK = 1_000_000_00
"""What each custody account holds at the bank as a flow begins; its statements need it, the books do not."""

_PATIENCE = 3


class Founded(Struct, frozen=True):
    """What somebody must know of a founded street to use it: API keys and public ids, by name."""

    keys: dict[str, str]
    ids: dict[str, str]


def found(data: Path) -> Founded:
    """Make the street (see Street) in an empty data directory."""
    settings = Settings(data=data)
    master = settings.master_key_file
    master.write_text(bytes(32).hex())
    master.chmod(0o600)
    migrate(settings.database_url)
    engine = open_engine(settings.database_url)
    street = Street(engine)
    street.api.close()
    street.reader.close()
    engine.store.close()
    return Founded(street.keys, {name: street.id(name) for name in street.parties})


class Stepped:
    """The service of a data directory, being desk, gateway, timers and clerk by turns.

    Equal steps draw equal ids and secrets, so that two courses that did the same come to the same rows. `life` counts
    the restarts: the wall clock of a later life is later. `committed` is called after each of the desk's batches.
    """

    def __init__(self, data: Path, life: int, committed: Callable[[], None]) -> None:
        settings = Settings(data=data, market="sandbox", allow_private_webhooks=True)
        chosen = database(settings.database_url)
        self._opened = ExitStack()
        store, ledger = self._opened.enter_context(owning(settings))
        store.take_over()
        self.store = store
        self.readers = ReaderPool(chosen.read, chosen.unavailable, inline=True)
        self._opened.callback(self.readers.close)
        self.wall = START
        self._life = life
        self.market = MarketClock(lambda: START, self.readers.run(read_offset))
        self.committed = committed
        self._fate, self._operations = b"", 0
        self.begin(b"")
        self.desk = Desk(store, Posting(ledger), VERBS, self.market, self._new_operation, ids_from_keys(1))
        vault = Vault(read_master_key(settings), lambda length, of: blake2b(of, digest_size=length).digest())
        self.services = Services(self, self.readers, vault, settings, lambda: self.wall, self.market, self._new_id)
        self.advancer = Advancer(self.services, self.market, Expirer(self.services))
        self._sender = _Sender()
        native = Webhooks(vault, self.services.wall, partial(render_event, self.readers))
        self._deliverer = Deliverer(self.services, {"native": native}, self._sender)  # type: ignore[arg-type]
        self._runner = self._opened.enter_context(asyncio.Runner())
        transport = httpx.ASGITransport(Native(self.services))
        self._client = httpx.AsyncClient(transport=transport, base_url="http://test")

    def close(self) -> None:
        """Give the database up."""
        self._opened.close()

    def begin(self, step: bytes) -> None:
        """What is drawn from here on follows from this name."""
        self._fate, self._drawn = step, 0
        for module in list(sys.modules.values()):
            if module.__name__.startswith("handfast.") and hasattr(module, "entropy") and module is not ids:
                module.entropy = self._entropy  # type: ignore[attr-defined]

    def _entropy(self, length: int) -> bytes:
        self._drawn += 1
        seed = self._fate + self._drawn.to_bytes(4, "big")
        return blake2b(seed, digest_size=length).digest()

    def _new_id(self, now: int) -> Id:
        return (now // 1000).to_bytes(6, "big") + self._entropy(7) + bytes(3)

    def _new_operation(self, now: int) -> Id:
        """An id for what nobody keyed: another one each time, and in each life."""
        self._operations += 1
        seed = self._life.to_bytes(4, "big") + self._operations.to_bytes(4, "big")
        return (now // 1000).to_bytes(6, "big") + blake2b(seed, digest_size=7).digest() + bytes(3)

    async def call(self, request: Request) -> Answer:
        """See Hand.call."""
        return (await self.call_many([request]))[0]

    async def call_many(self, requests: Sequence[Request]) -> list[Answer]:
        """See Hand.call_many."""
        return self._hand(requests) if requests else []

    async def control(self, name: str, *arguments: Any) -> Any:
        """See Hand.control."""
        works: dict[str, Any] = {IMPORT_STATEMENT: import_statement, PREPARE_PAYOUT_FILE: prepare_payout_file}
        if name not in works:
            raise NotFound("route_not_found", name)
        *given, actor, request = arguments
        reader = database(self.services.settings.database_url).read()
        try:
            clerk = Clerk(reader, self._hand, self.services.vault, now=self.market(), actor=actor, request=request)
            return msgspec.to_builtins(works[name](*given, clerk), builtin_types=(bytes,))
        finally:
            reader.close()

    def _hand(self, requests: Sequence[Request]) -> list[Answer]:
        answers = self.desk.run(requests)
        if not any(isinstance(answer.refusal, Unavailable) for answer in answers):
            self.committed()
        return answers

    def send(self, method: str, path: str, headers: dict[str, str], **content: Any) -> httpx.Response:
        """One request and its answer."""
        return self._runner.run(self._client.request(method, path, headers=headers, **content))

    def advance(self, target: int) -> None:
        """Move the market clock to a moment, unless it is beyond; what is due there happens. Raises Unavailable."""
        if self.market() <= target:
            self._runner.run(self.advancer.advance(target))

    def deliver(self, sent: Callable[[str], None]) -> None:
        """Deliver all events that are owed; leases of an earlier life have ended. Raises Unavailable."""
        self.wall = START + self._life * HOUR
        try:
            self._runner.run(self._deliver(sent))
        finally:
            self.wall = START

    async def _deliver(self, sent: Callable[[str], None]) -> None:
        self._sender.sent = sent
        deliverer = self._deliverer
        while await deliverer.turn() or deliverer.sending:
            if deliverer.sending:
                await asyncio.wait(deliverer.sending)


def _lasting(told: Any) -> Any:
    """An answer without what differs when it is given again: what is told once, and what may be erased."""
    if isinstance(told, dict):
        gone = {"request_id", "replayed", "secret", "details"}
        return {name: _lasting(value) for name, value in told.items() if name not in gone}
    return [_lasting(each) for each in told] if isinstance(told, list) else told


class _AtOnce:
    """A thread that runs as it is started, so that a course repeats."""

    def __init__(self, target: Callable[[], None], **_: Any) -> None:
        self.start = target

    def is_alive(self) -> bool:
        return False

    def join(self) -> None:
        pass


class _Sender:
    """Merchants' servers that take everything."""

    sent: Callable[[str], None]

    async def post(self, _url: str, headers: dict[str, str], _body: bytes) -> Outcome:
        self.sent(headers["webhook-id"])
        return Outcome(200)


class Away(Exception):
    """The service could not do a step, however often it was asked."""


class Play:
    """What a flow has in hand. Its steps are numbered, and asked for under the same keys in every life.

    `answered` gets each step's number and answer as it comes; `stumbled` each refusal because the database is away.
    """

    def __init__(
        self,
        service: Stepped,
        founded: Founded,
        answered: Callable[[int, Any], None],
        stumbled: Callable[[int], None],
        sent: Callable[[str], None],
    ) -> None:
        self.id = founded.ids
        self.bank = Bank()
        for currency, number in CUSTODY.items():
            self.bank.open_account(number, currency, on=MONDAY, balance=IN_BANK)
        self._service = service
        self._keys = founded.keys
        self._answered = answered
        self._stumbled = stumbled
        self._sent = sent
        self._step = 0

    def post(self, who: str, path: str, body: Any = None, *, refused: str = "") -> Any:
        """What a POST answers; the code that it must be refused by, if it must."""

        def send() -> Any:
            key = {"idempotency-key": f"step-{self._step}"}
            answer = self._send(who, path, msgspec.json.encode(body or {}), key)
            told = answer.json()
            assert (answer.status_code == 200) is (not refused), told
            assert not refused or told["error"]["code"] == refused, told
            return _lasting(told)

        return self._tried(send)

    def order_payouts(self, currency: str) -> None:
        """The requested payouts of a currency are ordered; asked for again, there is nothing left to order."""

        def send() -> None:
            answer = self._send("house", "/v1/payout_files", msgspec.json.encode({"currency": currency}), {})
            assert answer.status_code == 200, answer.text
            assert answer.json()["left_out"] == []

        self._tried(send)

    def get(self, who: str, path: str) -> httpx.Response:
        """What a GET answers; no step of its own."""
        answer = self._service.send("GET", path, self._headers(who, ""))
        assert answer.status_code == 200, answer.text
        return answer

    def statement(self, currency: str, on: str = MONDAY) -> None:
        """The day's statement is read, again where not all of it could be booked."""
        data = self.bank.statement(CUSTODY[currency], on, created=START)

        def send() -> None:
            answer = self._send("house", "/v1/statements", data, {"content-type": "application/xml"})
            told = answer.json()
            assert answer.status_code == 200, told
            assert told["refused"] == [], told
            assert {each["outcome"] for each in told["statements"]} <= {"recorded", "recorded before"}, told

        self._tried(send)

    def _send(self, who: str, path: str, content: bytes, headers: dict[str, str]) -> httpx.Response:
        answer = self._service.send("POST", path, self._headers(who, "application/json") | headers, content=content)
        if b"store_unavailable" in answer.content:  # in an error, or of some of what was asked
            assert answer.status_code in {200, 503}, answer.text
            raise Unavailable("store_unavailable", answer.text)
        return answer

    def advance(self, days: float) -> None:
        """The market clock moves to so many days after the flow's beginning, through every time-out."""
        self._tried(lambda: self._service.advance(START + int(days * DAY)))

    def deliver(self) -> None:
        """Everything that is owed to endpoints is sent."""
        self._tried(lambda: self._service.deliver(self._sent))

    def copy_log_after(self, pages: int) -> None:
        """The write-ahead log is copied when it has so many pages, at once and in this thread."""
        checkpoints.PAGES = pages
        vars(checkpoints)["Thread"] = _AtOnce

    def _headers(self, who: str, media_type: str) -> dict[str, str]:
        return {"authorization": f"Bearer {self._keys.get(who, who)}", "content-type": media_type}

    def _tried(self, step: Callable[[], Any]) -> Any:
        self._step += 1
        for _ in range(_PATIENCE):
            self._service.begin(b"step %d" % self._step)
            try:
                told = step()
            except Unavailable as away:
                if away.code != "store_unavailable":
                    raise
                self._stumbled(self._step)
                continue
            self._answered(self._step, told)
            return told
        raise Away(f"step {self._step}")
