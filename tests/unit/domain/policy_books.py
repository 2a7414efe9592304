"""Policies for tests: the preset's express policy in UTC with named changes, and books of them."""

from typing import Any

from msgspec import json
from msgspec.structs import replace
from tests.unit.domain.conftest import Market

from handfast.domain.policies import Book, Period, Policy, PublishBook, Reserve, Rule, Step, preset


def days(length: int) -> Period:
    return Period(length, "days")


def step(length: int, silence: str, again: int = 0, then: str = "") -> Step:
    return Step(days(length), silence, again, then)


def reserve(share_bps: int, length: int) -> Reserve:
    return Reserve(share_bps, days(length))


def policy(name: str = "plain", **changes: Any) -> Policy:
    """Ship within 5 days or all goes back, confirm within 10 or it is released, refundable for 360."""
    (express,) = (each for each in preset("taobao").policies if each.name == "taobao-express")
    return replace(express, name=name, zone="UTC", sources=(), **changes)


def publish(market: Market, *policies: Policy, **rules: str) -> None:
    """Put a book in force: each policy for the category of its name, and the first one for all others.

    `rules` names another policy for a delivery kind.
    """
    by_category = [Rule(each.name, category=each.name) for each in policies]
    chosen = (*by_category, *(Rule(name, delivery=kind) for kind, name in rules.items()), Rule(policies[0].name))
    market.do(PublishBook(json.encode(Book(policies, chosen))))
