"""What the cashier shows of a trade that was asked for in Alipay's protocol, and where its buyer returns to."""

from handfast.core.keyring import signing_key
from handfast.domain.checkouts import Checkout
from handfast.domain.parties import PERSON_KEYS
from handfast.gateways.alipay.notify import opened
from handfast.gateways.alipay.returning import return_address
from handfast.services import Services
from handfast.store.reader import Reader, get


class AlipayCashier:
    """Answers the cashier."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def subject(self, reader: Reader, checkout: Checkout, /) -> tuple[str, str]:
        """What is bought, in a line, and more words about it."""
        asked = self._asked(reader, checkout)
        return asked.get("subject", ""), asked.get("body", "")

    def return_url(self, reader: Reader, checkout: Checkout, /) -> str:
        """See `return_address`."""
        services = self._services
        key = signing_key(services.settings.signing_key_file)
        return return_address(reader, services.vault, key, checkout, services.market())

    def _asked(self, reader: Reader, checkout: Checkout) -> dict[str, str]:
        key = get(reader, PERSON_KEYS, checkout.merchant)
        return opened(self._services.vault, key.wrapped if key else b"", checkout)
