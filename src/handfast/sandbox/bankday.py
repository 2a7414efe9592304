"""The market's dealings with its bank: top-ups, statements, deals that close positions, payouts and returns."""

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence

from handfast.core.errors import Invalid, Refusal
from handfast.core.ids import Id, account_id, digest_id, text
from handfast.domain.custody import BANK_LINES, Equation, equation
from handfast.domain.exchange import AgreeDeal, rate
from handfast.domain.parties import HOUSE, AcceptPayee, CreateClient, Vault
from handfast.domain.payouts import (
    ApproveFile,
    RejectFile,
    RequestPayout,
    SetPlan,
    SweepPayout,
    payable,
    payouts_of_file,
)
from handfast.domain.receivables import WriteOffReceivable, outstanding
from handfast.domain.topups import CreateTopup, Topup
from handfast.ledger import Purpose
from handfast.ledger.journal import balances_of
from handfast.sandbox.bank import Bank
from handfast.sandbox.dice import Dice
from handfast.sandbox.driver import Driver, ask
from handfast.sandbox.faults import PromiseBroken
from handfast.sandbox.market import Buyer, Market, iban
from handfast.sandbox.opening import ACCOUNTS, HOUSE_DETAILS, day_of
from handfast.store.reader import get
from handfast.store.verb import Answer, Request
from handfast.timers.clerk import Clerk
from handfast.timers.payout_files import prepare_payout_file, read_payout_file
from handfast.timers.reconcile import ImportReport, import_statement, line_details, resolve

STATEMENT_TWICE = "statement_twice"
LINE_MISSING = "statement_with_a_line_missing"
LINE_DOUBLED = "statement_with_a_line_doubled"
FOREIGN_ACCOUNT = "statement_of_a_foreign_account"
DAMAGES = {
    LINE_MISSING: "statement_unbalanced",
    LINE_DOUBLED: "statement_unbalanced",
    FOREIGN_ACCOUNT: "statement_foreign_account",
}
"""Statements that must be refused whole, and the code of the refusal."""
REFERENCE_WRONG = "topup_with_a_wrong_reference"
REFERENCE_MISSING = "topup_without_reference"
PAYOUT_RETURNED = "payout_returned"
FILE_REJECTED = "payout_file_rejected"

PREFUNDING = {"CNY": 200_000_00, "EUR": 60_000_00, "GBP": 60_000_00, "USD": 400_000_00}
"""The operator's own money, so that what it owes in a currency is there before its deals are settled."""

_LOW_WATER = 5_000_00
_LONGEST_SHORT = 1_000_00
_SMALLEST_PAYOUT = 20_00
_FRIDAY = 5


