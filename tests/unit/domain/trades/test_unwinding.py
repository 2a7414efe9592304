"""A line with six shares, priced in one currency, paid in another, settled in a third: any refunds in any order."""

from collections import defaultdict
from collections.abc import Sequence
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from msgspec import msgpack
from msgspec.structs import replace

from handfast.core.ids import Id, account_id, account_purpose
from handfast.core.money import share
from handfast.domain.parties import HOUSE
from handfast.domain.trades import Move, Share, Trade, posted, shares_of
from handfast.domain.trades.postings import give_back, hold, refund, release
from handfast.ledger import CAPPED, FLOORED, Entry, Outcome, Purpose
from handfast.ledger.rules import create_entry

BUYER, SELLER, TRADE = (bytes([n]) * 13 + bytes(3) for n in (1, 2, 3))
PAYEES = [bytes([n]) * 13 + bytes(3) for n in range(10, 16)]
WALLET = account_id(BUYER, Purpose.WALLET, "CNY")
USD = account_id(HOUSE, Purpose.TAX, "USD")[14:]
Step = tuple[str, int]
"""A "refund" or a "release" of so many minor units."""


class Books:
    """Accounts under the ledger's own rule, and a trade whose money moves among them."""

    def __init__(self, trade: Trade) -> None:
        self.trade = trade
        self.balances: defaultdict[Id, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
        self.balances[WALLET][3] = trade.pay_amount
        self.post(hold(trade, WALLET))

    def post(self, moves: Sequence[Move]) -> None:
        postings = posted(moves)
        if postings:
            outcome, _ = create_entry(Entry(b"", "", postings), self.balances, {})
            assert outcome is Outcome.CREATED

    def take(self, step: Step) -> None:
        trade, (kind, amount) = self.trade, step
        if kind == "release":
            self.post(release(trade, amount))
            self.trade = replace(trade, released=trade.released + amount)
            return
        held = min(amount, trade.amount - trade.refunded - trade.released)
        if held:
            self.post(refund(trade, held))
            self.trade = replace(self.trade, refunded=trade.refunded + held)
        if amount > held:
            self.post(give_back(self.trade, amount - held, advance=True))
            self.trade = replace(self.trade, returned=trade.returned + amount - held)

    def posted(self) -> dict[Id, int]:
        return {key: each[3] - each[1] for key, each in self.balances.items() if each[3] != each[1]}

    def estates(self) -> dict[tuple[Id, bytes], int]:
        """What each party has in its wallet and reserve, less what it owes, by currency."""
        found: defaultdict[tuple[Id, bytes], int] = defaultdict(int)
        for key, amount in self.posted().items():
            if account_purpose(key) in (*FLOORED, *CAPPED):
                found[key[:13], key[14:]] += amount
        return dict(found)


@st.composite
def trades(draw: st.DrawFn) -> Trade:
    amount = draw(st.integers(9, 10**6))
    cuts = sorted(draw(st.lists(st.integers(0, amount), min_size=8, max_size=8)))
    commission, tax, *parts, earned = (b - a for a, b in pairwise([0, *cuts, amount]))
    shares = tuple(Share("freight", payee, part) for payee, part in zip(PAYEES, parts, strict=True))
    pay, settle = draw(st.integers(1, 10**7)), earned * draw(st.integers(1, 200)) // 100
    terms = {
        "id": TRADE,
        "seller": SELLER,
        "buyer": BUYER,
        "currency": "USD",
        "amount": amount,
        "tax": tax,
        "commission": commission,
        "shares": msgpack.encode(shares),
        "pay_currency": "CNY",
        "pay_amount": pay,
        "pay_position": pay - draw(st.integers(0, 1)),
        "settle_currency": "JPY",
        "settle_amount": settle,
        "settle_position": settle + draw(st.integers(0, 1)),
        "reserve_bps": draw(st.sampled_from([0, 1, 3_333, 10_000])),
        "refunded": 0,
        "released": 0,
        "returned": 0,
    }
    return Trade(**{**dict.fromkeys(Trade.__struct_fields__, None), **terms})  # type: ignore[arg-type]


def split(data: st.DataObject, whole: int) -> list[int]:
    """Some positive parts of the whole."""
    cuts = data.draw(st.lists(st.integers(0, whole), max_size=6))
    return [b - a for a, b in pairwise(sorted({0, *cuts, whole}))]


def run(trade: Trade, steps: Sequence[Step]) -> Books:
    books = Books(trade)
    for step in steps:
        books.take(step)
    return books


@given(trades(), st.data())
def test_the_same_refunds_in_any_order_leave_everybody_with_the_same(trade: Trade, data: st.DataObject) -> None:
    """Some before the release, some after it; within each, the order and even the splits do not count."""
    before, after = sorted(data.draw(st.tuples(*[st.integers(0, trade.amount)] * 2)))
    rest: Step = ("release", trade.amount - before)

    def some_way() -> list[Step]:
        first: list[Step] = [("refund", n) for n in split(data, before)]
        last: list[Step] = [("refund", n) for n in split(data, after - before)]
        return [*data.draw(st.permutations(first)), *([rest] if rest[1] else []), *data.draw(st.permutations(last))]

    assert run(trade, some_way()).posted() == run(trade, some_way()).posted()


@given(trades(), st.data())
def test_the_buyers_total_is_the_same_wherever_the_releases_come(trade: Trade, data: st.DataObject) -> None:
    refunds = split(data, data.draw(st.integers(1, trade.amount)))
    steps: list[Step] = [("refund", n) for n in refunds]
    steps += [("release", n) for n in split(data, trade.amount - sum(refunds)) if n]
    books = run(trade, data.draw(st.permutations(steps)))
    back = share(trade.pay_amount, sum(refunds), trade.amount)
    assert books.posted().get(WALLET, 0) == back
    assert not books.posted().get(account_id(TRADE, Purpose.HELD, "USD"))
    for part in shares_of(trade):
        got = books.estates().get((part.payee[:13], USD), 0)
        exact = part.amount * (trade.amount - sum(refunds))
        assert abs(got * trade.amount - exact) <= trade.amount, "half a unit for what it got, half for what it gave"


@given(trades(), st.data())
def test_whatever_was_done_all_unwinds_to_nothing(trade: Trade, data: st.DataObject) -> None:
    steps: list[Step] = [("refund", n) for n in split(data, data.draw(st.integers(0, trade.amount))) if n]
    gone = sum(n for _, n in steps)
    steps += [("release", n) for n in split(data, trade.amount - gone) if n]
    books = run(trade, data.draw(st.permutations(steps)))
    left = trade.amount - gone
    for part in split(data, left):
        books.take(("refund", part))
    assert books.estates() == {(BUYER[:13], WALLET[14:]): trade.pay_amount}
    assert {key for key in books.posted() if key[:13] == HOUSE[:13]} == set()


@given(trades(), st.data())
def test_no_partys_cumulative_share_moves_back(trade: Trade, data: st.DataObject) -> None:
    """As it is released each party's estate grows; as it goes back, it shrinks; never the other way."""
    books = Books(trade)
    for kind, sign in (("release", 1), ("refund", -1)):
        for part in split(data, trade.amount):
            before = books.estates()
            books.take((kind, part))
            after = books.estates()
            for party in {*before, *after} - {
                (BUYER[:13], WALLET[14:]),
                (TRADE[:13], USD),
            }:
                assert sign * (after.get(party, 0) - before.get(party, 0)) >= 0
