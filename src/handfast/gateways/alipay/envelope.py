"""Answers of protocol 1.0 as every SDK can verify them: the method's own envelope, compact, `sign` last and adjacent.

The signed text is the envelope's value exactly as sent. One SDK counts braces without regard for strings, one looks for
`},"sign":"`, one for the first name and the last `"sign"`; so strings carry no brace, nothing stands between, and no
letter is outside ASCII, which makes the bytes the same in every charset.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from handfast.core import rsa
from handfast.gateways.alipay.aes import encrypt
from handfast.gateways.alipay.codes import MESSAGES, SUCCESS, Refused
from handfast.gateways.alipay.signing import ALGORITHMS

Value: TypeAlias = "str | int | Sequence[Value] | Mapping[str, Value] | None"
Fields: TypeAlias = Mapping[str, Value]

_METHOD = re.compile(r"[A-Za-z][A-Za-z0-9_.]{0,127}", re.ASCII)
_ENCODER = json.JSONEncoder(separators=(",", ":"))
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_NAMED = re.compile(rb"(?:^|&)method=([A-Za-z0-9_.]+)(?=&|$)")


def named_method(query: bytes, body: bytes) -> str:
    """The method that a request names, however wrong the rest of it is; nothing if it names none."""
    found = _NAMED.search(query) or _NAMED.search(body)
    return found[1].decode() if found and _METHOD.fullmatch(found[1].decode()) else ""


def envelope_name(method: str) -> str:
    """The member that holds an answer. Without a method it is `error_response`, which not every SDK can verify."""
    return f"{method.replace('.', '_')}_response" if _METHOD.fullmatch(method) else "error_response"


def success(fields: Fields, code: str = SUCCESS) -> Fields:
    """The fields of a yes."""
    return {"code": code, "msg": MESSAGES[code], **fields}


def refusal(no: Refused, fields: Fields | None = None) -> Fields:
    """The fields of a no, before those that the method answers with even then."""
    return {
        "code": no.code,
        "msg": MESSAGES[no.code],
        "sub_code": no.sub_code,
        "sub_msg": no.message,
        **(fields or {}),
    }


def compact(fields: Fields) -> str:
    """The exact text of an answer's fields: ASCII without blanks, braces in strings escaped, None left out."""
    text = _ENCODER.encode({name: value for name, value in fields.items() if value is not None})
    if '\\"' not in text:  # then quotes only stand around strings, which is every second part
        strings = "".join(text.split('"')[1::2])
        if "{" not in strings and "}" not in strings:
            return text
    return _STRING.sub(_without_braces, text)


def _without_braces(string: re.Match[str]) -> str:
    return string[0].replace("{", "\\u007b").replace("}", "\\u007d")


def answer(
    method: str,
    fields: Fields,
    key: RSAPrivateKey,
    sign_type: str = "RSA2",
    *,
    aes_key: bytes | None = None,
    cert_sn: str | None = None,
) -> bytes:
    """The body of an answer, signed; with an AES key encrypted first, in certificate mode naming the certificate."""
    text = compact(fields)
    if aes_key is not None:
        text = f'"{encrypt(text, aes_key)}"'  # the quotes are signed too
    signature = rsa.sign(key, text.encode(), ALGORITHMS[sign_type])
    named = f',"alipay_cert_sn":"{cert_sn}"' if cert_sn is not None else ""
    return f'{{"{envelope_name(method)}":{text},"sign":"{signature}"{named}}}'.encode()
