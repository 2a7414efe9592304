"""Runs a vector of conformance/refund_unwind.json on the real desk: each step by the verbs that people would use."""

from typing import Any

from msgspec import json
from msgspec.structs import replace
from tests.unit.domain.bank_side import person
from tests.unit.domain.conftest import Market

from handfast.core.ids import Id, account_id
from handfast.domain.claims import AskClaim, MoveClaim
from handfast.domain.disputes import Decide, MoveDispute, OpenDispute
from handfast.domain.exchange import CreateQuote
from handfast.domain.parties import HOUSE
from handfast.domain.payments import CreatePayment, NewLine, Payment, PayPayment, RefundPayment, lines_of
from handfast.domain.policies import Book, Period, PublishBook, Reserve, Rule, Step, preset
from handfast.domain.trades import TRADES, ConfirmTrade, DueTrade, ReleasePart, Share, ShipTrade, Trade
from handfast.domain.transfers import CreateTransfer
from handfast.ledger import Purpose
from handfast.store.reader import Reader, get

Vector = dict[str, Any]

_ACCOUNTS = {"": Purpose.WALLET, ".reserve": Purpose.RESERVE, ".owes": Purpose.RECEIVABLE}


def book_keeping_back(bps: int) -> bytes:
    """A policy file whose one policy keeps so much of what sellers get, and leaves time for everything."""
    long = Period(300, "days")
    usual = preset("taobao").policies[0]
    policy = replace(
        usual,
        name=f"unwind-{bps}",
        ship=Step(long, "refund"),
        confirm=Step(long, "release"),
        claim_unshipped=Period(0, "days"),
        after_sale=long,
        refundable=long,
        disputing=replace(usual.disputing, second_eyes={}),
        reserve=Reserve(bps, Period(7, "days")) if bps else None,
    )
    return json.encode(Book((policy,), (Rule(policy.name),)))


