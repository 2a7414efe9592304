"""Runs a vector of conformance/refund_unwind.json on the pure functions alone: terms and postings over a dictionary."""

from collections import defaultdict
from typing import Any, TypeVar

from msgspec import Struct, msgpack
from msgspec.structs import fields, replace

from handfast.core.ids import OBJECT, Id, account_id, account_purpose, seeded_ids
from handfast.domain.parties import HOUSE, Party
from handfast.domain.trades import Move, Share, Trade, commission_of, converted_down, converted_up, hold, posted
from handfast.domain.trades.postings import free, give_back, refund, release
from handfast.domain.trades.terms import kept_back
from handfast.ledger import CAPPED, FLOORED, Mode, Posting, Purpose

Given = dict[str, Any]
Row = TypeVar("Row", bound=Struct)

_BLANK: dict[Any, Any] = {int: 0, str: "", bytes: b""}


class ShortError(Exception):
    """A floored account has not what it was to give."""


class Arithmetic:
    """A trade with a vector's terms, and the balances (credits less debits) of all accounts."""

    def __init__(self, given: Given) -> None:
        ids = seeded_ids(11)
        self.given, self.balances = given, defaultdict[Id, int](int)
        self.price = given["price"]["currency"]
        self.people = {name: ids(0) for name in ("payer", "seller", "outside")}
        self.people |= {f"payee:{part['payee']}": ids(0) for part in given["parts"]["shares"]}
        self.trade = trade_of(given, self.people, ids(0))
        self.payer = account_id(self.people["payer"], Purpose.WALLET, given["pay"]["currency"])
        self.balances[self.payer] = given["pay"]["amount"]

    def take(self, step: dict[str, Any]) -> None:
        """Post what a step moves; where the seller falls short of its own refund, nothing moves."""
        trade, amount = self.trade, step.get("amount", 0)
        match step["do"]:
            case "pay":
                self.post(hold(trade, self.payer))
            case "refund":
                self.post(refund(trade, amount))
                self.trade = replace(trade, refunded=trade.refunded + amount)
            case "release":
                self.post(release(trade, amount))
                done = trade.released + amount
                self.trade = replace(trade, released=done, reserved=kept_back(trade, done))
            case "return" | "back":
                self.give_back(step)
            case "split":
                released = replace(trade, refunded=trade.refunded + amount)
                rest = trade.amount - released.refunded - trade.released
                self.post(refund(trade, amount) + release(released, rest))
                done = trade.released + rest
                self.trade = replace(released, released=done, reserved=kept_back(trade, done))
            case "free":
                self.post(free(trade))
                self.trade = replace(trade, reserved=0)
            case _:
                self.elsewhere(step["do"], self.wallet(step["who"]), amount)

    def give_back(self, step: dict[str, Any]) -> None:
        """What is held goes back first; the last return frees the reserve, as the desk's verb does it."""
        trade, amount = self.trade, step["amount"]
        held = min(amount, trade.amount - trade.refunded - trade.released)
        moves = refund(trade, held) if held else []
        trade = replace(trade, refunded=trade.refunded + held)
        moves += give_back(trade, amount - held, advance=step["advance"])
        trade = replace(trade, returned=trade.returned + amount - held)
        if trade.refunded + trade.returned == trade.amount and trade.reserved:
            moves += free(trade)
            trade = replace(trade, reserved=0)
        before = dict(self.balances)
        try:
            self.post(moves)
        except ShortError:
            assert step.get("refused")
            self.balances.clear()
            self.balances.update(before)
            return
        assert not step.get("refused")
        self.trade = trade

    def elsewhere(self, deed: str, wallet: Id, amount: int) -> None:
        """What is no part of the trade, posted by hand."""
        outside = account_id(self.people["outside"], Purpose.CUSTODY, self.price)
        owed = wallet[:OBJECT] + bytes((Purpose.RECEIVABLE,)) + wallet[OBJECT + 1 :]
        outside = outside[:14] + wallet[14:]
        match deed:
            case "withdraw":
                self.apply(Posting(wallet, outside, amount))
            case "owe":
                self.apply(Posting(owed, outside, amount))
            case "sale":
                self.apply(Posting(outside, wallet, amount))
                self.apply(Posting(wallet, owed, amount, Mode.UP_TO))
            case unknown:
                raise AssertionError(unknown)

    def post(self, moves: list[Move]) -> None:
        """Apply the postings of moves in their order."""
        for posting in posted(moves):
            self.apply(posting)

    def apply(self, posting: Posting) -> None:
        """Move money, as far as floors and caps let it where the posting says so. Raises ShortError."""
        amount = posting.amount
        room = self.balances[posting.debit]
        if posting.mode == Mode.UP_TO:
            if account_purpose(posting.debit) in FLOORED:
                amount = min(amount, max(0, room))
            if account_purpose(posting.credit) in CAPPED:
                amount = min(amount, max(0, -self.balances[posting.credit]))
        elif account_purpose(posting.debit) in FLOORED and room < amount:
            raise ShortError
        self.balances[posting.debit] -= amount
        self.balances[posting.credit] += amount

    def wallet(self, who: str) -> Id:
        """A party's balance."""
        currency = self.given["settle"]["currency"] if who == "seller" else self.price
        return account_id(self.people[who], Purpose.WALLET, currency)

    def after(self) -> dict[str, int]:
        """Every account that is not at zero, by the vector's names; the payer's beginning does not count."""
        names: dict[Id, str] = {self.payer: "payer", account_id(self.trade.id, Purpose.HELD, self.price): "held"}
        currencies = {self.price, self.given["pay"]["currency"], self.given["settle"]["currency"]}
        for purpose in (Purpose.POSITION, Purpose.ROUNDING):
            for currency in currencies:
                names[account_id(HOUSE, purpose, currency)] = f"{purpose.name.lower()}:{currency}"
        for purpose in (Purpose.COMMISSION, Purpose.TAX):
            names[account_id(HOUSE, purpose, self.price)] = purpose.name.lower()
        for currency in currencies:
            names[account_id(self.people["outside"], Purpose.CUSTODY, currency)] = f"outside:{currency}"
        for who in self.people.keys() - {"payer", "outside"}:
            wallet = self.wallet(who)
            for purpose, end in ((Purpose.WALLET, ""), (Purpose.RESERVE, ".reserve"), (Purpose.RECEIVABLE, ".owes")):
                names[wallet[:OBJECT] + bytes((purpose,)) + wallet[OBJECT + 1 :]] = who + end
        found = dict(self.balances)
        found[self.payer] -= self.given["pay"]["amount"]
        return {names[account]: balance for account, balance in found.items() if balance}


