"""Users as the vendor numbers them: 2088 and twelve digits, given to a party when it is first told of."""

import hmac
import re
from binascii import b2a_base64
from weakref import WeakKeyDictionary

from handfast.core.errors import Conflict
from handfast.core.ids import Id
from handfast.domain import apps
from handfast.domain.apps import ALIASES, NameObject, alias_id
from handfast.domain.parties import HOUSE, LOGINS, PARTIES, PERSON_KEYS, Details
from handfast.gateways.alipay.numbers import USER_ID, user_number
from handfast.services import Readers, Services
from handfast.store.reader import Reader, get
from handfast.store.verb import Request

KIND = "alipay/user"
OPEN_ID = "alipay/open"
_URL_SAFE = str.maketrans("+/", "-_")
_MOST_TRIES = 100
_MOST_REMEMBERED = 100_000
_given: WeakKeyDictionary[Readers, dict[Id, str]] = WeakKeyDictionary()
"""Numbers that were given, by the database that they are given in."""


def user_key(number: str) -> Id:
    """The key of the alias of a user's number."""
    return alias_id(HOUSE, KIND, number)


async def user_id(services: Services, party: Id) -> str:
    """The party's number, given now if it has none. Two parties never have one number, and it never changes."""
    given = _given.setdefault(services.read, {})
    number = given.get(party)
    if number is None:
        if len(given) >= _MOST_REMEMBERED:
            given.clear()
        number = given[party] = await _give(services, party)
    return number


async def _give(services: Services, party: Id) -> str:
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


def open_id(services: Services, app: Id, party: Id) -> str:
    """The party's number for one app alone, which tells it from nobody else's. It is found by once it was given."""
    told = hmac.digest(services.vault.subkey("alipay open id"), app + party, "sha256")[:24]
    return b2a_base64(told, newline=False).decode().translate(_URL_SAFE)


async def give_open_id(services: Services, app: Id, party: Id) -> str:
    """The party's open id, by which the app may name it from now on."""
    number = open_id(services, app, party)
    command = NameObject(alias_id(app, OPEN_ID, number), party)
    request = Request(apps.name.name, command, "alipay", services.new_id(services.wall()))
    (await services.hand.call(request)).unwrap()
    return number


async def party_by_open_id(services: Services, app: Id, number: str) -> Id | None:
    """The party that was told to the app by that open id, or None."""
    alias = await services.read.short(lambda reader: get(reader, ALIASES, alias_id(app, OPEN_ID, number)))
    return alias.object if alias else None


async def party_by_login(services: Services, address: str) -> Id | None:
    """The party whose e-mail address that is now, or None."""
    key = services.vault.login_id(address)
    login = await services.read.short(lambda reader: get(reader, LOGINS, key))
    if login is None:
        return None
    details = await services.read.short(lambda reader: details_of(services, reader, login.party))
    same = details is not None and details.email.casefold() == address.strip().casefold()
    return login.party if same else None


def details_of(services: Services, reader: Reader, party: Id) -> Details | None:
    """What is known of the party; nothing once it was erased."""
    row, key = get(reader, PARTIES, party), get(reader, PERSON_KEYS, party)
    if row is None or not row.details or key is None:
        return None
    return services.vault.open(key.wrapped, party, row.details, Details)


def login_of(services: Services, reader: Reader, party: Id) -> str:
    """The party's e-mail address, or else its name, with most of it hidden, as merchants may see it."""
    details = details_of(services, reader, party)
    return masked(details.email or details.name) if details else ""


def masked(login: str) -> str:
    """The first three letters of an address's name and all that follows its @; of another text the first letter."""
    name, at, domain = login.partition("@")
    if at:
        return f"{name[:3]}***@{domain}"
    return re.sub(r"(?<=^.).+", "**", name)
