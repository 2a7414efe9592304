"""Partners of the first interface: who calls, with which key, and what they sign."""

import hmac
from collections.abc import Mapping
from hashlib import md5

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from msgspec import Struct

from handfast.core import rsa
from handfast.core.ids import Id
from handfast.domain.apps import APPS, App, app_id
from handfast.domain.parties import PARTIES, PERSON_KEYS
from handfast.gateways.alipay.legacy.answers import No
from handfast.gateways.alipay.signing import notice_text
from handfast.services import Services
from handfast.store.reader import Reader, get

GATEWAY = "alipay/legacy"
"""Under which partners are registered as apps: the number is the merchant's user number, the secret its MD5 key."""


class Partner(Struct, frozen=True):
    """A merchant that calls; `md5_key` and `key` are what it signs with, where it has them."""

    app: App
    party: Id
    wrapped: bytes
    md5_key: str
    key: RSAPublicKey | None


async def find(services: Services, number: str) -> Partner:
    """The partner of that number. Raises No(ILLEGAL_PARTNER)."""

    def query(reader: Reader) -> tuple[App, bytes] | None:
        app = get(reader, APPS, app_id(GATEWAY, number))
        party = get(reader, PARTIES, app.party) if app else None
        known = get(reader, PERSON_KEYS, app.party) if app else None
        if app is None or party is None or known is None or app.state != "active" or party.state != "active":
            return None
        return app, known.wrapped

    found = await services.read.short(query)
    if found is None:
        raise No("ILLEGAL_PARTNER")
    app, wrapped = found
    secret = services.vault.open(wrapped, app.party, app.secret, str) if app.secret else ""
    return Partner(app, app.party, wrapped, secret or "", rsa.from_der(app.public_key) if app.public_key else None)


def check_signature(partner: Partner, raw: Mapping[bytes, bytes], *, md5_allowed: bool) -> str:
    """The way in which these parameters are signed. Raises No(ILLEGAL_SIGN_TYPE, ILLEGAL_SIGN)."""
    sign_type = raw.get(b"sign_type", b"MD5").decode("latin-1").upper()
    sign = raw.get(b"sign", b"").decode("latin-1")
    if sign_type == "MD5" and md5_allowed and partner.md5_key:
        fits = hmac.compare_digest(md5_sign(notice_text(raw), partner.md5_key).encode(), sign.lower().encode())
    elif sign_type == "RSA" and partner.key is not None:
        fits = rsa.verify(partner.key, notice_text(raw), sign, rsa.SHA1)
    else:
        raise No("ILLEGAL_SIGN_TYPE")
    if not fits:
        raise No("ILLEGAL_SIGN")
    return sign_type


def md5_sign(text: bytes, key: str) -> str:
    """The signature of that time, which whoever knows the partner's key can make: the digest of text and key."""
    return md5(text + key.encode(), usedforsecurity=False).hexdigest()


def sign(partner: Partner, key: RSAPrivateKey, fields: Mapping[str, str], sign_type: str, charset: str) -> str:
    """The gateway's signature over the fields, in the manner in which the partner signs."""
    raw = {name.encode(): value.encode(charset, "xmlcharrefreplace") for name, value in fields.items()}
    if sign_type == "MD5":
        return md5_sign(notice_text(raw), partner.md5_key)
    return rsa.sign(key, notice_text(raw), rsa.SHA1)
