"""Policies: a book of them published by the operator; each one, and the rules in force, for everybody to read."""

from typing import Any

from handfast.domain import policies
from handfast.domain.policies import BOOK, BOOKS, POLICIES, Book, PolicyRow
from handfast.gateways.native import reports
from handfast.gateways.native.calls import Call
from handfast.gateways.native.lists import Page, cursor, listed, no_cursor
from handfast.gateways.native.prefixes import unknown
from handfast.gateways.native.reports import List
from handfast.gateways.native.wire import Word
from handfast.store.reader import Reader, get


class PolicyPage(Page, frozen=True, kw_only=True):
    """Those of a name: its versions."""

    name: Word | None = None


async def publish(call: Call[Book]) -> reports.PolicyBook:
    """Publish a book of policies, as a policy file holds it, and put it in force for what is sold from now on."""
    shown: reports.PolicyBook = await call.show(await call.do(policies.publish, policies.PublishBook(call.content)))
    return shown


async def list_policies(call: Call[PolicyPage]) -> List:
    """List policies that were ever published."""
    given = call.given
    below, above = cursor(given, "policy")

    def rows(reader: Reader) -> list[PolicyRow]:
        places = [None if key is None else get(reader, POLICIES, key) for key in (below, above)]
        if (below or above) and not any(places):
            raise no_cursor("policy", "starting_after" if below else "ending_before")
        return policies.published(reader, given.limit + 1, given.name, below=places[0], above=places[1])

    return await listed(call, await call.look(rows), given.limit)


async def see_policy(call: Call[Any]) -> reports.PublishedPolicy:
    """See a policy, word for word."""
    row = await call.look(lambda reader: get(reader, POLICIES, call.id))
    if row is None:
        raise unknown("policy")
    shown: reports.PublishedPolicy = await call.show(row)
    return shown


async def see_book(call: Call[Any]) -> reports.PolicyBook:
    """See the rules in force: which policy counts for what is sold now."""
    row = await call.look(lambda reader: get(reader, BOOKS, BOOK))
    if row is None:
        raise unknown("policy_book")
    shown: reports.PolicyBook = await call.show(row)
    return shown
