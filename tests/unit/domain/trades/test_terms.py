"""Frozen terms: whatever the sequence of steps, the parts add up, never move back, and unwind to nothing."""

from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handfast.core.ids import Id, account_id
from handfast.core.money import share
from handfast.domain.parties import HOUSE, Party
from handfast.domain.trades import (
    Frozen,
    Move,
    Share,
    advanced,
    commission_of,
    converted_down,
    converted_up,
    disburse,
    earnings,
    netted,
    pay_in,
    posted,
    reverse,
)
from handfast.ledger import Mode, Purpose

BUYER, SELLER, TRADE, CARRIER = (bytes([n]) * 13 + bytes(3) for n in (1, 2, 3, 4))
HELD = account_id(TRADE, Purpose.HELD, "USD")
Terms = tuple[Frozen, tuple[Share, ...]]


@st.composite
def terms(draw: st.DrawFn) -> Terms:
    amount = draw(st.integers(1, 10**9))
    commission = draw(st.integers(0, amount))
    tax = draw(st.integers(0, amount - commission))
    left = amount - commission - tax
    shares = []
    for payee in draw(st.lists(st.sampled_from([CARRIER, BUYER[:12] + bytes(4)]), max_size=3)):
        part = draw(st.integers(0, left))
        left -= part
        shares.append(Share("freight", payee, part))
    pay = draw(st.integers(1, 10**10))
    settle = draw(st.integers(0, 10**10))
    frozen = Frozen(
        currency="USD",
        amount=amount,
        tax=tax,
        commission=commission,
        pay_currency=draw(st.sampled_from(["USD", "CNY"])),
        pay_amount=pay,
        pay_position=max(0, pay - draw(st.integers(-1, 1))),
        settle_currency=draw(st.sampled_from(["USD", "JPY"])),
        settle_amount=settle,
        settle_position=settle + draw(st.integers(0, 1)),
    )
    return frozen, tuple(shares)


def apply(balances: Counter[Id], moves: list[Move]) -> None:
    for posting in posted(moves):
        assert posting.amount > 0
        balances[posting.debit] -= posting.amount
        balances[posting.credit] += posting.amount


def wallet(frozen: Frozen) -> Id:
    return account_id(BUYER, Purpose.WALLET, frozen.pay_currency)


def paid(frozen: Frozen) -> Counter[Id]:
    """The balances once everything is paid and held."""
    balances: Counter[Id] = Counter()
    source, moves = pay_in(frozen, wallet(frozen), 0, frozen.amount)
    apply(balances, [*moves, Move(source, HELD, frozen.amount)])
    return balances


def steps(amount: int, cuts: list[float]) -> list[tuple[int, int]]:
    marks = sorted({0, amount, *(int(cut * amount) for cut in cuts)})
    return list(pairwise(marks))


@given(terms(), st.lists(st.floats(0, 1), max_size=6))
def test_any_partial_releases_give_what_one_release_gives(agreed: Terms, cuts: list[float]) -> None:
    frozen, shares = agreed
    at_once, in_parts = paid(frozen), paid(frozen)
    apply(at_once, disburse(frozen, SELLER, HELD, 0, frozen.amount, shares))
    for before, after in steps(frozen.amount, cuts):
        apply(in_parts, disburse(frozen, SELLER, HELD, before, after, shares))
        assert in_parts[HELD] == frozen.amount - after
    assert {k: v for k, v in at_once.items() if v} == {k: v for k, v in in_parts.items() if v}


@given(terms(), st.lists(st.floats(0, 1), max_size=6), st.floats(0, 1))
def test_refunds_before_and_after_release_unwind_to_nothing(agreed: Terms, cuts: list[float], part: float) -> None:
    frozen, shares = agreed
    balances = paid(frozen)
    refunded = int(part * frozen.amount)
    for before, after in steps(refunded, cuts) if refunded else []:
        target, moves = pay_in(frozen, wallet(frozen), before, after)
        apply(balances, [Move(HELD, target, after - before), *reverse(moves)])
    rest = frozen.amount - refunded
    if rest:
        apply(balances, disburse(frozen, SELLER, HELD, 0, rest, shares))
        for before, after in steps(rest, cuts):
            target, moves = pay_in(frozen, wallet(frozen), refunded + before, refunded + after)
            apply(balances, [*reverse(disburse(frozen, SELLER, target, before, after, shares)), *reverse(moves)])
    assert not any(balances.values())


@given(st.integers(0, 10**12), st.integers(1, 10**12), st.lists(st.floats(0, 1), max_size=8))
def test_shares_never_move_back_and_stay_within_half_a_unit(part: int, whole: int, cuts: list[float]) -> None:
    given_so_far = 0
    for _, after in steps(whole, cuts):
        now = share(part, after, whole)
        assert now >= given_so_far
        assert abs(2 * (now * whole - part * after)) <= whole
        given_so_far = now
    assert given_so_far == part


@given(st.integers(1, 10**12), st.integers(1, 10**9), st.integers(1, 10**9))
def test_there_and_back_never_gains(amount: int, num: int, den: int) -> None:
    assert converted_down(converted_down(amount, num, den), den, num) <= amount
    assert 0 <= converted_up(amount, num, den) * den - amount * num < den


