"""The services of the first interface: sell under guarantee, send the goods, see how it stands, close."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from handfast.core.ids import Id, digest_id
from handfast.domain import checkouts, trades
from handfast.domain.checkouts import AskCheckout, Checkout, EndCheckout
from handfast.domain.payments import NewLine
from handfast.domain.trades import ShipTrade
from handfast.gateways.alipay.legacy.answers import No
from handfast.gateways.alipay.legacy.finding import find_checkout, people, sale_of
from handfast.gateways.alipay.legacy.partners import GATEWAY, Partner
from handfast.gateways.alipay.legacy.states import KEPT, Sale, told
from handfast.gateways.alipay.orders import REFUNDABLE, Order, pay_until
from handfast.gateways.alipay.paying import cashier
from handfast.gateways.alipay.wire import CURRENCY, MOST, Kept64, Number, Text64, Text128, Yuan, read
from handfast.services import Services
from handfast.store.reader import Reader
from handfast.store.verb import Request, Verb

DELIVERIES = {"POST": "surface", "EXPRESS": "express", "EMS": "express", "DIRECT": "virtual"}
"""How goods reach the buyer, by logistics_type; DIRECT is without any."""

_NOTHING = ("", "0", "0.0", "0.00")


class Ask(Struct, frozen=True):
    """A request whose signature fits. `actor` is whom the audit log names, `manner` how it is told of later."""

    services: Services
    request: Id
    partner: Partner
    params: Mapping[str, str]
    manner: Mapping[str, str]

    async def do(self, verb: Verb, command: Any) -> Any:
        """Hand the verb to the desk and return its result; raises its refusal."""
        asked = Request(verb.name, command, f"{GATEWAY}:{self.partner.app.number}", self.request)
        return (await self.services.hand.call(asked)).unwrap()


class Told(Struct, frozen=True):
    """What is answered: fields under a name, or where a browser goes on."""

    name: str = ""
    fields: Mapping[str, str] = {}
    location: str = ""


class Sell(Struct, frozen=True, kw_only=True):
    """A guaranteed sale: `quantity` pieces at `price`, and the freight where the buyer pays it."""

    out_trade_no: Number
    subject: Annotated[str, Meta(min_length=1, max_length=256)]
    price: Yuan
    quantity: Annotated[int, Meta(ge=1, le=1_000_000)]
    logistics_type: Literal["POST", "EXPRESS", "EMS", "DIRECT"]
    logistics_payment: Literal["SELLER_PAY", "BUYER_PAY", "BUYER_PAY_AFTER_RECEIVE"]
    logistics_fee: Annotated[str, Meta(max_length=16)] = ""
    payment_type: Literal["1"] = "1"
    seller_id: Text64 = ""
    it_b_pay: Text64 = ""
    discount: Text64 = ""
    body: Text128 = ""
    receive_name: Text128 = ""
    receive_address: Annotated[str, Meta(max_length=256)] = ""
    receive_zip: Text64 = ""
    receive_phone: Text64 = ""
    receive_mobile: Text64 = ""


class Fee(Struct, frozen=True, kw_only=True):
    """What freight costs."""

    logistics_fee: Yuan


class Send(Struct, frozen=True, kw_only=True):
    """The goods are on their way."""

    trade_no: Text64
    logistics_name: Kept64
    invoice_no: Kept64 = ""
    transport_type: Literal["POST", "EXPRESS", "EMS", "DIRECT"] = "EXPRESS"
    create_transport_type: Text64 = ""


class Query(Struct, frozen=True, kw_only=True):
    """A trade by either number; trade_no wins."""

    out_trade_no: Text64 = ""
    trade_no: Text64 = ""


class Close(Struct, frozen=True, kw_only=True):
    """A trade by either number, closed for the seller."""

    trade_no: Text64 = ""
    out_order_no: Text64 = ""
    trade_role: Literal["S"] = "S"


async def sell(ask: Ask) -> Told:
    """Ask for a guaranteed trade, and send the browser to the cashier."""
    given = read(Sell, ask.params)
    partner, services = ask.partner, ask.services
    if given.seller_id not in ("", partner.app.number) or given.discount not in _NOTHING:
        raise No("ILLEGAL_ARGUMENT")
    amount = int(given.price) * given.quantity
    if given.logistics_payment == "BUYER_PAY" and given.logistics_fee not in _NOTHING:
        amount += int(read(Fee, ask.params).logistics_fee)
    if amount > MOST:
        raise No("ILLEGAL_ARGUMENT")
    order = Order(
        out_trade_no=given.out_trade_no,
        total_amount=Yuan(amount),
        subject=given.subject,
        timeout_express=given.it_b_pay,
    )
    kept = {name: ask.params[name] for name in KEPT if ask.params.get(name)} | dict(ask.manner)
    same = [f"{name}={kept[name]}".encode() for name in KEPT if name in kept]
    command = AskCheckout(
        gateway=GATEWAY,
        app=partner.app.id,
        number=given.out_trade_no,
        digest=digest_id(*same),
        merchant=partner.party,
        currency=CURRENCY,
        amount=amount,
        due=pay_until(order, services.market(), services.wall()),
        lines=(NewLine(partner.party, amount, delivery=DELIVERIES[given.logistics_type]),),
        notify_url=ask.params.get("notify_url", ""),
        return_url=ask.params.get("return_url", ""),
        asked=services.vault.seal(partner.wrapped, partner.party, kept),
        refundable=REFUNDABLE,
    )
    asked: Checkout = await ask.do(checkouts.ask, command)
    return Told(location=cashier("", asked.id))


async def send(ask: Ask) -> Told:
    """Note that the goods are on their way; the buyer's time to confirm begins."""
    given = read(Send, ask.params)
    sale = await _find(ask, "", given.trade_no)
    if sale.trade is None:
        raise No("TRADE_STATUS_NOT_AVAILD")
    tracking = " ".join(part for part in (given.logistics_name, given.invoice_no) if part)
    await ask.do(trades.ship, ShipTrade(ask.partner.party, sale.trade.id, tracking))
    return Told("tradeBase", await _told(ask, await _find(ask, "", given.trade_no)))


