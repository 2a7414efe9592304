"""Why a signature does not fit: the string that it should sign, and the mistake that was made, found by trying.

A signature tells what was hashed and how, once its key is known (PKCS#1 v1.5 is undone with the public key). So one
RSA operation says whether the key is right and which hash it used, and each wrong way to build the string costs a hash.
"""

import hashlib
import html
import json
from binascii import a2b_base64
from collections.abc import Callable, Iterator, Mapping
from itertools import product
from urllib.parse import quote, quote_plus, unquote

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from msgspec import Struct

from handfast.core.rsa import digest_info, from_base64
from handfast.gateways.alipay.forms import CHARSETS, Form
from handfast.gateways.alipay.signing import request_text

LONGEST_ECHO = 8_000
"""How much of the string an answer shows."""

_LONGEST_TRIED = 8 * 1024
_MOST_LEFT_OUT = 30

Pairs = list[tuple[str, str]]

MISTAKES: Mapping[str, str] = {
    "none": "the signature fits",
    "signature_malformed": "sign is not base64 of as many bytes as the app's key has",
    "signature_encoded_twice": "sign was percent-encoded twice, or not decoded before it was sent",
    "signature_plus_lost": "sign was not percent-encoded: each + in it has become a blank",
    "signature_url_safe": "sign is in the URL-safe alphabet, it has to be plain base64",
    "key_is_servers": "the public key registered for this app is Handfast's own: register the app's",
    "key_of_another": "this was signed with the private key of {}",
    "key_unknown": "this was signed with a private key that does not belong to the app's registered public key",
    "sign_type_differs": "sign_type says {}, and this was signed with {}",
    "sign_type_left_out": "sign_type was left out of the string: requests sign it, only notifications leave it out",
    "parameter_left_out": "the parameter {} was not signed",
    "empty_signed": "empty parameters were signed: they are left out of the string",
    "order_of_arrival": "the parameters were not sorted by name",
    "order_ignores_case": "the parameters were sorted without regard for capitals: sort by bytes",
    "order_reversed": "the parameters were sorted downwards",
    "values_url_encoded": "percent-encoded values were signed: sign them first, encode them for sending after",
    "values_html_escaped": "values with HTML escapes (such as &quot;) were signed: sign them as they are",
    "values_quoted": "values were signed in quotes: sign name=value without any",
    "body_slashes_escaped": "biz_content was signed with \\/ and sent with /, or the other way round",
    "body_quotes_escaped": "biz_content was signed with its quotes escaped: it was serialised twice",
    "body_rewritten": "biz_content was serialised anew after it was signed: sign the very text that is sent",
    "text_trimmed": "the string was signed with something at its end, such as a line break",
    "line_breaks_changed": "line breaks became CR LF after signing, as browsers do: write biz_content in one line",
    "charset_differs": "the string was signed in {}, and charset says {}",
    "string_differs": "the key is right, and the string that was signed is another: compare it with the one here",
}
"""What is said of each mistake that is recognised."""


class Explanation(Struct, frozen=True):
    """A refused signature explained: a stable word, a sentence, and the string that should have been signed."""

    mistake: str
    message: str
    expected: str

    @property
    def sub_msg(self) -> str:
        """Both as one text, for an answer."""
        return f"{self.message}. The string to sign is: {self.expected[:LONGEST_ECHO]}"


def explain(
    form: Form,
    key: RSAPublicKey,
    sign_type: str,
    server_key: RSAPublicKey | None = None,
    others: Mapping[str, RSAPublicKey] | None = None,
) -> Explanation:
    """What is wrong with a request's signature by the app's registered key.

    `others` are keys whose owners may be named to this caller, by what to call them.
    """
    mistake, message = _mistake(form, key, sign_type, server_key, others or {})
    expected = request_text(form.raw).decode(form.charset)
    return Explanation(mistake, message, expected)


