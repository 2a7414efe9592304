"""The self-test of signatures: what somebody pasted, the string that is signed in it, and the mistake that was made."""

from hashlib import new as new_hash
from urllib.parse import quote_plus

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from handfast.core.errors import Invalid
from handfast.core.rsa import digest_info, from_base64, public_key
from handfast.gateways.alipay.codes import Refused
from handfast.gateways.alipay.explain import Explanation, explain
from handfast.gateways.alipay.forms import Form, read
from handfast.gateways.alipay.signing import notice_text, request_text

SAID = {
    "none": "the signature fits",
    "signature_malformed": "sign is not base64 of as many bytes as this key has: it was cut, or decoded twice",
    "key_is_not_servers": "another key than this signed it: an SDK that asks for Alipay's public key needs Handfast's",
    "key_unknown": "another key than this signed it",
    "sign_type_differs": "the key fits, and the hash is not the one that sign_type says",
    "changed_after_signing": "the key fits, and what was pasted is not what was signed: it was changed on the way",
}
"""What is said of a notification or a return address."""

_SIZES = (128, 256, 384, 512)
_HASHES = {"RSA2": ("sha256", 32), "RSA": ("sha1", 20)}


def examine(text: str, key_text: str, *, notice: bool, server_key: RSAPublicKey | None = None) -> Explanation:
    """Explain a pasted request, or a notification or return address (`notice`), by the public key that should fit it.

    The text is a query, a form's body, or an address with a query. Raises Invalid(field_invalid).
    """
    key = public_key(key_text, "key")
    form = _form(text)
    sign_type = form.params.get("sign_type") or "RSA2"
    if sign_type not in _HASHES:
        raise Invalid("field_invalid", "sign_type is RSA2 or RSA", "text")
    if not form.params.get("sign"):
        raise Invalid("field_invalid", "there is no sign in what was pasted", "text")
    if not notice:
        return explain(form, key, sign_type, server_key)
    mistake = _mistake(form, key, sign_type, server_key)
    return Explanation(mistake, SAID[mistake], notice_text(form.raw).decode(form.charset))


def _form(text: str) -> Form:
    pasted = text.strip().replace("\r\n", "\n")
    if "?" in pasted.partition("=")[0]:
        pasted = pasted.partition("?")[2].partition("#")[0]
    if "\n" in pasted and "&" not in pasted:  # a list of parameters, one a line, as a debugger shows them
        pairs = (line.partition("=") for line in pasted.split("\n"))
        pasted = "&".join(f"{quote_plus(name.strip())}={quote_plus(value)}" for name, _, value in pairs)
    try:
        raw = pasted.encode("ascii")
    except UnicodeEncodeError:
        raw = quote_plus(pasted, safe="=&%+").encode()
    try:
        return read(b"", raw)
    except Refused as no:
        raise Invalid("field_invalid", f"this cannot be read: {no.message}", "text") from None


def _mistake(form: Form, key: RSAPublicKey, sign_type: str, server_key: RSAPublicKey | None) -> str:
    signature = from_base64(form.params["sign"])
    signed = None if signature is None else _signed(key, signature)
    if signature is None or len(signature) not in _SIZES:
        return "signature_malformed"
    if signed is None:
        ours = server_key is not None and _signed(server_key, signature) is not None
        return "key_is_not_servers" if ours else "key_unknown"
    for text in (notice_text(form.raw), request_text(form.raw)):
        for claimed, (name, size) in _HASHES.items():
            if signed[-size:] == new_hash(name, text, usedforsecurity=False).digest():
                return "none" if claimed == sign_type else "sign_type_differs"
    return "changed_after_signing"


def _signed(key: RSAPublicKey, signature: bytes) -> bytes | None:
    return digest_info(key, signature) if len(signature) * 8 == key.key_size else None
