"""What the cashier shows of an order: read in one query, so that it is all of one moment."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Protocol

from msgspec import Struct, msgpack

from handfast.core.ids import Id, account_currency, account_purpose, parse, text
from handfast.core.money import exponent
from handfast.domain.checkouts import CHECKOUTS, Checkout
from handfast.domain.exchange import QUOTES, Quote
from handfast.domain.parties import PARTIES, PERSON_KEYS, Details, Vault
from handfast.domain.payments import PAYMENTS, NewLine, Payment
from handfast.domain.trades import converted_up
from handfast.ledger import Purpose
from handfast.ledger.journal import balances_of
from handfast.store.reader import Reader, get


class Kept(Protocol):
    """What a gateway kept of an order that it was asked for."""

    def subject(self, reader: Reader, checkout: Checkout, /) -> tuple[str, str]:
        """What is bought, in a line, and more words about it."""

    def return_url(self, reader: Reader, checkout: Checkout, /) -> str:
        """Where the buyer returns to afterwards, as the merchant's SDK wants it signed; empty for nowhere."""


class Wallet(Struct, frozen=True):
    """What a buyer has in a currency (minor units)."""

    currency: str
    amount: int


class Order(Struct, frozen=True):
    """An order as a page shows it. `state` is open, closed or paid; `total` is in `pay_currency`, at `rate` if any."""

    checkout: Checkout
    state: str
    merchant: str
    subject: str
    words: str
    titles: list[str]
    buyer: str
    wallets: list[Wallet]
    pay_currency: str
    total: int
    rate: str
    rate_until: str
    quote: str
    returns_to: str


def checkout_id(digits: str) -> Id | None:
    """The checkout that an address names."""
    return parse("chk", f"chk_{digits}")


def address_of(checkout: Id) -> str:
    """The path of a checkout's page."""
    return f"/checkout/{text('chk', checkout).removeprefix('chk_')}"


def read_order(
    reader: Reader, vault: Vault, kept: Kept, checkout: Checkout, buyer: Id | None, quote: Id | None, now: int
) -> Order:
    """The order, for whoever signed in, and at the rate of that quote where it is the buyer's and still stands."""
    payment = get(reader, PAYMENTS, checkout.payment) if checkout.payment else None
    locked = get(reader, QUOTES, quote) if quote else None
    if locked is not None and (locked.owner != buyer or locked.price_currency != checkout.currency):
        locked = None
    if locked is not None and (locked.state != "open" or now >= locked.expires):
        locked = None
    paid = payment is not None and payment.payer is not None
    own = payment if paid else None
    subject, words = kept.subject(reader, checkout)
    lines = msgpack.decode(checkout.lines, type=tuple[NewLine, ...]) if checkout.lines else ()
    return Order(
        checkout=checkout,
        state=_state(checkout, payment, now),
        merchant=name_of(reader, vault, checkout.merchant),
        subject=subject,
        words=words,
        titles=[line.title for line in lines if line.title],
        buyer=name_of(reader, vault, buyer) if buyer else "",
        wallets=wallets_of(reader, buyer) if buyer else [],
        pay_currency=own.pay_currency if own else locked.pay_currency if locked else checkout.currency,
        total=own.pay_amount if own else _converted(checkout.amount, locked),
        rate=_rate(locked) if locked else "",
        rate_until=_clock(locked.expires) if locked else "",
        quote=text("quo", locked.id).removeprefix("quo_") if locked else "",
        returns_to=_web(kept.return_url(reader, checkout)) if paid else "",
    )


def _web(address: str) -> str:
    """The address, if a browser opens it as a page and does nothing else with it."""
    return address if address.startswith(("https://", "http://")) else ""


def _state(checkout: Checkout, payment: Payment | None, now: int) -> str:
    if payment is None:
        return "open" if checkout.state == "asked" and checkout.due is not None and now < checkout.due else "closed"
    if payment.state == "open":
        return "open" if payment.due is None or now < payment.due else "closed"
    return "paid" if payment.state in ("authorised", "captured") else "closed"


def _converted(amount: int, quote: Quote | None) -> int:
    """What is paid for a price, rounded up as payments do."""
    return amount if quote is None else converted_up(amount, quote.numerator, quote.denominator)


def _rate(quote: Quote) -> str:
    """How many of the buyer's currency one of the price's costs, to six digits after the point."""
    places = exponent(quote.price_currency) - exponent(quote.pay_currency)
    rate = (Decimal(quote.numerator) / Decimal(quote.denominator)).scaleb(places)
    return f"1 {quote.price_currency} = {rate:.6f} {quote.pay_currency}"


def _clock(at: int) -> str:
    return f"{datetime.fromtimestamp(at // 1_000_000, UTC):%Y-%m-%d %H:%M}"


def name_of(reader: Reader, vault: Vault, party: Id) -> str:
    """A party's name; its id where it has none, or was erased."""
    row, key = get(reader, PARTIES, party), get(reader, PERSON_KEYS, party)
    details = vault.open(key.wrapped, party, row.details, Details) if row and key and row.details else None
    return details.name if details else text("pty", party)


def wallets_of(reader: Reader, buyer: Id) -> list[Wallet]:
    """The buyer's wallets with money in them, the fullest in number first."""
    found = [
        Wallet(account_currency(row.account), row.credits_posted - row.debits_posted - row.debits_pending)
        for row in balances_of(reader, buyer)
        if account_purpose(row.account) == Purpose.WALLET
    ]
    return sorted((wallet for wallet in found if wallet.amount > 0), key=lambda wallet: -wallet.amount)


def find_checkout(reader: Reader, key: Id) -> Checkout | None:
    """The checkout, if there is one."""
    return get(reader, CHECKOUTS, key)
