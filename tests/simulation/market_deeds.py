"""What buyers and sellers do: payments of every kind, and whatever fits, or does not, a trade that is open."""

from collections.abc import Callable

from tests.simulation.scene import Deed, Scene
from tests.simulation.town import FUNDS
from tests.unit.domain.deeds import FITTING, deeds_of

from handfast.core.ids import Id
from handfast.domain.claims import CLAIMS
from handfast.domain.disputes import DISPUTES
from handfast.domain.exchange import QUOTES, CreateQuote
from handfast.domain.parties import HOUSE
from handfast.domain.payments import (
    CONSENTS,
    PAYMENTS,
    CapturePayment,
    CreatePayment,
    EndPayment,
    GiveConsent,
    NewLine,
    Payment,
    PayPayment,
    RefundPayment,
    WithdrawConsent,
    lines_of,
)
from handfast.domain.policies import DELIVERIES
from handfast.domain.trades import OVER, TRADES, Share
from handfast.domain.transfers import CreateTransfer
from handfast.store.reader import get

Deeds = list[Deed]
DISPUTED = ("own-answer-dispute", "own-confirm-dispute", "own-ship-dispute")
PRICES = ("USD", "USD", "USD", "CNY", "EUR", "JPY", "KWD")


def create(scene: Scene) -> Deeds:
    """A seller asks for a payment, with lines or without, of anybody or of a buyer who consented."""
    seller, currency = scene.seller(), scene.one(*PRICES)
    capture = scene.one("automatic", "automatic", "manual")
    if scene.often(0.3):
        amount = scene.amount()
        payer = scene.town.buyers[0] if scene.often(0.5) else None
        return [Deed("payments.create", CreatePayment(seller, currency, amount, payer, capture), "seller")]
    lines = tuple(line(scene) for _ in range(scene.one(1, 1, 1, 2, 3)))
    amount = sum(each.amount for each in lines)
    reference = f"order {scene.below(1000)}"
    command = CreatePayment(seller, currency, amount, None, capture, None, lines, reference)
    return [Deed("payments.create", command, "seller")]


def line(scene: Scene) -> NewLine:
    """A cart's line; of some, a part is tax and the carrier's."""
    amount = scene.amount() if scene.often(0.1) else 1 + scene.below(scene.one(9, 900, 20_000))
    freight, owed = max(amount, 1) * scene.below(4) // 20, max(amount, 0) * scene.below(3) // 10
    shares = (Share("freight", scene.town.carrier, freight),) if freight else ()
    category = scene.one("", "", "", "four-eyes", "four-eyes", "services", *DISPUTED)
    delivery = scene.one(*DELIVERIES)
    return NewLine(scene.seller(), amount, owed, shares, category, delivery=delivery, title="cup")


def pay(scene: Scene) -> Deeds:
    """A buyer pays what is asked, with or without the quote that the other currency needs."""
    payment = scene.some(PAYMENTS, "open")
    if payment is None:
        return create(scene)
    buyer = payment.payer or scene.buyer()
    quotes = [quote for quote in [scene.some(QUOTES, "open")] if quote and quote.price_currency == payment.currency]
    quote = quotes[0] if quotes else None
    return [
        Deed(
            "payments.pay",
            PayPayment(quote.owner if quote else buyer, payment.id, quote.id if quote else None),
            "buyer",
        )
    ]


def ask_rate(scene: Scene) -> Deeds:
    """A buyer has a rate locked for a payment that is open."""
    payment = scene.some(PAYMENTS, "open")
    price = payment.currency if payment else "USD"
    return [Deed("quotes.create", CreateQuote(scene.buyer(), price, scene.one(*FUNDS)), "buyer")]


def capture(scene: Scene) -> Deeds:
    """A seller takes a part or all of what is authorised."""
    payment = scene.some(PAYMENTS, "authorised")
    if payment is None:
        return pay(scene)
    final = scene.often(0.3)
    if payment.lines:
        uncaptured = [line.trade for line in lines_of(payment) if not line.captured]
        trades = (scene.one(*uncaptured),) if uncaptured and scene.often(0.7) else ()
        return [Deed("payments.capture", CapturePayment(payment.merchant, payment.id, None, trades, final), "seller")]
    amount = scene.part(payment.amount - payment.captured)
    return [Deed("payments.capture", CapturePayment(payment.merchant, payment.id, amount, (), final), "seller")]


