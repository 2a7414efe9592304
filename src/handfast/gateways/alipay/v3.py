"""OpenAPI v3: the Authorization header, what it signs, and how answers are signed (open-v3/054q58 and 054d0z)."""

import json
import re
from collections.abc import Mapping

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from msgspec import Struct

from handfast.core import rsa
from handfast.gateways.alipay.codes import Refused

Headers = list[tuple[bytes, bytes]]

_SCHEME = "ALIPAY-SHA256withRSA "
_LONGEST = 4096
_MOST_FIELDS = 20
_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}", re.ASCII)
_MILLISECONDS = re.compile(r"[0-9]{13}", re.ASCII)


class Authorization(Struct, frozen=True):
    """Who sent a request: `text` is what stands before `,sign=`, exactly; `timestamp` is in milliseconds."""

    text: str
    app_id: str
    app_cert_sn: str
    nonce: str
    timestamp: int
    sign: str


def read_authorization(header: str) -> Authorization:
    """The parts of the header. Raises Refused.

    The base64 of the signature may hold `=`, so it is split off at the last `,sign=`. Unknown fields are signed and
    otherwise ignored.
    """
    if not header:
        raise Refused("isv.missing-signature", "the header Authorization is missing")
    if not header.startswith(_SCHEME):
        raise Refused("isv.invalid-signature-type", f"Authorization begins with {_SCHEME.strip()}")
    if len(header) > _LONGEST or not header.isascii() or not header.isprintable():
        raise Refused("isv.invalid-parameter", "Authorization is too long, or not printable ASCII")
    text, signed, sign = header.removeprefix(_SCHEME).rpartition(",sign=")
    if not signed or not sign:
        raise Refused("isv.missing-signature", "Authorization ends with ,sign= and the signature")
    fields = _fields(text)
    if not fields.get("app_id"):
        raise Refused("isv.missing-app-id", "app_id is missing in Authorization")
    timestamp = fields.get("timestamp", "")
    if not timestamp:
        raise Refused("isv.missing-timestamp", "timestamp is missing in Authorization")
    if _MILLISECONDS.fullmatch(timestamp) is None:
        raise Refused("isv.invalid-timestamp", "timestamp is milliseconds since 1970 in 13 digits")
    if not fields.get("nonce"):
        raise Refused("isv.invalid-parameter", "nonce is missing in Authorization")
    return Authorization(text, fields["app_id"], fields.get("app_cert_sn", ""), fields["nonce"], int(timestamp), sign)


def _fields(text: str) -> Mapping[str, str]:
    pairs = [part.strip().partition("=") for part in text.split(",", _MOST_FIELDS)]
    fields = {name: value for name, _, value in pairs}
    if len(pairs) > _MOST_FIELDS or len(fields) < len(pairs) or not all(map(_NAME.fullmatch, fields)):
        raise Refused("isv.invalid-parameter", "Authorization is name=value, each name once, joined by commas")
    return fields


def request_text(
    authorization: Authorization, method: str, target: bytes, body: bytes, app_auth_token: str = ""
) -> bytes:
    """What an app signs: `target` is path and query as sent; an upload's body counts as its field `data` alone."""
    lines = [authorization.text.encode(), method.encode(), target, body]
    if app_auth_token:
        lines.append(app_auth_token.encode("latin-1"))
    return b"\n".join(lines) + b"\n"


def verify_request(key: RSAPublicKey, text: bytes, authorization: Authorization) -> bool:
    """Whether the app with that key signed that text."""
    return rsa.verify(key, text, authorization.sign)


def answer_headers(
    key: RSAPrivateKey, body: bytes, timestamp: int, nonce: str, trace_id: str, cert_sn: str = ""
) -> Headers:
    """The headers that sign an answer's body as it is sent (encrypted, if it is); timestamp in milliseconds."""
    signature = rsa.sign(key, b"%d\n%s\n%s\n" % (timestamp, nonce.encode(), body))
    headers = [
        (b"alipay-timestamp", b"%d" % timestamp),
        (b"alipay-nonce", nonce.encode()),
        (b"alipay-signature", signature.encode()),
        (b"alipay-trace-id", trace_id.encode()),
    ]
    if cert_sn:
        headers.append((b"alipay-sn", cert_sn.encode()))
    return headers


def error_body(no: Refused) -> bytes:
    """The body of a no; its HTTP status is the refusal's."""
    return json.dumps({"code": no.v3_code, "message": no.message, "links": []}, separators=(",", ":")).encode()
