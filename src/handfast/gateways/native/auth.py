"""Who is calling: an API key is looked up, proved and, for a second, remembered."""

import binascii
from base64 import b64decode
from hashlib import sha256

from msgspec import Struct

from handfast.core.clocks import SECOND
from handfast.core.errors import Forbidden, Unauthenticated
from handfast.core.ids import Id
from handfast.domain.parties import API_CLIENTS, HOUSE, PARTIES, ApiClient, ApiKey, parse_key, proves
from handfast.gateways.native.prefixes import show, unknown
from handfast.services import Services
from handfast.store.reader import Reader, get

REMEMBERED = SECOND
"""How long (µs of wall time) a key that was proved is taken on trust: a revoked one ends within it."""

_MOST = 10_000
_NOBODY = bytes(32)


class Caller(Struct, frozen=True):
    """An API client and whom it acts for. One that `operates` acts for the house: it sees everybody's objects."""

    client: Id
    party: Id
    actor: str
    scopes: frozenset[str]
    operates: bool
    until: int

    def need(self, scope: str) -> None:
        """Let pass whom one of these scopes was given, and who operates. Raises Forbidden(scope_missing).

        A key of the house that does not operate may read at most, for what it did would be the house's doing.
        """
        if self.operates:
            return
        given = self.scopes.intersection(scope.split()) - {"operate"}
        if not given or (self.party == HOUSE and scope != "read"):
            raise Forbidden("scope_missing", f"this needs a key with the scope {scope.replace(' ', ' or ')}")

    def sees(self, *parties: Id | None) -> bool:
        """Whether an object of these parties is there for the caller."""
        return self.operates or self.party in parties

    def acting_for(self, party: Id | None, param: str) -> Id:
        """The caller's own party, or whom the operator names. Raises NotFound for anybody else's."""
        if party is None or party == self.party:
            return self.party
        if not self.operates:
            raise unknown(param)
        return party


class Doorkeeper:
    """Knows callers by the Authorization header: `Bearer hf_…`, or Basic with the key as user (RFC 6750, RFC 7617)."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._known: dict[bytes, Caller] = {}

    async def caller(self, header: bytes | None) -> Caller:
        """The caller. Raises Unauthenticated(key_missing, key_invalid), Unavailable."""
        if not header:
            raise Unauthenticated("key_missing", "send an API key: Authorization: Bearer hf_…")
        known = self.remembered(header)
        if known is not None:
            return known
        now = self._services.wall()
        digest = sha256(header).digest()
        key = _presented(header)
        caller = await self._prove(key, now + REMEMBERED) if key else None
        if caller is None:
            self._known.pop(digest, None)
            raise Unauthenticated("key_invalid", "this API key is not known, or no longer")
        if len(self._known) >= _MOST:
            self._known.clear()
        self._known[digest] = caller
        return caller

    def remembered(self, header: bytes) -> Caller | None:
        """The caller, if it was proved within a second."""
        # Known by the digest: no secret is kept, and the time to find one tells nothing about another.
        known = self._known.get(sha256(header).digest())
        return known if known is not None and self._services.wall() < known.until else None

    async def _prove(self, key: ApiKey, until: int) -> Caller | None:
        client = await self._services.read.short(lambda reader: _client(reader, key.client))
        proved = proves(key.secret, client.secret_hash if client else _NOBODY)
        if client is None or not proved:
            return None
        scopes = frozenset(client.scopes.split())
        operates = client.party == HOUSE and "operate" in scopes
        return Caller(client.id, client.party, show("client", client.id), scopes, operates, until)


def _client(reader: Reader, key: Id) -> ApiClient | None:
    """The client of that id, if it may still call: it is not revoked and its party not erased."""
    client = get(reader, API_CLIENTS, key)
    party = get(reader, PARTIES, client.party if client else key)
    if client is None or party is None or client.state != "active" or party.state == "erased":
        return None
    return client


def _presented(header: bytes) -> ApiKey | None:
    scheme, _, value = header.partition(b" ")
    if scheme.lower() == b"basic":
        try:
            value = b64decode(value.strip(), validate=True).partition(b":")[0]
        except binascii.Error:
            return None
    elif scheme.lower() != b"bearer":
        return None
    try:
        return parse_key(value.strip().decode("ascii"))
    except UnicodeDecodeError:
        return None