def _mistake(
    form: Form,
    key: RSAPublicKey,
    sign_type: str,
    server_key: RSAPublicKey | None,
    others: Mapping[str, RSAPublicKey],
) -> tuple[str, str]:
    if server_key is not None and key == server_key:
        return _said("key_is_servers")
    signature, malformed = _signature(form.params.get("sign", ""), key)
    if malformed:
        return _said(malformed)
    signed = digest_info(key, signature)
    if signed is None:
        for whose, other in others.items():
            if len(signature) * 8 == other.key_size and digest_info(other, signature) is not None:
                return _said("key_of_another", whose)
        return _said("key_unknown")
    hashed, digest = _digest(signed)
    if digest is None:
        return _said("sign_type_differs", sign_type, "another hash")
    found = _tried(form, lambda text: hashlib.new(hashed, text, usedforsecurity=False).digest() == digest)
    if hashed != _HASHES[sign_type]:
        used = next((name for name, algorithm in _HASHES.items() if algorithm == hashed), hashed.upper())
        also = f"; also, {found[1]}" if found and found[0] != "none" else ""
        mistake, message = _said("sign_type_differs", sign_type, used)
        return mistake, message + also
    return found or _said("string_differs")


def _said(mistake: str, *details: str) -> tuple[str, str]:
    return mistake, MISTAKES[mistake].format(*details)


def _signature(sign: str, key: RSAPublicKey) -> tuple[bytes, str]:
    """The signature's bytes, or the mistake in how it was written."""
    size = key.key_size // 8
    found = from_base64(sign)
    if found is not None and len(found) == size:
        return found, ""
    for mistake, repaired in (
        ("signature_plus_lost", sign.replace(" ", "+")),
        ("signature_encoded_twice", unquote(sign)),
        ("signature_url_safe", sign.replace("-", "+").replace("_", "/")),
    ):
        if repaired != sign and len(_lenient(repaired)) == size:
            return b"", mistake
    return (found, "") if found is not None and len(found) in (128, 256, 384, 512) else (b"", "signature_malformed")


def _lenient(text: str) -> bytes:
    try:
        return a2b_base64(text)
    except ValueError:
        return b""


_HASHES = {"RSA2": "sha256", "RSA": "sha1"}
_PREFIXES = {
    "md5": bytes.fromhex("3020300c06082a864886f70d020505000410"),
    "sha1": bytes.fromhex("3021300906052b0e03021a05000414"),
    "sha256": bytes.fromhex("3031300d060960864801650304020105000420"),
    "sha384": bytes.fromhex("3041300d060960864801650304020205000430"),
    "sha512": bytes.fromhex("3051300d060960864801650304020305000440"),
}
"""What stands before a digest in a signature (RFC 8017, 9.2, note 1)."""


def _digest(signed: bytes) -> tuple[str, bytes | None]:
    for name, prefix in _PREFIXES.items():
        if signed.startswith(prefix):
            return name, signed.removeprefix(prefix)
    return "", None


def _tried(form: Form, fits: Callable[[bytes], bool]) -> tuple[str, str] | None:
    """The mistake whose string fits: `none` where the right string does."""
    if fits(request_text(form.raw)):
        return _said("none")
    pairs = [(name, value) for name, value in form.params.items() if name != "sign"]
    if sum(len(value) for _, value in pairs) > _LONGEST_TRIED:
        return None
    without_type = [pair for pair in pairs if pair[0] != "sign_type"]
    ascii_only = all(value.isascii() for _, value in pairs)
    codecs = [form.charset] if ascii_only else list(dict.fromkeys((form.charset, *CHARSETS.values(), "latin-1")))
    for (alone, given), (also, build) in product(
        (("", pairs), ("sign_type_left_out", without_type)), [("", _plain), *_BUILDS.items()]
    ):
        texts = list(build(given))
        for codec in codecs:
            if any(fits(text.encode(codec, "replace")) for text in texts):
                return _told(form, [name for name in (also, alone) if name], codec)
    for name, _ in pairs[:_MOST_LEFT_OUT]:
        text = next(_plain([pair for pair in pairs if pair[0] != name]))
        if fits(text.encode(form.charset)):
            return _said("parameter_left_out", name)
    return None


