"""Which client calls: its row, its key ready for use, its party; looked up, and remembered for a second."""

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from msgspec import Struct

from handfast.core.clocks import SECOND
from handfast.core.errors import Invalid
from handfast.core.rsa import from_der
from handfast.domain.apps import APPS, App, app_id
from handfast.domain.parties import PARTIES, PERSON_KEYS, Party
from handfast.gateways.antom.results import Refused
from handfast.services import Services
from handfast.store.reader import Reader, get

GATEWAY = "antom"
REMEMBERED = SECOND
"""How long (µs of wall time) a client is taken as it was read: one that is disabled ends within it."""

_MOST = 10_000


class Caller(Struct, frozen=True):
    """A client that may call, for the merchant `party`; `wrapped` is the key that seals what the party may erase."""

    app: App
    party: Party
    key: RSAPublicKey
    wrapped: bytes
    products: frozenset[str]
    until: int

    @property
    def actor(self) -> str:
        """Whom the audit log names."""
        return f"{GATEWAY}:{self.app.number}"


class Callers:
    """Knows clients by their client ids."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._known: dict[str, Caller] = {}

    async def find(self, number: str) -> Caller:
        """The client of that id. Raises Refused(INVALID_CLIENT, KEY_NOT_FOUND), Unavailable."""
        known = self._known.get(number)
        now = self._services.wall()
        if known is not None and now < known.until:
            return known
        found = await self._services.read.short(lambda reader: _read(reader, number))
        if found is None:
            self._known.pop(number, None)
            raise Refused("INVALID_CLIENT")
        app, party, wrapped = found
        try:
            key = from_der(app.public_key)
        except Invalid:
            raise Refused("KEY_NOT_FOUND") from None
        if len(self._known) >= _MOST:
            self._known.clear()
        caller = Caller(app, party, key, wrapped, frozenset(app.permissions.split()), now + REMEMBERED)
        self._known[number] = caller
        return caller


def _read(reader: Reader, number: str) -> tuple[App, Party, bytes] | None:
    """The client, its party and the party's key, if both may act."""
    app = get(reader, APPS, app_id(GATEWAY, number))
    party = get(reader, PARTIES, app.party) if app else None
    wrapped = get(reader, PERSON_KEYS, app.party) if app else None
    if app is None or party is None or wrapped is None or app.state != "active" or party.state != "active":
        return None
    return app, party, wrapped.wrapped
