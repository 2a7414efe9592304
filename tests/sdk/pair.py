"""A pair of RSA keys in every form in which merchants have them."""

from base64 import b64encode

from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat


class Pair:
    """Two keys, 2,048 bits."""

    def __init__(self) -> None:
        self.private = generate_private_key(65537, 2048)
        self.public = self.private.public_key()

    def private_text(self, form: str, *, pem: bool) -> str:
        """The private key as PKCS#1 or PKCS#8."""
        kind = {"PKCS#1": PrivateFormat.TraditionalOpenSSL, "PKCS#8": PrivateFormat.PKCS8}[form]
        encoding = Encoding.PEM if pem else Encoding.DER
        return written(self.private.private_bytes(encoding, kind, NoEncryption()), pem=pem)

    def public_text(self, form: str, *, pem: bool) -> str:
        """The public key as SPKI or PKCS#1."""
        kind = {"SPKI": PublicFormat.SubjectPublicKeyInfo, "PKCS#1": PublicFormat.PKCS1}[form]
        return written(self.public.public_bytes(Encoding.PEM if pem else Encoding.DER, kind), pem=pem)

    @property
    def pem(self) -> str:
        """The private key in the form that every SDK takes."""
        return self.private_text("PKCS#1", pem=True).strip()

    @property
    def public_pem(self) -> str:
        return self.public_text("SPKI", pem=True).strip()


def written(key: bytes, *, pem: bool) -> str:
    return key.decode() if pem else b64encode(key).decode()
