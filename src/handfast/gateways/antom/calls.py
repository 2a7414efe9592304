"""An endpoint of the gateway and a call of it: what is given and told, who calls, how verbs are handed over."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Generic, TypeVar, get_args, get_type_hints

from msgspec import Struct

from handfast.core.ids import Id
from handfast.gateways.antom.callers import Caller
from handfast.gateways.antom.refusals import TABLE, Table
from handfast.gateways.antom.results import SUCCESS
from handfast.gateways.antom.wire import Told
from handfast.services import Services
from handfast.store.reader import Reader
from handfast.store.verb import Request, Verb

Taken = TypeVar("Taken")
Found = TypeVar("Found")
Value = TypeVar("Value")


class Pending(Struct, frozen=True):
    """An answer that is no success yet: its result has another code than SUCCESS."""

    told: Told
    code: str = "PAYMENT_IN_PROCESS"


class Call(Generic[Taken]):
    """One call of an endpoint. `given` was checked; `base_url` is where buyers reach this service, without a last /."""

    __slots__ = ("base_url", "caller", "given", "request", "services")

    def __init__(self, services: Services, request: Id, caller: Caller, given: Taken, base_url: str) -> None:
        self.services = services
        self.request = request
        self.caller = caller
        self.given = given
        self.base_url = base_url

    @property
    def party(self) -> Id:
        """The merchant."""
        return self.caller.party.id

    async def do(self, verb: Verb, command: Any) -> Any:
        """Hand the verb to the desk and return its result; raises its refusal."""
        request = Request(verb.name, command, self.caller.actor, self.request)
        return (await self.services.hand.call(request)).unwrap()

    async def another(self, verb: Verb, command: Any) -> Any:
        """The same for one of several verbs of a call, each under a request's number of its own."""
        request = Request(verb.name, command, self.caller.actor, self.services.new_id(self.services.wall()))
        return (await self.services.hand.call(request)).unwrap()

    async def look(self, query: Callable[[Reader], Found]) -> Found:
        """What a short query finds."""
        return await self.services.read.short(query)

    def seal(self, value: object) -> bytes:
        """The value, sealed under the merchant's key: what a merchant writes may be about a person."""
        return self.services.vault.seal(self.caller.wrapped, self.party, value)

    def unseal(self, sealed: bytes, type_: type[Value]) -> Value | None:
        """What `seal` sealed; None where there was nothing, or the party was erased."""
        return self.services.vault.open(self.caller.wrapped, self.party, sealed, type_) if sealed else None


Handler = Callable[[Call[Any]], Awaitable[Any]]


class Endpoint(Struct, frozen=True):
    """A line of the endpoint table.

    `product` is the permission that a client needs, `given` and `told` the structs of what comes and goes. `refusals`
    is total (see refusals.py), `also` are further result codes that the endpoint answers with.
    """

    path: str
    product: str
    run: Handler
    says: str
    given: type[Struct]
    told: type[Struct]
    refusals: Table
    also: tuple[str, ...]

    @property
    def results(self) -> frozenset[str]:
        """Every result code that can come from this endpoint, once the client was let in."""
        return frozenset((SUCCESS, *self.also, *self.refusals.values()))


def endpoint(
    path: str, product: str, also: tuple[str, ...] = (), *, instead: Mapping[str, str] | None = None
) -> Callable[[Handler], Endpoint]:
    """Make a handler a line of the table; `instead` has the codes that stand for other ones in this call alone.

    The types come from the handler's annotations: Call[Given] and what it tells.
    """

    def make(run: Handler) -> Endpoint:
        hints = get_type_hints(run)
        (given,) = get_args(hints["call"])
        answers = get_args(hints["return"]) or (hints["return"],)
        told = next(each for each in answers if each is not Pending)
        says = (run.__doc__ or "").partition("\n")[0]
        return Endpoint(path, product, run, says, given, told, {**TABLE, **(instead or {})}, also)

    return make
