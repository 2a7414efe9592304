"""A market on a real database behind the native API: parties with keys and money, and a client that speaks for them."""

import asyncio
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

import httpx
import msgspec
from tests.conftest import Engine, open_engine
from tests.unit.domain.bank_side import line, open_reader
from tests.unit.timers.bank_day import SHOP, SHOP_IBAN, BankDay

from handfast.core.clocks import SECOND
from handfast.core.errors import NotFound
from handfast.core.ids import Id
from handfast.core.settings import Settings
from handfast.domain.parties import (
    HOUSE,
    SCOPES,
    CreateClient,
    CreateParty,
    Details,
    format_key,
    new_secret,
    payee_check,
    secret_hash,
)
from handfast.domain.payments import GiveConsent
from handfast.domain.topups import BookTopup
from handfast.gateways.native import IMPORT_STATEMENT, PREPARE_PAYOUT_FILE, Native
from handfast.gateways.native.gateway import TABLE
from handfast.gateways.native.prefixes import show
from handfast.gateways.native.reports import List
from handfast.services import Services
from handfast.store.readers import ReaderPool
from handfast.store.verb import Answer, Request
from handfast.timers.clerk import Clerk
from handfast.timers.expire import due
from handfast.timers.payout_files import prepare_payout_file
from handfast.timers.reconcile import import_statement

ALL = " ".join(sorted(SCOPES.keys() - {"operate"}))


class Street(BankDay):
    """Two shops, a market that sells for them, two buyers, and the house; `api` speaks HTTP to them.

    Given: Fang has CNY 10,000.00 and USD 1,000.00; she lets the market charge her.
    """

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self.wall = self.now
        self.lines = 0
        self.parties = {
            "shop": self.party("merchant", commission_bps=250),
            "other": self.party("merchant"),
            "market": self.party("merchant"),
            "fang": self.party("customer"),
            "ming": self.party("customer"),
            "house": HOUSE,
        }
        self.keys = {name: self.key(party, ALL) for name, party in self.parties.items() if name != "house"}
        self.keys["house"] = self.key(HOUSE, "operate")
        self.keys["lead"] = self.key(HOUSE, "operate")
        self.keys["chief"] = self.key(HOUSE, "operate")
        self.pay_in("fang", "CNY", 1_000_000)
        self.pay_in("fang", "USD", 100_000)
        self.do(GiveConsent(self.parties["fang"], self.parties["market"], "CNY", 1_000_000))
        self.do(GiveConsent(self.parties["fang"], self.parties["shop"], "USD", 50_000))
        self.api = Api(self, engine)

    def party(self, kind: str, key: Id | None = None, **terms: Any) -> Id:
        """A new party with sealed details; the terms are a merchant's."""
        owner = key or self.ids(self.now)
        wrapped = self.vault.new_key(owner)
        known = Details(name=SHOP, iban=SHOP_IBAN)
        terms = {"payee_check": payee_check(known)} | terms
        details = self.vault.seal(wrapped, owner, known)
        self.do(CreateParty(owner, kind, "CN" if kind == "customer" else "US", wrapped, details, **terms))
        return owner

    def key(self, party: Id, scopes: str) -> str:
        """An API key of a party, as its bearer has it."""
        secret = new_secret()
        client = self.do(CreateClient(party, "test", secret_hash(secret), scopes))
        return format_key(client.id, secret)

    def pay_in(self, name: str, currency: str, amount: int) -> None:
        """A bank transfer that a statement brought."""
        self.lines += 1
        topup = self.topup(self.parties[name], currency)
        self.do(BookTopup(topup.id, line(currency, amount, str(self.lines), party=HOUSE)))

    def id(self, name: str) -> str:
        """A party's public id."""
        return show("party", self.parties[name])

    def later(self, seconds: int) -> None:
        """Let wall time pass."""
        self.wall += seconds * SECOND

    def do_refused(self, command: Any) -> str:
        """The code by which a verb is refused."""
        no = self.desk.run([self.request(command)])[0].refusal
        assert no is not None
        return no.code

    def count(self, table: str) -> int:
        """How many rows a table has."""
        return len(self.rows(table))

    def sell(self, amount: int = 10_000, currency: str = "USD", seller: str = "shop", **line: Any) -> str:
        """A trade of goods of a shop's that Fang has paid through the market, by its public id."""
        cart = {
            "currency": currency,
            "amount": amount,
            "lines": [{"seller": self.id(seller), "amount": amount, **line}],
        }
        payment = self.api.post("market", "/v1/payments", cart)
        paid = self.api.post("fang", f"/v1/payments/{payment['id']}/pay")
        trade: str = paid["lines"][0]["trade"]
        return trade

    def silence(self) -> int:
        """Let everything that is due by now happen; how much did."""
        fired = 0
        while found := due(self.reader, self.now, 100):
            fired += len(found)
            for answer in self.desk.run([item.request for item in found]):
                answer.unwrap()
        return fired


StreetKind = TypeVar("StreetKind", bound=Street)


