"""RSA signatures as payment gateways use them: PKCS#1 v1.5, keys in every form in which people paste them, base64."""

import re
from binascii import Error as Base64Error
from binascii import a2b_base64, b2a_base64

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from msgspec import Struct

from handfast.core.errors import Invalid

SHA1 = hashes.SHA1()  # noqa: S303 - some protocols still speak it, each says where
SHA256 = hashes.SHA256()

LEAST_BITS, MOST_BITS = 1024, 8192
"""The sizes of keys that are taken: a longer one would cost more than a request may."""

_LONGEST_TEXT = 16 * 1024
_PADDING = PKCS1v15()
_PEM = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----(.*?)-----END \1-----", re.DOTALL)
_BARE = re.compile(r"[A-Za-z0-9+/=\s]+", re.ASCII)
_UNREADABLE = (ValueError, TypeError, UnsupportedAlgorithm)


class KeyText(Struct, frozen=True):
    """A key and how it was written: `pem` with BEGIN and END lines, else bare base64; `form` is its standard."""

    key: RSAPrivateKey | RSAPublicKey
    form: str
    pem: bool


def sign(key: RSAPrivateKey, text: bytes, algorithm: hashes.HashAlgorithm = SHA256) -> str:
    """The signature in base64."""
    return b2a_base64(key.sign(text, _PADDING, algorithm), newline=False).decode()


def verify(key: RSAPublicKey, text: bytes, signature: str, algorithm: hashes.HashAlgorithm = SHA256) -> bool:
    """Whether the signature (base64, nothing but base64) is of that text by the owner of that key."""
    found = from_base64(signature)
    if found is None:
        return False
    try:
        key.verify(found, text, _PADDING, algorithm)
    except InvalidSignature:
        return False
    return True


def digest_info(key: RSAPublicKey, signature: bytes) -> bytes | None:
    """What the owner of the key signed: the DER of algorithm and digest; None if this key did not sign it."""
    try:
        return key.recover_data_from_signature(signature, _PADDING, None)
    except InvalidSignature:
        return None


def from_base64(text: str) -> bytes | None:
    """The bytes of strict base64 (RFC 4648, section 4), or None."""
    try:
        return a2b_base64(text, strict_mode=True)
    except (Base64Error, ValueError):
        return None


def private_key(text: str, param: str = "private_key") -> RSAPrivateKey:
    """A private key from PKCS#1 or PKCS#8, as PEM or bare base64. Raises Invalid(field_invalid)."""
    key = read_key(text, param).key
    if not isinstance(key, RSAPrivateKey):
        raise Invalid("field_invalid", "this is a public key, the private one is needed", param)
    return key


def public_key(text: str, param: str = "public_key") -> RSAPublicKey:
    """A public key from SPKI, PKCS#1 or a certificate, as PEM or bare base64. Raises Invalid(field_invalid)."""
    key = read_key(text, param).key
    if not isinstance(key, RSAPublicKey):
        raise Invalid("field_invalid", "this is a private key: keep it, and give the public one", param)
    return key


def from_der(der: bytes, param: str = "public_key") -> RSAPublicKey:
    """A public key from SPKI in DER. Raises Invalid(field_invalid)."""
    try:
        key = serialization.load_der_public_key(der)
    except _UNREADABLE:
        key = None
    if not isinstance(key, RSAPublicKey):
        raise Invalid("field_invalid", "this is not an RSA key in DER", param)
    return key


def read_key(text: str, param: str = "key") -> KeyText:
    """Whatever RSA key or certificate the text holds, and how it is written. Raises Invalid(field_invalid)."""
    block = _PEM.search(text[:_LONGEST_TEXT])
    label, written = (block[1], block[2]) if block else ("", text[:_LONGEST_TEXT])
    der = from_base64("".join(written.split())) if _BARE.fullmatch(written) else None
    if not der:
        raise Invalid("field_invalid", "this is neither PEM nor base64", param)
    try:
        key, form = _from_der(der, label)
    except _UNREADABLE:
        raise Invalid("field_invalid", "there is no RSA key in this, or it has a password", param) from None
    if not LEAST_BITS <= key.key_size <= MOST_BITS:
        raise Invalid("field_invalid", f"a key has {LEAST_BITS} to {MOST_BITS} bits, this has {key.key_size}", param)
    return KeyText(key, form, bool(block))


def _from_der(der: bytes, label: str) -> tuple[RSAPrivateKey | RSAPublicKey, str]:
    """The key in DER and the name of its form. Raises what the readers raise, and TypeError for other kinds of key."""
    key: object
    if label == "CERTIFICATE":
        key, form = x509.load_der_x509_certificate(der).public_key(), "certificate"
    elif "PUBLIC" in label:
        key, form = _public(der)
    elif "PRIVATE" in label:
        key, form = _private(der)
    else:
        try:
            key, form = _private(der)
        except _UNREADABLE:
            key, form = _public(der)
    if not isinstance(key, RSAPrivateKey | RSAPublicKey):
        raise TypeError(label)
    return key, form


def _private(der: bytes) -> tuple[object, str]:
    return serialization.load_der_private_key(der, None), "PKCS#1" if _second_tag(der) == 0x02 else "PKCS#8"


def _public(der: bytes) -> tuple[object, str]:
    return serialization.load_der_public_key(der), "PKCS#1" if _first_tag(der) == 0x02 else "SPKI"


def _first_tag(der: bytes) -> int:
    """The tag of the first member of the outer sequence."""
    return der[_content(der)]


def _second_tag(der: bytes) -> int:
    """The tag after the version: an integer is the modulus (PKCS#1), a sequence the algorithm (PKCS#8)."""
    return der[_content(der) + 3]


def _content(der: bytes) -> int:
    """Where the content of the outer sequence begins (X.690, 8.1.3)."""
    return 2 + (der[1] & 0x7F if der[1] & 0x80 else 0)
