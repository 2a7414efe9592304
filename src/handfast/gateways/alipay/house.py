"""The gateway's own side: its private key, and the certificates by which apps in certificate mode know it."""

from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.x509 import Certificate, load_pem_x509_certificates
from msgspec import Struct

from handfast.core.errors import Invalid
from handfast.core.ids import entropy
from handfast.core.keyring import read_private, signing_key
from handfast.core.settings import Settings
from handfast.gateways.alipay.certificates import issue, issue_root, pem, root_sn, sn

FOLDER = "alipay"
"""Where the certificates lie in the data directory."""

ROOT, SERVER, ROOT_KEY = "rootCert.crt", "serverCert.crt", "root.key"


class House(Struct, frozen=True):
    """What signs answers. The sns are empty where no certificates were issued in this data directory."""

    key: RSAPrivateKey
    cert_sn: str
    root_sn: str


def house(settings: Settings) -> House:
    """The gateway's own side; certificates are read once by a process. Raises Invalid(settings_invalid)."""
    known = _known.get(settings.data)
    if known is None:
        folder = settings.data / FOLDER
        if not (folder / SERVER).exists():
            return House(signing_key(settings.signing_key_file), "", "")
        known = _known[settings.data] = _house(settings.signing_key_file, folder)
    return known


_known: dict[Path, House] = {}
"""By data directory, once there are certificates: every request asks, and a look at the disk is dear."""


def _house(key_file: Path, folder: Path) -> House:
    key = signing_key(key_file)
    (server,), roots = _certificates(folder / SERVER), _certificates(folder / ROOT)
    if server.public_key() != key.public_key():
        raise Invalid("settings_invalid", f"{folder / SERVER} is not of the key in {key_file}", "data")
    return House(key, sn(server), root_sn(roots))


def _certificates(path: Path) -> list[Certificate]:
    try:
        return load_pem_x509_certificates(path.read_bytes())
    except (OSError, ValueError) as fault:
        raise Invalid("settings_invalid", f"{path} holds no certificates: {fault}", "data") from None


def make_certificates(settings: Settings, now: int) -> None:
    """Issue the root and the server's certificate, if the data directory has none. Raises Invalid(settings_invalid)."""
    folder = settings.data / FOLDER
    if (folder / SERVER).exists():
        return
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    root_key = signing_key(folder / ROOT_KEY)
    root = issue_root(root_key, "Handfast Root", _serial(), now)
    server = issue(root, root_key, signing_key(settings.signing_key_file).public_key(), "Handfast", _serial(), now)
    (folder / ROOT).write_text(pem(root))
    (folder / SERVER).write_text(pem(server))


def app_certificate(settings: Settings, key: RSAPublicKey, name: str, now: int) -> str:
    """A certificate in PEM for an app's key under the root of this data directory. Raises Invalid(settings_invalid)."""
    folder = settings.data / FOLDER
    (root,) = _certificates(folder / ROOT)
    try:
        return pem(issue(root, read_private(folder / ROOT_KEY), key, name, _serial(), now))
    except OSError as fault:
        raise Invalid("settings_invalid", f"the root's key cannot be read: {fault.strerror}", "data") from None


def _serial() -> int:
    return int.from_bytes(entropy(16), "big") | 1