class _Hand:
    """Hands requests to the desk and waits, a millisecond of market time after another; keeps what it handed over."""

    def __init__(self, street: Street) -> None:
        self._street = street
        self.seen: list[Request] = []

    async def call(self, request: Request) -> Answer:
        self.seen.append(request)
        self._street.now += 1_000
        return self._street.desk.run([request])[0]

    async def call_many(self, requests: Sequence[Request]) -> list[Answer]:
        self.seen.extend(requests)
        return self._street.desk.run(requests) if requests else []

    async def control(self, name: str, *arguments: Any) -> Any:
        works: dict[str, Any] = {IMPORT_STATEMENT: import_statement, PREPARE_PAYOUT_FILE: prepare_payout_file}
        if name not in works:
            raise NotFound("route_not_found", f"the service has no function {name}")
        *given, actor, request = arguments
        street = self._street
        clerk = Clerk(street.reader, street.hand, street.vault, now=street.now, actor=actor, request=request)
        return msgspec.to_builtins(works[name](*given, clerk), builtin_types=(bytes,))


class Api:
    """Speaks HTTP to the gateway, in this process, as whoever is named; keeps the last answer."""

    def __init__(self, street: Street, engine: Engine) -> None:
        self._street = street
        self.hand = _Hand(street)
        pool = ReaderPool(lambda: open_reader(engine), lambda _fault: None, inline=True)
        self._folder = TemporaryDirectory(prefix="handfast-")
        settings = Settings(data=Path("nowhere"), evidence_dir=self._folder.name, allow_private_webhooks=False)
        market, wall = (lambda: street.now), (lambda: street.wall)
        self.services = Services(self.hand, pool, street.vault, settings, wall, market, street.ids)
        self._runner = asyncio.Runner()
        self._pool = pool
        self._client = _client(self.services)

    def become(self, services: Services) -> None:
        """Go on over other services."""
        self._runner.run(self._client.aclose())
        self._client = _client(services)

    def close(self) -> None:
        self._runner.run(self._client.aclose())
        self._runner.close()
        self._pool.close()
        self._folder.cleanup()

    def send(self, method: str, path: str, who: str | None = None, **more: Any) -> httpx.Response:
        """One request; `who` is a party of the street, or a key."""
        headers = dict(more.pop("headers", {}))
        if who is not None:
            headers["authorization"] = f"Bearer {self._street.keys.get(who, who)}"
        return self._runner.run(self._client.request(method, path, headers=headers, **more))

    def send_with(self, method: str, path: str, headers: list[tuple[bytes, bytes]]) -> httpx.Response:
        """One request with just these headers."""
        return self._runner.run(self._client.request(method, path, headers=headers))

    def get(self, who: str, path: str, **query: Any) -> Any:
        """What a GET answers; anything but 200 fails the test."""
        return self._ok(self.send("GET", path, who, params=query))

    def post(self, who: str, path: str, body: Any = None, key: str | None = None) -> Any:
        """What a POST answers; anything but 200 fails the test."""
        return self._ok(self.try_post(who, path, body, key))

    def try_post(self, who: str, path: str, body: Any = None, key: str | None = None) -> httpx.Response:
        """A POST."""
        headers = {} if key is None else {"idempotency-key": key}
        return self.send("POST", path, who, headers=headers, **({} if body is None else {"json": body}))

    def post_raw(self, who: str, path: str, content: bytes, media_type: str = "application/json") -> httpx.Response:
        """A POST of these bytes."""
        return self.send("POST", path, who, content=content, headers={"content-type": media_type})

    @staticmethod
    def _ok(answer: httpx.Response) -> Any:
        assert answer.status_code == 200, answer.text
        assert as_told(answer) == answer.content
        return answer.json()


def _client(services: Services) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(Native(services)), base_url="http://test")


def as_told(answer: httpx.Response) -> bytes:
    """The answer, read as what the table says that comes back, and written again."""
    request = answer.request
    parts = request.url.path.split("/")
    paths = (request.url.path, "/".join([*parts[:3], "{id}", *parts[4:]]))
    line = next(line for path in paths for line in TABLE if (line.method, line.path) == (request.method, path))
    if not line.listed:
        return msgspec.json.encode(msgspec.json.decode(answer.content, type=line.answer))
    page = msgspec.json.decode(answer.content, type=List)
    items = msgspec.json.decode(msgspec.json.encode(page.data), type=list[line.answer])  # type: ignore[name-defined]
    return msgspec.json.encode(msgspec.structs.replace(page, data=items))


@contextmanager
def opened(url: str, kind: type[StreetKind]) -> Iterator[StreetKind]:
    """A street over a migrated database, closed in the end."""
    engine = open_engine(url)
    street = kind(engine)
    yield street
    street.api.close()
    street.reader.close()
    engine.store.close()


def error(answer: httpx.Response) -> tuple[int, str, str | None]:
    """An error's status, code and param; what every error has is checked."""
    body = answer.json()
    assert list(body) == ["error"]
    told = body["error"]
    assert list(told) == ["type", "code", "message", "param", "request_id"]
    assert told["request_id"] == answer.headers["request-id"]
    return answer.status_code, told["code"], told["param"]


def without_request(answer: httpx.Response) -> str:
    """An error's body, but for the request's id, which differs each time."""
    body = answer.json()
    del body["error"]["request_id"]
    return f"{answer.status_code} {json.dumps(body)}"