async def query(ask: Ask) -> Told:
    """See how a trade stands."""
    given = read(Query, ask.params)
    return Told("trade", await _told(ask, await _find(ask, given.out_trade_no, given.trade_no)))


async def close(ask: Ask) -> Told:
    """Close a trade that nobody has paid."""
    given = read(Close, ask.params)
    checkout = await ask.services.read.short(
        lambda reader: find_checkout(reader, ask.partner.app, given.out_order_no, given.trade_no)
    )
    if checkout is None:
        raise No("TRADE_NOT_EXIST")
    await ask.do(checkouts.close, EndCheckout(ask.partner.party, checkout.id))
    return Told()


async def _find(ask: Ask, out_trade_no: str, trade_no: str) -> Sale:
    def look(reader: Reader) -> Sale | None:
        checkout = find_checkout(reader, ask.partner.app, out_trade_no, trade_no)
        return sale_of(reader, checkout) if checkout else None

    sale = await ask.services.read.short(look)
    if sale is None:
        raise No("TRADE_NOT_EXIST")
    return sale


async def _told(ask: Ask, sale: Sale) -> dict[str, str]:
    services, partner = ask.services, ask.partner
    asked = services.vault.open(partner.wrapped, partner.party, sale.checkout.asked, dict[str, str]) or {}
    named = await services.read.short(lambda reader: people(services, reader, sale.checkout))
    return told(sale, asked, named)


SERVICES: Mapping[str, Callable[[Ask], Awaitable[Told]]] = {
    "create_partner_trade_by_buyer": sell,
    "trade_create_by_buyer": sell,
    "send_goods_confirm_by_platform": send,
    "single_trade_query": query,
    "close_trade": close,
}
"""By name. The second let a buyer choose between guarantee and payment at once: here it is always guaranteed."""
