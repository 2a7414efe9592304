"""Rows of parties, their keys and their API clients."""

from handfast.core.ids import Id
from handfast.domain.parties.model import ApiClient, Login, Party, PersonKey
from handfast.store.reader import Reader, find
from handfast.store.table import Table

PARTIES = Table("parties", Party)
PERSON_KEYS = Table("person_keys", PersonKey)
API_CLIENTS = Table("api_clients", ApiClient)
LOGINS = Table("logins", Login)
INDEXES = (("parties", "kind, id", ""), ("api_clients", "party, id", ""))


def clients_of(reader: Reader, party: Id) -> list[ApiClient]:
    """The API clients that act for a party, oldest first."""
    return find(reader, API_CLIENTS, "party = ? ORDER BY id", party)


def operator(reader: Reader) -> Party | None:
    """The house itself."""
    found = find(reader, PARTIES, "kind = 'operator' ORDER BY id LIMIT 1")
    return found[0] if found else None
