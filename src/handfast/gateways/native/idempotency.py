"""Idempotency keys: from the header to the operation that it names, and the digest that tells one body from another."""

import re

from msgspec import json

from handfast.core.errors import Invalid
from handfast.core.ids import Id, digest_id

_KEY = re.compile(r"[\x21-\x7e]{1,255}", re.ASCII)
_encode = json.Encoder(order="deterministic").encode


def operation_id(party: Id, key: str, param: str = "Idempotency-Key") -> Id:
    """The operation that a party's key names: all its API clients share it, so a key may be rotated between two tries.

    Raises Invalid(idempotency_key_invalid).
    """
    if _KEY.fullmatch(key) is None:
        raise Invalid("idempotency_key_invalid", "a key is 1 to 255 visible ASCII characters", param)
    return digest_id(b"native", party, key.encode())


def fingerprint(path: str, body: object) -> bytes:
    """16 bytes that differ where path or body do: for what the body says, not for how it is written."""
    return digest_id(path.encode(), _encode(body))