class Unwinding:
    """A trade with a vector's terms among parties of its own, in a market whose rates are the vector's."""

    def __init__(self, market: Market, reader: Reader, vector: Vector) -> None:
        self.market, self.reader, self.given = market, reader, vector["given"]
        self.price, self.amount = self.given["price"]["currency"], self.given["price"]["amount"]
        self.settle = self.given["settle"]["currency"]
        fees = self.given["fees"]
        self.parties: dict[str, Id] = {
            "seller": market.party(
                "merchant",
                settle_currency=self.settle,
                commission_bps=fees["bps"],
                commission_minimum=fees["minimum"],
                commission_cap=fees["cap"],
                listing_fee=fees["listing_fee"],
                commission_currency=self.price,
            )
        }
        for name in ("payer", "guest", "outside"):
            self.parties[name] = market.party("customer")
        for name in ("stall", *{f"payee:{share['payee']}" for share in self.given["parts"]["shares"]}):
            self.parties[name] = market.party("merchant")
        self.pay_currency = self.given["pay"]["currency"]
        market.fund(self.parties["payer"], self.pay_currency, self.given["pay"]["amount"])
        self.entered: dict[str, int] = {}
        self.payment: Payment | None = None
        self.trade: Id | None = None
        market.do(PublishBook(book_keeping_back(self.given["reserve_bps"])))
        self.at_first = self.balances()

    def take(self, step: dict[str, Any]) -> None:
        """Do what a step says; one that must be refused is, and moves nothing."""
        match step["do"]:
            case "pay":
                self.pay()
            case "refund":
                self.refund(step["amount"])
            case "release":
                self.release(step["amount"])
            case "return" | "back" if step["advance"]:
                self.agree(self.claim(step["amount"]), self.parties["seller"])
            case "return" | "back" if step.get("refused"):
                self.market.refused("balance_insufficient", self.own_refund(step["amount"]))
            case "return" | "back":
                self.refund(step["amount"])
            case "split":
                self.split(step["amount"])
            case "free":
                self.free()
            case "withdraw":
                self.withdraw(step["who"], step["amount"])
            case "sale":
                self.sale(step["who"], step["amount"])
            case "owe":
                self.owe(step["who"], step["amount"])
            case unknown:
                raise AssertionError(unknown)

    def pay(self) -> None:
        """The payer pays a line with the vector's parts, at a quote where it pays in another currency."""
        seller, payer, parts = self.parties["seller"], self.parties["payer"], self.given["parts"]
        shares = tuple(
            Share(part["kind"], self.parties[f"payee:{part['payee']}"], part["amount"]) for part in parts["shares"]
        )
        line = NewLine(seller, self.amount, parts["tax"], shares)
        payment = self.market.do(CreatePayment(seller, self.price, self.amount, lines=(line,)))
        quote = None
        if self.pay_currency != self.price:
            quote = self.market.do(CreateQuote(payer, self.price, self.pay_currency)).id
        self.payment = self.market.do(PayPayment(payer, payment.id, quote))
        assert self.payment is not None
        (frozen,) = lines_of(self.payment)
        self.trade = frozen.trade
        pay, settle = self.given["pay"], self.given["settle"]
        assert (frozen.commission, frozen.tax) == (parts["commission"], parts["tax"])
        assert (frozen.pay_amount, frozen.settle_amount) == (pay["amount"], settle["amount"])
        assert (frozen.pay_position, frozen.settle_position) == (pay["position"], settle["position"])

    def own_refund(self, amount: int) -> RefundPayment:
        """The seller's own refund."""
        assert self.payment is not None
        return RefundPayment(self.parties["seller"], self.payment.id, self.trade, amount)

    def refund(self, amount: int) -> None:
        """Let the seller refund."""
        self.market.do(self.own_refund(amount))

    def release(self, amount: int) -> None:
        """The buyer releases a part, or has the goods and confirms, which releases the rest."""
        trade, payer = self.kept(), self.parties["payer"]
        if amount < trade.amount - trade.refunded - trade.released:
            self.market.do(ReleasePart(payer, trade.id, amount))
            return
        self.market.do(ShipTrade(self.parties["seller"], trade.id))
        assert self.market.do(ConfirmTrade(payer, trade.id)).state == "released"

    def claim(self, amount: int) -> AskClaim:
        """The payer's claim, for the reason that the trade's state allows."""
        trade = self.kept()
        reason = "unshipped" if trade.state == "held" else "not_as_described"
        return AskClaim(self.parties["payer"], trade.id, reason, amount=amount)

    def split(self, amount: int) -> None:
        """A dispute that is decided so, and the decision accepted by both."""
        payer, seller = self.parties["payer"], self.parties["seller"]
        asked = self.market.do(self.claim(amount))
        dispute = self.market.do(OpenDispute(payer, asked.trade)).id
        for side in (payer, seller):
            self.market.do(MoveDispute(side, dispute), "disputes.rest")
        self.market.do(Decide(person(self.market), dispute, "split", "As agreed.", amount))
        for side in (payer, seller):
            self.market.do(MoveDispute(side, dispute), "disputes.accept")

    def agree(self, claim: AskClaim, seller: Id) -> None:
        """A claim that its seller agrees to: what the seller cannot give, the operator advances."""
        asked = self.market.do(claim)
        self.market.do(MoveClaim(seller, asked.id), "claims.agree")

    def free(self) -> None:
        """Let the reserve's time pass; nothing is kept back where there is none, or all went back before."""
        trade = self.kept()
        if trade.state == "refunded" or not trade.reserved:
            assert not self.balances()["seller.reserve"]
            return
        assert trade.due is not None
        self.market.now = max(self.market.now, trade.due)
        self.market.do(DueTrade(trade.id, trade.version), "trades.free_reserve")

    def withdraw(self, who: str, amount: int) -> None:
        """The party sends money out of sight."""
        transfer = CreateTransfer(self.parties[who], self.parties["outside"], self.currency_of(who), amount)
        self.market.do(transfer)

    def sale(self, who: str, amount: int) -> Id:
        """The party has a share of somebody else's sale, in its own currency, which is released at once."""
        guest, stall, currency = self.parties["guest"], self.parties["stall"], self.currency_of(who)
        self.market.fund(guest, currency, amount)
        self.entered[currency] = self.entered.get(currency, 0) + amount
        line = NewLine(stall, amount, shares=(Share("platform", self.parties[who], amount),))
        payment = self.market.do(CreatePayment(stall, currency, amount, lines=(line,)))
        paid = self.market.do(PayPayment(guest, payment.id))
        (frozen,) = lines_of(paid)
        self.market.do(ReleasePart(guest, frozen.trade, amount))
        return frozen.trade

    def owe(self, who: str, amount: int) -> None:
        """The party sold before, has withdrawn what it earned, and the operator advanced the refund."""
        trade = self.sale(who, amount)
        self.withdraw(who, amount)
        self.agree(AskClaim(self.parties["guest"], trade, "not_as_described"), self.parties["stall"])

    def kept(self) -> Trade:
        """The trade as it is kept."""
        assert self.trade is not None
        trade = get(self.reader, TRADES, self.trade)
        assert trade is not None
        return trade

    def currency_of(self, who: str) -> str:
        """The currency of a party's balance."""
        currency: str = self.settle if who == "seller" else self.price
        return currency

    def account(self, name: str) -> Id:
        """The ledger account that a vector's account is."""
        owner, _, currency = name.partition(":")
        if owner in ("position", "rounding"):
            return account_id(HOUSE, Purpose[owner.upper()], currency)
        if name in ("commission", "tax"):
            return account_id(HOUSE, Purpose[name.upper()], self.price)
        if name == "payer":
            return account_id(self.parties[name], Purpose.WALLET, self.pay_currency)
        if name == "held":
            return account_id(self.trade or bytes(16), Purpose.HELD, self.price)
        who, dot, purpose = name.partition(".")
        return account_id(self.parties[who], _ACCOUNTS[dot + purpose], self.currency_of(who))

    def balances(self) -> dict[str, int]:
        """Credits less debits of every account that a vector may name, but of those outside."""
        currencies = {self.price, self.pay_currency, self.settle}
        names = ["payer", "held", "commission", "tax", "seller", "seller.reserve", "seller.owes"]
        names += [f"{kind}:{currency}" for kind in ("position", "rounding") for currency in currencies]
        names += [who + end for who in self.parties if who.startswith("payee:") for end in ("", ".owes")]
        found = self.market.ledger.balances([self.account(name) for name in names])
        return {name: balance.posted for name, balance in zip(names, found, strict=True)}

    def after(self) -> dict[str, int]:
        """What has changed since the vector began, by account; what has not is left out."""
        changed = {name: balance - self.at_first.get(name, 0) for name, balance in self.balances().items()}
        for currency in {self.price, self.settle}:
            sent, guests = (self.market.wallet(self.parties[name], currency) for name in ("outside", "guest"))
            changed[f"outside:{currency}"] = sent + guests - self.entered.get(currency, 0)
        return {name: change for name, change in changed.items() if change}
