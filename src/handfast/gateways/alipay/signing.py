"""What is signed in protocol 1.0, byte by byte: requests, notifications, return addresses; by RSA2 and RSA.

The string is every parameter but `sign`, empty ones left out, sorted by name, values as they are once percent-decoded,
`name=value` joined by `&`, in the bytes of the request's charset (vendor's pages common/057k53 and common/02mse7).
"""

from collections.abc import Mapping
from urllib.parse import urlencode

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.hashes import HashAlgorithm

from handfast.core import rsa

ALGORITHMS: Mapping[str, HashAlgorithm] = {"RSA2": rsa.SHA256, "RSA": rsa.SHA1}
"""Hash by sign_type. SHA-1 stands there for apps of before 2017; it is chosen by the app's own requests."""

_REQUEST = frozenset({b"sign"})
_NOTICE = frozenset({b"sign", b"sign_type"})


def request_text(raw: Mapping[bytes, bytes]) -> bytes:
    """What an app signs: all that arrived, sign_type and unknown parameters included."""
    return _join(raw, _REQUEST)


def notice_text(raw: Mapping[bytes, bytes]) -> bytes:
    """What is signed in notifications and return addresses: sign_type is left out (the vendor's rule V1)."""
    return _join(raw, _NOTICE)


def _join(raw: Mapping[bytes, bytes], without: frozenset[bytes]) -> bytes:
    return b"&".join([name + b"=" + raw[name] for name in sorted(raw) if name not in without and raw[name]])


def verify_request(raw: Mapping[bytes, bytes], key: RSAPublicKey, sign_type: str) -> bool:
    """Whether the app with that key signed these parameters."""
    signature = raw.get(b"sign", b"").decode("latin-1")
    return rsa.verify(key, request_text(raw), signature, ALGORITHMS[sign_type])


def signed_notice(
    fields: Mapping[str, str], key: RSAPrivateKey, sign_type: str = "RSA2", charset: str = "utf-8"
) -> tuple[bytes, str]:
    """A notification's form body, or a return address's query: signed, encoded; and the charset that it is in.

    Empty fields are left out, since clients differ about them. What the charset cannot write goes out in UTF-8.
    """
    given = {name: value for name, value in fields.items() if value}
    try:
        raw = _encode(given | {"charset": charset}, charset)
    except UnicodeEncodeError:
        charset = "utf-8"
        raw = _encode(given | {"charset": charset}, charset)
    signature = rsa.sign(key, notice_text(raw), ALGORITHMS[sign_type])
    raw |= {b"sign_type": sign_type.encode(), b"sign": signature.encode()}
    return urlencode(raw).encode(), charset


def _encode(fields: Mapping[str, str], charset: str) -> dict[bytes, bytes]:
    return {name.encode("ascii"): value.encode(charset) for name, value in fields.items()}
