"""The town that every seed begins with: parties, policies, accounts and first money, opened once and then copied."""

import atexit
import copy
import shutil
import tempfile
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from msgspec import Struct, json
from msgspec.structs import replace
from tests.simulation.machine import START, VAULT, Machine, Office, quiet
from tests.unit.domain.policy_books import days, policy, reserve, step
from tests.unit.domain.quarrel import PLAIN, silent

from handfast.app import VERBS
from handfast.core.clocks import DAY
from handfast.core.ids import Id
from handfast.domain.custody import OpenAccount
from handfast.domain.parties import HOUSE, CreateClient, CreateParty, Details, payee_check
from handfast.domain.payments import GiveConsent
from handfast.domain.policies import Book, Policy, PublishBook, Rule, digest_of, preset
from handfast.domain.topups import CreateTopup
from handfast.sandbox.bank import Bank
from handfast.sandbox.market import iban
from handfast.sandbox.opening import day_of
from handfast.store.migrate import migrate
from handfast.store.verb import Request, Verb
from handfast.timers.clerk import Clerk
from handfast.timers.reconcile import import_statement

FUNDS = {"USD": 1_000_000, "CNY": 5_000_000, "IDR": 2_000_000_000, "JPY": 1_000_000, "KWD": 100_000, "EUR": 400_000}
"""What each buyer begins with; there is no reference rate for the dinar."""

ACCOUNTS = {currency: iban("DE", f"50010000{n:010}") for n, currency in enumerate(FUNDS, 8_201_410_28)}
"""The custody account of each currency at the bank."""

SELLERS: tuple[dict[str, Any], ...] = (
    {"commission_bps": 350, "commission_cap": 40, "commission_currency": "USD"},
    {"commission_bps": 1_111, "settle_currency": "EUR"},
    {"commission_bps": 10_000},
    {"commission_bps": 3_333, "settle_currency": "JPY"},
    {"settle_currency": "USD"},
)
KINDS = {
    "auto": policy("auto", ship=step(3, "extend", 2, "refund"), confirm=step(2, "refund")),
    "virtual": policy("virtual", reserve=reserve(1_000, 7)),
    "express": policy("express", confirm_delivered=days(2), reserve=reserve(3_333, 30)),
    "surface": policy("surface", confirm=step(3, "extend", 1, "release")),
    "service": policy("service", milestones=(3_333, 3_333, 3_334), reserve=reserve(1_000, 7)),
}
"""A policy for each delivery kind."""

SILENCES = {
    "answer": ("refund", "close", "dispute"),
    **dict.fromkeys(("revise", "accept", "send_back"), ("close", "dispute")),
    **dict.fromkeys(("ship", "receive"), ("refund", "dispute")),
    "confirm": ("release", "refund", "dispute"),
    "decide": ("release", "refund"),
}
POLICIES: tuple[Policy, ...] = (
    *(preset(name).policies[0] for name in ("taobao", "amazon-like", "services", "ebay-like")),
    *KINDS.values(),
    *(
        replace(silent(step, silence), name=f"own-{step}-{silence}".replace("_", "-"))
        for step, silences in SILENCES.items()
        for silence in silences
    ),
    replace(PLAIN, name="four-eyes", disputing=replace(PLAIN.disputing, second_eyes={"*": 100})),
)
BOOK = json.encode(
    Book(
        POLICIES,
        (
            *(Rule(each.name, category=each.name) for each in POLICIES),
            *(Rule(kind, delivery=kind) for kind in KINDS),
            Rule("four-eyes"),
        ),
    )
)


class Town(Struct):
    """Who lives here (parties, and the house's API clients), the bank, and the database's file to copy."""

    template: Path
    bank: Bank
    buyers: list[Id]
    sellers: list[Id]
    carrier: Id
    sink: Id
    handlers: list[Id]
    policies: list[Id]


def by_command() -> dict[Any, Verb]:
    return {verb.command: verb for verb in VERBS.values()}


def person(key: Id, name: str) -> tuple[bytes, bytes, str]:
    """A party's wrapped key, its sealed details with a bank account of its own, and the check of that account."""
    wrapped = VAULT.new_key(key)
    details = Details(
        name=name, email=f"{name}@example.com", iban=iban("DE", f"50010000{int.from_bytes(key[6:10]):010}")
    )
    return wrapped, VAULT.seal(wrapped, key, details), payee_check(details)


def party(key: Id, kind: str, name: str, **terms: Any) -> CreateParty:
    """The command that takes a party in."""
    wrapped, sealed, check = person(key, name)
    return CreateParty(key, kind, "CN" if kind == "customer" else "DE", wrapped, sealed, payee_check=check, **terms)


def opened() -> Town:
    """The town as it is at the beginning; its bank is the caller's own."""
    town = _build()
    return replace(town, bank=copy.deepcopy(town.bank))


@lru_cache(maxsize=1)
def _build() -> Town:
    folder = Path(tempfile.mkdtemp(prefix="handfast-town-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    empty = folder / "empty.db"
    migrate(f"sqlite:///{empty}")
    work = folder / "work"
    work.mkdir()
    with quiet():
        return _open(Machine(work, empty, 0), folder / "template.db")


def _open(machine: Machine, template: Path) -> Town:
    office: Office
    commands = by_command()

    def hand(requests: Sequence[Request]) -> Any:
        return office.desk.run(requests)

    def do(command: Any, name: str = "") -> Any:
        request = Request(name or commands[type(command)].name, command, "town", machine.new_id(machine.wall))
        return office.desk.call(request)

    def settle(kind: str, name: str, **terms: Any) -> Id:
        key = machine.new_id(machine.wall)
        do(party(key, kind, name, **terms))
        return key

    office = Office(machine, lambda store: store, hand, None)
    do(party(HOUSE, "operator", "Handfast House"))
    do(PublishBook(BOOK))
    town = Town(
        template,
        Bank(),
        [settle("customer", f"Canary Buyer {n}") for n in range(3)],
        [settle("merchant", f"Canary Seller {n}", **terms) for n, terms in enumerate(SELLERS)],
        settle("customer", "Canary Carrier"),
        settle("customer", "Canary Sink"),
        [do(CreateClient(HOUSE, f"handler {n}", bytes(32), "operate")).id for n in range(4)],
        [digest_of(each) for each in POLICIES],
    )
    for seller in town.sellers:
        do(GiveConsent(town.buyers[0], seller, "USD", 15_000))
    today = day_of(START)
    for currency, number in ACCOUNTS.items():
        town.bank.open_account(number, currency, on=today)
        do(OpenAccount(number, "Handfast client money", currency, "simulation"))
        for buyer in town.buyers:
            topup = do(CreateTopup(buyer, currency, FUNDS[currency]))
            town.bank.deposit(
                number, FUNDS[currency], on=today, remittance=topup.reference, name="Fang Wang", account=ACCOUNTS["EUR"]
            )
        clerk = Clerk(office.reader, hand, VAULT, now=machine.wall, actor="town", request=machine.new_id(machine.wall))
        import_statement(town.bank.statement(number, today, created=machine.wall + DAY - 1), clerk)
    office.store.connection.wal_checkpoint(mode=3)  # TRUNCATE: the file holds all
    office.close()
    shutil.copyfile(machine.path, template)
    return town
