"""Rows of published policies and of the book in force, and the way from a row to the policy that it holds."""

from functools import lru_cache

from msgspec import json

from handfast.core.errors import NotFound
from handfast.core.ids import Id, digest_id
from handfast.domain.policies.book import canonical, digest_of, restore
from handfast.domain.policies.model import Book, BookRow, Policy, PolicyName, PolicyRow
from handfast.domain.policies.rules import ANY
from handfast.store.reader import Reader, find
from handfast.store.table import Table
from handfast.store.verb import Tx

POLICIES = Table("policies", PolicyRow)
POLICY_NAMES = Table("policy_names", PolicyName)
BOOKS = Table("policy_books", BookRow)
INDEXES = (("policies", "name, number", ""),)

BOOK: Id = bytes(12) + b"\2" + bytes(3)
"""The id of the one row of the book in force."""

_policies: dict[Id, Policy] = {}


def policy_row(policy: Policy, now: int) -> PolicyRow:
    """The row that publishes a policy at a market time."""
    body = canonical(policy)
    return PolicyRow(digest_id(body), policy.name, policy.version, body, now)


def policy_of(row: PolicyRow) -> Policy:
    """The policy that a row holds. Each is decoded once: its id is its content's."""
    policy = _policies.get(row.id)
    if policy is None:
        policy = _policies[row.id] = restore(row.body)
    return policy


async def effective(tx: Tx, policy: Id) -> Policy:
    """The published policy of that id. Raises NotFound(object_not_found)."""
    row = await tx.get(POLICIES, policy)
    if row is None:
        raise NotFound("object_not_found", "no such policy", "policy")
    return policy_of(row)


def name_id(name: str, number: int) -> Id:
    """The key under which a policy's name and version are taken."""
    return digest_id(name.encode(), b"%d" % number)


def rules_body(book: Book) -> bytes:
    """The book's rules as a BookRow keeps them."""
    ids = {policy.name: digest_of(policy).hex() for policy in book.policies}
    return json.encode([(rule.category, rule.delivery, ids[rule.policy]) for rule in book.rules])


def choose(row: BookRow | None, category: str, delivery: str) -> Id | None:
    """The policy of the first rule that fits, None without a book."""
    if row is None:
        return None
    for wanted, kind, policy in rules_of(row):
        if wanted in (category, ANY) and kind in (delivery, ANY):
            return policy
    return None


def published(
    reader: Reader, limit: int, name: str | None, *, below: PolicyRow | None, above: PolicyRow | None
) -> list[PolicyRow]:
    """At most `limit` policies, of that name if one is given: the newest first, below one, or the next ones above."""
    named, names = ("name = ?", (name,)) if name is not None else ("1 = 1", ())
    order, place = ("DESC", below) if above is None else ("ASC", above)
    if place is not None:
        sign = "<" if above is None else ">"
        named += f" AND (created {sign} ? OR (created = ? AND id {sign} ?))"
        names = (*names, place.created, place.created, place.id)
    rows = find(reader, POLICIES, f"{named} ORDER BY created {order}, id {order} LIMIT ?", *names, limit)
    return rows if above is None else rows[::-1]


def rules_of(row: BookRow) -> tuple[tuple[str, str, Id], ...]:
    """Category, delivery kind and policy of each rule, in their order."""
    return _decoded(row.body)


@lru_cache(maxsize=16)
def _decoded(body: bytes) -> tuple[tuple[str, str, Id], ...]:
    found = json.decode(body, type=list[tuple[str, str, str]])
    return tuple((category, delivery, bytes.fromhex(policy)) for category, delivery, policy in found)
