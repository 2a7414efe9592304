"""Frozen terms: whatever the sequence of steps, the parts add up, never move back, and unwind to nothing."""

from collections import Counter
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from handfast.core.ids import Id, account_id
from handfast.core.money import share
from handfast.domain.parties import HOUSE
from handfast.domain.trades import Frozen, Move, converted_down, converted_up, disburse, pay_in, posted, reverse
from handfast.ledger import Purpose

BUYER, SELLER, TRADE = (bytes([n]) * 13 + bytes(3) for n in (1, 2, 3))
HELD = account_id(TRADE, Purpose.HELD, "USD")


@st.composite
def terms(draw: st.DrawFn) -> Frozen:
    amount = draw(st.integers(1, 10**9))
    commission = draw(st.integers(0, amount))
    tax = draw(st.integers(0, amount - commission))
    pay = draw(st.integers(1, 10**10))
    settle = draw(st.integers(0, 10**10))
    return Frozen(
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
    apply(balances, [*moves, (source, HELD, frozen.amount)])
    return balances


def steps(amount: int, cuts: list[float]) -> list[tuple[int, int]]:
    marks = sorted({0, amount, *(int(cut * amount) for cut in cuts)})
    return list(pairwise(marks))


@given(terms(), st.lists(st.floats(0, 1), max_size=6))
def test_any_partial_releases_give_what_one_release_gives(frozen: Frozen, cuts: list[float]) -> None:
    at_once, in_parts = paid(frozen), paid(frozen)
    apply(at_once, disburse(frozen, SELLER, HELD, 0, frozen.amount))
    for before, after in steps(frozen.amount, cuts):
        apply(in_parts, disburse(frozen, SELLER, HELD, before, after))
        assert in_parts[HELD] == frozen.amount - after
    assert {k: v for k, v in at_once.items() if v} == {k: v for k, v in in_parts.items() if v}


@given(terms(), st.lists(st.floats(0, 1), max_size=6), st.floats(0, 1))
def test_refunds_before_and_after_release_unwind_to_nothing(frozen: Frozen, cuts: list[float], part: float) -> None:
    balances = paid(frozen)
    refunded = int(part * frozen.amount)
    for before, after in steps(refunded, cuts) if refunded else []:
        target, moves = pay_in(frozen, wallet(frozen), before, after)
        apply(balances, [(HELD, target, after - before), *reverse(moves)])
    rest = frozen.amount - refunded
    if rest:
        apply(balances, disburse(frozen, SELLER, HELD, 0, rest))
        for before, after in steps(rest, cuts):
            target, moves = pay_in(frozen, wallet(frozen), refunded + before, refunded + after)
            apply(balances, [*reverse(disburse(frozen, SELLER, target, before, after)), *reverse(moves)])
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
def test_rounding_is_less_than_one_unit_a_party(frozen: Frozen) -> None:
    balances = paid(frozen)
    apply(balances, disburse(frozen, SELLER, HELD, 0, frozen.amount // 2))
    assert abs(balances[account_id(HOUSE, Purpose.ROUNDING, "USD")]) <= 2
