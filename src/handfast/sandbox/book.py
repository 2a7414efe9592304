"""The policies of Main Street: the default preset, and one of its own for jewellery, of which a part is kept back."""

from functools import cache
from typing import Any

from msgspec import json

from handfast.domain.policies import DEFAULT, Book, Policy, preset_text, read_book

JEWELRY = "main-street-jewelry"
"""What is dear waits longer, and is decided by people: silence opens a dispute, and a fifth is kept for a week."""

_LIKE = "taobao-express"


def main_street() -> bytes:
    """The policy file of the demo's market."""
    book: dict[str, Any] = json.decode(preset_text(DEFAULT))
    (like,) = (policy for policy in book["policies"] if policy["name"] == _LIKE)
    by_people = {"silence": "dispute"}
    answer = {
        reason: step | by_people if reason in ("not_received", "not_as_described") else step
        for reason, step in like["answer"].items()
    }
    jewelry = like | {
        "name": JEWELRY,
        "sources": ["all: own choice, after taobao-express"],
        "ship": like["ship"] | {"silence": "extend", "again": 1, "then": "dispute"},
        "confirm_delivered": {"length": 3, "unit": "days"},
        "answer": answer,
        "reserve": {"share_bps": 2_000, "period": {"length": 7, "unit": "days"}},
    }
    book["policies"].append(jewelry)
    book["rules"].insert(0, {"policy": JEWELRY, "category": "jewelry"})
    return json.format(json.encode(book), indent=2)


@cache
def _book() -> Book:
    return read_book(main_street())


def policy_for(category: str, delivery: str) -> Policy:
    """The policy of the first rule that fits."""
    book = _book()
    fits = (rule for rule in book.rules if rule.category in ("*", category) and rule.delivery in ("*", delivery))
    return policy_named(next(fits).policy)


def policy_named(name: str) -> Policy:
    """The policy of a name."""
    return next(policy for policy in _book().policies if policy.name == name)
