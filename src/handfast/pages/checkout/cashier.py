"""The cashier's routes: an order's page, signing in, fixing a rate, paying, leaving; and the payment code."""

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from handfast.core.errors import Conflict, Declined, Forbidden, Invalid, NotFound, Refusal, TooLarge, Unavailable
from handfast.core.ids import OBJECT, Id, digest_id, entropy, parse
from handfast.domain import checkouts, exchange
from handfast.domain.checkouts import PAYMENT_CODES, Checkout, IssueCode, PayCheckout, PresentCheckout, code_id
from handfast.domain.exchange import CreateQuote
from handfast.pages.checkout.entry import Entry, Patience, Visitor, sandbox_pin
from handfast.pages.checkout.orders import Kept, Order, address_of, checkout_id, find_checkout, name_of, read_order
from handfast.pages.codes import qr
from handfast.pages.shell import FENCE, form, page
from handfast.services import REQUEST, Services
from handfast.store import verb as desk
from handfast.store.reader import get
from handfast.store.verb import Verb

CODE = "/paycode"
"""Where a buyer's payment code is shown."""

CODE_DIGITS = 18
_CODE_FIRST = "28"
_DIGEST = re.compile(r"[0-9a-f]{32}", re.ASCII)

FindUser = Callable[[str], Awaitable[Id | None]]
"""The party that a buyer's number names, in any of the gateways' ways of writing it."""

_STATUS: Mapping[type[Refusal], int] = {Invalid: 400, Forbidden: 403, NotFound: 404, TooLarge: 413, Unavailable: 503}
_WORDS = {
    "balance_insufficient": "balance_short",
    "party_suspended": "suspended",
    "quote_expired": "rate_over",
    "quote_used": "rate_over",
}
"""What a page says of a refusal by its code; of others, the refusal's own words."""


class _Stale(Exception):
    """A form that was not shown to who sent it, or too long ago."""


