"""Taking an app in: its number, its certificate, a key for encryption, and what is registered of it."""

from binascii import b2a_base64
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from msgspec import Struct

from handfast.core.ids import Id, entropy
from handfast.core.keyring import public_pem, signing_key
from handfast.core.settings import Settings
from handfast.domain.apps import RegisterApp
from handfast.domain.parties import Vault
from handfast.gateways.alipay.callers import GATEWAY
from handfast.gateways.alipay.house import FOLDER, ROOT, SERVER, app_certificate, make_certificates
from handfast.gateways.alipay.methods import METHODS

APP_CERTIFICATE, PUBLIC_KEY = "appCert.crt", "server_public_key.pem"
PRODUCTS = frozenset(line.product for line in METHODS.values()) - {""}
"""Every permission that there is."""


class Papers(Struct, frozen=True):
    """What is registered of an app, and what its owner is told: the AES key in base64, and where the files lie."""

    register: RegisterApp
    aes_key: str
    server_public_key: Path
    cert_dir: Path


def app_number(thing: bytes) -> str:
    """An app_id, of digits as the vendor's are, out of random or derived bytes."""
    return f"2021{int.from_bytes(thing, 'big') % 10**12:012}"


def prepare(
    settings: Settings, vault: Vault, party: Id, wrapped: bytes, number: str, key: RSAPublicKey, folder: Path, now: int
) -> Papers:
    """Issue the app's certificate and write the files that its owner needs into the folder.

    `wrapped` is the party's own key, `now` wall time (µs). Raises Invalid(settings_invalid).
    """
    make_certificates(settings, now)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    certificate = app_certificate(settings, key, number, now)
    (folder / APP_CERTIFICATE).write_text(certificate)
    (folder / PUBLIC_KEY).write_text(public_pem(signing_key(settings.signing_key_file)))
    for name in (SERVER, ROOT):
        (folder / name).write_text((settings.data / FOLDER / name).read_text())
    aes_key = entropy(16)
    register = RegisterApp(
        GATEWAY,
        number,
        party,
        key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        certificate.encode(),
        vault.seal(wrapped, party, aes_key),
        permissions=" ".join(sorted(PRODUCTS)),
    )
    return Papers(register, b2a_base64(aes_key, newline=False).decode(), folder / PUBLIC_KEY, folder)
