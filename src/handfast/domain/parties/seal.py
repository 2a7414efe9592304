"""Sealing: each person's details are encrypted under a key of their own, so that destroying the key erases them.

AES-256-GCM (NIST SP 800-38D) with a random 96-bit nonce before the ciphertext. The person's key is itself sealed by the
master key, which lives outside the database; the associated data names what was sealed, so nothing can be swapped.
"""

import hmac
from typing import TypeVar

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from msgspec import msgpack

from handfast.core.errors import Invalid
from handfast.core.ids import Draw, Id, drawn

Value = TypeVar("Value")
_NONCE = 12


class Vault:
    """Seals and opens with the master key (32 bytes). Raises Invalid(settings_invalid) for a key of another length."""

    def __init__(self, master: bytes, draw: Draw = drawn) -> None:
        if len(master) != 32:
            raise Invalid("settings_invalid", "the master key is 32 bytes", "master_key")
        self._master = master
        self._draw = draw

    def subkey(self, purpose: str) -> bytes:
        """A key of 32 bytes for one purpose other than sealing: HMAC-SHA-256 of its name under the master key."""
        return hmac.digest(self._master, b"handfast subkey " + purpose.encode(), "sha256")

    def login_id(self, address: str) -> Id:
        """The id under which an e-mail address is found: nobody without the master key can tell the address from it."""
        return hmac.digest(self.subkey("logins"), address.strip().casefold().encode(), "sha256")[:16]

    def new_key(self, owner: Id) -> bytes:
        """A fresh key for one owner, wrapped by the master key."""
        return self._seal(self._master, self._draw(32, owner), owner)

    def seal(self, wrapped: bytes, owner: Id, value: object) -> bytes:
        """The value as msgpack, encrypted under the owner's key."""
        return self._seal(self._unwrap(wrapped, owner), msgpack.encode(value), owner)

    def open(self, wrapped: bytes, owner: Id, sealed: bytes, type_: type[Value]) -> Value | None:
        """The value, or None where its key was destroyed. Raises Invalid(settings_invalid) for a wrong master key."""
        if not wrapped:
            return None
        return msgpack.decode(_open(self._unwrap(wrapped, owner), sealed, owner), type=type_)

    def _unwrap(self, wrapped: bytes, owner: Id) -> bytes:
        try:
            return _open(self._master, wrapped, owner)
        except InvalidTag:
            raise Invalid("settings_invalid", "the master key does not fit this database", "master_key") from None

    def _seal(self, key: bytes, plain: bytes, owner: Id) -> bytes:
        nonce = self._draw(_NONCE, owner + plain)
        return nonce + AESGCM(key).encrypt(nonce, plain, owner)


def _open(key: bytes, sealed: bytes, owner: Id) -> bytes:
    return AESGCM(key).decrypt(sealed[:_NONCE], sealed[_NONCE:], owner)
