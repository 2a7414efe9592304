"""Rows of apps and of the numbers that they gave."""

from handfast.core.ids import Id, digest_id
from handfast.domain.apps.model import Alias, App
from handfast.store.reader import Reader, find
from handfast.store.table import Table

APPS = Table("apps", App)
ALIASES = Table("aliases", Alias)
INDEXES = (("apps", "party, id", ""),)


def app_id(gateway: str, number: str) -> Id:
    """The id of the app that a gateway knows by that number."""
    return digest_id(b"app", gateway.encode(), number.encode())


def alias_id(app: Id, kind: str, number: str) -> Id:
    """The key of what an app's number of that kind names, such as an order or a refund of one."""
    return digest_id(b"alias", app, kind.encode(), number.encode())


def apps_of(reader: Reader, party: Id) -> list[App]:
    """The apps that speak for a party, oldest first."""
    return find(reader, APPS, "party = ? ORDER BY created, id", party)
