"""Taking a client in: its id, its permissions, and what is registered of it."""

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from handfast.core.ids import Id
from handfast.domain.apps import RegisterApp
from handfast.gateways.antom.callers import GATEWAY
from handfast.gateways.antom.endpoints import ENDPOINTS
from handfast.gateways.antom.orders import GUARANTEED

PRODUCTS = frozenset(line.product for line in ENDPOINTS.values())
"""Every permission that calls need."""


def client_number(thing: bytes) -> str:
    """A client id, as the vendor's are, out of random or derived bytes."""
    return f"5Y{int.from_bytes(thing, 'big') % 10**14:014}"


def prepare(
    party: Id, number: str, key: RSAPublicKey, notify_url: str = "", *, guaranteed: bool = False
) -> RegisterApp:
    """What is registered of a client; `guaranteed`: all that it sells is a guaranteed trade."""
    products = {*PRODUCTS, GUARANTEED} if guaranteed else PRODUCTS
    der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return RegisterApp(GATEWAY, number, party, der, notify_url=notify_url, permissions=" ".join(sorted(products)))
