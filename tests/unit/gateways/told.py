"""A shop with apps on gateways, its buyer, the delivery loop, and receivers: for tests of what merchants are told."""

from typing import Any

from tests.sdk.pair import Pair
from tests.unit.timers.house import VAULT, House, settled
from tests.unit.timers.receivers import Receiver

from handfast.core.clocks import DAY
from handfast.core.ids import Id, digest_id
from handfast.domain.apps import App, RegisterApp
from handfast.domain.checkouts import AskCheckout, Checkout, PayCheckout, PresentCheckout, RefundCheckout
from handfast.domain.notifications import Delivery, deliveries_of, gateway_endpoint
from handfast.domain.parties import PERSON_KEYS, CreateParty, Details
from handfast.gateways.alipay import notify as alipay
from handfast.gateways.antom import notify as antom
from handfast.services import Services
from handfast.store.reader import get
from handfast.timers.deliver import Deliverer, Notifier

GATEWAY = Pair()


class Counter:
    """A house whose shop asks its buyer, who has 1,000.00 CNY, for money through a gateway."""

    def __init__(self, house: House, gateway: str, number: str, **more: Any) -> None:
        self.house = house
        self.market = house.market
        self.buyer = self.market.ids(self.market.now)
        key, details = VAULT.new_key(self.buyer), Details("Fang", "fang@example.com")
        self.market.do(CreateParty(self.buyer, "customer", "CN", key, VAULT.seal(key, self.buyer, details)))
        self.market.fund(self.buyer, "CNY", 1_000_00)
        self.gateway = gateway
        self.app: App = self.market.do(RegisterApp(gateway, number, house.shop, b"key", **more))

    def ask(self, number: str, amount: int, notify_url: str, asked: dict[str, Any], **more: Any) -> Checkout:
        """Ask for money; nobody has looked."""
        kept = get(self.house.reader, PERSON_KEYS, self.house.shop)
        assert kept is not None
        command = AskCheckout(
            self.gateway,
            self.app.id,
            number,
            digest_id(number.encode()),
            self.house.shop,
            "CNY",
            amount,
            self.market.now + DAY,
            notify_url=notify_url,
            asked=VAULT.seal(kept.wrapped, self.house.shop, asked),
            **more,
        )
        checkout: Checkout = self.market.do(command, "checkouts.ask")
        return checkout

    def look(self, checkout: Checkout) -> None:
        self.market.do(PresentCheckout(checkout.id, self.buyer))

    def pay(self, checkout: Checkout) -> None:
        self.look(checkout)
        self.market.do(PayCheckout(self.buyer, checkout.id))

    def refund(self, checkout: Checkout, number: str, amount: int) -> Id:
        digest = digest_id(number.encode(), b"refund")
        refund: Id = self.market.do(
            RefundCheckout(self.house.shop, checkout.id, number, digest, amount), "checkouts.refund"
        ).refund.id
        return refund

    def deliverer(self, services: Services | None = None) -> Deliverer:
        services = services or self.house.services
        notifiers: dict[str, Notifier] = {
            "alipay": alipay.Notifications(services, GATEWAY.private),
            "antom": antom.Notifications(services.read, services.market, GATEWAY.private),
        }
        return Deliverer(services, notifiers, self.house.sender)

    async def tell(self) -> None:
        """Send all that is due."""
        await settled(self.deliverer())

    async def tell_to_the_end(self) -> list[int]:
        """Send until nothing is due any more; how long after the first try each try came (µs)."""
        deliverer = self.deliverer()
        await settled(deliverer)
        (began,) = {delivery.created for delivery in self.deliveries()}
        tries = [0]
        while (due := self.deliveries()[0].due) is not None:
            self.market.now = due
            await settled(deliverer)
            tries.append(due - began)
        return tries

    def deliveries(self) -> list[Delivery]:
        return deliveries_of(self.house.reader, gateway_endpoint(self.house.shop, self.gateway), 100)[::-1]


def saying(text: str) -> bytes:
    """An answer with that body."""
    body = text.encode()
    return b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(body) + body


__all__ = ["GATEWAY", "Counter", "Receiver", "saying"]
