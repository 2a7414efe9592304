"""What shops and buyers do with their time: carts asked for, quoted and paid, parcels sent, kept and given back."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from handfast.core.ids import Id
from handfast.domain.exchange import CreateQuote, Quote
from handfast.domain.payments import (
    CapturePayment,
    CreatePayment,
    EndPayment,
    Payment,
    PayPayment,
    lines_of,
)
from handfast.sandbox.carts import Cart, cart
from handfast.sandbox.deeds import Parcel, Seal, actor, request_of
from handfast.sandbox.driver import Driver, ask
from handfast.sandbox.lives import trouble
from handfast.sandbox.market import SLOTS, Market, moment
from handfast.store.verb import Request

LONGEST_WAIT = 4 * SLOTS
"""How many slots long a buyer tries to pay before it gives up; the payment's own clock then closes it."""

_TRIES_AGAIN = 2 * SLOTS
"""How many slots later somebody tries again whose act waits for the end of a claim."""


class Wish(Struct, frozen=True):
    """A cart whose payment was asked for: who is to pay it, and since which slot."""

    cart: Cart
    payment: Payment
    since: int
    tries: int = 0
    quote: Id | None = None


class Shopping:
    """Plays the shops and buyers of one market, slot by slot (SLOTS a day)."""

    def __init__(self, seed: int, market: Market, driver: Driver, carts_a_day: int, seal: Seal) -> None:
        self._seed = seed
        self._market = market
        self._driver = driver
        self._seal = seal
        self._carts_a_day = carts_a_day
        self._agenda: dict[int, list[Parcel]] = defaultdict(list)
        self._wishes: dict[int, list[Wish]] = defaultdict(list)
        self._captures: dict[int, list[tuple[Wish, Payment]]] = defaultdict(list)
        self.trades = 0
        self.faults: Counter[str] = Counter()

    def play(self, slot: int) -> None:
        """Everything that shops and buyers do in a slot; parcels first, so that they do not wait for new carts."""
        self._act(self._agenda.pop(slot, []), slot)
        self._capture(slot)
        day, part = divmod(slot, SLOTS)
        carts = [cart(self._seed, self._market, day, n) for n in range(part, self._carts_a_day, SLOTS)]
        self._charge([item for item in carts if item.manner == "consent"], slot)
        asked = [item for item in carts if item.manner != "consent"]
        answers = self._driver.done([self._ask_payment(item, slot, n) for n, item in enumerate(asked)])
        fresh = [Wish(item, payment, slot) for item, payment in zip(asked, answers, strict=True)]
        self._pay([*self._wishes.pop(slot, ()), *(wish for wish in fresh if wish.cart.manner != "abandoned")], slot)

    def _act(self, parcels: Sequence[Parcel], slot: int) -> None:
        """Do what was meant to be done; who finds a claim open with what cannot wait for ever tries again later."""
        answers = self._driver.run([request_of(parcel, moment(slot), self._seal) for parcel in parcels])
        for parcel, answer in zip(parcels, answers, strict=True):
            waits = answer.refusal is not None and answer.refusal.code == "claim_open"
            if waits and parcel.act.kind.startswith(("ship", "confirm")):
                later = replace(parcel, act=replace(parcel.act, slot=parcel.act.slot + _TRIES_AGAIN))
                self._agenda[slot + _TRIES_AGAIN].append(later)

    def _ask_payment(self, item: Cart, slot: int, n: int, payer: Id | None = None, quote: Id | None = None) -> Request:
        command = CreatePayment(
            merchant=self._market.host,
            currency="USD",
            amount=sum(line.amount for line in item.lines),
            payer=payer,
            quote=quote,
            capture="manual" if item.manner == "manual" else "automatic",
            lines=item.lines,
            reference=f"cart {slot}/{n}",
        )
        return ask("payments.create", command, actor(self._market.host), f"{item.manner}/{slot}/{n}")

    def _ask_quote(self, buyer: Id, owner: Id, key: str) -> Request:
        return ask("quotes.create", CreateQuote(owner, "USD", "CNY"), actor(owner), f"quote/{key}/{buyer.hex()}")

    def _charge(self, carts: Sequence[Cart], slot: int) -> None:
        """Regulars do not pay themselves: the market charges them, by their consent, at a quote of its own."""
        quotes: list[Quote | None] = [None] * len(carts)
        abroad = [n for n, item in enumerate(carts) if item.buyer.currency != "USD"]
        requests = [self._ask_quote(carts[n].buyer.id, self._market.host, f"charge {slot}/{n}") for n in abroad]
        for n, quote in zip(abroad, self._driver.done(requests), strict=True):
            quotes[n] = quote
        requests = [
            self._ask_payment(item, slot, n, item.buyer.id, quote.id if quote else None)
            for n, (item, quote) in enumerate(zip(carts, quotes, strict=True))
        ]
        for item, answer in zip(carts, self._driver.run(requests), strict=True):
            if answer.refusal is None:
                self._paid(item, answer.result, slot)

    def _pay(self, wishes: Sequence[Wish], slot: int) -> None:
        """Get a quote where the wallet is in another currency and there is none yet; pay; try again what fails."""
        needy = [wish for wish in wishes if wish.quote is None and wish.cart.buyer.currency != "USD"]
        requests = [
            self._ask_quote(wish.cart.buyer.id, wish.cart.buyer.id, f"{wish.payment.id.hex()}/{wish.tries}")
            for wish in needy
        ]
        quotes = {wish.payment.id: quote.id for wish, quote in zip(needy, self._driver.done(requests), strict=True)}
        ready: list[Wish] = []
        for wish in wishes:
            quoted = Wish(wish.cart, wish.payment, wish.since, wish.tries + 1, quotes.get(wish.payment.id, wish.quote))
            if wish.cart.manner == "dawdles" and wish.tries == 0:
                self._wishes[slot + 1].append(quoted)
            else:
                ready.append(quoted)
        requests = [
            ask(
                "payments.pay",
                PayPayment(wish.cart.buyer.id, wish.payment.id, wish.quote),
                actor(wish.cart.buyer.id),
                f"pay/{wish.payment.id.hex()}/{wish.tries}",
            )
            for wish in ready
        ]
        for wish, answer in zip(ready, self._driver.run(requests), strict=True):
            if answer.refusal is None and answer.result.state == "captured":
                self._paid(wish.cart, answer.result, slot)
            elif answer.refusal is None:
                self._captures[slot + 1].append((wish, answer.result))
            elif slot - wish.since < LONGEST_WAIT:
                again = Wish(wish.cart, wish.payment, wish.since, wish.tries)
                self._wishes[slot + (1 if answer.refusal.code == "quote_expired" else SLOTS)].append(again)

    def _capture(self, slot: int) -> None:
        """Take what was authorised, a line in each slot; of every third payment the last line is let go."""
        asked: list[tuple[Wish, Payment]] = self._captures.pop(slot, [])
        requests: list[Request] = []
        for _, payment in asked:
            left = [line for line in lines_of(payment) if not line.captured]
            key = f"{payment.id.hex()}/{len(left)}"
            if len(left) == 1 and payment.id[6] % 3 == 0:
                command: Any = EndPayment(self._market.host, payment.id)
                requests.append(ask("payments.void", command, actor(self._market.host), f"void/{key}"))
            else:
                command = CapturePayment(self._market.host, payment.id, trades=(left[0].trade,))
                requests.append(ask("payments.capture", command, actor(self._market.host), f"capture/{key}"))
        for (wish, payment), changed in zip(asked, self._driver.done(requests), strict=True):
            if changed.captured > payment.captured:
                self._paid(wish.cart, changed, slot, before=payment)
            if changed.state == "authorised":
                self._captures[slot + 1].append((wish, changed))

    def _paid(self, item: Cart, payment: Payment, slot: int, before: Payment | None = None) -> None:
        """Each line that was captured now begins its life."""
        done = {line.trade for line in lines_of(before) if line.captured} if before else set()
        for line, life in zip(lines_of(payment), item.lives, strict=True):
            if not line.captured or line.trade in done:
                continue
            self.trades += 1
            if fault := trouble(life):
                self.faults[fault] += 1
            for act in life:
                parcel = Parcel(act, payment.id, line.trade, line.seller, item.buyer.id, line.amount, slot)
                self._agenda[slot + max(1, act.slot)].append(parcel)
