"""A method of the gateway and a call of it: what is asked and answered, who calls, how verbs are handed over."""

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Generic, TypeVar, get_args, get_type_hints

from msgspec import Struct

from handfast.core.ids import Id
from handfast.gateways.alipay.callers import Caller
from handfast.gateways.alipay.codes import Refused
from handfast.gateways.alipay.refusals import TRADES, Table
from handfast.services import Services
from handfast.store.reader import Reader
from handfast.store.verb import Request, Verb

_ADDRESS = re.compile(r"https?://[^\s\x00-\x1f\x7f]{1,1024}", re.IGNORECASE)

Given = TypeVar("Given")
Found = TypeVar("Found")


class Waiting(Struct, frozen=True):
    """An answer with the code 10003: the buyer has yet to confirm, the merchant polls."""

    answer: Struct


class Redirect(Struct, frozen=True):
    """A browser goes on there."""

    location: str


class Call(Generic[Given]):
    """One call of a method.

    `given` are its checked business parameters, `manner` is how it came, for what is told of it later: method, charset,
    sign_type. `base_url` is where buyers reach this service, without a slash at its
    end.
    """

    __slots__ = (
        *("auth_token", "base_url", "caller", "given", "manner", "notify_url", "request", "return_url", "services"),
    )

    def __init__(
        self,
        services: Services,
        request: Id,
        caller: Caller,
        given: Given,
        manner: dict[str, str],
        *,
        notify_url: str = "",
        return_url: str = "",
        auth_token: str = "",
        base_url: str = "",
    ) -> None:
        self.services = services
        self.request = request
        self.caller = caller
        self.given = given
        self.manner = manner
        self.notify_url = _address("notify_url", notify_url) or caller.app.notify_url
        self.return_url = _address("return_url", return_url)
        self.auth_token = auth_token
        self.base_url = base_url

    async def do(self, verb: Verb, command: Any) -> Any:
        """Hand the verb to the desk and return its result; raises its refusal. Its number makes a repeat harmless."""
        request = Request(verb.name, command, self.caller.actor, self.request)
        return (await self.services.hand.call(request)).unwrap()

    async def look(self, query: Callable[[Reader], Found]) -> Found:
        """What a short query finds."""
        return await self.services.read.short(query)

    def seal(self, value: object) -> bytes:
        """The value, sealed under the merchant's key: what a merchant writes may be about a person."""
        return self.services.vault.seal(self.caller.wrapped, self.caller.party, value)

    def unseal(self, sealed: bytes) -> dict[str, str]:
        """What `seal` sealed; nothing where there was nothing."""
        opened = self.services.vault.open(self.caller.wrapped, self.caller.party, sealed, dict) if sealed else None
        return opened or {}


def _address(name: str, text: str) -> str:
    """The address, if it can be one. Raises Refused(isv.invalid-parameter)."""
    if text and _ADDRESS.fullmatch(text) is None:
        raise Refused("isv.invalid-parameter", f"{name} is an address that begins with http:// or https://")
    return text


Handler = Callable[[Call[Any]], Awaitable[Any]]


class Method(Struct, frozen=True):
    """A line of the method table.

    `product` is the permission that an app needs, `given` and `answer` the types of the fields that come and go, both
    structs; a method for browsers answers with a Redirect and has no fields. `refusals` is total (see refusals.py),
    `also` are further sub_codes that the method answers with. Where `loose`, fields may stand beside biz_content;
    where `bare`, a success has neither code nor msg.
    """

    name: str
    product: str
    run: Handler
    says: str
    given: type[Struct]
    answer: type[Struct]
    refusals: Table
    also: tuple[str, ...] = ()
    loose: bool = False
    bare: bool = False


def method(
    name: str,
    product: str,
    refusals: Table = TRADES,
    also: tuple[str, ...] = (),
    *,
    loose: bool = False,
    bare: bool = False,
    instead: Mapping[str, str] | None = None,
) -> Callable[[Handler], Method]:
    """Make a handler a line of the table; `instead` has the sub_codes that stand for other ones in this method alone.

    The types come from the handler's annotations: Call[Given] and the answer, or Redirect.
    """

    def make(run: Handler) -> Method:
        hints = get_type_hints(run)
        (given,) = get_args(hints["call"])
        answers = get_args(hints["return"]) or (hints["return"],)
        answer = next(each for each in answers if each is not Waiting)
        says = (run.__doc__ or "").partition("\n")[0]
        return Method(name, product, run, says, given, answer, {**refusals, **(instead or {})}, also, loose, bare)

    return make
