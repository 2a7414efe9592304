"""RSA keys are read from every form in which people paste them, and nothing but a key passes as one."""

from contextlib import suppress

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from hypothesis import given
from hypothesis import strategies as st
from tests.sdk.pair import Pair, written

from handfast.core import rsa
from handfast.core.errors import Invalid

PAIR = Pair()


@pytest.mark.parametrize("pem", [True, False])
@pytest.mark.parametrize("form", ["PKCS#1", "PKCS#8"])
def test_private_keys(form: str, pem: bool) -> None:
    text = PAIR.private_text(form, pem=pem)
    for pasted in (text, f"\n {text} \n", text.replace("\n", "\r\n"), text.replace("\n", "")):
        assert rsa.private_key(pasted).private_numbers() == PAIR.private.private_numbers()
        found = rsa.read_key(pasted)
        assert (found.form, found.pem) == (form, pem)


@pytest.mark.parametrize("pem", [True, False])
@pytest.mark.parametrize("form", ["SPKI", "PKCS#1"])
def test_public_keys(form: str, pem: bool) -> None:
    text = PAIR.public_text(form, pem=pem)
    assert rsa.public_key(text) == PAIR.public
    found = rsa.read_key(text)
    assert (found.form, found.pem) == (form, pem)


def test_a_key_of_the_other_kind_is_named() -> None:
    with pytest.raises(Invalid, match="private one is needed"):
        rsa.private_key(PAIR.public_pem)
    with pytest.raises(Invalid, match="give the public one"):
        rsa.public_key(PAIR.pem)


def test_other_keys_are_refused() -> None:
    curve = ec.derive_private_key(7, ec.SECP256R1())
    small = generate_private_key(65537, 1024)
    locked = BestAvailableEncryption(b"secret")
    texts = [
        "",
        "key",
        "-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----",
        curve.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(),
        curve.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode(),
        PAIR.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, locked).decode(),
        PAIR.pem.replace("RSA PRIVATE", "RSA PUBLIC"),
    ]
    for text in texts:
        with pytest.raises(Invalid):
            rsa.read_key(text)
    assert isinstance(rsa.read_key(Pair.private_text(holding(small), "PKCS#1", pem=True)).key, RSAPrivateKey)


def holding(key: RSAPrivateKey) -> Pair:
    pair = Pair.__new__(Pair)
    pair.private = key
    return pair


@given(st.text(max_size=200) | st.binary(max_size=200).map(lambda found: found.hex()))
def test_any_text_is_a_key_or_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        rsa.read_key(text)


@given(st.integers(0, 400), st.binary(min_size=1, max_size=3))
def test_a_broken_key_is_refused_or_another(at: int, junk: bytes) -> None:
    der = PAIR.public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    broken = der[:at] + junk + der[at + len(junk) :]
    with suppress(Invalid):
        assert rsa.read_key(written(broken, pem=False)).form == "SPKI"


def test_signatures() -> None:
    signature = rsa.sign(PAIR.private, b"text")
    assert rsa.verify(PAIR.public, b"text", signature)
    assert not rsa.verify(PAIR.public, b"text ", signature)
    assert not rsa.verify(PAIR.public, b"text", signature, rsa.SHA1)
    assert rsa.verify(PAIR.public, b"text", rsa.sign(PAIR.private, b"text", rsa.SHA1), rsa.SHA1)


@given(st.text(max_size=400))
def test_any_text_as_a_signature(signature: str) -> None:
    assert not rsa.verify(PAIR.public, b"text", signature)


def test_only_strict_base64_is_a_signature() -> None:
    signature = rsa.sign(PAIR.private, b"text")
    for sent in (signature + "\n", " " + signature, signature.rstrip("="), signature + "=", signature + "AAAA"):
        assert not rsa.verify(PAIR.public, b"text", sent)
