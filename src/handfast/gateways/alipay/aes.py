"""The gateway's encryption of contents: AES in CBC mode with an IV of zeros, PKCS#7, base64 (common/02mse3)."""

from binascii import b2a_base64

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.padding import PKCS7

from handfast.core.errors import Invalid
from handfast.core.rsa import from_base64
from handfast.gateways.alipay.codes import Refused

_BLOCK = 16
_MODE = CBC(bytes(_BLOCK))
_PADDING = PKCS7(_BLOCK * 8)


def read_aes_key(text: str) -> bytes:
    """The 16, 24 or 32 bytes of a key in base64. Raises Invalid(field_invalid)."""
    key = from_base64(text.strip())
    if key is None or len(key) not in (16, 24, 32):
        raise Invalid("field_invalid", "an AES key is 16, 24 or 32 bytes in base64", "aes_key")
    return key


def encrypt(text: str, key: bytes) -> str:
    """The text, in UTF-8, as base64 of its cipher."""
    padder, encryptor = _PADDING.padder(), Cipher(AES(key), _MODE).encryptor()
    padded = padder.update(text.encode()) + padder.finalize()
    return b2a_base64(encryptor.update(padded) + encryptor.finalize(), newline=False).decode()


def decrypt(text: str, key: bytes, charset: str = "utf-8") -> str:
    """The text of base64 of a cipher. Raises Refused(isv.decryption-error-unknown)."""
    cipher = from_base64(text)
    if not cipher or len(cipher) % _BLOCK:
        raise Refused("isv.decryption-error-unknown", "this is not base64 of whole blocks of 16 bytes")
    unpadder, decryptor = _PADDING.unpadder(), Cipher(AES(key), _MODE).decryptor()
    try:
        padded = decryptor.update(cipher) + decryptor.finalize()
        return (unpadder.update(padded) + unpadder.finalize()).decode(charset)
    except ValueError:
        raise Refused("isv.decryption-error-unknown") from None
