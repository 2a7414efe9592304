"""The presets: whole books whose every figure names its source, in the wheel and in the docs."""

import re
from itertools import chain

import pytest
from msgspec import to_builtins
from tests.unit.domain.policies.preset_page import PAGE, between, federal_holidays, tables

from handfast.core.clocks import DAY
from handfast.core.errors import Invalid
from handfast.domain.policies import DEFAULT, DELIVERIES, PRESETS, Book, Period, Policy, end_of, preset

BOOKS = {name: preset(name) for name in PRESETS}
POLICIES = {policy.name: policy for book in BOOKS.values() for policy in book.policies}
GRADES = ("(seen)", "(second-hand)", "own choice")


def applies(book: Book, category: str, delivery: str) -> Policy:
    """The policy of the first rule that fits, found without the code under test."""
    name = next(r.policy for r in book.rules if r.category in (category, "*") and r.delivery in (delivery, "*"))
    return next(policy for policy in book.policies if policy.name == name)


def figures(policy: Policy) -> set[str]:
    """The members that hold a figure or what silence means, by the words that sources use for them."""
    members = to_builtins(policy)
    for group in ("answer", "returns", "disputing"):
        members |= {f"{group}.{name}": value for name, value in members.pop(group).items()}
    return {"zone" if name in ("weekend", "holidays") else name for name in members} - {"name", "version", "sources"}


@pytest.mark.parametrize("policy", POLICIES.values(), ids=list(POLICIES))
def test_every_figure_has_one_source_that_says_how_good_it_is(policy: Policy) -> None:
    named = [re.split(r", ?", source.partition(": ")[0]) for source in policy.sources]
    once = [name for name in chain(*named) if name not in ("weekend", "holidays")]
    assert len(once) == len(set(once))
    absent = {"extensions", "milestones", "reserve"} - figures(policy)
    assert set(once) - absent == figures(policy)
    assert [source for source in policy.sources if not any(grade in source for grade in GRADES)] == []


def test_the_default_keeps_the_periods_that_trades_had() -> None:
    express = {kind: applies(BOOKS[DEFAULT], "general", kind) for kind in DELIVERIES}
    days = {
        kind: (end_of(policy, policy.ship.within, 0) // DAY, end_of(policy, policy.confirm.within, 0) // DAY)
        for kind, policy in express.items()
    }
    assert days == {"auto": (1, 1), "virtual": (3, 3), "express": (5, 10), "surface": (5, 30), "service": (14, 7)}
    for policy in express.values():
        assert policy.pay.within == Period(5, "days")
        assert policy.refundable == Period(360, "days")
        assert policy.disputing.second_eyes.keys() == {"CNY", "EUR", "GBP", "USD", "*"}
    goods = [policy for kind, policy in express.items() if kind != "service"]
    assert {(policy.after_sale, policy.ship.silence, policy.confirm.silence) for policy in goods} == {
        (Period(15, "days"), "refund", "release")
    }
    assert express["service"].milestones == (3_000, 3_000, 4_000)


def test_what_the_sources_say() -> None:
    taobao = POLICIES["taobao-express"]
    assert taobao.claim_unshipped == Period(24, "hours")
    assert taobao.answer["unshipped"].within == Period(24, "hours")
    assert taobao.answer["not_received"].within == Period(36, "hours")
    assert taobao.revise.within == Period(5, "days")
    assert taobao.returns.right == Period(7, "days")
    assert [POLICIES[f"1688-{kind}"].confirm.within.length for kind in ("express", "surface", "no-logistics")] == [
        10,
        15,
        30,
    ]
    ebay = POLICIES["ebay-like"]
    assert {step.within for step in ebay.answer.values()} == {Period(3, "business_days")}
    assert ebay.revise.within == Period(21, "business_days")
    amazon = POLICIES["amazon-like"]
    assert amazon.reserve is not None
    assert (amazon.reserve.share_bps, amazon.reserve.period) == (10_000, Period(7, "days"))
    assert {step.within for step in amazon.answer.values()} == {Period(72, "hours")}
    assert amazon.disputing.appeal == Period(30, "days")


def test_a_policy_of_two_presets_is_the_same_in_both() -> None:
    by_name: dict[str, Policy] = {}
    for book in BOOKS.values():
        for policy in book.policies:
            assert by_name.setdefault(policy.name, policy) == policy


def test_who_counts_business_days_has_holidays_and_nobody_else() -> None:
    carrying = {name: policy.holidays for name, policy in POLICIES.items() if policy.holidays}
    assert carrying == {"ebay-like": federal_holidays()}
    counting = {name for name, policy in POLICIES.items() if "business_days" in str(to_builtins(policy))}
    assert counting == {"ebay-like"}


def test_there_is_no_preset_of_another_name() -> None:
    with pytest.raises(Invalid, match="policy_invalid"):
        preset("../model")


def test_the_page_shows_the_presets_as_they_are() -> None:
    assert between(PAGE.read_text()) == tables()