def end(scene: Scene) -> Deeds:
    """A seller cancels or voids."""
    payment = scene.some(PAYMENTS, "open", "authorised")
    if payment is None:
        return pay(scene)
    verb = "payments.cancel" if payment.state == "open" else "payments.void"
    return [Deed(verb, EndPayment(payment.merchant, payment.id), "seller")]


def refund(scene: Scene) -> Deeds:
    """Money goes back, in one part or in several at once."""
    payment = scene.some(PAYMENTS, "authorised", "captured")
    if payment is None:
        return pay(scene)
    if payment.lines:
        return refund_line(scene, payment)
    left = payment.captured - payment.refunded
    by = scene.one(HOUSE, payment.merchant)
    parts = [scene.part(left) for _ in range(scene.one(1, 1, 2))]
    return [Deed("payments.refund", RefundPayment(by, payment.id, None, part), "seller") for part in parts]


def refund_line(scene: Scene, payment: Payment) -> Deeds:
    """A part of one line of a cart."""
    trade = get(scene.reader, TRADES, scene.one(*lines_of(payment)).trade)
    if trade is None:
        return []
    amount = scene.part(trade.amount - trade.refunded - trade.returned)
    return [Deed("payments.refund", RefundPayment(HOUSE, payment.id, trade.id, amount), "house")]


def trade(scene: Scene) -> Deeds:
    """Mostly something that fits what is open on a trade, sometimes anything at all; sometimes two at once."""
    found = scene.some(TRADES, "held", "shipped", "delivered", "released")
    if found is None or found.state in OVER:
        return pay(scene)
    deeds = deeds_of(scene.town, found, scene.now, scene.has(found.seller, found.settle_currency), scene)
    row = (
        (found.dispute and get(scene.reader, DISPUTES, found.dispute))
        or (found.claim and get(scene.reader, CLAIMS, found.claim))
        or found
    )
    fitting = FITTING.get(row.state, "").split()
    names = [scene.one(*fitting, *fitting, *fitting, scene.one(*deeds)) for _ in range(scene.one(1, 1, 1, 2))]
    return [Deed(*deeds[name], actor_of(name)) for name in names]


def actor_of(deed: str) -> str:
    """Who asks: only what they may do makes a difference, and that is in the command."""
    return "handler" if deed in ("decide", "approve", "reject") else "party"


def transfer(scene: Scene) -> Deeds:
    """Somebody sends somebody money, perhaps more than there is."""
    wallet = scene.wallet()
    if wallet is None:
        return []
    if scene.often(0.15):  # twice at once, more than there is in all
        amount = 1 + wallet.amount * 3 // 5
        command = CreateTransfer(wallet.party, scene.town.sink, wallet.currency, amount)
        return [Deed("transfers.create", command, "party")] * 2
    people: list[Id] = [*scene.town.buyers, *scene.town.sellers, scene.town.sink]
    amount = scene.amount() if scene.often(0.1) else scene.part(wallet.amount // scene.one(1, 10, 100))
    return [
        Deed("transfers.create", CreateTransfer(wallet.party, scene.one(*people), wallet.currency, amount), "party")
    ]


def consent(scene: Scene) -> Deeds:
    """A buyer lets a seller charge, or ends that."""
    found = scene.some(CONSENTS, "active")
    if found is not None and scene.often(0.4):
        return [Deed("consents.withdraw", WithdrawConsent(found.payer, found.merchant), "buyer")]
    command = GiveConsent(scene.town.buyers[0], scene.seller(), scene.one("USD", "CNY"), 1 + scene.below(20_000))
    return [Deed("consents.give", command, "buyer")]


WEIGHTS: tuple[tuple[Callable[[Scene], Deeds], int], ...] = (
    (create, 20),
    (pay, 20),
    (ask_rate, 5),
    (capture, 7),
    (end, 2),
    (refund, 8),
    (trade, 45),
    (transfer, 5),
    (consent, 2),
)
"""How often each is done."""