def trade_of(given: Given, people: dict[str, Id], key: Id) -> Trade:
    """The trade that a vector's terms make, by Handfast's own rounding of them."""
    parts, fees, pay, settle = given["parts"], given["fees"], given["pay"], given["settle"]
    currency, amount = given["price"]["currency"], given["price"]["amount"]
    shares = tuple(Share(part["kind"], people[f"payee:{part['payee']}"], part["amount"]) for part in parts["shares"])
    most = amount - parts["tax"] - sum(part.amount for part in shares)
    party = filled(
        Party,
        commission_bps=fees["bps"],
        commission_minimum=fees["minimum"],
        commission_cap=fees["cap"],
        listing_fee=fees["listing_fee"],
        commission_currency=currency,
    )
    commission = commission_of(party, currency, amount, most, listed=True)
    paid = converted_up(amount, pay["rate"]["numerator"], pay["rate"]["denominator"])
    settled = converted_down(most - commission, settle["rate"]["numerator"], settle["rate"]["denominator"])
    assert (commission, paid, settled) == (parts["commission"], pay["amount"], settle["amount"])
    return filled(
        Trade,
        id=key,
        seller=people["seller"],
        buyer=people["payer"],
        currency=currency,
        amount=amount,
        tax=parts["tax"],
        commission=commission,
        shares=msgpack.encode(shares) if shares else b"",
        pay_currency=pay["currency"],
        pay_amount=paid,
        pay_position=pay["position"],
        settle_currency=settle["currency"],
        settle_amount=settled,
        settle_position=settle["position"],
        reserve_bps=given["reserve_bps"],
    )


def filled(kind: type[Row], **given: Any) -> Row:
    """A row with these fields; the others are zero, empty or None."""
    return kind(**{field.name: given.get(field.name, _BLANK.get(field.type)) for field in fields(kind)})
