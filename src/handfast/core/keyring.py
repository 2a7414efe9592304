"""The service's own RSA key: made once for a data directory, readable by its owner only, read once by a process."""

import os
from contextlib import suppress
from functools import cache
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from handfast.core.errors import Invalid
from handfast.core.rsa import private_key

BITS = 2048


@cache
def signing_key(path: Path) -> RSAPrivateKey:
    """The private key in that file, which is made if there is none. Raises Invalid(settings_invalid)."""
    try:
        if not path.exists():
            write_private(path, generate_private_key(65537, BITS))
        return read_private(path)
    except OSError as fault:
        raise Invalid("settings_invalid", f"{path} cannot be read: {fault.strerror}", "data") from None


def read_private(path: Path) -> RSAPrivateKey:
    """A private key in PEM. Raises Invalid(settings_invalid) where it is none or open to others, OSError."""
    if path.stat().st_mode & 0o077:
        raise Invalid("settings_invalid", f"{path} can be read by others: chmod 600 it", "data")
    try:
        return private_key(path.read_text())
    except (ValueError, Invalid) as fault:
        raise Invalid("settings_invalid", f"{path} does not hold a private key: {fault}", "data") from None


def write_private(path: Path, key: RSAPrivateKey) -> None:
    """Write a private key as PKCS#1 PEM, mode 0600, whole or not at all; a file that exists is left alone."""
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    file = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(file, "wb") as out:
        out.write(key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()))
        out.flush()
        os.fsync(file)
    with suppress(FileExistsError):
        path.hardlink_to(draft)
    draft.unlink()


def public_pem(key: RSAPrivateKey) -> str:
    """Its public key as SPKI in PEM."""
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
