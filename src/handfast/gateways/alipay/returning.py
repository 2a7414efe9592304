"""The address by which a buyer's browser returns to the shop: the shop's own, with signed fields that prove nothing."""

from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from handfast.domain.apps import APPS
from handfast.domain.checkouts import Checkout
from handfast.domain.parties import PERSON_KEYS, Vault
from handfast.gateways.alipay.notify import manner, opened
from handfast.gateways.alipay.numbers import moment, number_of
from handfast.gateways.alipay.signing import signed_notice
from handfast.gateways.alipay.users import known_user
from handfast.gateways.alipay.wire import yuan
from handfast.store.reader import Reader, get


def return_address(reader: Reader, vault: Vault, key: RSAPrivateKey, checkout: Checkout, now: int) -> str:
    """The shop's return_url with the fields that its SDK verifies; nothing where it gave none.

    Whether the trade was paid is not among them: a shop asks, or is notified. `now` is market time (µs).
    """
    app, wrapped = get(reader, APPS, checkout.app), get(reader, PERSON_KEYS, checkout.merchant)
    if not checkout.return_url or app is None or wrapped is None:
        return ""
    asked = opened(vault, wrapped.wrapped, checkout)
    fields = {
        "app_id": app.number,
        "auth_app_id": app.number,
        "method": f"{asked.get('method') or 'alipay.trade.page.pay'}.return",
        "out_trade_no": checkout.number,
        "trade_no": number_of(checkout.id),
        "total_amount": yuan(checkout.amount),
        "seller_id": known_user(reader, checkout.merchant),
        "timestamp": moment(now) or "",
        "version": "1.0",
    }
    query, _ = signed_notice(fields, key, *manner(asked, app))
    parts = urlsplit(checkout.return_url)
    return parts._replace(query=f"{parts.query}&{query.decode()}" if parts.query else query.decode()).geturl()
