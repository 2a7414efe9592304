"""Which app calls: its row, its keys ready for use, its party; looked up, and remembered for a second."""

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from msgspec import Struct

from handfast.core.clocks import SECOND
from handfast.core.errors import Invalid
from handfast.core.ids import Id
from handfast.core.rsa import from_der
from handfast.domain.apps import APPS, App, app_id
from handfast.domain.parties import PARTIES, PERSON_KEYS
from handfast.gateways.alipay.certificates import is_valid_at, read_certificate, sn
from handfast.gateways.alipay.codes import Refused
from handfast.gateways.alipay.house import House
from handfast.services import Services
from handfast.store.reader import Reader, get

GATEWAY = "alipay"
REMEMBERED = SECOND
"""How long (µs of wall time) an app is taken as it was read: one that is disabled ends within it."""

_MOST = 10_000


class Caller(Struct, frozen=True):
    """An app that may call, for the merchant `party`; `wrapped` is the key that seals the texts of the party."""

    app: App
    party: Id
    key: RSAPublicKey
    aes_key: bytes | None
    cert_sn: str
    cert_valid: bool
    wrapped: bytes
    products: frozenset[str]
    until: int

    @property
    def actor(self) -> str:
        """Whom the audit log names."""
        return f"{GATEWAY}:{self.app.number}"


class Callers:
    """Knows apps by their app_id."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._known: dict[str, Caller] = {}

    async def find(self, number: str) -> Caller:
        """The app of that number. Raises Refused(isv.invalid-app-id), Unavailable."""
        known = self._known.get(number)
        now = self._services.wall()
        if known is not None and now < known.until:
            return known
        found = await self._services.read.short(lambda reader: _read(reader, number))
        if found is None:
            self._known.pop(number, None)
            raise Refused("isv.invalid-app-id")
        if len(self._known) >= _MOST:
            self._known.clear()
        caller = self._known[number] = self._ready(*found, now)
        return caller

    def _ready(self, app: App, wrapped: bytes, now: int) -> Caller:
        try:
            certificate = read_certificate(app.certificate.decode()) if app.certificate else None
            key = from_der(app.public_key)
        except Invalid:
            raise Refused("isv.missing-signature-key") from None
        secret = self._services.vault.open(wrapped, app.party, app.secret, bytes) if app.secret else None
        return Caller(
            app=app,
            party=app.party,
            key=key,
            aes_key=secret,
            cert_sn=sn(certificate) if certificate else "",
            cert_valid=certificate is not None and is_valid_at(certificate, now),
            wrapped=wrapped,
            products=frozenset(app.permissions.split()),
            until=now + REMEMBERED,
        )


def _read(reader: Reader, number: str) -> tuple[App, bytes] | None:
    """The app and the key of its party, if both may act."""
    app = get(reader, APPS, app_id(GATEWAY, number))
    party = get(reader, PARTIES, app.party) if app else None
    wrapped = get(reader, PERSON_KEYS, app.party) if app else None
    if app is None or party is None or wrapped is None or app.state != "active" or party.state != "active":
        return None
    return app, wrapped.wrapped


def check_certificates(house: House, caller: Caller, app_cert_sn: str, root_cert_sn: str) -> None:
    """In certificate mode, which a request chooses by naming its certificate: are the names right? Raises Refused."""
    if app_cert_sn != caller.cert_sn:
        raise Refused("isv.missing-app-cert-sn", "app_cert_sn names another certificate than this app's")
    if not caller.cert_valid:
        raise Refused("isv.app-cert-expired")
    if root_cert_sn != house.root_sn:
        raise Refused("isv.missing-alipay-root-cert-sn")
