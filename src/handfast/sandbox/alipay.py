"""The sandbox's app at the Alipay gateway: a merchant that is paid in CNY, its keys and certificates, who pays it."""

from typing import Any

from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from msgspec import Struct

from handfast.core.clocks import Clock
from handfast.core.ids import Id, digest_id, ids_from_keys
from handfast.core.keyring import BITS, write_private
from handfast.core.settings import Settings
from handfast.domain.apps import NameObject
from handfast.domain.parties import PERSON_KEYS, CreateParty, Details, Vault
from handfast.gateways.alipay.house import FOLDER
from handfast.gateways.alipay.numbers import user_number
from handfast.gateways.alipay.onboarding import app_number, prepare
from handfast.gateways.alipay.users import user_key
from handfast.pages import sandbox_pin
from handfast.sandbox.driver import Driver, ask
from handfast.sandbox.market import OPENING
from handfast.store.reader import get

FUNDS = 10_000_00
"""What the app's merchant owns at first, in fen."""

EMAIL = "tea@example.com"
PRIVATE_KEY = "app_private_key.pem"


class AlipayKeys(Struct, frozen=True):
    """What an Alipay SDK is told. Keys and certificates are files; ids are user numbers, of CNY wallets with money.

    By `buyer_pin` the buyer signs in at the cashier.
    """

    gateway_url: str
    v3_endpoint: str
    app_id: str
    app_private_key: str
    server_public_key: str
    aes_key: str
    cert_dir: str
    buyer_id: str
    buyer_pin: str
    payee_id: str
    seller_id: str


class Seller(Struct, frozen=True):
    """The app's merchant."""

    id: Id
    name: str
    account: str


def seller(seed: int) -> Seller:
    """The merchant of the sandbox's app, the same for a seed."""
    return Seller(ids_from_keys(seed)(digest_id(b"alipay seller"))(OPENING), "West Lake Tea House", "6222000000000088")


def take_in(driver: Driver, vault: Vault, who: Seller) -> None:
    """Make the merchant a party; what it is paid stays in CNY."""
    wrapped = vault.new_key(who.id)
    details = vault.seal(wrapped, who.id, Details(name=who.name, email=EMAIL))
    login = vault.login_id(EMAIL)
    command = CreateParty(who.id, "merchant", "CN", wrapped, details, settle_currency="CNY", login=login)
    _do(driver, "parties.create", command, "alipay/seller")


def hand_out(
    driver: Driver, settings: Settings, vault: Vault, who: Seller, buyers: tuple[Id, Id], base_url: str, wall: Clock
) -> AlipayKeys:
    """Register the app, number its users and write the files; the buyers are who pays and who is paid transfers."""
    folder = settings.data.resolve() / FOLDER
    key = generate_private_key(65537, BITS)
    number = app_number(digest_id(b"alipay app", who.id))
    wrapped = get(driver.reader, PERSON_KEYS, who.id)
    assert wrapped is not None, "the party was made with its key"
    papers = prepare(settings, vault, who.id, wrapped.wrapped, number, key.public_key(), folder, wall())
    write_private(folder / PRIVATE_KEY, key)
    _do(driver, "apps.register", papers.register, "alipay/app")
    return AlipayKeys(
        gateway_url=f"{base_url}/gateway.do",
        v3_endpoint=base_url,
        app_id=number,
        app_private_key=str(folder / PRIVATE_KEY),
        server_public_key=str(papers.server_public_key),
        aes_key=papers.aes_key,
        cert_dir=str(papers.cert_dir),
        buyer_id=_numbered(driver, buyers[0]),
        buyer_pin=sandbox_pin(vault, buyers[0]),
        payee_id=_numbered(driver, buyers[1]),
        seller_id=_numbered(driver, who.id),
    )


def _numbered(driver: Driver, party: Id) -> str:
    number = user_number(party, 0)
    _do(driver, "apps.name", NameObject(user_key(number), party), f"alipay/user/{number}")
    return number


def _do(driver: Driver, verb: str, command: Any, key: str) -> Any:
    return driver.done([ask(verb, command, "sandbox", key)])[0]
