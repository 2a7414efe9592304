"""Certificate mode: the serial numbers by which requests and answers name certificates, and certificates of our own.

A certificate's `sn` is the MD5 of its issuer's name and its serial in decimals; a bundle of roots is named by the sns
of those signed with RSA. SDKs write the issuer in different orders, and agree where a subject is C, O, OU, CN.
"""

import hashlib
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from handfast.core import rsa
from handfast.core.clocks import DAY
from handfast.core.errors import Invalid

ROOT_LIFE = 20 * 365 * DAY
LEAF_LIFE = 5 * 365 * DAY

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_RSA_SIGNATURES = "1.2.840.113549.1.1."


def read_certificate(text: str) -> x509.Certificate:
    """A certificate in PEM with an RSA key. Raises Invalid(field_invalid)."""
    try:
        certificate = x509.load_pem_x509_certificate(text.encode())
        certificate.issuer.rfc4514_string()
    except ValueError:
        raise Invalid("field_invalid", "this is not a certificate in PEM", "certificate") from None
    rsa.public_key(text, "certificate")
    return certificate


def sn(certificate: x509.Certificate) -> str:
    """The name of a certificate in `app_cert_sn` and `alipay_cert_sn`."""
    issuer = ",".join(f"{part.rfc4514_attribute_name}={part.value!s}" for part in reversed(list(certificate.issuer)))
    return hashlib.md5(f"{issuer}{certificate.serial_number}".encode(), usedforsecurity=False).hexdigest()


def root_sn(roots: list[x509.Certificate]) -> str:
    """The name of a bundle of roots in `alipay_root_cert_sn`: those signed with RSA, joined by underscores."""
    return "_".join(
        sn(root) for root in roots if root.signature_algorithm_oid.dotted_string.startswith(_RSA_SIGNATURES)
    )


def is_valid_at(certificate: x509.Certificate, now: int) -> bool:
    """Whether that moment lies within the certificate's life."""
    return certificate.not_valid_before_utc <= _moment(now) <= certificate.not_valid_after_utc


def pem(*certificates: x509.Certificate) -> str:
    """The certificates in PEM, a blank line between any two: one SDK splits a bundle there."""
    return "\n".join(certificate.public_bytes(Encoding.PEM).decode() for certificate in certificates)


def issue_root(key: RSAPrivateKey, name: str, serial: int, now: int) -> x509.Certificate:
    """A self-signed root. Serials are positive, at most 159 bits, and of the caller's making."""
    subject = _name("Certification Authority", name)
    usage = _usage(signs_certificates=True)
    builder = _builder(subject, key.public_key(), serial, now, ROOT_LIFE).issuer_name(subject)
    return (
        builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .sign(key, rsa.SHA256)
    )


def issue(
    root: x509.Certificate, root_key: RSAPrivateKey, key: RSAPublicKey, name: str, serial: int, now: int
) -> x509.Certificate:
    """A certificate of an app or of the server under a root of ours; the name is its subject's CN."""
    builder = _builder(_name("Payment Gateway", name), key, serial, now, LEAF_LIFE).issuer_name(root.subject)
    return (
        builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .sign(root_key, rsa.SHA256)
    )


def _builder(subject: x509.Name, key: RSAPublicKey, serial: int, now: int, life: int) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .public_key(key)
        .serial_number(serial)
        .not_valid_before(_moment(now - DAY))  # a client's clock may be behind
        .not_valid_after(_moment(now + life))
    )


def _moment(micros: int) -> datetime:
    return _EPOCH + timedelta(microseconds=micros)


def _name(unit: str, common: str) -> x509.Name:
    """A name in the one order that all SDKs agree about."""
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "CN"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Handfast"),
            x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, unit),
            x509.NameAttribute(NameOID.COMMON_NAME, common),
        ]
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )
