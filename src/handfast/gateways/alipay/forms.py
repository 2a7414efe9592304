"""From a request's raw query and body to its parameters: merged, decoded once and strictly, within bounds.

Every no is one of the vendor's own codes. What two readers could understand differently is refused.
"""

import re
from binascii import a2b_qp
from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import urlsplit

from msgspec import Struct

from handfast.core.clocks import DAY, HOUR, SECOND
from handfast.core.json_text import BadJson, Json, read_object
from handfast.core.rsa import from_base64
from handfast.gateways.alipay.aes import decrypt
from handfast.gateways.alipay.codes import Refused

MOST_BYTES = 1024 * 1024
"""Query and body together; Alipay's own limit for texts is far below."""

MOST_PARAMETERS = 100
MOST_OFF = DAY
"""How far a timestamp may be off: all SDKs send local time without a zone."""

CHARSETS: Mapping[str, str] = {
    "utf-8": "utf-8",
    "utf8": "utf-8",
    "gbk": "gbk",
    "gb2312": "gb2312",
    "gb18030": "gb18030",
}
"""Codec by the value of charset, in small letters."""

_FORM = "application/x-www-form-urlencoded"
_NAME = re.compile(rb"[A-Za-z0-9_.\-\[\]]{1,64}")
_BROKEN_PERCENT = re.compile(rb"%(?![0-9A-Fa-f]{2})")
_METHOD = re.compile(r"[a-z][a-z0-9_.]{0,127}", re.ASCII)
_TIMESTAMP = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2}) ([0-9]{2}):([0-9]{2}):([0-9]{2})", re.ASCII)
_GMT8 = 8 * HOUR


class Form(Struct, frozen=True):
    """A request's parameters, in order of arrival: as the percent-decoded bytes that are signed, and as text."""

    raw: dict[bytes, bytes]
    params: dict[str, str]
    charset: str


class Public(Struct, frozen=True):
    """The public parameters of protocol 1.0, checked but for the signature; what did not come is empty.

    `timestamp` is in microseconds, `sign_type` is RSA2 where the request left it out.
    """

    method: str
    app_id: str
    timestamp: int
    sign_type: str
    notify_url: str
    return_url: str
    auth_token: str
    app_auth_token: str
    encrypt_type: str
    app_cert_sn: str
    alipay_root_cert_sn: str


def origin_form(target: bytes) -> tuple[bytes, bytes]:
    """Path and query of a request target, also of an absolute one (RFC 9112, 3.2.2), which two SDKs send.

    Raises Refused(isv.invalid-parameter).
    """
    if not target.startswith(b"/"):
        try:
            parts = urlsplit(target)
        except ValueError:
            parts = None
        if parts is None or parts.scheme.lower() not in (b"http", b"https") or not parts.netloc:
            raise Refused("isv.invalid-parameter", "the request target is neither a path nor an address")
        target = (parts.path or b"/") + (b"?" + parts.query if parts.query else b"")
    path, _, query = target.partition(b"?")
    return path, query


def read(query: bytes, body: bytes, content_type: bytes = b"", charset_in: bytes = b"charset") -> Form:
    """The parameters of query and body together, decoded in the charset that one of them names.

    Raises Refused: isv.invalid-content-type for anything but a form (no method here takes a file), isv.invalid-charset
    for a charset unknown or not kept to, isv.invalid-parameter for names that come twice or are not plain, for broken
    percent-encoding, and for too much.
    """
    if len(query) + len(body) > MOST_BYTES:
        raise Refused("isv.invalid-parameter", f"a request has at most {MOST_BYTES} bytes")
    media_type = content_type.partition(b";")[0].strip().lower().decode("latin-1")
    if body and media_type not in ("", _FORM):
        told = "no method here takes a file: " if media_type == "multipart/form-data" else ""
        raise Refused("isv.invalid-content-type", f"{told}send the parameters as {_FORM}")
    raw: dict[bytes, bytes] = {}
    for part in (query, body):
        _merge(raw, part)
    charset = _charset(raw, charset_in)
    params: dict[str, str] = {}
    for name, value in raw.items():
        try:
            params[name.decode("ascii")] = value.decode(charset)
        except ValueError:
            text = f"{name.decode('ascii')} is not written in {charset}, which {charset_in.decode()} says"
            raise Refused("isv.invalid-charset", text) from None
    return Form(raw, params, charset)


