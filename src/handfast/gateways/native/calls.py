"""A request on its way through a route: who calls, what was asked, and how it is handed to the desk."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Generic, TypeVar

from msgspec import Struct

from handfast.core.ids import Id
from handfast.gateways.native.auth import Caller
from handfast.gateways.native.idempotency import fingerprint
from handfast.gateways.native.prefixes import unknown
from handfast.services import Services
from handfast.store.desk import Answer, Request, Verb
from handfast.store.reader import Reader, get
from handfast.store.table import Row, Table

Shape = TypeVar("Shape")
JSON = b"application/json"


class Reply(Struct, frozen=True):
    """An answer that is not one object in JSON: bytes, or a stream of them."""

    content: bytes | AsyncIterator[bytes]
    media_type: bytes


class Call(Generic[Shape]):
    """One request: `id` is the one in its path, `body` or `query` its checked input, `key` the operation it names."""

    __slots__ = ("body", "caller", "content", "id", "key", "path", "replayed", "request", "services")

    def __init__(self, services: Services, request: Id, path: str) -> None:
        self.services = services
        self.request = request
        self.path = path
        self.caller: Caller
        self.id: Id = b""
        self.key: Id | None = None
        self.body: Shape
        self.content = b""
        self.replayed = False

    async def do(self, verb: Verb, command: Any) -> Any:
        """Hand the verb to the desk and return its result; raises its refusal."""
        key = self.key
        answer = await self.services.hand.call(
            Request(
                verb.name,
                command,
                self.caller.actor,
                self.request,
                key,
                b"" if key is None else fingerprint(self.path, self.body),
            )
        )
        self.replayed = answer.replayed
        return answer.unwrap()

    async def do_many(self, requests: list[Request]) -> list[Answer]:
        """Hand several to the desk together; their refusals are in the answers."""
        return await self.services.hand.call_many(requests)

    async def find(self, table: Table[Row], param: str, owners: Callable[[Row], tuple[Id | None, ...]]) -> Row:
        """The row that the path names, if it is of the caller's. Raises NotFound."""
        row = await self.services.read.short(lambda reader: get(reader, table, self.id))
        if row is None or not self.caller.sees(*owners(row)):
            raise unknown(param)
        return row

    async def look(self, query: Callable[[Reader], Shape]) -> Shape:
        """What a short query finds."""
        return await self.services.read.short(query)


Handler = Callable[[Call[Any]], Awaitable[Any]]


class Route(Struct, frozen=True):
    """One line of the table: method and path, the scope it needs (None: no key at all), and what does it.

    `kind` is of the id in the path, `body` or `query` the input's type, `item` the type of a list's items.
    """

    method: str
    path: str
    scope: str | None
    run: Handler
    kind: str = ""
    body: type[Struct] | None = None
    query: type[Struct] | None = None
    item: type[Struct] | None = None
    says: str = ""
