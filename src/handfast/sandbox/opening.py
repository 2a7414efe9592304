"""How a sandbox market is opened: the desk that it runs on, its parties, its accounts at the sandbox's bank."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Any

from msgspec import json

from handfast.app import VERBS, Owned, owning
from handfast.app.outside import Inside, keeping
from handfast.app.telemetry import Posting
from handfast.core.clocks import DAY, Clock
from handfast.core.errors import Conflict
from handfast.core.ids import Id, ids_from_keys, seeded_ids
from handfast.core.settings import FILE, Settings, make_master_key
from handfast.domain.custody import OpenAccount
from handfast.domain.parties import HOUSE, CreateParty, Details, Vault, payee_check
from handfast.domain.payments import GiveConsent
from handfast.domain.policies import DEFAULT, PublishBook, preset_text
from handfast.sandbox.bank import Bank
from handfast.sandbox.driver import Driver, OpenDesk, Opener, ask
from handfast.sandbox.market import COMMISSION_BPS, COMMISSION_CAP, Market, iban
from handfast.store.desk import Store
from handfast.store.reader import Reader
from handfast.store.verb import Request
from handfast.timers.clock import SetOffset

ACCOUNTS = {
    currency: iban("DE", f"50010000{number:010}")
    for number, currency in enumerate(("CNY", "EUR", "GBP", "USD"), 8_201_410_28)
}
"""The custody account of each currency at the sandbox's bank, which numbers them from a day that it remembers."""

HOUSE_DETAILS = Details(name="Main Street Market, Inc.", routing="021000021", account="1127201411")
_STRANGER = Details(name="Elsewhere Wholesale", routing="021000021", account="9990001112")
CONSENT_CEILING = 50_000_00


class _SeededDesk:
    """Fills OpenDesk over the settings' database, with ids that depend on the seed and on what is asked alone."""

    def __init__(self, settings: Settings, clock: Clock, seed: int, wrap: Callable[[Store], Store]) -> None:
        make_master_key(settings)  # the empty database may have got its schema before, and elsewhere
        with ExitStack() as opened:
            store, ledger = _own(opened, settings)
            store.take_over()
            kept = opened.enter_context(keeping(settings.ledger, store, ledger))
            post = Posting(kept.ledger)
            self.desk = kept.desk(wrap(store), post, VERBS, clock, seeded_ids(seed), ids_from_keys(seed))
            self.close = opened.pop_all().close


def _own(opened: ExitStack, settings: Settings) -> tuple[Owned, Inside]:
    """Own the database; a PostgreSQL server may take a moment to notice that the desk before has died."""
    tries = 50
    while True:
        try:
            return opened.enter_context(owning(settings))
        except Conflict as taken:
            tries -= 1
            if taken.code != "database_in_use" or not tries:
                raise
        time.sleep(0.02)


def seeded_opener(settings: Settings, clock: Clock, seed: int) -> Opener:
    """Opens a desk whose whole course repeats with the seed."""

    def opener(wrap: Callable[[Store], Store]) -> OpenDesk:
        return _SeededDesk(settings, clock, seed, wrap)

    return opener


def must_be_fresh(reader: Reader) -> None:
    """Raises Conflict(object_exists) for a database that somebody has begun to use."""
    if reader.rows("SELECT 1 FROM parties LIMIT 1"):
        raise Conflict("object_exists", "a market of its own is opened, which needs an empty database", "database")


def day_of(moment: int) -> str:
    """The calendar day of a moment (µs), YYYY-MM-DD, in UTC."""
    return datetime.fromtimestamp(moment // 1_000_000, UTC).date().isoformat()


def open_bank(opening: int) -> Bank:
    """The sandbox's bank, with the custody accounts open and empty from the day before the market opens."""
    bank = Bank()
    for currency, number in ACCOUNTS.items():
        bank.open_account(number, currency, on=day_of(opening - DAY))
    return bank


def founding(
    market: Market, vault: Vault, mode: str, book: bytes = preset_text(DEFAULT)
) -> Iterator[Sequence[Request]]:
    """The requests that open the books, round by round: parties first, then what needs them, as the policy book."""
    actor = "sandbox"
    parties = [
        _party(vault, HOUSE, "operator", "US", HOUSE_DETAILS),
        _party(vault, market.host, "merchant", "US", HOUSE_DETAILS, settle_currency="USD"),
        _party(vault, market.stranger, "merchant", "US", _STRANGER, settle_currency="USD"),
    ]
    parties += [
        _party(
            vault,
            shop.id,
            "merchant",
            {"EUR": "DE", "GBP": "GB"}.get(shop.settle_currency, "US"),
            shop.details,
            settle_currency=shop.settle_currency,
            commission_bps=COMMISSION_BPS,
            commission_cap=COMMISSION_CAP,
            commission_currency="USD",
        )
        for shop in market.shops
    ]
    parties += [
        _party(vault, partner.id, "merchant", "US", partner.details, settle_currency="USD")
        for partner in (market.carrier, *market.affiliates)
    ]
    parties += [
        _party(vault, buyer.id, "customer", "CN", Details(name=buyer.name), settle_currency=buyer.currency)
        for buyer in market.buyers
    ]
    yield [ask("parties.create", command, actor, f"party/{command.party.hex()}") for command in parties]
    further: list[tuple[str, Any]] = [("policies.publish", PublishBook(book))]
    further += [
        ("custody.open_account", OpenAccount(number, HOUSE_DETAILS.name, currency, mode))
        for currency, number in ACCOUNTS.items()
    ]
    further += [
        ("consents.give", GiveConsent(buyer.id, market.host, buyer.currency, CONSENT_CEILING))
        for buyer in market.buyers
        if buyer.regular
    ]
    yield [ask(verb, command, actor, f"open/{n}") for n, (verb, command) in enumerate(further)]


def _party(vault: Vault, key: Id, kind: str, country: str, details: Details, **terms: Any) -> CreateParty:
    wrapped = vault.new_key(key)
    sealed = vault.seal(wrapped, key, details)
    return CreateParty(key, kind, country, wrapped, sealed, payee_check=payee_check(details), **terms)


def keep_clock(driver: Driver, clock: Clock, wall: Clock) -> None:
    """Remember how far the market clock is from the wall clock, so that the service goes on where this ends."""
    request = ask("clock.set_offset", SetOffset(clock() - wall()), "sandbox", "clock")
    driver.done([Request(request.verb, request.command, request.actor, request.request)])


def write_settings(settings: Settings) -> None:
    """Write the data directory's settings file, so that `handfast serve --data` needs no more to be told."""
    lines = [f'market = "{settings.market}"', f"port = {settings.port}", "allow_private_webhooks = true"]
    if settings.database:
        lines.append(f"database = {json.encode(settings.database).decode()}")
    if settings.ledger:
        lines.append(f"ledger = {json.encode(settings.ledger).decode()}")
    (settings.data / FILE).write_text("\n".join(lines) + "\n")