@given(terms())
def test_rounding_is_half_a_unit_a_party_at_most(agreed: Terms) -> None:
    frozen, shares = agreed
    balances = paid(frozen)
    apply(balances, disburse(frozen, SELLER, HELD, 0, frozen.amount // 2, shares))
    assert abs(2 * balances[account_id(HOUSE, Purpose.ROUNDING, "USD")]) <= 3 + len(shares)


def seller(bps: int = 350, minimum: int = 0, cap: int = 0, fee: int = 0, currency: str = "USD") -> Party:
    empty = dict.fromkeys(Party.__struct_fields__, None)
    prices = {"commission_bps": bps, "commission_minimum": minimum, "commission_cap": cap, "listing_fee": fee}
    return Party(**{**empty, **prices, "commission_currency": currency})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("terms", "amount", "most", "commission"),
    [
        (seller(), 10_000, 10_000, 350),
        (seller(), 100, 100, 4),  # 3.5, the even one
        (seller(), 300, 300, 10),  # 10.5, the even one
        (seller(minimum=50), 1_000, 1_000, 50),
        (seller(minimum=50, fee=5), 1_000, 1_000, 55),
        (seller(minimum=50, fee=5), 30, 30, 30),
        (seller(cap=5_000), 200_000, 200_000, 5_000),
        (seller(cap=5_000, fee=5), 200_000, 200_000, 5_005),  # the fee comes on top
        (seller(minimum=50, cap=50), 10**9, 10**9, 50),
        (seller(minimum=50, cap=5_000, fee=5, currency="EUR"), 1_000, 1_000, 35),  # all in euros, of dollars only 35
        (seller(bps=10_000), 1_000, 900, 900),
        (seller(fee=5), 1_000, 0, 0),
    ],
)
def test_commission_is_rate_then_minimum_then_cap_then_fee(
    terms: Party, amount: int, most: int, commission: int
) -> None:
    assert commission_of(terms, "USD", amount, most, listed=True) == commission


def test_a_direct_payment_lists_nothing() -> None:
    assert commission_of(seller(minimum=50, fee=5), "USD", 1_000, 1_000, listed=False) == 50


def test_earnings_are_what_the_others_leave() -> None:
    frozen = Frozen("USD", 10_000, 800, 350, "USD", 10_000, 10_000, "USD", 8_350, 8_350)
    assert earnings(frozen, (Share("freight", CARRIER, 500),)) == 8_350


def account(owner: Id, purpose: Purpose) -> Id:
    return account_id(owner, purpose, "USD")


def test_gains_are_netted_once_for_each_wallet() -> None:
    """The seller gains 83.50 less 8.35 into reserve, the carrier 5.00 and 1.00; the buyer gives."""
    shop, carrier, buyer = (account(party, Purpose.WALLET) for party in (SELLER, CARRIER, BUYER))
    moves = [
        Move(HELD, carrier, 500),
        Move(HELD, carrier, 100),
        Move(HELD, shop, 8_350),
        Move(shop, account(SELLER, Purpose.RESERVE), 835),
        Move(buyer, HELD, 9_000),
    ]
    assert netted(moves) == [
        Move(carrier, account(CARRIER, Purpose.RECEIVABLE), 600, up_to=True),
        Move(shop, account(SELLER, Purpose.RECEIVABLE), 7_515, up_to=True),
    ]


def test_the_operator_stands_in_for_wallets_but_one() -> None:
    shop, carrier, buyer = (account(party, Purpose.WALLET) for party in (SELLER, CARRIER, BUYER))
    owed = account(CARRIER, Purpose.RECEIVABLE)
    tax = Move(account(HOUSE, Purpose.TAX), buyer, 7)
    assert advanced([Move(shop, buyer, 90), tax, Move(carrier, buyer, 3)], but=shop) == [
        Move(shop, buyer, 90),
        tax,
        Move(owed, buyer, 3),
        Move(carrier, owed, 3, up_to=True),
        Move(account(CARRIER, Purpose.RESERVE), owed, 3, up_to=True),
    ]


def test_postings_take_their_turns() -> None:
    """First what has no floor, then what a reserve gives back, then wallets, and debts last, in their order."""
    shop, reserve, owed = (account(SELLER, p) for p in (Purpose.WALLET, Purpose.RESERVE, Purpose.RECEIVABLE))
    buyer, position = account(BUYER, Purpose.WALLET), account(HOUSE, Purpose.POSITION)
    moves = [
        Move(shop, owed, 5, up_to=True),
        Move(reserve, owed, 5, up_to=True),
        Move(shop, buyer, 4),
        Move(reserve, shop, 3, up_to=True),
        Move(buyer, position, -2),
        Move(shop, shop, 9),
        Move(shop, buyer, 0),
    ]
    assert [(p.debit, p.credit, p.amount, p.mode) for p in posted(moves)] == [
        (position, buyer, 2, Mode.POSTED),
        (reserve, shop, 3, Mode.UP_TO),
        (shop, buyer, 4, Mode.POSTED),
        (shop, owed, 5, Mode.UP_TO),
        (reserve, owed, 5, Mode.UP_TO),
    ]