def _merge(raw: dict[bytes, bytes], part: bytes) -> None:
    """Add the parameters of one part. Raises Refused(isv.invalid-parameter)."""
    if part and len(raw) + part.count(b"&") + 1 > MOST_PARAMETERS:
        raise Refused("isv.invalid-parameter", f"a request has at most {MOST_PARAMETERS} parameters")
    for piece in part.split(b"&"):
        if not piece:
            continue
        written, _, value = piece.partition(b"=")
        name = _decoded(written)
        if _NAME.fullmatch(name) is None:
            raise Refused("isv.invalid-parameter", "a parameter's name is 1 to 64 letters, digits, or _ . - [ ]")
        if name in raw:
            raise Refused("isv.invalid-parameter", f"{name.decode('ascii')} came twice: readers may differ about it")
        raw[name] = _decoded(value)


def _decoded(written: bytes) -> bytes:
    """Percent-decoded once, `+` a space (URL standard, application/x-www-form-urlencoded)."""
    written = written.replace(b"+", b" ")
    if b"%" not in written:
        return written
    if _BROKEN_PERCENT.search(written):
        raise Refused("isv.invalid-parameter", "a percent sign must be followed by two hexadecimal digits")
    # The same digits stand after = in quoted-printable (RFC 2045, 6.7), whose reader is many times as fast.
    return a2b_qp(written.replace(b"=", b"%3D").replace(b"%", b"="))


def _charset(raw: Mapping[bytes, bytes], charset_in: bytes) -> str:
    """The codec that the request names. Its name is ASCII in all of them, so it can be read before it is known."""
    named = raw.get(charset_in, b"").decode("latin-1").lower()
    if named not in CHARSETS:
        raise Refused("isv.invalid-charset")
    return CHARSETS[named]


def public(params: Mapping[str, str], now: int) -> Public:
    """The public parameters, given the wall clock in microseconds. Raises Refused.

    Whether sign and sign_type came is asked later (`signature`), since the vendor asks for the app first.
    """

    def needed(name: str) -> str:
        value = params.get(name, "")
        if not value:
            raise Refused(f"isv.missing-{name.replace('_', '-')}")
        return value

    method = needed("method")
    if _METHOD.fullmatch(method) is None:
        raise Refused("isv.invalid-method")
    app_id = needed("app_id")
    if needed("version") != "1.0":
        raise Refused("isv.invalid-parameter", "version is 1.0")
    if params.get("format", "").lower() not in ("", "json"):
        raise Refused("isv.invalid-format")
    timestamp = read_timestamp(needed("timestamp"))
    if abs(timestamp - now) > MOST_OFF:
        raise Refused("isv.invalid-timestamp")
    return Public(
        method,
        app_id,
        timestamp,
        params.get("sign_type") or "RSA2",
        *(params.get(name, "") for name in _OPTIONAL),
    )


_OPTIONAL = Public.__struct_fields__[4:]


def signature(params: Mapping[str, str]) -> tuple[str, str]:
    """The signature and its type. Raises Refused."""
    sign_type = params.get("sign_type", "")
    if not sign_type:
        raise Refused("isv.missing-signature-type")
    if sign_type not in ("RSA2", "RSA"):
        raise Refused("isv.invalid-signature-type")
    sign = params.get("sign", "")
    if not sign:
        raise Refused("isv.missing-signature")
    return sign, sign_type


def read_timestamp(text: str) -> int:
    """Microseconds since the epoch of `yyyy-MM-dd HH:mm:ss` in GMT+8. Raises Refused(isv.invalid-timestamp)."""
    found = _TIMESTAMP.fullmatch(text)
    try:
        moment = datetime(*map(int, found.groups()), tzinfo=UTC) if found else None  # type: ignore[misc, arg-type]
    except ValueError:
        moment = None
    if moment is None:
        raise Refused("isv.invalid-timestamp")
    return int(moment.timestamp()) * SECOND - _GMT8


def biz_content(form: Form, encrypt_type: str = "", aes_key: bytes | None = None) -> dict[str, Json]:
    """The business parameters: the JSON object in biz_content, decrypted where it says so; nothing where there is none.

    Numbers are decimals. Raises Refused: isv.illegal-json, and those about decryption.
    """
    text = form.params.get("biz_content", "")
    if not text:
        return {}
    if encrypt_type:
        if encrypt_type != "AES":
            raise Refused("isv.decryption-error-not-valid-encrypt-type")
        if aes_key is None:
            raise Refused("isv.decryption-error-not-valid-encrypt-key")
        text = decrypt(text, aes_key, form.charset)
    elif aes_key is not None and _looks_encrypted(text):
        raise Refused("isv.decryption-error-missing-encrypt-type")
    try:
        return read_object(text)
    except BadJson as fault:
        raise Refused("isv.illegal-json", f"biz_content is not read: {fault}") from None


def _looks_encrypted(text: str) -> bool:
    cipher = from_base64(text)
    return bool(cipher) and len(cipher or b"") % 16 == 0
