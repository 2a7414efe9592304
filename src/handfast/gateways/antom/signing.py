r"""Signatures of requests, answers and notifications, in headers: RSA with SHA-256 over path, client, time and body.

Signed is `POST <path>\n<client-id>.<time>.<body>`, the path as it was sent, so with /sandbox/ where a sandbox's client
wrote it (vendor's page "Sign a request and verify the signature").
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from urllib.parse import quote, unquote

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from msgspec import Struct

from handfast.core import rsa
from handfast.gateways.antom.results import Refused

Headers = list[tuple[bytes, bytes]]

ROOTS = (b"/ams/api/v1/", b"/ams/sandbox/api/v1/")
"""What paths begin with."""

_LONGEST = 4096
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CLIENT = re.compile(r"[A-Za-z0-9_\-]{1,64}", re.ASCII)
_TIME = re.compile(r"[0-9TZ:.+\-]{1,64}", re.ASCII)
_VERSION = re.compile(r"[0-9]{1,9}", re.ASCII)


class Signed(Struct, frozen=True):
    """Who sent a request and when, as the headers have it; `sign` is base64."""

    client_id: str
    time: str
    key_version: int
    sign: str


def read_headers(headers: Mapping[bytes, bytes]) -> Signed:
    """What client-id, request-time and signature say; names in small letters. Raises Refused."""
    client_id = _text(headers, b"client-id", _CLIENT, "INVALID_CLIENT")
    time = _text(headers, b"request-time", _TIME, "PARAM_ILLEGAL")
    written = headers.get(b"signature", b"")
    if not written or len(written) > _LONGEST or not written.isascii():
        raise Refused("INVALID_SIGNATURE", "the header Signature is missing, too long, or not ASCII")
    pairs = [part.strip().partition("=") for part in written.decode().split(",")]
    fields = {name: value for name, _, value in pairs}
    if len(fields) < len(pairs):
        raise Refused("INVALID_SIGNATURE", "the header Signature names something twice")
    if fields.get("algorithm", "RSA256") != "RSA256":
        raise Refused("INVALID_SIGNATURE", "the algorithm is RSA256")
    version = fields.get("keyVersion", "1")
    if _VERSION.fullmatch(version) is None:
        raise Refused("KEY_NOT_FOUND", "keyVersion is a number")
    if not fields.get("signature"):
        raise Refused("INVALID_SIGNATURE", "the header Signature has no signature=")
    return Signed(client_id, time, int(version), unquote(fields["signature"], errors="replace"))


def claimed_client(headers: Mapping[bytes, bytes]) -> str:
    """The client id that a request names, if it could be one; answers name it, also to whoever was not let in."""
    text = headers.get(b"client-id", b"").decode("latin-1")
    return text if _CLIENT.fullmatch(text) else "unknown"


def _text(headers: Mapping[bytes, bytes], name: bytes, shape: re.Pattern[str], code: str) -> str:
    text = headers.get(name, b"").decode("latin-1")
    if shape.fullmatch(text) is None:
        raise Refused(code, f"the header {name.decode()} is missing or not valid")
    return text


def signed_text(path: bytes, client_id: str, time: str, body: bytes) -> bytes:
    """What is signed, in all three directions; `path` without a query."""
    return b"POST %s\n%s.%s.%s" % (path, client_id.encode(), time.encode(), body)


def verify_request(key: RSAPublicKey, path: bytes, signed: Signed, body: bytes) -> bool:
    """Whether the client with that key signed this request."""
    return rsa.verify(key, signed_text(path, signed.client_id, signed.time, body), signed.sign)


def answer_headers(key: RSAPrivateKey, path: bytes, client_id: str, now: int, body: bytes) -> Headers:
    """The headers of an answer: one SDK looks for these names in small letters, and needs all of them."""
    time = iso_time(now)
    signature = _signature(key, signed_text(path, client_id, time, body))
    return [(b"client-id", client_id.encode()), (b"response-time", time.encode()), (b"signature", signature)]


def notice_headers(key: RSAPrivateKey, path: bytes, client_id: str, now: int, body: bytes) -> Headers:
    """The headers of a notification; `path` is that of the merchant's address."""
    time = iso_time(now)
    signature = _signature(key, signed_text(path, client_id, time, body))
    return [(b"client-id", client_id.encode()), (b"request-time", time.encode()), (b"signature", signature)]


def _signature(key: RSAPrivateKey, text: bytes) -> bytes:
    return b"algorithm=RSA256,keyVersion=1,signature=" + quote(rsa.sign(key, text), safe="").encode()


def iso_time(micros: int) -> str:
    """A moment in ISO 8601 with its zone: 2019-05-28T12:12:14+00:00."""
    return (_EPOCH + timedelta(microseconds=micros)).isoformat(timespec="seconds")
