"""The keys to a sandbox: API clients and a webhook endpoint made through the desk, and the file that tells them."""

import os
from pathlib import Path
from typing import Annotated, Any

from msgspec import Meta, Struct, json

from handfast.core.ids import Id
from handfast.domain.custody import custody_accounts
from handfast.domain.notifications import CreateEndpoint, Endpoint, new_secret
from handfast.domain.parties import HOUSE, PERSON_KEYS, CreateClient, Vault, format_key, secret_hash
from handfast.domain.parties import new_secret as new_key
from handfast.gateways.native.prefixes import show
from handfast.pages import sandbox_pin
from handfast.sandbox.alipay import AlipayKeys
from handfast.sandbox.antom import AntomKeys
from handfast.sandbox.driver import Driver, ask
from handfast.sandbox.market import Market
from handfast.store.reader import get

FILE = "sandbox.json"

_MERCHANT = "read payments transfers payouts webhooks"
_OPERATOR = f"{_MERCHANT} operate"


class Bearer(Struct, frozen=True):
    """A party and a key that acts for it."""

    id: str
    api_key: str


class Webhook(Struct, frozen=True):
    """The market's endpoint, beside the server; events wait and are tried again until somebody listens there."""

    id: str
    url: str
    secret: str


class Keys(Struct, frozen=True):
    """What sandbox.json tells. `sellers` are the shops whose goods `merchant` may put into a payment's lines.

    `approver` is the operator's second person, who approves the payout files that `operator` prepared. `alipay` is what
    an Alipay SDK is told, where there is an app, and `antom` what Antom's is. By `pins` the buyers sign in at the
    cashier.
    """

    base_url: str
    merchant: Bearer
    other_merchant: Bearer
    operator: Bearer
    approver: Bearer
    buyers: Annotated[tuple[str, ...], Meta(min_length=1)]
    sellers: tuple[str, ...]
    webhook: Webhook
    webhook_secret: str
    custody_accounts: dict[str, str]
    pins: dict[str, str] = {}
    alipay: AlipayKeys | None = None
    antom: AntomKeys | None = None


def hand_out(driver: Driver, market: Market, vault: Vault, host: str, port: int) -> Keys:
    """Make the keys; they are told here and nowhere else, since only their hashes are kept."""
    base_url = f"http://{host}:{port}"
    webhook = _endpoint(driver, market.host, vault, f"http://{host}:{port + 1 if port < 65_535 else port - 1}/webhooks")
    return Keys(
        base_url=base_url,
        merchant=_bearer(driver, market.host, _MERCHANT),
        other_merchant=_bearer(driver, market.stranger, _MERCHANT),
        operator=_bearer(driver, HOUSE, _OPERATOR),
        approver=_bearer(driver, HOUSE, _OPERATOR, "sandbox, second person"),
        buyers=tuple(show("party", buyer.id) for buyer in market.buyers),
        sellers=tuple(show("party", shop.id) for shop in market.shops),
        webhook=webhook,
        webhook_secret=webhook.secret,
        custody_accounts={account.currency: account.iban for account in custody_accounts(driver.reader)},
        pins={show("party", buyer.id): sandbox_pin(vault, buyer.id) for buyer in market.buyers},
    )


def write(keys: Keys, directory: Path) -> Path:
    """Write the file, readable by its owner alone; it is there whole or not at all."""
    path = directory / FILE
    draft = path.with_suffix(".new")
    file = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(file, "wb") as out:
        out.write(json.format(json.encode(keys), indent=2) + b"\n")
    draft.replace(path)
    return path


def _bearer(driver: Driver, party: Id, scopes: str, name: str = "sandbox") -> Bearer:
    secret = new_key()
    command = CreateClient(party, name, secret_hash(secret), scopes)
    client = _do(driver, "clients.create", command, f"key/{party.hex()}/{name}")
    return Bearer(show("party", party), format_key(client.id, secret))


def _endpoint(driver: Driver, party: Id, vault: Vault, url: str) -> Webhook:
    wrapped, secret = get(driver.reader, PERSON_KEYS, party), new_secret()
    assert wrapped is not None, "the party was made with its key"
    sealed = vault.seal(wrapped.wrapped, party, secret)
    command = CreateEndpoint(party, url, sealed, ("*",), private=True)
    endpoint: Endpoint = _do(driver, "notifications.create_endpoint", command, "endpoint")
    return Webhook(show("endpoint", endpoint.id), url, secret)


def _do(driver: Driver, verb: str, command: Any, key: str) -> Any:
    return driver.done([ask(verb, command, "sandbox", key)])[0]
