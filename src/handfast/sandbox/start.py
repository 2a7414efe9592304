"""A sandbox of one's own: a data directory with a small market, funded wallets, and keys to everything."""

from contextlib import closing
from pathlib import Path
from shutil import rmtree

from msgspec.structs import replace

from handfast.app import database, make_directory, resolve
from handfast.core.clocks import DAY, HOUR, Clock, MarketClock
from handfast.core.errors import Invalid
from handfast.core.ids import entropy
from handfast.core.settings import Settings, read_master_key
from handfast.domain.parties import Vault
from handfast.domain.payments import GiveConsent
from handfast.domain.topups import CreateTopup
from handfast.sandbox import alipay, antom, keys
from handfast.sandbox.bankday import BankDay
from handfast.sandbox.driver import Driver, ask
from handfast.sandbox.faults import Faults
from handfast.sandbox.market import OPENING, Buyer, Market, people
from handfast.sandbox.opening import founding, keep_clock, must_be_fresh, open_bank, seeded_opener, write_settings
from handfast.store.verb import Request

SHOPS = BUYERS = 5
FUNDS = {"CNY": 1_000_000_00, "USD": 200_000_00}
"""What each buyer's wallets hold, in minor units."""
CEILING = 10_000_00


def must_be_empty(directory: Path) -> None:
    """Raises Invalid(settings_invalid) for a directory with anything in it, or what is none."""
    if directory.exists() and not directory.is_dir():
        raise Invalid("settings_invalid", f"{directory} is not a directory", "data")
    if directory.exists() and any(directory.iterdir()):
        raise Invalid("settings_invalid", f"{directory} is not empty: begin with an empty directory", "data")


def start(settings: Settings, wall: Clock) -> Path:
    """Make the sandbox in an empty directory; the path of its sandbox.json. What fails leaves the directory empty.

    Raises Invalid(settings_invalid), Conflict(object_exists) for a database in use.
    """
    must_be_empty(settings.data)
    make_directory(settings.data)
    try:
        told = _make(resolve(settings), wall)
    except BaseException:
        for path in settings.data.iterdir():
            rmtree(path) if path.is_dir() else path.unlink()
        raise
    write_settings(settings)
    return keys.write(told, settings.data)


def _make(settings: Settings, wall: Clock) -> keys.Keys:
    seed = int.from_bytes(entropy(7), "big")
    clock = MarketClock(lambda: 0, OPENING - DAY + 12 * HOUR)
    opener = seeded_opener(settings, clock, seed)
    read = database(settings.database_url).read
    with closing(Driver(opener, read, Faults(seed, crashes=False, copies=False))) as driver:
        must_be_fresh(driver.reader)
        vault = Vault(read_master_key(settings))
        market = people(seed, SHOPS, BUYERS)
        for requests in founding(market, vault, "simulation"):
            driver.done(requests)
        seller = alipay.seller(seed)
        alipay.take_in(driver, vault, seller)
        _fund(seed, market, seller, driver, vault, clock)
        driver.done(_consents(market))
        told = keys.hand_out(driver, market, vault, settings.host, settings.port)
        users = (market.buyers[0].id, market.buyers[1].id)
        app = alipay.hand_out(driver, settings, vault, seller, users, told.base_url, wall)
        clients = antom.hand_out(driver, settings, vault, seed, told.base_url)
        told = replace(told, alipay=app, antom=clients)
        keep_clock(driver, clock, wall)
    return told


def _fund(seed: int, market: Market, seller: alipay.Seller, driver: Driver, vault: Vault, clock: MarketClock) -> None:
    """Let everybody's money come by bank transfer, the operator's first, and be read from the next day's statement."""
    office = BankDay(seed, market, driver, open_bank(OPENING), vault)
    office.prefund(clock())
    senders: list[tuple[Buyer | alipay.Seller, str, int]] = [
        (buyer, currency, amount) for buyer in market.buyers for currency, amount in FUNDS.items()
    ]
    senders.append((seller, "CNY", alipay.FUNDS))
    requests = [
        ask("topups.create", CreateTopup(who.id, currency, amount), "sandbox", f"fund/{who.id.hex()}/{currency}")
        for who, currency, amount in senders
    ]
    for (who, _, _), topup in zip(senders, driver.done(requests), strict=True):
        office.deposit(topup, topup.reference, who.name, who.account, clock())
    office.close(clock())
    clock.advance_to(OPENING + 9 * HOUR)
    office.read_statements(0, clock())


def _consents(market: Market) -> list[Request]:
    """All buyers but the last let the market charge them, so that a first payment needs no more than one request."""
    return [
        ask("consents.give", GiveConsent(buyer.id, market.host, "USD", CEILING), "sandbox", f"consent/{buyer.id.hex()}")
        for buyer in market.buyers[:-1]
    ]
