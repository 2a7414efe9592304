"""Keys of an app and of the gateway, and requests as an app would send them."""

from collections.abc import Callable, Mapping
from urllib.parse import urlencode

from cryptography.hazmat.primitives.hashes import HashAlgorithm
from tests.sdk.pair import Pair

from handfast.core import rsa
from handfast.gateways.alipay import forms
from handfast.gateways.alipay.codes import Refused
from handfast.gateways.alipay.forms import Form

APP, SERVER, STRANGER = Pair(), Pair(), Pair()
NOW = 1_790_000_000_000_000
FORM = b"application/x-www-form-urlencoded; charset=utf-8"

ORDER = {
    "app_id": "2021",
    "method": "alipay.trade.pay",
    "charset": "utf-8",
    "sign_type": "RSA2",
    "timestamp": "2026-09-21 22:13:20",
    "version": "1.0",
    "notify_url": "http://shop.example/n?a=1&b=2",
    "biz_content": '{"subject":"支付 \\"{1}\\" & more","total_amount":88.88}',
}
"""A request of that moment, yet to be signed."""


def sent(params: Mapping[str, str], sign: str = "") -> Form:
    """The parameters as they arrive, biz_content in the body, the rest in the query."""
    charset = params["charset"]
    given = {**params, "sign": sign} if sign else dict(params)
    body = {"biz_content": given.pop("biz_content")} if "biz_content" in given else {}
    query, content = (urlencode(part, encoding=charset).encode() for part in (given, body))
    return forms.read(query, content, FORM)


def signed(
    params: Mapping[str, str], text: str | bytes, pair: Pair = APP, algorithm: HashAlgorithm = rsa.SHA256
) -> Form:
    """The parameters with a signature over that text."""
    return sent(params, rsa.sign(pair.private, text.encode() if isinstance(text, str) else text, algorithm))


def right(params: Mapping[str, str]) -> str:
    """The string that is to be signed."""
    return "&".join(f"{name}={value}" for name, value in sorted(params.items()) if value)


def code_of(read: Callable[[], object]) -> str | None:
    """The sub_code by which something is refused, or None. No other exception is an answer."""
    try:
        read()
    except Refused as no:
        return no.sub_code
    return None
