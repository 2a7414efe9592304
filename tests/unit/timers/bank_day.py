"""A market with a bank: what the clerk of one day has on the desk, names and account numbers sealed for real."""

from collections.abc import Sequence
from typing import Any

from tests.conftest import Engine
from tests.unit.domain.bank_side import open_reader, person
from tests.unit.domain.conftest import Market

from handfast.core.clocks import DAY
from handfast.core.ids import Id
from handfast.domain.custody import Equation, OpenAccount, equation
from handfast.domain.parties import CreateParty, Details, Vault, payee_check
from handfast.domain.payouts import ApproveFile, payouts_of_file
from handfast.domain.topups import CreateTopup, Topup
from handfast.sandbox.bank import Bank
from handfast.store.verb import Answer, Request
from handfast.timers.clerk import Clerk
from handfast.timers.payout_files import prepare_payout_file, read_payout_file

CUSTODY = {"USD": "CH9300762011623852957", "CNY": "GB82WEST12345698765432", "EUR": "DE89370400440532013000"}
SHOP_IBAN = "NL91ABNA0417164300"
BUYER_IBAN = "FR1420041010050500013M02606"
BUYER, SHOP = "Fang Wang", "Bakery at the Corner"
MONDAY, TUESDAY, WEDNESDAY = "2014-10-27", "2014-10-28", "2014-10-29"


class BankDay(Market):
    """A market whose custody accounts are open at the sandbox's bank."""

    vault = Vault(bytes(32))

    def __init__(self, engine: Engine, currencies: Sequence[str] = ("USD", "CNY", "EUR")) -> None:
        super().__init__(engine)
        self.reader = open_reader(engine)
        self.bank = Bank()
        for currency in currencies:
            self.bank.open_account(CUSTODY[currency], currency, on=MONDAY)
            self.do(OpenAccount(CUSTODY[currency], "Handfast client money", currency, "simulation"))

    def party(self, kind: str, key: Id | None = None, **details: Any) -> Id:
        """A new party, its details sealed under a key of its own."""
        owner = key or self.ids(self.now)
        wrapped = self.vault.new_key(owner)
        known = Details(**{"name": SHOP if kind == "merchant" else BUYER, "iban": SHOP_IBAN} | details)
        country = "CN" if kind == "customer" else "NL"
        sealed = self.vault.seal(wrapped, owner, known)
        self.do(CreateParty(owner, kind, country, wrapped, sealed, payee_check=payee_check(known)))
        return owner

    def pay_file(self, currency: str) -> bytes:
        """The bank file of all payouts in a currency, prepared by one person and approved by another."""
        report = prepare_payout_file(currency, person(self), self.clerk())
        assert report.file is not None
        self.approve(report.file)
        return read_payout_file(report.file, self.clerk())

    def approve(self, file: Id) -> None:
        """Somebody approves a file that somebody else prepared."""
        payouts = tuple(payout.id for payout in payouts_of_file(self.reader, file))
        self.do(ApproveFile(file, person(self, "lead"), payouts))

    def topup(self, party: Id, currency: str, amount: int = 0) -> Topup:
        """An announced top-up."""
        topup: Topup = self.do(CreateTopup(party, currency, amount))
        return topup

    def deposit(self, currency: str, amount: int, text: str, on: str = MONDAY, **more: str) -> None:
        """Somebody pays into a custody account."""
        self.bank.deposit(CUSTODY[currency], amount, on=on, remittance=text, name=BUYER, account=BUYER_IBAN, **more)

    def statement(self, currency: str, on: str = MONDAY) -> bytes:
        """The day's statement."""
        return self.bank.statement(CUSTODY[currency], on, created=self.now)

    def hand(self, requests: Sequence[Request]) -> Sequence[Answer]:
        """What hands requests to the desk."""
        return self.desk.run(requests)

    def clerk(self, hand: Any = None) -> Clerk:
        """Somebody who does the paperwork now."""
        return Clerk(self.reader, hand or self.hand, self.vault, now=self.now, actor="test", request=self.ids(self.now))

    def equation(self, currency: str) -> Equation:
        """The custody equation of a currency, which holds at any time."""
        (found,) = (each for each in equation(self.reader) if each.currency == currency)
        assert found.difference == 0
        return found

    def next_day(self) -> None:
        """Let a day pass."""
        self.now += DAY

    def rows(self, table: str) -> list[tuple[Any, ...]]:
        """Everything in a table."""
        return self.reader.rows(f"SELECT * FROM {table} ORDER BY 1")
