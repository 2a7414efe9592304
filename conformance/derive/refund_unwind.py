"""Derives refund_unwind.json from the rule in conformance/README.md, in exact fractions and from nothing else.

Run it to write the file anew. Terms and steps stand in refund_unwind_given.json, some picked by hand, the others
combined from shapes, currencies and plans; whatever can be computed is computed here.
"""

import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

TARGET = Path(__file__).parents[1] / "refund_unwind.json"
GIVEN = Path(__file__).with_name("refund_unwind_given.json")
SIGNED = ("position:", "rounding:", "outside:")
"""Accounts that may stand on either side of zero."""


def half_even(exact: Fraction) -> int:
    """The nearest integer; of two that are equally near, the even one."""
    below = exact.numerator // exact.denominator
    rest = exact - below
    if rest == Fraction(1, 2):
        return below + below % 2
    return below + 1 if rest > Fraction(1, 2) else below


def rounded_down(exact: Fraction) -> int:
    """The next integer below, or the number itself."""
    return exact.numerator // exact.denominator


def rounded_up(exact: Fraction) -> int:
    """The next integer above, or the number itself."""
    return -(-exact.numerator // exact.denominator)


def commission_of(amount: int, fees: dict[str, int], most: int) -> int:
    """The commission: a rate with a floor and a ceiling, and a fee for the listing; it takes `most` at most."""
    commission = half_even(Fraction(amount * fees["bps"], 10_000))
    if fees["minimum"]:
        commission = max(commission, fees["minimum"])
    if fees["cap"]:
        commission = min(commission, fees["cap"])
    return min(commission + fees["listing_fee"], most)


@dataclass
class Side:
    """What the payer pays, or what the seller is settled with: a whole, and the position's part of it."""

    currency: str
    amount: int
    position: int


@dataclass
class Books:
    """One vector's balances (credits less debits), and the counters that its steps move."""

    price: str
    amount: int
    parts: dict[str, int]
    payees: list[tuple[str, int]]
    pay: Side
    settle: Side
    reserve_bps: int
    counters: dict[str, int] = field(default_factory=lambda: {"paid": 0, "refunded": 0, "released": 0, "returned": 0})
    balances: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    def share(self, part: int, done: int) -> int:
        """A part's cumulative share once `done` of the amount has moved."""
        return half_even(Fraction(part * done, self.amount))

    def given(self, part: int) -> int:
        """What a part has been given and not been asked back."""
        return self.share(part, self.counters["released"]) - self.share(part, self.counters["returned"])

    def operators(self) -> dict[str, int]:
        """What the counters say of the payer and of the accounts that nobody can spend from."""
        at = self.counters
        back = at["refunded"] + at["returned"]
        books: dict[str, int] = defaultdict(int)
        whole = self.amount if at["paid"] else 0
        if self.pay.currency == self.price:
            books["payer"] = back - whole
        else:
            paid = self.pay.amount - self.share(self.pay.amount, back) if whole else 0
            position = self.pay.position - self.share(self.pay.position, back) if whole else 0
            books["payer"] = -paid
            books["position:" + self.pay.currency] += position
            books["rounding:" + self.pay.currency] += paid - position
            books["position:" + self.price] -= whole - back
        books["held"] = whole - at["refunded"] - at["released"]
        for name in ("commission", "tax"):
            books[name] = self.given(self.parts[name])
        given = sum(self.given(part) for part in (*self.parts.values(), *(part for _, part in self.payees)))
        books["rounding:" + self.price] += at["released"] - at["returned"] - given
        if self.settle.currency != self.price:
            settled, position = self.given(self.settle.amount), self.given(self.settle.position)
            books["position:" + self.price] += self.given(self.parts["seller"])
            books["position:" + self.settle.currency] -= position
            books["rounding:" + self.settle.currency] += position - settled
        return books

    def kept(self) -> int:
        """What the reserve has been given so far."""
        settled = self.share(self.settle.amount, self.counters["released"])
        return half_even(Fraction(settled * self.reserve_bps, 10_000))

    def currency_of(self, who: str) -> str:
        """The currency of a party's balance."""
        return self.settle.currency if who == "seller" else self.price

    def credit(self, who: str, amount: int) -> None:
        """A sale's money reaches a balance; what its owner owes is paid out of it at once."""
        netted = min(amount, -self.balances[who + ".owes"])
        self.balances[who] += amount - netted
        self.balances[who + ".owes"] += netted

    def charge(self, who: str, amount: int) -> None:
        """A part is asked back: the balance gives, then the reserve, then the operator."""
        for account in (who, who + ".reserve"):
            gives = min(amount, self.balances[account])
            self.balances[account] -= gives
            amount -= gives
        self.balances[who + ".owes"] -= amount

    def take(self, step: dict[str, Any]) -> None:
        """Let a step happen."""
        amount = int(step.get("amount", 0))
        match step["do"]:
            case "pay":
                self.counters["paid"] = 1
            case "refund":
                self.counters["refunded"] += amount
            case "release":
                self.release(amount)
            case "return":
                self.give_back(step, amount)
            case "back":
                held = min(amount, self.amount - self.counters["refunded"] - self.counters["released"])
                self.counters["refunded"] += held
                self.give_back(step, amount - held)
                self.counters["refunded"] -= held if "refused" in step else 0
            case "split":
                self.counters["refunded"] += amount
                self.release(self.amount - self.counters["refunded"] - self.counters["released"])
            case "free":
                freed, self.balances["seller.reserve"] = self.balances["seller.reserve"], 0
                self.credit("seller", freed)
            case "withdraw" | "sale" | "owe":
                self.elsewhere(step["do"], step["who"], amount)
            case unknown:
                raise ValueError(unknown)

    def release(self, amount: int) -> None:
        """Seller and third parties get the difference to their shares before; the reserve has its part first."""
        earned, kept = self.share(self.settle.amount, self.counters["released"]), self.kept()
        before = [self.share(part, self.counters["released"]) for _, part in self.payees]
        self.counters["released"] += amount
        earned = self.share(self.settle.amount, self.counters["released"]) - earned
        kept = self.kept() - kept
        self.balances["seller.reserve"] += kept
        self.credit("seller", earned - kept)
        for (who, part), had in zip(self.payees, before, strict=True):
            self.credit("payee:" + who, self.share(part, self.counters["released"]) - had)

    def give_back(self, step: dict[str, Any], amount: int) -> None:
        """Everybody's part of the amount is asked back, unless the seller's balance must cover it and does not.

        The return of the last of it frees the reserve first; what is then left of that pays a debt.
        """
        assert self.counters["refunded"] + self.counters["released"] == self.amount, "what is held goes back first"
        was, now = self.counters["returned"], self.counters["returned"] + amount
        sellers = self.share(self.settle.amount, now) - self.share(self.settle.amount, was)
        freed = self.balances["seller.reserve"] if now == self.counters["released"] else 0
        if not step["advance"] and self.balances["seller"] + freed < sellers:
            step["refused"] = True
            return
        self.counters["returned"] = now
        self.balances["seller.reserve"] -= freed
        self.balances["seller"] += freed
        self.charge("seller", sellers)
        left = min(freed, self.balances["seller"])
        self.balances["seller"] -= left
        self.credit("seller", left)
        for who, part in self.payees:
            self.charge("payee:" + who, self.share(part, now) - self.share(part, was))

    def elsewhere(self, deed: str, who: str, amount: int) -> None:
        """What a party does outside of this trade."""
        outside = "outside:" + self.currency_of(who)
        if deed == "withdraw":
            assert self.balances[who] >= amount, f"{who} cannot withdraw {amount}"
            self.balances[who] -= amount
            self.balances[outside] += amount
        elif deed == "owe":
            self.balances[who + ".owes"] -= amount
            self.balances[outside] += amount
        else:
            self.balances[outside] -= amount
            self.credit(who, amount)

    def after(self) -> dict[str, int]:
        """Every account that is not at zero, checked to add up in each currency and to be possible at all."""
        every = {**self.balances, **self.operators()}
        sums: dict[str, int] = defaultdict(int)
        for account, balance in every.items():
            sums[self.currency_in(account)] += balance
            if not account.startswith(SIGNED):
                assert balance == 0 or (balance < 0) == (account == "payer" or account.endswith(".owes")), account
        assert not any(sums.values()), sums
        assert self.counters["refunded"] + self.counters["released"] <= self.amount
        assert self.counters["returned"] <= self.counters["released"]
        return {account: every[account] for account in sorted(every) if every[account]}

    def currency_in(self, account: str) -> str:
        """The currency of an account by its name."""
        if account == "payer":
            return self.pay.currency
        if account.startswith(SIGNED):
            return account.partition(":")[2]
        return self.currency_of("seller" if account.startswith("seller") else "")


def step_of(text: str, books: Books) -> dict[str, Any] | None:
    """A step from its words; a fraction is one of the whole amount, and a step that would move nothing is left out."""
    deed, *words = text.split()
    step: dict[str, Any] = {"do": deed.removeprefix("own-")}
    if step["do"] in ("return", "back"):
        step["advance"] = deed == step["do"]
    if deed in ("withdraw", "sale", "owe"):
        step["who"] = words.pop(0)
    if not words:
        return step
    at = books.counters
    left = at["released"] - at["returned"] if step["do"] == "return" else books.amount - at["refunded"] - at["released"]
    if words[0] == "all":
        left = books.balances[step["who"]]
    if words[0] in ("all", "rest"):
        step["amount"] = left
    elif "/" in words[0]:
        step["amount"] = min(left, max(1, rounded_down(books.amount * Fraction(words[0]))))
    else:
        step["amount"] = int(words[0])
    return step if step["amount"] else None


def side(given: dict[str, Any], name: str, part: int, exponents: dict[str, int]) -> dict[str, Any]:
    """The payer's or the seller's side: a customer's gain is rounded down, its cost up."""
    currency, numerator, denominator = given.get(name, [given["price"][0], 1, 1])
    exact = part * Fraction(numerator, denominator)
    return {
        "currency": currency,
        "exponent": exponents[currency],
        "rate": {"numerator": numerator, "denominator": denominator},
        "amount": rounded_up(exact) if name == "pay" else rounded_down(exact),
        "position": half_even(exact),
    }


def derive(given: dict[str, Any], exponents: dict[str, int]) -> dict[str, Any]:
    """A whole vector from its terms and its steps."""
    currency, amount = given["price"]
    fees = {"bps": 0, "minimum": 0, "cap": 0, "listing_fee": 0, **given.get("fees", {})}
    shares = [{"kind": kind, "payee": payee, "amount": part} for kind, payee, part in given.get("shares", [])]
    most = amount - given.get("tax", 0) - sum(part["amount"] for part in shares)
    commission = commission_of(amount, fees, most)
    parts = {"seller": most - commission, "commission": commission, "tax": given.get("tax", 0)}
    assert min(parts.values()) >= 0, given["name"]
    pay, settle = (side(given, name, part, exponents) for name, part in (("pay", amount), ("settle", parts["seller"])))
    books = Books(
        price=currency,
        amount=amount,
        parts=parts,
        payees=[(share["payee"], share["amount"]) for share in shares],
        pay=Side(pay["currency"], pay["amount"], pay["position"]),
        settle=Side(settle["currency"], settle["amount"], settle["position"]),
        reserve_bps=given.get("reserve_bps", 0),
    )
    steps = []
    for text in given["steps"]:
        if (step := step_of(text, books)) is not None:
            books.take(step)
            steps.append({**step, "after": books.after()})
    assert books.counters["refunded"] + books.counters["returned"] == amount, given["name"]
    elsewhere = {"withdraw", "sale", "owe"} & {step["do"] for step in steps}
    assert elsewhere or not books.after(), given["name"]
    terms = {
        "price": {"currency": currency, "exponent": exponents[currency], "amount": amount},
        "fees": fees,
        "parts": {**parts, "shares": shares},
        "pay": pay,
        "settle": settle,
        "reserve_bps": books.reserve_bps,
    }
    return {"name": given["name"], "why": given["why"], "given": terms, "steps": steps}


def combined(source: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Every shape of a trade in every combination of currencies by every plan."""
    minor = {code: Fraction(rate) * 10 ** source["exponents"][code] for code, rate in source["per_euro"].items()}
    for shape in source["shapes"]:
        for price, *others in source["currencies"]:
            sides = {}
            for name, currency in zip(("pay", "settle"), others, strict=True):
                rate = minor[currency] / minor[price]
                sides[name] = [currency, rate.numerator, rate.denominator]
            for plan in source["plans"]:
                currencies = f"priced in {price}, paid in {others[0]}, settled in {others[1]}"
                yield {
                    **shape,
                    **sides,
                    "price": [price, shape["price"]],
                    "name": f"{shape['name']}-{price}-{others[0]}-{others[1]}-{plan['name']}".lower(),
                    "why": f"{shape['name']}, {currencies}: {plan['name']}",
                    "steps": plan["steps"],
                }


def written(vectors: list[dict[str, Any]]) -> str:
    """The file's text: a line for each field of a vector and for each of its steps."""
    lines = ['{"$schema": "refund_unwind.schema.json", "version": 1, "vectors": [']
    for vector in vectors:
        head = [f"{json.dumps(name)}: {json.dumps(vector[name])}" for name in ("name", "why", "given")]
        steps = ",\n  ".join(json.dumps(step) for step in vector["steps"])
        lines.append("{" + ",\n ".join(head) + ',\n "steps": [\n  ' + steps + "]}" + (vector is not vectors[-1]) * ",")
    return "\n".join([*lines, "]}", ""])


def text() -> str:
    """What refund_unwind.json has to hold."""
    source = json.loads(GIVEN.read_text())
    return written([derive(given, source["exponents"]) for given in (*source["picked"], *combined(source))])


if __name__ == "__main__":
    TARGET.write_text(text())
