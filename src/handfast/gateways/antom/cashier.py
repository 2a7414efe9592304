"""What the cashier shows of a payment that was asked for in Antom's protocol, and where its buyer returns to."""

from handfast.domain.checkouts import Checkout
from handfast.domain.parties import PERSON_KEYS
from handfast.services import Services
from handfast.store.reader import Reader, get

DESCRIPTION = "orderDescription"
"""Of what was asked, the name of the words about it."""


class AntomCashier:
    """Answers the cashier."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def subject(self, reader: Reader, checkout: Checkout, /) -> tuple[str, str]:
        """What is bought, in a line."""
        key = get(reader, PERSON_KEYS, checkout.merchant)
        if not checkout.asked or key is None:
            return "", ""
        asked = self._services.vault.open(key.wrapped, checkout.merchant, checkout.asked, dict[str, str]) or {}
        return asked.get(DESCRIPTION, ""), ""

    def return_url(self, _reader: Reader, checkout: Checkout, /) -> str:
        """The payment's own paymentRedirectUrl: nothing is added to it, and it proves nothing."""
        return checkout.return_url
