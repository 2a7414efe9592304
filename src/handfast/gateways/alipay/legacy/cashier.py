"""What the cashier shows of a trade of the first interface, and the signed address by which its buyer returns."""

from urllib.parse import urlencode, urlsplit

from handfast.core.keyring import signing_key
from handfast.domain.apps import APPS
from handfast.domain.checkouts import Checkout
from handfast.domain.parties import PERSON_KEYS
from handfast.gateways.alipay.legacy.finding import people, sale_of
from handfast.gateways.alipay.legacy.partners import Partner, sign
from handfast.gateways.alipay.legacy.states import told
from handfast.gateways.alipay.notify import opened
from handfast.services import Services
from handfast.store.reader import Reader, get


class LegacyCashier:
    """Answers the cashier."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def subject(self, reader: Reader, checkout: Checkout, /) -> tuple[str, str]:
        """What is bought, in a line, and more words about it."""
        known = get(reader, PERSON_KEYS, checkout.merchant)
        asked = opened(self._services.vault, known.wrapped if known else b"", checkout)
        return asked.get("subject", ""), asked.get("body", "")

    def return_url(self, reader: Reader, checkout: Checkout, /) -> str:
        """The shop's return_url with how the trade stands, signed as the shop signs; nothing where it gave none."""
        app, known = get(reader, APPS, checkout.app), get(reader, PERSON_KEYS, checkout.merchant)
        sale = sale_of(reader, checkout)
        if not checkout.return_url or app is None or known is None or sale is None:
            return ""
        vault = self._services.vault
        asked = opened(vault, known.wrapped, checkout)
        secret = vault.open(known.wrapped, app.party, app.secret, str) if app.secret else None
        partner = Partner(app, app.party, known.wrapped, secret or "", None)
        fields = {"is_success": "T", **told(sale, asked, people(self._services, reader, checkout))}
        sign_type, charset = asked.get("sign_type", "MD5"), asked.get("charset", "utf-8")
        key = signing_key(self._services.settings.signing_key_file)
        signed = sign(partner, key, fields, sign_type, charset)
        query = urlencode(
            {**fields, "sign": signed, "sign_type": sign_type}, encoding=charset, errors="xmlcharrefreplace"
        )
        parts = urlsplit(checkout.return_url)
        return parts._replace(query=f"{parts.query}&{query}" if parts.query else query).geturl()
