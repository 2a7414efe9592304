"""The bank and the clerk: what customers send, files carried there, statements that come in any order or twice."""

from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Any

from tests.simulation.history import must
from tests.simulation.scene import Deed, Scene
from tests.simulation.town import ACCOUNTS, FUNDS

from handfast.core.errors import Refusal
from handfast.core.ids import Id
from handfast.domain.exchange import DEALS
from handfast.domain.payouts import PAYOUT_FILES, ApproveFile, RejectFile, payouts_of_file
from handfast.domain.topups import TOPUPS
from handfast.sandbox.bank import Bank
from handfast.sandbox.bank_files import Transaction
from handfast.sandbox.opening import day_of
from handfast.store.reader import find
from handfast.timers.clerk import Clerk
from handfast.timers.payout_files import prepare_payout_file, read_payout_file
from handfast.timers.reconcile import import_statement

_OUT = {"balance_insufficient", "payout_file_invalid"}


class Bankers:
    """Keeps the bank's own books. What the clerk does may die on the way, and is done again from its beginning."""

    def __init__(self, bank: Bank, today: str, dice: Random, happened: Callable[[str], None]) -> None:
        self.bank = bank
        self.statements: list[tuple[str, bytes]] = []
        self.imported: set[int] = set()
        self.paid: Counter[str] = Counter()
        self._dice = dice
        self._happened = happened
        self._today = today
        self._carried: set[Id] = set()
        self._dealt: set[Id] = set()
        self._booked: set[str] = set()

    def day(self, now: int) -> str:
        """The bank's day, which never goes back; at its end there is a statement of each account that moved."""
        today = max(self._today, day_of(now))
        if today != self._today:
            for currency in sorted(self._booked):
                data = self.bank.statement(ACCOUNTS[currency], self._today, created=now)
                self.statements.append((currency, data))
            self._booked.clear()
            self._today = today
        return today

    def receive(self, scene: Scene) -> None:
        """Somebody sends money: under a reference, under none, or under two; sometimes the bank takes a fee."""
        today = self.day(scene.now)
        topup = scene.some(TOPUPS)
        currency = topup.currency if topup else scene.one(*FUNDS)
        text = topup.reference if topup and scene.often(0.85) else "for the cup"
        if topup and scene.often(0.05):
            other = scene.some(TOPUPS)
            text += f" {other.reference}" if other else ""
        if scene.often(0.05):
            currency = scene.one(*FUNDS)
        amount = topup.amount if topup and topup.amount > 0 and scene.often(0.7) else 1 + scene.below(50_000)
        number = ACCOUNTS[currency]
        if scene.often(0.05):
            fee = Transaction(-1 - scene.below(50), "", "The bank", "", "fee")
            self.bank._book(number, today, "PMNT-MCOP-COMM", (fee,))
        else:
            amount = min(amount, 10**9)
            self.bank.deposit(number, amount, on=today, remittance=text, name="Canary", account=ACCOUNTS["EUR"])
        self._booked.add(currency)

    def prepare(self, scene: Scene, clerk: Clerk) -> None:
        """A handler gathers payouts into a file."""
        currencies = scene.reader.rows(
            "SELECT DISTINCT currency FROM payouts WHERE state IN ('requested', 'ordered') ORDER BY 1"
        )
        if currencies:
            (currency,) = scene.one(*currencies)
            try:
                prepare_payout_file(currency, scene.handler(), clerk, limit=scene.one(1, 2, 1000))
            except Refusal as no:
                must(no.code != "internal", "D1", no)

    def decide(self, scene: Scene) -> list[Deed]:
        """A second person, or the first, approves or rejects a file."""
        file = scene.some(PAYOUT_FILES, "prepared")
        if file is None:
            return []
        payouts = tuple(payout.id for payout in payouts_of_file(scene.reader, file.id))
        if scene.often(0.85):
            others = [handler for handler in scene.town.handlers if handler != file.prepared_by]
            handler = scene.one(*others) if scene.often(0.9) else file.prepared_by
            return [Deed("payouts.approve_file", ApproveFile(file.id, handler, payouts), "handler")]
        return [Deed("payouts.reject_file", RejectFile(file.id, scene.handler(), payouts, "no"), "handler")]

    def carry(self, scene: Scene, clerk: Clerk) -> None:
        """An approved file is carried to the bank, which executes it; some payments come back."""
        today = self.day(scene.now)
        for file in find(scene.reader, PAYOUT_FILES, "state = 'approved' ORDER BY id"):
            if file.id in self._carried:
                continue
            data = read_payout_file(file.id, clerk)
            try:
                bookings = self.bank.execute(data, on=today)
            except Refusal as no:
                must(no.code in _OUT, "B11", f"the bank refuses a file: {no}")
                continue
            self._carried.add(file.id)
            self._booked.add(file.currency)
            self.paid.update(item.end_to_end_id for booking in bookings for item in booking.transactions)

    def give_back(self, scene: Scene) -> None:
        """A payment that was booked comes back from the other bank."""
        today = self.day(scene.now)
        rows = scene.reader.rows(
            "SELECT end_to_end, currency FROM payouts WHERE state = 'paid' ORDER BY id DESC LIMIT 9"
        )
        if rows:
            end_to_end, currency = scene.one(*rows)
            try:
                self.bank.give_back(ACCOUNTS[currency], end_to_end, on=today)
            except Refusal:
                return
            self._booked.add(currency)

    def exchange(self, scene: Scene) -> None:
        """The bank books a deal that was agreed, if there is the money."""
        today = self.day(scene.now)
        deal = scene.some(DEALS, "agreed")
        if deal is None or deal.id in self._dealt:
            return
        try:
            self.bank.exchange(
                ACCOUNTS[deal.sell_currency],
                deal.sell_amount,
                ACCOUNTS[deal.buy_currency],
                deal.buy_amount,
                on=today,
                reference=deal.reference,
            )
        except Refusal:
            return
        self._dealt.add(deal.id)
        self._booked |= {deal.sell_currency, deal.buy_currency}

    def import_one(self, clerk: Clerk) -> None:
        """Some statement comes in: the next, a later one first, or one that was there before."""
        if not self.statements:
            return
        fresh = [n for n in range(len(self.statements)) if n not in self.imported]
        again = not fresh or self._dice.random() < 0.2
        self.take(self._dice.randrange(len(self.statements)) if again else self._dice.choice(fresh[:3]), clerk)

    def take(self, number: int, clerk: Clerk) -> None:
        """Import a statement; it is over when the report says so."""
        if number in self.imported:
            self._happened("statement_again")
        report = import_statement(self.statements[number][1], clerk)
        if all(each.outcome in ("recorded", "recorded before") for each in report.statements):
            self.imported.add(number)

    def moved(self, currency: str) -> Counter[int]:
        """The amounts of all that the bank ever booked in a currency."""
        account: Any = self.bank._accounts[ACCOUNTS[currency]]
        return Counter(item.amount for booking in account.bookings for item in booking.transactions)
