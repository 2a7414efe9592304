"""A shop at 350 basis points of commission, its buyer, and their trades: each deed by its name, and the clock's."""

from typing import Any

from tests.unit.domain.bank_side import kept
from tests.unit.domain.conftest import Market
from tests.unit.domain.policy_books import policy, publish

from handfast.core.ids import Id
from handfast.domain.disputes import OpenDue
from handfast.domain.exchange import CreateQuote
from handfast.domain.parties import HOUSE
from handfast.domain.payments import CreatePayment, NewLine, PayPayment, RefundPayment, lines_of
from handfast.domain.policies import POLICIES, Policy, policy_of
from handfast.domain.trades import (
    TRADES,
    ConfirmTrade,
    DeliverTrade,
    DueTrade,
    ExtendTrade,
    ReleasePart,
    Share,
    ShipTrade,
    Trade,
    silent_step,
)
from handfast.ledger import Purpose
from handfast.store.verb import Request
from handfast.timers.expire import SILENCE


class Shop:
    """Its policies are chosen by a line's category, which is their name; the first is for every other."""

    def __init__(self, market: Market, *policies: Policy, **terms: Any) -> None:
        self.market = market
        publish(market, *(policies or (policy(),)))
        self.seller = market.party("merchant", **{"commission_bps": 350, **terms})
        self.buyer = market.party("customer")
        market.fund(self.buyer, "USD", 1_000_000)
        market.fund(self.buyer, "CNY", 1_000_000)

    def sell(self, amount: int = 10_000, *, category: str = "", pay: str = "USD", **line: Any) -> Id:
        """A trade priced in USD, held from now on."""
        lines = (NewLine(self.seller, amount, category=category, **line),)
        payment = self.market.do(CreatePayment(self.seller, "USD", amount, lines=lines))
        quote = None if pay == "USD" else self.market.do(CreateQuote(self.buyer, "USD", pay)).id
        (found,) = lines_of(self.market.do(PayPayment(self.buyer, payment.id, quote)))
        return found.trade

    def trade(self, key: Id) -> Trade:
        return kept(self.market, TRADES, key)

    def ship(self, key: Id, tracking: str = "") -> Trade:
        return self.done(ShipTrade(self.seller, key, tracking))

    def deliver(self, key: Id, at: int | None = None) -> Trade:
        return self.done(DeliverTrade(self.seller, key, self.market.now if at is None else at))

    def confirm(self, key: Id) -> Trade:
        return self.done(ConfirmTrade(self.buyer, key))

    def release(self, key: Id, amount: int) -> Trade:
        return self.done(ReleasePart(self.buyer, key, amount))

    def release_all(self, key: Id) -> Trade:
        trade = self.trade(key)
        return self.release(key, trade.amount - trade.refunded - trade.released)

    def extend(self, key: Id, by: Id | None = None) -> Trade:
        return self.done(ExtendTrade(by or self.buyer, key))

    def refund(self, key: Id, amount: int | None = None, *, by: Id | None = None) -> Trade:
        self.market.do(self.refunding(key, amount, by=by))
        return self.trade(key)

    def refunding(self, key: Id, amount: int | None = None, *, by: Id | None = None) -> RefundPayment:
        return RefundPayment(by or self.seller, self.trade(key).payment, key, amount)

    def done(self, command: Any, name: str = "") -> Trade:
        found = self.market.do(command, name)
        assert isinstance(found, Trade)
        return found

    def silence(self, key: Id) -> Request:
        """What the timer hands over for the trade's open step."""
        trade = self.trade(key)
        step = silent_step(policy_of(kept(self.market, POLICIES, trade.policy)), trade)
        if step == "silent_dispute":
            return self.market.request(OpenDue(key, trade.version))
        return self.market.request(DueTrade(key, trade.version), SILENCE[trade.state, step].name)

    def wait_out(self, key: Id) -> Trade:
        """Nobody does anything until the open step is over; then the timer comes."""
        due = self.trade(key).due
        assert due is not None
        self.market.now = due
        self.market.desk.call(self.silence(key))
        return self.trade(key)

    def has(self, party: Id, currency: str = "USD") -> tuple[int, int, int]:
        """What a party has in its wallet and in reserve, and what it owes."""
        wallet, reserve, owed = (
            self.market.balance(party, purpose, currency)
            for purpose in (Purpose.WALLET, Purpose.RESERVE, Purpose.RECEIVABLE)
        )
        return wallet, reserve, -owed

    def house(self, *currencies: str) -> dict[str, tuple[int, ...]]:
        """The operator's commission, tax, rounding and position, by currency."""
        purposes = (Purpose.COMMISSION, Purpose.TAX, Purpose.ROUNDING, Purpose.POSITION)
        return {
            currency: tuple(self.market.balance(HOUSE, purpose, currency) for purpose in purposes)
            for currency in currencies or ("USD",)
        }


def freight(payee: Id, amount: int) -> Share:
    return Share("freight", payee, amount)
