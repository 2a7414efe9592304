"""What merchants and buyers do through a gateway: apps, checkouts under the merchant's own numbers, payment codes."""

from collections.abc import Callable
from hashlib import blake2b

from msgspec import msgpack
from tests.simulation.market_deeds import Deeds, line
from tests.simulation.scene import Deed, Scene

from handfast.core.clocks import DAY, HOUR
from handfast.domain.apps import APPS, App, ChangeApp, MoveApp, NameObject, RegisterApp, alias_id
from handfast.domain.checkouts import (
    CHECKOUTS,
    PAYMENT_CODES,
    AskCheckout,
    CaptureCheckout,
    ChargeCheckout,
    EndCheckout,
    IssueCode,
    PayCheckout,
    PresentCheckout,
    RefundCheckout,
    UndoCheckout,
    code_id,
)
from handfast.domain.declarations import DeclareCheckout, ReportOrder
from handfast.domain.exchange import QUOTES
from handfast.domain.grants import GRANTS, ExchangeGrant, IssueGrant
from handfast.domain.parties import HOUSE
from handfast.store.reader import find

GATEWAY = "market"
"""A gateway that has its own numbers and sends nothing."""

NUMBERS = 60
"""So few order numbers that some come again, with the same request or another."""


def register(scene: Scene) -> Deeds:
    """A merchant's software gets access, other keys, or none for a while."""
    app = scene.some(APPS)
    if app is None or scene.often(0.3):
        command = RegisterApp(GATEWAY, f"2014{scene.below(100):04}", scene.seller(), b"public key", b"", b"", "RSA2")
        return [Deed("apps.register", command, "house")]
    if scene.often(0.2):
        name = alias_id(app.id, "user", f"{scene.below(20)}")
        return [Deed("apps.name", NameObject(name, scene.buyer()), "house")]
    if scene.often(0.5):
        return [Deed("apps.change", ChangeApp(app.id, public_key=b"another key"), "house")]
    return [Deed("apps.move", MoveApp(app.id, "disable" if app.state == "active" else "enable"), "house")]


def _digest(*what: object) -> bytes:
    return blake2b(msgpack.encode(what), digest_size=32).digest()


def asked(scene: Scene, app: App) -> AskCheckout:
    """What an app asks for; the same number sometimes names the same order, sometimes another."""
    number = scene.below(NUMBERS)
    body = number if scene.often(0.7) else scene.below(10)
    cart = (line(scene),) if number % 3 == 0 else ()
    amount = cart[0].amount if cart else 100 + 10 * body
    buyer = scene.buyer() if number % 4 == 0 else None
    refundable = DAY if number % 5 == 0 else 0
    digest = _digest(number, body, amount, buyer, cart)
    due = scene.now + (HOUR if number % 2 else 3 * DAY)
    capture = "manual" if number % 7 == 0 else "automatic"
    return AskCheckout(
        *(GATEWAY, app.id, f"order {number}", digest, app.party, "USD" if number % 6 else "CNY", amount, due, buyer),
        capture=capture,
        lines=cart,
        refundable=refundable,
    )


def ask(scene: Scene) -> Deeds:
    """A merchant asks, with or without opening the payment at once."""
    app = scene.some(APPS, "active")
    if app is None:
        return register(scene)
    return [Deed(scene.one("checkouts.ask", "checkouts.ask", "checkouts.open"), asked(scene, app), "merchant")]


def look(scene: Scene) -> Deeds:
    """A buyer looks at a checkout, and mostly pays."""
    checkout = scene.some(CHECKOUTS, "asked", "presented")
    if checkout is None:
        return ask(scene)
    buyer = checkout.buyer or scene.buyer()
    if checkout.state == "asked":
        return [Deed("checkouts.present", PresentCheckout(checkout.id, scene.one(None, buyer)), "buyer")]
    quotes = find(scene.reader, QUOTES, "state = 'open' AND owner = ? ORDER BY id DESC LIMIT 1", buyer)
    quote = quotes[0].id if quotes and quotes[0].price_currency == checkout.currency else None
    return [Deed("checkouts.pay", PayCheckout(buyer, checkout.id, quote), "buyer")]