class Cashier:
    """The pages where buyers pay, over the gateways by which orders come."""

    def __init__(self, services: Services, gateways: Mapping[str, Kept], find_user: FindUser) -> None:
        self._services = services
        self._gateways = gateways
        self._find_user = find_user
        self._sandbox = services.settings.market == "sandbox"
        self._entry = Entry(services.vault, services.wall, secure=not self._sandbox)
        self._patience = Patience(services.wall)

    def routes(self) -> list[Route]:
        """All of them. What they refuse, they say on a page."""
        order = "/checkout/{order}"
        return [
            Route(order, self._page(self._show)),
            Route(f"{order}/left", self._page(self._left)),
            Route(f"{order}/enter", self._page(self._sign_in), methods=["POST"]),
            Route(f"{order}/leave", self._page(self._sign_out), methods=["POST"]),
            Route(f"{order}/rate", self._page(self._fix_rate), methods=["POST"]),
            Route(f"{order}/pay", self._page(self._pay), methods=["POST"]),
            Route(CODE, self._page(self._show_code)),
            Route(f"{CODE}/enter", self._page(self._sign_in), methods=["POST"]),
            Route(f"{CODE}/leave", self._page(self._sign_out), methods=["POST"]),
            Route(f"{CODE}/used", self._page(self._show_use), methods=["POST"]),
            Route(f"{CODE}/new", self._page(self._make_code), methods=["POST"]),
        ]

    def _page(self, answer: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
        async def answered(request: Request) -> Response:
            try:
                return await answer(request)
            except _Stale:
                return self._said(request, 403, "refused", "stale")
            except NotFound:
                return self._said(request, 404, "not_found", "not_found_words")
            except Refusal as no:
                status = _STATUS.get(type(no), 409)
                return self._said(request, status, "refused", _WORDS.get(no.code, ""), no.message)

        return answered

    def _said(self, request: Request, status: int, title: str, words: str, plain: str = "") -> Response:
        back = address_of(key) if (key := checkout_id(request.path_params.get("order", ""))) else ""
        back = back if status != 404 else ""
        told = {"title": title, "words": words, "plain": plain, "back": back, "at": back}
        return page(request, "said.html", status, **told, **self._shared())

    def _shared(self) -> dict[str, Any]:
        return {"sandbox": self._sandbox}

    async def _show(self, request: Request) -> Response:
        visitor = self._entry.visitor(request)
        checkout = await self._find(request)
        if visitor.buyer is not None and checkout.payment is None and checkout.state == "asked":
            await self._look(request, checkout)
        quote = parse("quo", f"quo_{request.query_params.get('quote', '')}")
        return await self._order(request, visitor, quote)

    async def _order(
        self, request: Request, visitor: Visitor, quote: Id | None = None, status: int = 200, trouble: str = ""
    ) -> Response:
        checkout = await self._find(request)
        services, kept = self._services, self._gateways.get(checkout.gateway)
        if kept is None:
            raise NotFound("object_not_found", "no such checkout", "checkout")
        order = await services.read.short(
            lambda reader: read_order(reader, services.vault, kept, checkout, visitor.buyer, quote, services.market())
        )
        own = visitor.buyer is not None and checkout.buyer in (None, visitor.buyer)
        if order.state == "paid" and own:
            answer = page(request, "done.html", order=order, code="", **self._shared())
        elif order.state != "open":
            title = "closed" if order.state == "closed" else "paid_before"
            answer = self._said(request, 200, title, f"{title}_words")
        else:
            address = f"{self._base_url(request)}{address_of(checkout.id)}"
            answer = page(
                request,
                "order.html",
                status,
                order=order,
                own=own,
                signed_in=visitor.buyer is not None,
                trouble=trouble,
                token=self._entry.token(visitor),
                at=address_of(checkout.id),
                picture=qr(address, order.subject or order.checkout.number),
                enough=_enough(order),
                has_chosen=any(wallet.currency == order.pay_currency for wallet in order.wallets),
                **self._shared(),
            )
        return self._entry.remember(answer, visitor)

    async def _left(self, request: Request) -> Response:
        await self._find(request)
        return self._said(request, 200, "left", "left_words")

    async def _sign_in(self, request: Request) -> Response:
        visitor, given = await self._own_form(request)
        at_code = request.url.path.startswith(CODE)
        checkout = None if at_code else await self._find(request)
        if not self._sandbox:
            raise _Stale
        number = given.get("buyer", "").strip()
        buyer = parse("pty", number) or (await self._find_user(number) if len(number) <= 64 else None)
        watched = buyer or digest_id(number.encode())
        if not self._patience.allows(watched):
            return await self._again(request, visitor, 429, "sign_in_later")
        if buyer is None or not _same(given.get("pin", ""), sandbox_pin(self._services.vault, buyer)):
            return await self._again(request, visitor, 403, "sign_in_failed")
        self._patience.forget(watched)
        if checkout is not None and checkout.payment is None and checkout.state == "asked":
            await self._look(request, checkout)
        here = CODE if checkout is None else address_of(checkout.id)
        return self._entry.remember(_see(here), Visitor(entropy(16), buyer))

    async def _again(self, request: Request, visitor: Visitor, status: int, trouble: str) -> Response:
        if request.url.path.startswith(CODE):
            return await self._code_page(request, visitor, status=status, trouble=trouble)
        return await self._order(request, visitor, status=status, trouble=trouble)

    async def _sign_out(self, request: Request) -> Response:
        await self._own_form(request)
        key = checkout_id(request.path_params.get("order", ""))
        return self._entry.remember(_see(address_of(key) if key else CODE), Visitor(entropy(16)))

    async def _fix_rate(self, request: Request) -> Response:
        visitor, given = await self._own_form(request)
        checkout = await self._find(request)
        buyer = _signed_in(visitor)
        command = CreateQuote(buyer, checkout.currency, given.get("currency", ""))
        quote = await self._do(request, exchange.create, command, buyer)
        return _see(f"{address_of(checkout.id)}?quote={quote.id[:OBJECT].hex()}")

    async def _pay(self, request: Request) -> Response:
        visitor, given = await self._own_form(request)
        checkout, buyer = await self._find(request), _signed_in(visitor)
        quote = parse("quo", f"quo_{given['quote']}") if given.get("quote") else None
        if checkout.payment is None:
            await self._look(request, checkout)
        try:
            await self._do(request, checkouts.pay, PayCheckout(buyer, checkout.id, quote), buyer)
        except Declined as no:
            return await self._order(request, visitor, quote, 409, _WORDS.get(no.code, "refused"))
        except Conflict as no:
            if no.code in _WORDS:
                return await self._order(request, visitor, None, 409, _WORDS[no.code])
            # Paid or closed meanwhile, here or elsewhere: the page tells.
        return _see(address_of(checkout.id))

    async def _look(self, request: Request, checkout: Checkout) -> None:
        """Tell that somebody looked; whether that one pays is another matter, so nobody is bound yet."""
        try:
            await self._do(request, checkouts.present, PresentCheckout(checkout.id), checkout.merchant)
        except Conflict:
            return  # closed, or presented meanwhile: the page tells

    async def _show_code(self, request: Request) -> Response:
        return await self._code_page(request, self._entry.visitor(request))

    async def _make_code(self, request: Request) -> Response:
        visitor, _ = await self._own_form(request)
        buyer = _signed_in(visitor)
        rest = int.from_bytes(entropy(16), "big") % 10 ** (CODE_DIGITS - len(_CODE_FIRST))
        code = f"{_CODE_FIRST}{rest:0{CODE_DIGITS - len(_CODE_FIRST)}d}"
        await self._do(request, checkouts.issue_code, IssueCode(buyer, code_id(code)), buyer)
        return await self._code_page(request, visitor, code, code_id(code))

    async def _show_use(self, request: Request) -> Response:
        """Lead a buyer to what a till asked for by its code, which it may have to confirm."""
        visitor, given = await self._own_form(request)
        buyer, digits = _signed_in(visitor), given.get("code", "")
        shown = bytes.fromhex(digits) if _DIGEST.fullmatch(digits) else b""
        code = await self._services.read.short(lambda reader: get(reader, PAYMENT_CODES, shown))
        if code is None or code.buyer != buyer:
            raise _Stale
        if code.used is None:
            return await self._code_page(request, visitor, shown=shown, trouble="code_unused")
        return _see(address_of(code.used))

    async def _code_page(
        self,
        request: Request,
        visitor: Visitor,
        code: str = "",
        shown: Id = b"",
        status: int = 200,
        trouble: str = "",
    ) -> Response:
        name, buyer, services = "", visitor.buyer, self._services
        if buyer is not None:
            name = await services.read.short(lambda reader: name_of(reader, services.vault, buyer))
        answer = page(
            request,
            "paycode.html",
            status,
            buyer=name,
            code=" ".join(code[n : n + 4] for n in range(0, len(code), 4)),
            picture=qr(code, "") if code else "",
            shown=shown.hex(),
            trouble=trouble,
            token=self._entry.token(visitor),
            at=CODE,
            **self._shared(),
        )
        return self._entry.remember(answer, visitor)

    async def _find(self, request: Request) -> Checkout:
        key = checkout_id(request.path_params["order"])
        found = await self._services.read.short(lambda reader: find_checkout(reader, key)) if key else None
        if found is None:
            raise NotFound("object_not_found", "no such checkout", "checkout")
        return found

    async def _own_form(self, request: Request) -> tuple[Visitor, Mapping[str, str]]:
        visitor, given = self._entry.visitor(request), await form(request)
        if not self._entry.is_own(visitor, given.get("token", "")):
            raise _Stale
        return visitor, given

    async def _do(self, request: Request, what: Verb, command: Any, actor: Id) -> Any:
        asked = desk.Request(what.name, command, f"page {actor.hex()}", request.scope[REQUEST])
        return (await self._services.hand.call(asked)).unwrap()

    def _base_url(self, request: Request) -> str:
        return self._services.settings.public_url.rstrip("/") or str(request.base_url).rstrip("/")


def _enough(order: Order) -> bool:
    return any(wallet.currency == order.pay_currency and wallet.amount >= order.total for wallet in order.wallets)


def _signed_in(visitor: Visitor) -> Id:
    if visitor.buyer is None:
        raise _Stale
    return visitor.buyer


def _same(given: str, pin: str) -> bool:
    return digest_id(given.strip().encode()) == digest_id(pin.encode())


def _see(path: str) -> Response:
    """Go on to a path of our own, with GET (RFC 9110, 15.4.4)."""
    return RedirectResponse(path, 303, FENCE)
