"""Numbers of bank accounts: which are well formed, and which lie in the Single Euro Payments Area."""

import re

from msgspec import Struct
from schwifty import IBAN
from schwifty.exceptions import SchwiftyException

from handfast.core.errors import Invalid

_LONGEST_WRITTEN_IBAN = 42  # 34 characters in groups of four
_ROUTING_NUMBER = re.compile(r"[0-9]{9}", re.ASCII)
_ROUTING_WEIGHTS = (3, 7, 1) * 3
_BIC = re.compile(r"[A-Z0-9]{4}[A-Z]{2}[A-Z0-9]{2}(?:[A-Z0-9]{3})?", re.ASCII)
_US_ACCOUNT_NUMBER = re.compile(r"[0-9A-Za-z]{1,17}", re.ASCII)


class UsAccount(Struct, frozen=True):
    """An account at a bank in the United States, which has no IBANs."""

    routing_number: str
    """Nine digits of the American Bankers Association; the last is a check digit."""
    account_number: str
    """1 to 17 letters and digits (the width of the field in the US clearing house's entry)."""


Account = str | UsAccount
"""An IBAN, or a US routing number with an account number."""


def check_iban(text: str, param: str = "iban") -> str:
    """The IBAN in its electronic form (no spaces, capitals), if its country, length, structure and check digits agree.

    Source: ISO 13616 and its registry. Raises Invalid(iban_invalid).
    """
    if len(text) <= _LONGEST_WRITTEN_IBAN and text.isascii():
        try:
            return str(IBAN(text))
        except SchwiftyException:
            pass
    raise Invalid("iban_invalid", "not an IBAN: country, length or check digits do not agree", param)


def check_account(account: Account, param: str) -> Account:
    """The account in its electronic form. Raises Invalid(iban_invalid) or, for a US account, Invalid(field_invalid)."""
    if isinstance(account, str):
        return check_iban(account, param)
    routing, number = account.routing_number, account.account_number
    if not _ROUTING_NUMBER.fullmatch(routing) or _routing_sum(routing) % 10 or routing == "0" * 9:
        raise Invalid(
            "field_invalid", "a routing number has nine digits, the last a check digit", f"{param}.routing_number"
        )
    if not _US_ACCOUNT_NUMBER.fullmatch(number):
        raise Invalid("field_invalid", "a US account number has 1 to 17 letters and digits", f"{param}.account_number")
    return account


def check_bic(text: str, param: str = "bic") -> str:
    """The bank's identifier, if it has the form of ISO 9362: 8 or 11 characters. Raises Invalid(field_invalid)."""
    if not _BIC.fullmatch(text):
        raise Invalid("field_invalid", "a BIC has 8 or 11 capitals and digits", param)
    return text


def in_sepa(account: Account) -> bool:
    """Whether a euro payment to this checked account stays within the Single Euro Payments Area."""
    return isinstance(account, str) and IBAN(account).in_sepa_zone


def _routing_sum(routing: str) -> int:
    return sum(int(digit) * weight for digit, weight in zip(routing, _ROUTING_WEIGHTS, strict=True))