def show_code(scene: Scene) -> Deeds:
    """A buyer shows a payment code."""
    command = IssueCode(scene.buyer(), code_id(f"{scene.below(10**9)}"), confirm=scene.often(0.2))
    return [Deed("checkouts.issue_code", command, "buyer")]


def charge(scene: Scene) -> Deeds:
    """A merchant scans a code, sometimes one that was used."""
    app = scene.some(APPS, "active")
    codes = find(scene.reader, PAYMENT_CODES, "1 = 1 ORDER BY created DESC, id LIMIT 5")
    if app is None or not codes:
        return show_code(scene)
    return [Deed("checkouts.charge", ChargeCheckout(asked(scene, app), scene.one(*codes).id, 600), "merchant")]


def end(scene: Scene) -> Deeds:
    """A merchant closes, undoes or refunds, under a number that may come again."""
    checkout = scene.some(CHECKOUTS, "presented") or scene.some(CHECKOUTS)
    if checkout is None:
        return ask(scene)
    by = scene.one(HOUSE, checkout.merchant)
    draw = scene.below(7)
    if draw == 0:
        return [Deed("checkouts.close", EndCheckout(by, checkout.id), "merchant")]
    if draw == 1:
        return [Deed("checkouts.undo", UndoCheckout(by, checkout.id), "merchant")]
    number = scene.below(3)
    amount = 1 + number * scene.one(10, 10, 20)
    command = RefundCheckout(by, checkout.id, f"refund {number}", _digest(number, amount), amount)
    return [Deed("checkouts.refund", command, "merchant")] * scene.one(1, 1, 2)


def follow(scene: Scene) -> Deeds:
    """A merchant captures, declares or reports, under a number that may come again, sometimes more than there is."""
    checkout = scene.some(CHECKOUTS, "presented")
    if checkout is None:
        return look(scene)
    by, number, amount = scene.one(HOUSE, checkout.merchant), f"{scene.below(4)}", 10 * (1 + scene.below(30))
    draw = scene.below(3)
    if draw == 0:
        final = scene.often(0.3)
        capture = CaptureCheckout(by, checkout.id, number, _digest(number, amount, final), amount, final)
        return [Deed("checkouts.capture", capture, "merchant")] * scene.one(1, 2)
    if draw == 1:
        told = (checkout.currency, amount, "HANGZHOU", f"order {number}")
        return [
            Deed("declarations.declare", DeclareCheckout(by, checkout.id, number, _digest(*told), *told), "merchant")
        ] * scene.one(1, 2)
    report = ReportOrder(by, checkout.id, number, "completed", b"", _digest(number, scene.below(2)))
    return [Deed("declarations.report", report, "merchant")]


def grant(scene: Scene) -> Deeds:
    """A buyer lets an app know of it; the app exchanges a code or a token, sometimes one that was used."""
    app = scene.some(APPS, "active")
    if app is None:
        return register(scene)
    given = find(scene.reader, GRANTS, "app = ? ORDER BY created DESC, id LIMIT 4", app.id)
    first, second = (_digest(scene.now, scene.below(10**9))[:16] for _ in range(2))
    if not given or scene.often(0.4):
        return [Deed("grants.issue", IssueGrant(scene.buyer(), app.id, first, "auth_user", scene.now), "buyer")]
    exchange = ExchangeGrant(app.id, scene.one(*given).id, first, second, scene.now)
    return [Deed("grants.exchange", exchange, "merchant")] * scene.one(1, 2)


WEIGHTS: tuple[tuple[Callable[[Scene], Deeds], int], ...] = (
    (register, 2),
    (ask, 7),
    (look, 14),
    (show_code, 3),
    (charge, 4),
    (end, 7),
    (follow, 6),
    (grant, 2),
)
"""How often each is done."""