class BankDay:
    """Plays the operator's back office, the buyers' banks, and who is paid out when; `watch` is shown each file."""

    def __init__(
        self,
        seed: int,
        market: Market,
        driver: Driver,
        bank: Bank,
        vault: Vault,
        watch: Callable[[bytes], None] = lambda _data: None,
    ) -> None:
        self._seed = seed
        self._market = market
        self._driver = driver
        self._bank = bank
        self._vault = vault
        self._watch = watch
        self._asked = 0
        self._topped_up: dict[Id, int] = {}
        self._senders = {buyer.account: buyer.id for buyer in market.buyers}
        self._open: list[Id] = []
        self._returns: dict[int, list[tuple[str, str]]] = defaultdict(list)
        self._statements: dict[str, bytes] = {}
        self._maker = self._checker = HOUSE
        self._planned: set[Id] = set()
        self.faults: Counter[str] = Counter()
        self.files: list[bytes] = []

    def hire(self) -> None:
        """Let two persons act for the operator: who prepares payout files, and who approves them.

        They come by no key: no secret is known whose digest is zero.
        """
        self._maker, self._checker = (
            client.id
            for client in self._driver.done(
                [
                    ask("clients.create", CreateClient(HOUSE, name, bytes(32), "operate"), "sandbox", f"hire/{name}")
                    for name in ("payments clerk", "payments lead")
                ]
            )
        )

    def clerk(self, now: int) -> Clerk:
        """A clerk at a moment of market time; what it asks gets keys, so a crash makes nothing happen twice."""
        request = digest_id(b"clerk", self._asked.to_bytes(8, "big"))
        return Clerk(self._driver.reader, self._hand, self._vault, now=now, actor="operator", request=request)

    def _hand(self, requests: Sequence[Request]) -> list[Answer]:
        keyed: list[Request] = []
        for request in requests:
            self._asked += 1
            keyed.append(ask(request.verb, request.command, request.actor, f"clerk/{self._asked}"))
        return self._driver.run(keyed)

    def prefund(self, now: int) -> None:
        """The operator lends the market its own money, by transfer like anybody else."""
        topups = [
            ask("topups.create", CreateTopup(HOUSE, currency, amount), "operator", f"prefund/{currency}")
            for currency, amount in PREFUNDING.items()
        ]
        for topup in self._driver.done(topups):
            self.deposit(topup, topup.reference, HOUSE_DETAILS.name, HOUSE_DETAILS.account, now)

    def deposit(self, topup: Topup, remittance: str, name: str, account: str, now: int) -> None:
        """Let money be sent for a top-up, with that text on the transfer."""
        self._bank.deposit(
            ACCOUNTS[topup.currency], topup.amount, on=day_of(now), remittance=remittance, name=name, account=account
        )

    def read_statements(self, day: int, now: int) -> None:
        """Book the statements of the day before; sometimes a damaged copy comes first, sometimes the same twice."""
        waiting, self._open = self._open, []
        for line in waiting:
            self._resolve(line, day, now)
        for number, data in self._statements.items():
            dice = Dice(self._seed, "statement", day, number)
            if b"<Ntry>" in data and dice.chance(120):
                self._read_damaged(number, data, dice.pick(tuple(DAMAGES)), now)
            report = self._read(data, now)
            self._open += [line.line for line in report.suspense if line.amount > 0]
            if report.refused or any(statement.outcome != "recorded" for statement in report.statements):
                raise PromiseBroken(f"a right statement was refused: {report}")
            if dice.chance(80):
                again = self._read(data, now)
                self.faults[STATEMENT_TWICE] += 1
                if again.booked_before != report.lines or again.matched or again.suspense:
                    raise PromiseBroken(f"the same statement counted twice: {again}")
        self._statements = {}
        self._confirm_accounts(day)

    def _confirm_accounts(self, day: int) -> None:
        """Whose payout came back is asked for the account; it was right, and the lead accepts it."""
        returned = self._driver.reader.rows("SELECT id FROM parties WHERE payee_check = 'returned' ORDER BY id")
        words = "Holder and bank were asked: the account is open again"
        self._driver.done(
            [
                ask(
                    "parties.accept_payee",
                    AcceptPayee(party, self._checker, words),
                    "operator",
                    f"accept/{day}/{party.hex()}",
                )
                for (party,) in returned
            ]
        )

    def _read(self, data: bytes, now: int) -> ImportReport:
        try:
            return import_statement(data, self.clerk(now))
        finally:
            self._watch(data)

    def _read_damaged(self, number: str, data: bytes, damage: str, now: int) -> None:
        self.faults[damage] += 1
        try:
            self._read(_damaged(number, data, damage), now)
        except Invalid as no:
            if no.code != DAMAGES[damage]:
                raise
        else:
            raise PromiseBroken(f"{damage}: it was booked all the same")

    def _resolve(self, line: Id, day: int, now: int) -> None:
        """The day after, the operator asks the sender's bank whose money it is; a few cases stay open to the end."""
        clerk = self.clerk(now)
        row = get(self._driver.reader, BANK_LINES, line)
        details = line_details(row, clerk) if row else None
        if details is not None and Dice(self._seed, "resolve", day, line.hex()).chance(800):
            resolve(line, self._senders[details.account], clerk)

    def top_up(self, day: int, now: int) -> None:
        """Buyers who run low send money, with the reference that they were given, or with what they made of it."""
        low = self._running_low(day)
        asked = [
            ask(
                "topups.create",
                CreateTopup(buyer.id, buyer.currency, self._amount(buyer, day)),
                text("pty", buyer.id),
                f"topup/{day}/{buyer.id.hex()}",
            )
            for buyer in low
        ]
        for buyer, topup in zip(low, self._driver.done(asked), strict=True):
            dice = Dice(self._seed, "reference", day, buyer.id.hex())
            remittance = topup.reference
            if dice.chance(20):
                self.faults[REFERENCE_WRONG] += 1
                swapped = "7" if remittance[5] != "7" else "3"
                remittance = remittance[:5] + swapped + remittance[6:]
            elif dice.chance(15):
                self.faults[REFERENCE_MISSING] += 1
                remittance = "shopping money"
            self.deposit(topup, remittance, buyer.name, buyer.account, now)
            self._topped_up[buyer.id] = day

    def _amount(self, buyer: Buyer, day: int) -> int:
        amount = Dice(self._seed, "amount", day, buyer.id.hex()).between(60, 200) * 100_00
        return amount if buyer.currency == "CNY" else amount // 6

    def _running_low(self, day: int) -> list[Buyer]:
        wallets = {account_id(buyer.id, Purpose.WALLET, buyer.currency): buyer for buyer in self._market.buyers}
        balances = self._balances(list(wallets))
        return [
            buyer
            for wallet, buyer in wallets.items()
            if balances.get(wallet, 0) < (_LOW_WATER if buyer.currency == "CNY" else _LOW_WATER // 6)
            and self._topped_up.get(buyer.id, -9) < day - 2
        ]

    def _balances(self, accounts: list[Id]) -> dict[Id, int]:
        """What the accounts' owners can spend."""
        found: dict[Id, int] = {}
        for start in range(0, len(accounts), 500):
            some = accounts[start : start + 500]
            marks = ", ".join("?" * len(some))
            sql = f"SELECT id, credits_posted - debits_posted - debits_pending FROM accounts WHERE id IN ({marks})"
            found.update(dict(self._driver.reader.rows(sql, some)))
        return found

    def plan(self) -> None:
        """Two shops of three are paid out by plan, each day, week or month, and so is who has a share in others' sales.

        The rest ask by hand.
        """
        asked = [
            ask("payouts.plan", SetPlan(party, party, currency, *every), text("pty", party), f"plan/{party.hex()}")
            for party, currency, every in self._plans()
        ]
        self._planned = {plan.party for plan in self._driver.done(asked)}

    def _plans(self) -> list[tuple[Id, str, tuple[str, int, int]]]:
        weekly = ("week", _FRIDAY, _SMALLEST_PAYOUT)
        plans = [(shop.id, shop.settle_currency, weekly) for shop in self._market.shops[2::3]]
        plans += [(shop.id, shop.settle_currency, ("day", 0, _SMALLEST_PAYOUT)) for shop in self._market.shops[1::3]]
        plans.append((self._market.host, "USD", ("month", 31, 0)))
        return [*plans, *((each.id, "USD", weekly) for each in (self._market.carrier, *self._market.affiliates))]

    def ask_payouts(self, day: int) -> None:
        """Shops without a plan ask for what they have earned, and the operator for its commission."""
        reader = self._driver.reader
        requests = []
        for shop in self._market.shops:
            amount = payable(balances_of(reader, shop.id), shop.settle_currency)
            if shop.id not in self._planned and amount >= _SMALLEST_PAYOUT:
                command = RequestPayout(shop.id, shop.settle_currency, amount)
                requests.append(ask("payouts.request", command, text("pty", shop.id), f"payout/{day}/{shop.id.hex()}"))
        commission = account_id(HOUSE, Purpose.COMMISSION, "USD")
        earned = self._balances([commission]).get(commission, 0)
        if earned >= _SMALLEST_PAYOUT:
            sweep = SweepPayout(Purpose.COMMISSION, "USD", earned)
            requests.append(ask("payouts.sweep", sweep, "operator", f"sweep/{day}"))
        self._driver.done(requests)

    def write_off(self) -> None:
        """Give up what cannot be had any more: the debt of the shop that closed, else the smallest there is."""
        owed = outstanding(self._driver.reader)
        closed = self._market.closing.id if self._market.closing else None
        if not owed:
            return
        lost = min(owed, key=lambda each: (each.party != closed, each.amount, each.party))
        words = "Closed, and does not answer" if lost.party == closed else "Too little to ask for"
        command = WriteOffReceivable(self._checker, lost.party, lost.currency, lost.amount, words)
        self._driver.done([ask("receivables.write_off", command, "operator", "write off")])

    def pay_out(self, day: int, now: int) -> None:
        """Have a bank file prepared, approved and executed for each currency; a few payments come back days later."""
        for currency, number in ACCOUNTS.items():
            file = self._prepare(currency, now)
            if file is not None and Dice(self._seed, "reject", day, currency).chance(100):
                self._decide("reject", file, day)
                self.faults[FILE_REJECTED] += 1
                file = self._prepare(currency, now)
            if file is None:
                continue
            self._decide("approve", file, day)
            data = read_payout_file(file, self.clerk(now))
            self.files.append(data)
            for booking in self._bank.execute(data, on=day_of(now)):
                end_to_end = booking.transactions[0].end_to_end_id
                dice = Dice(self._seed, "return", end_to_end)
                if dice.chance(40):
                    self._returns[day + dice.between(1, 3)].append((number, end_to_end))
        for number, end_to_end in self._returns.pop(day, ()):
            self._bank.give_back(number, end_to_end, on=day_of(now))
            self.faults[PAYOUT_RETURNED] += 1

    def _prepare(self, currency: str, now: int) -> Id | None:
        report = prepare_payout_file(currency, self._maker, self.clerk(now))
        if report.left_out:
            raise PromiseBroken(f"payouts were left out: {report.left_out}")
        return report.file

    def _decide(self, verb: str, file: Id, day: int) -> None:
        """The lead looks at what the file orders, and approves it or has it prepared anew."""
        payouts = tuple(payout.id for payout in payouts_of_file(self._driver.reader, file))
        command = (
            ApproveFile(file, self._checker, payouts)
            if verb == "approve"
            else RejectFile(file, self._checker, payouts, "The day's limit was not agreed yet")
        )
        self._driver.done([ask(f"payouts.{verb}_file", command, "operator", f"{verb}/{day}/{file.hex()}")])

    def close_positions(self, day: int, now: int) -> list[Equation]:
        """Agree with the bank on what closes the short positions, at the day's rate; the equation before that."""
        equations = equation(self._driver.reader)
        positions = {item.currency: item.fx_position for item in equations}
        for currency in sorted(positions):
            short = -positions[currency]
            if short < _LONGEST_SHORT:
                continue
            other = max(positions, key=lambda code: (positions[code], code))
            numerator, denominator, _ = rate(currency, other, now)
            cost = -(-short * numerator // denominator)
            deal = AgreeDeal(other, cost, currency, short, f"FX-{day_of(now)}-{currency}")
            try:
                self._bank.exchange(
                    ACCOUNTS[other], cost, ACCOUNTS[currency], short, on=day_of(now), reference=deal.reference
                )
            except Refusal as no:
                if no.code != "balance_insufficient":
                    raise
                continue
            self._driver.done([ask("deals.agree", deal, "operator", f"deal/{day}/{currency}")])
            positions[other] -= cost
        return equations

    def close(self, now: int) -> None:
        """The bank closes its day: from now on the day's statements are out."""
        self._statements = {
            number: self._bank.statement(number, day_of(now), created=now) for number in ACCOUNTS.values()
        }


def _damaged(number: str, data: bytes, damage: str) -> bytes:
    start, end = data.find(b"<Ntry>"), data.find(b"</Ntry>") + len(b"</Ntry>")
    match damage:
        case "statement_with_a_line_missing":
            return data[:start] + data[end:]
        case "statement_with_a_line_doubled":
            return data[:end] + data[start:end] + data[end:]
        case _:
            return data.replace(number.encode(), iban("FR", "20041010050500013M02606").encode())
