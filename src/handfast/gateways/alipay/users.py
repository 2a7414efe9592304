"""Users as the vendor numbers them: 2088 and twelve digits, given to a party when it is first told of."""

import re
from typing import Any

from handfast.core.errors import Conflict
from handfast.core.ids import Id
from handfast.domain import apps
from handfast.domain.apps import ALIASES, NameObject, alias_id
from handfast.domain.parties import HOUSE, PARTIES, PERSON_KEYS, Details
from handfast.gateways.alipay.numbers import USER_ID, user_number
from handfast.services import Services
from handfast.store.reader import Reader, get
from handfast.store.verb import Request

KIND = "alipay/user"
_MOST_TRIES = 100


def user_key(number: str) -> Id:
    """The key of the alias of a user's number."""
    return alias_id(HOUSE, KIND, number)


async def user_id(services: Services, party: Id) -> str:
    """The party's number, given now if it has none. Two parties never have one number."""
    for attempt in range(_MOST_TRIES):
        number = user_number(party, attempt)
        key = user_key(number)
        alias = await services.read.short(lambda reader, key=key: get(reader, ALIASES, key))  # type: ignore[misc]
        if alias is None:
            request = services.new_id(services.wall())
            answer = await services.hand.call(Request(apps.name.name, NameObject(key, party), "alipay", request))
            if isinstance(answer.refusal, Conflict):
                continue
            alias = answer.unwrap()
        if alias.object == party:
            return number
    raise AssertionError("a hundred numbers of 10¹² were all taken")


def known_user(reader: Reader, party: Id) -> str:
    """The number that the party has; the one that it would be given first, where it has none."""
    for attempt in range(_MOST_TRIES):
        number = user_number(party, attempt)
        alias = get(reader, ALIASES, user_key(number))
        if alias is None or alias.object == party:
            return number
    raise AssertionError("a hundred numbers of 10¹² were all taken")


async def party_of(services: Services, number: str) -> Id | None:
    """The party with that number, or None."""
    if USER_ID.fullmatch(number) is None:
        return None
    alias = await services.read.short(lambda reader: get(reader, ALIASES, user_key(number)))
    return alias.object if alias else None


def login_of(services: Services, reader: Reader, party: Id) -> str:
    """The party's e-mail address, or else its name, with most of it hidden, as merchants may see it."""
    row, key = get(reader, PARTIES, party), get(reader, PERSON_KEYS, party)
    details: Any = None
    if row is not None and row.details and key is not None:
        details = services.vault.open(key.wrapped, party, row.details, Details)
    return masked(details.email or details.name) if details else ""


def masked(login: str) -> str:
    """The first three letters of an address's name and all that follows its @; of another text the first letter."""
    name, at, domain = login.partition("@")
    if at:
        return f"{name[:3]}***@{domain}"
    return re.sub(r"(?<=^.).+", "**", name)
