"""A request on its way through a route: who calls, what was given, and how it is handed to the desk."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any, Generic, TypeVar, get_type_hints

from msgspec import Struct

from handfast.core.ids import Id
from handfast.gateways.native.auth import Caller
from handfast.gateways.native.idempotency import fingerprint
from handfast.gateways.native.prefixes import unknown
from handfast.gateways.native.showing import RENDER, show_all
from handfast.services import Services
from handfast.store.reader import Reader, get
from handfast.store.table import Row, Table
from handfast.store.verb import Request, Verb

Given = TypeVar("Given")
Found = TypeVar("Found")
Owners = Callable[[Any], tuple[Id | None, ...]]

BODY_BYTES = 1024 * 1024
"""The longest body that is read, where a route does not say otherwise."""


class Reply(Struct, frozen=True):
    """An answer that is not an object in JSON: bytes, or a stream of them."""

    content: bytes | AsyncIterator[bytes]
    media_type: bytes = b"application/json"
    status: int = 200
    headers: tuple[tuple[bytes, bytes], ...] = ()


class Call(Generic[Given]):
    """One request.

    `id` is the one in its path, `given` its checked body or query, `content` a body that is not JSON, `key` the
    operation that its idempotency key names. `replayed` becomes true where that had been answered before.
    """

    __slots__ = ("caller", "content", "given", "id", "key", "path", "replayed", "request", "services")

    caller: Caller
    given: Given

    def __init__(self, services: Services, request: Id, path: str) -> None:
        self.services = services
        self.request = request
        self.path = path
        self.id: Id = b""
        self.key: Id | None = None
        self.content = b""
        self.replayed = False

    async def do(self, verb: Verb, command: Any) -> Any:
        """Hand the verb to the desk and return its result; raises its refusal."""
        key = self.key
        mark = b"" if key is None else fingerprint(self.path, self.given)
        request = Request(verb.name, command, self.caller.actor, self.request, key, mark)
        answer = await self.services.hand.call(request)
        self.replayed = answer.replayed
        return answer.unwrap()

    async def look(self, query: Callable[[Reader], Found]) -> Found:
        """What a short query finds."""
        return await self.services.read.short(query)

    async def find(self, table: Table[Row], owners: Owners, param: str) -> Row:
        """The row that the path names, if it is of the caller's. Raises NotFound."""
        row = await self.look(lambda reader: get(reader, table, self.id))
        if row is None or not self.caller.sees(*owners(row)):
            raise unknown(param)
        return row

    async def show(self, row: Any) -> Any:
        """The row as the object that the caller may see."""
        return (await self.show_all([row]))[0]

    async def show_all(self, rows: Sequence[Any]) -> list[Any]:
        """The rows as the objects that the caller may see."""
        return await show_all(self.services.read, rows, self.caller.sees)


Handler = Callable[[Call[Any]], Awaitable[Any]]


class Route(Struct, frozen=True):
    """One line of the table: method and path, the scope that it needs (None: not even a key), and what does it.

    `kind` is of the id in the path, `body` or `query` the type of what is given, `answer` of what comes back: of each
    item, for a list. `media_type` is of a body that is not JSON. `reads` makes the body of bytes, where that is more
    than reading its type; `longest` is how many of them are read.
    """

    method: str
    path: str
    scope: str | None
    run: Handler
    says: str
    answer: Any
    kind: str = ""
    body: Any = None
    query: Any = None
    listed: bool = False
    media_type: str = ""
    reads: Callable[[bytes], Any] | None = None
    longest: int = BODY_BYTES


def route(
    method: str,
    path: str,
    scope: str | None,
    run: Handler,
    kind: str = "",
    body: Any = None,
    query: Any = None,
    **more: Any,
) -> Route:
    """A route whose words and answer are the handler's own docstring and return type; `more` are its further fields."""
    answer = get_type_hints(run)["return"]
    return Route(method, path, scope, run, first_line(run), answer, kind, body, query, **more)


def act(path: str, scope: str, body: Any, verb: Verb, command: Callable[[Call[Any]], Any], kind: str = "") -> Route:
    """A route that hands one verb to the desk and answers with the row that it returns."""

    async def run(call: Call[Any]) -> Any:
        return await call.show(await call.do(verb, command(call)))

    return Route("POST", path, scope, run, first_line(command), shape_of(verb.result), kind, body)


def see(path: str, kind: str, table: Table[Any], owners: Owners) -> Route:
    """A route that shows one object to its owners."""

    async def run(call: Call[Any]) -> Any:
        return await call.show(await call.find(table, owners, kind))

    return Route("GET", path, "read", run, f"See a {kind}.", shape_of(table.row), kind)


def shape_of(row: type) -> Any:
    """The type of the object that rows of that type become."""
    return get_type_hints(RENDER[row])["return"]


def first_line(thing: Callable[..., Any]) -> str:
    """The first line of a docstring."""
    return (thing.__doc__ or "").partition("\n")[0]