def _told(form: Form, mistakes: list[str], codec: str) -> tuple[str, str]:
    """One or several mistakes made together, the first of them by name."""
    told = [_said(name) for name in mistakes]
    if codec != form.charset:
        told.append(_said("charset_differs", codec, form.charset))
    return told[0][0], "; and ".join(message for _, message in told)


def _joined(pairs: Pairs) -> str:
    return "&".join(f"{name}={value}" for name, value in pairs)


def _filled(pairs: Pairs) -> Pairs:
    return [pair for pair in pairs if pair[1]]


def _plain(pairs: Pairs) -> Iterator[str]:
    yield _joined(sorted(_filled(pairs)))


def _url_encoded(pairs: Pairs) -> Iterator[str]:
    for encode in (quote_plus, lambda value: quote(value, safe=""), quote, lambda value: quote(value, safe="!'()*~")):
        yield _joined(sorted((name, encode(value)) for name, value in _filled(pairs)))


def _html_escaped(pairs: Pairs) -> Iterator[str]:
    for escaped in (html.escape, lambda value: html.escape(value, quote=False), _quotes_only, html.unescape):
        yield _joined(sorted((name, escaped(value)) for name, value in _filled(pairs)))


def _quotes_only(value: str) -> str:
    return value.replace('"', "&quot;")


def _body(*rewrites: Callable[[str], str]) -> Callable[[Pairs], Iterator[str]]:
    """A way of building the string from a biz_content that is written otherwise."""

    def build(pairs: Pairs) -> Iterator[str]:
        for rewrite in rewrites:
            yield _joined(
                sorted((name, rewrite(value) if name == "biz_content" else value) for name, value in _filled(pairs))
            )

    return build


def _serialised(**style: object) -> Callable[[str], str]:
    def rewrite(text: str) -> str:
        try:
            return json.dumps(json.loads(text), **style)  # type: ignore[arg-type]
        except (ValueError, RecursionError):
            return text

    return rewrite


_COMPACT = (",", ":")
_BUILDS: dict[str, Callable[[Pairs], Iterator[str]]] = {
    "values_url_encoded": _url_encoded,
    "order_of_arrival": lambda pairs: iter([_joined(_filled(pairs))]),
    "order_ignores_case": lambda pairs: iter([_joined(sorted(_filled(pairs), key=lambda pair: pair[0].lower()))]),
    "order_reversed": lambda pairs: iter([_joined(sorted(_filled(pairs), reverse=True))]),
    "empty_signed": lambda pairs: iter([_joined(sorted(pairs))]),
    "values_html_escaped": _html_escaped,
    "values_quoted": lambda pairs: iter([_joined(sorted((name, f'"{value}"') for name, value in _filled(pairs)))]),
    "body_slashes_escaped": _body(lambda text: text.replace("/", "\\/"), lambda text: text.replace("\\/", "/")),
    "body_quotes_escaped": _body(
        lambda text: text.replace('"', '\\"'), json.dumps, lambda text: text.replace('\\"', '"')
    ),
    "body_rewritten": _body(
        *(
            _serialised(ensure_ascii=ascii_only, separators=separators, sort_keys=sort_keys, indent=indent)
            for ascii_only in (False, True)
            for separators, indent in ((_COMPACT, None), (None, None), (None, 2), (None, 4))
            for sort_keys in (False, True)
        )
    ),
    "line_breaks_changed": lambda pairs: iter([next(_plain(pairs)).replace("\r\n", "\n")]),
    "text_trimmed": lambda pairs: iter([next(_plain(pairs)) + end for end in ("\n", "\r\n", "&")]),
}
"""Ways in which the string is built wrongly, the likeliest first."""
