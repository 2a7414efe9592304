"""What a verb is: a coroutine over a transaction handle, asked for by a request and answered once it is durable."""

import types
from collections.abc import Callable, Coroutine, Generator
from typing import Any, get_type_hints

from msgspec import Struct, msgpack

from handfast.core.errors import Refusal, refusal
from handfast.core.ids import Id, NewId
from handfast.store.rows import Operation
from handfast.store.table import Row, Table

Key = tuple[Table[Any], Id]


class Verb(Struct, frozen=True):
    """A verb by its name, with the types that cross a socket; `about` names the command's field that holds its object.

    A quiet verb leaves no operations row: for a loop's own bookkeeping, which stages no events and takes no key.
    """

    name: str
    run: Callable[["Tx", Any], Coroutine[Any, Any, Any]]
    command: Any
    result: Any
    about: str | None
    quiet: bool = False


def verb(
    name: str, about: str | None = None, *, quiet: bool = False
) -> Callable[[Callable[["Tx", Any], Coroutine[Any, Any, Any]]], Verb]:
    """Register a coroutine function as a verb; command and result types are read from its annotations."""

    def register(run: Callable[["Tx", Any], Coroutine[Any, Any, Any]]) -> Verb:
        hints = get_type_hints(run)
        (command,) = (hint for key, hint in hints.items() if key not in ("tx", "return"))
        return Verb(name, run, command, hints["return"], about, quiet)

    return register


class Request(Struct, frozen=True, gc=False):
    """A verb handed to the desk. `key` is the operation's id, derived from the caller and its idempotency key."""

    verb: str
    command: Any
    actor: str
    request: Id
    key: Id | None = None
    fingerprint: bytes = b""


class Answer(Struct, frozen=True):
    """What became of a request: the verb's result, or a refusal; `replayed` if it was answered before."""

    operation: Id
    result: Any = None
    refusal: Refusal | None = None
    replayed: bool = False

    def unwrap(self) -> Any:
        """The result; raises the refusal."""
        if self.refusal is not None:
            raise self.refusal
        return self.result


class Tx:
    """A verb's handle: rows by key in, changed rows, events and one ledger entry out. `now` is market time (µs)."""

    __slots__ = ("_events", "_new_id", "_puts", "_reads", "actor", "now")

    def __init__(self, now: int, actor: str, new_id: NewId) -> None:
        self.now = now
        self.actor = actor
        self._new_id = new_id
        self._reads: list[Key] = []
        self._puts: list[tuple[Table[Any], Any]] = []
        self._events: list[tuple[str, Any, Id]] = []

    def new_id(self) -> Id:
        """A fresh object id."""
        return self._new_id(self.now)

    @types.coroutine
    def get(self, table: Table[Row], key: Id) -> Generator[Any, Any, Row | None]:
        """The row of that key, or None."""
        found = yield ((table, key),)
        return found[0]  # type: ignore[no-any-return]

    @types.coroutine
    def get_all(self, *keys: Key) -> Generator[Any, Any, list[Any]]:
        """The rows of several keys, in order, None where there is none; asked for together, so in one round."""
        found = yield keys
        return found  # type: ignore[no-any-return]

    def put(self, table: Table[Row], row: Row) -> None:
        """Stage a row: new, or read before in this verb and changed."""
        self._puts.append((table, row))

    def event(self, type_: str, row: Any, owner: Id) -> None:
        """Stage the event of an object's new version (`row.id`, `row.version`), owed to the owner."""
        self._events.append((type_, row, owner))

    @types.coroutine
    def post(self, entry: Any) -> Generator[Any, Any, None]:
        """Post the verb's entry: the last thing that may fail; only `return` may follow its success.

        A refusal drops what was staged and is raised here. A verb may catch it, stage what the refusal itself changes
        and raise it again (both are kept together), or post another entry.
        """
        yield entry


def replay(verb: Verb, seen: Operation, body: bytes) -> Answer:
    """The answer that a stored operation gave; `body` is its own, or its event's."""
    if seen.outcome:
        message, param = msgpack.decode(body)
        return Answer(seen.id, None, refusal(seen.outcome, message, param), replayed=True)
    return Answer(seen.id, msgpack.decode(body, type=verb.result), None, replayed=True)
