"""API keys: 256 random bits, of which only the SHA-256 is kept, compared in constant time."""

import hmac
from base64 import urlsafe_b64encode
from hashlib import sha256

from msgspec import Struct

from handfast.core.ids import OBJECT, Id, entropy

_PREFIX = "hf_"


class ApiKey(Struct, frozen=True):
    """A presented key: the client that it names and the secret that must prove it."""

    client: Id
    secret: str


def new_secret() -> str:
    """A fresh secret of 256 random bits, URL-safe."""
    return urlsafe_b64encode(entropy(32)).rstrip(b"=").decode()


def secret_hash(secret: str) -> bytes:
    """What is kept of a secret. It is random and long, so one round of SHA-256 suffices."""
    return sha256(secret.encode()).digest()


def format_key(client: Id, secret: str) -> str:
    """The key as its bearer gets to see it, once."""
    return f"{_PREFIX}{client[:OBJECT].hex()}_{secret}"


def parse_key(text: str) -> ApiKey | None:
    """The parts of a presented key, or None where it does not look like one."""
    head, _, secret = text.removeprefix(_PREFIX).partition("_")
    if not text.startswith(_PREFIX) or len(head) != 2 * OBJECT or not 32 <= len(secret) <= 64 or not secret.isascii():
        return None
    try:
        return ApiKey(bytes.fromhex(head).ljust(16, b"\0"), secret)
    except ValueError:
        return None


def proves(secret: str, kept: bytes) -> bool:
    """Whether a presented secret is the one whose hash is kept; in constant time."""
    return hmac.compare_digest(secret_hash(secret), kept)
