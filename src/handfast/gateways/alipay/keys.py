"""Keys as merchants paste them: what a text holds, whose key it is, and which SDK takes it as it is written.

What each SDK takes was found by giving it every form; tests/sdk asks the SDKs again.
"""

from collections.abc import Mapping

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from msgspec import Struct

from handfast.core.rsa import KeyText, read_key

LEAST_BITS_RSA2 = 2048


class Taste(Struct, frozen=True):
    """What an SDK takes: forms of private and public keys as PEM and as bare base64, and the flaws that it forgives."""

    private_pem: str
    private_bare: str
    public_pem: str
    public_bare: str
    forgives: str


TASTES: Mapping[str, Taste] = {
    "alipay-sdk-python": Taste("PKCS#1", "PKCS#1", "SPKI", "SPKI", "blank_before break_around"),
    "python-alipay-sdk": Taste("PKCS#1 PKCS#8", "", "SPKI PKCS#1 certificate", "", "crlf break_around"),
    "global-open-sdk-python": Taste("PKCS#1", "PKCS#1 PKCS#8", "SPKI", "SPKI", "blank_before"),
    "alipay-sdk (npm)": Taste("PKCS#1", "PKCS#1 PKCS#8", "SPKI certificate", "SPKI", "crlf break_around"),
}
"""By SDK, in the versions that tests/sdk pins."""


class KeyReport(Struct, frozen=True):
    """What a pasted text is: `kind` private key, public key or certificate, `whose` app, server or unknown.

    `taken_by` has, for each SDK, nothing where it takes the text as it is, else why not. `findings` are sentences.
    """

    kind: str
    form: str
    bits: int
    whose: str
    taken_by: dict[str, str]
    findings: list[str]


def check_key(text: str, app: RSAPublicKey | None = None, server: RSAPublicKey | None = None) -> KeyReport:
    """Examine a key that someone pasted, beside the app's public key and Handfast's. Raises Invalid(field_invalid)."""
    findings = []
    if "\\n" in text:
        findings.append("its line breaks are written as \\n: no SDK takes that")
    found = read_key(text.replace("\\r", "").replace("\\n", "\n"))
    secret = isinstance(found.key, RSAPrivateKey)
    public = found.key.public_key() if isinstance(found.key, RSAPrivateKey) else found.key
    whose = "app" if public == app else "server" if public == server else "unknown"
    kind = "certificate" if found.form == "certificate" else "private key" if secret else "public key"
    if app or server:
        findings += _whose(secret=secret, whose=whose)
    if public.key_size < LEAST_BITS_RSA2:
        findings.append(f"it has {public.key_size} bits, and RSA2 asks for {LEAST_BITS_RSA2} or more")
    taken_by = {sdk: _why_not(taste, found, text, secret=secret) for sdk, taste in TASTES.items()}
    return KeyReport(kind, found.form, public.key_size, whose, taken_by, findings)


def _whose(*, secret: bool, whose: str) -> list[str]:
    match secret, whose:
        case True, "app":
            return ["it belongs to the public key that is registered for this app"]
        case True, _:
            return ["it does not belong to the public key that is registered for this app: requests will be refused"]
        case _, "app":
            return [
                "it is the app's own public key: where an SDK asks for Alipay's public key, paste Handfast's instead"
            ]
        case _, "server":
            return ["it is Handfast's public key: right where an SDK asks for Alipay's, wrong to register for an app"]
        case _:
            return ["it is neither the app's public key nor Handfast's"]


def _why_not(taste: Taste, found: KeyText, text: str, *, secret: bool) -> str:
    """Why an SDK does not take the key as it is written, or nothing."""
    written = "PEM" if found.pem else "bare base64"
    pem, bare = (taste.private_pem, taste.private_bare) if secret else (taste.public_pem, taste.public_bare)
    if found.form not in (pem if found.pem else bare).split():
        return f"it does not take {found.form} as {written}"
    if found.pem:
        if "\n" not in text.strip() or "\\n" in text:
            return "a PEM has line breaks after BEGIN and before END"
        if text[:1].isspace() and "blank_before" not in taste.forgives:
            return "there is a blank or a line break before BEGIN"
        if "\r" in text and "crlf" not in taste.forgives:
            return "its lines end with CR LF, they have to end with LF"
    elif (text[:1] == "\n" or text[-1:] == "\n") and secret and "break_around" not in taste.forgives:
        return "there is a line break before or after it"
    return ""
