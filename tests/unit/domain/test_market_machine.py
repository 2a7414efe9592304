"""A market left to chance: after any deeds of buyers, sellers, operator and clock the books follow from the terms."""

import itertools
import shutil
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from tests.conftest import Engine, open_engine
from tests.unit.domain.bank_side import open_custody, person
from tests.unit.domain.books_by_terms import as_told, check_events, check_reserves, expected
from tests.unit.domain.conftest import Market
from tests.unit.domain.policy_books import days, policy, publish, reserve, step

from handfast.core.clocks import DAY
from handfast.core.ids import Id, account_currency, account_id, account_purpose, owner_of
from handfast.domain.exchange import QUOTES, CreateQuote
from handfast.domain.parties import HOUSE, PARTIES, MoveParty
from handfast.domain.payments import (
    PAYMENTS,
    REFUNDS,
    CapturePayment,
    CreatePayment,
    DuePayment,
    EndPayment,
    GiveConsent,
    NewLine,
    Payment,
    PayPayment,
    RefundPayment,
    lines_of,
)
from handfast.domain.payouts import PAYOUTS, CancelPayout, RequestPayout
from handfast.domain.policies import DELIVERIES, POLICIES, policy_of
from handfast.domain.receivables import NetReceivable
from handfast.domain.trades import (
    TRADES,
    ConfirmTrade,
    DeliverTrade,
    DueTrade,
    ReleasePart,
    Share,
    ShipTrade,
    Trade,
    silent_step,
)
from handfast.ledger import FLOORED, Purpose
from handfast.store.table import Row, Table
from handfast.store.verb import Request
from handfast.timers.expire import SILENCE

FUNDS = {"USD": 1_000_000, "CNY": 5_000_000, "IDR": 2_000_000_000, "JPY": 1_000_000, "KWD": 100_000}
"""What each buyer begins with; there is no reference rate for the dinar."""

SELLERS: tuple[dict[str, Any], ...] = (
    {"commission_bps": 350, "commission_cap": 40, "commission_currency": "USD"},
    {"commission_bps": 10_000},
    {"commission_bps": 1, "settle_currency": "EUR"},
    {"commission_bps": 3_333, "settle_currency": "JPY"},
    {"settle_currency": "USD"},
)
POLICIES_IN_FORCE = (
    policy("auto", ship=step(3, "extend", 2, "refund"), confirm=step(2, "refund")),
    policy("virtual", reserve=reserve(1_000, 7)),
    policy("express", confirm_delivered=days(2), reserve=reserve(3_333, 30)),
    policy("surface", confirm=step(3, "extend", 1, "release")),
    policy("service", milestones=(3_333, 3_333, 3_334), reserve=reserve(1_000, 7)),
)
"""One for each delivery kind."""

EXPECTED_REFUSALS = {
    "balance_insufficient",
    "capture_exceeds_authorised",
    "consent_exceeded",
    "consent_missing",
    "field_invalid",
    "held_exceeded",
    "lines_invalid",
    "object_not_found",
    "party_suspended",
    "quote_expired",
    "quote_mismatch",
    "quote_used",
    "rate_unknown",
    "refund_exceeds_captured",
    "state_conflict",
}
Part = tuple[int, bool]
"""How many sevenths, and whether at once."""
currencies = st.sampled_from(sorted(FUNDS))
amounts = st.integers(1, 40) | st.integers(1, 20_000)
which = st.integers(0, 10_000)
at_once = st.sampled_from([True, True, True, False])
manual = st.booleans()
pay_currencies = st.sampled_from([None, "USD", "CNY", "IDR", "JPY", "KWD"])
carts = st.lists(
    st.tuples(which, amounts, st.integers(0, 9), st.integers(0, 3), st.sampled_from(DELIVERIES)), min_size=1, max_size=5
)
OPEN = ("held", "shipped", "delivered")
parts = st.lists(st.tuples(st.sampled_from([0, 1, 2, 3, 4, 7]), at_once), min_size=1, max_size=4)
no_parts: st.SearchStrategy[Sequence[Part]] = st.just(())


def part_of(left: int, sevenths: int) -> int:
    """One unit at least."""
    return max(1, left * sevenths // 7)


def some(table: Table[Any], *states: str) -> Callable[["MarketMachine"], bool]:
    """Whether there is a row, in one of the states where some are named."""
    return lambda machine: bool(machine.rows(table, *states))


class MarketMachine(RuleBasedStateMachine):
    """What the rules see of the market they read from its tables; a deed may wait, to run in one batch with the next.

    `wallets` is what each wallet began with.
    """

    def __init__(self, engine: Engine) -> None:
        super().__init__()
        self.engine = engine
        self.sound = True
        self.waiting: list[Request] = []
        self.wallets: Counter[tuple[Id, str]] = Counter()

    @initialize()
    def open(self) -> None:
        self.market = Market(self.engine)
        publish(self.market, *POLICIES_IN_FORCE, **{kind: kind for kind in DELIVERIES})
        open_custody(self.market, *FUNDS, "EUR")
        self.buyers = [self.market.party("customer") for _ in range(2)]
        self.sellers = [self.market.party("merchant", **terms) for terms in SELLERS]
        self.carrier = self.market.party("customer")
        for buyer, (currency, amount) in itertools.product(self.buyers, FUNDS.items()):
            self.market.fund(buyer, currency, amount)
            self.wallets[buyer, currency] = amount
        for seller in self.sellers:
            self.market.do(GiveConsent(self.buyers[0], seller, "USD", 15_000))

    def rows(self, table: Table[Row], *states: str) -> list[Row]:
        """The rows of a table by id, in those states where some are named."""
        sql = f"SELECT {', '.join(table.columns)} FROM {table.name} ORDER BY id"
        found = [table.row(*row) for row in self.engine.rows(sql)]
        return [row for row in found if row.state in states] if states else found  # type: ignore[attr-defined]

    def one(self, n: int, table: Table[Row], *states: str) -> Row:
        """One of those rows."""
        found = self.rows(table, *states)
        return found[n % len(found)]

    def ask(self, now: bool, command: Any, name: str = "") -> None:
        """Have a deed done, now or together with the next; nobody is ever told that the service itself failed."""
        self.sound = False
        self.waiting.append(self.market.request(command, name))
        if not now:
            return
        requests, self.waiting = self.waiting, []
        for request, answer in zip(requests, self.market.desk.run(requests), strict=True):
            code = answer.refusal and answer.refusal.code
            assert code is None or code in EXPECTED_REFUSALS, (request.verb, answer.refusal)

    def seller(self, n: int) -> Id:
        return self.sellers[n % len(SELLERS)]

    def shares(self, n: int, amount: int, parts: int) -> tuple[Share, ...]:
        """Freight to somebody who sells nothing, a part to another seller; of a small line more than it has."""
        payees = (self.carrier, self.seller(n + 1))
        return tuple(Share("freight", payees[i % 2], max(1, amount // 17)) for i in range(parts))

    @rule(seller=which, currency=currencies, amount=amounts, manual=manual, pay_currency=pay_currencies)
    def buy(self, seller: int, currency: str, amount: int, manual: bool, pay_currency: str | None) -> None:
        capture = "manual" if manual else "automatic"
        self.ask(True, CreatePayment(self.seller(seller), currency, amount, capture=capture))
        if pay_currency is not None and (payments := self.rows(PAYMENTS, "open")):
            self.pay_for(True, self.buyers[0], payments[-1], pay_currency)

    @rule(lines=carts, currency=currencies, manual=manual, pay_currency=pay_currencies)
    def buy_cart(self, lines: Sequence[Any], currency: str, manual: bool, pay_currency: str | None) -> None:
        cart = tuple(
            NewLine(self.seller(n), amount, amount * tenths // 10, self.shares(n, amount, parts), delivery=kind)
            for n, amount, tenths, parts, kind in lines
        )
        capture = "manual" if manual else "automatic"
        amount = sum(line.amount for line in cart)
        self.ask(True, CreatePayment(self.sellers[0], currency, amount, capture=capture, lines=cart))
        if pay_currency is not None and (payments := self.rows(PAYMENTS, "open")):
            self.pay_for(True, self.buyers[0], payments[-1], pay_currency)

    @rule(now=at_once, seller=which, amount=amounts, manual=manual)
    def charge(self, now: bool, seller: int, amount: int, manual: bool) -> None:
        capture = "manual" if manual else "automatic"
        self.ask(now, CreatePayment(self.seller(seller), "USD", amount, self.buyers[0], capture))

    @precondition(some(PAYMENTS, "open"))
    @rule(now=at_once, n=which, buyer=st.integers(0, 1), currency=currencies)
    def pay(self, now: bool, n: int, buyer: int, currency: str) -> None:
        self.pay_for(now, self.buyers[buyer], self.one(n, PAYMENTS, "open"), currency)

    def pay_for(self, now: bool, buyer: Id, payment: Payment, currency: str) -> None:
        quote = None
        if currency != payment.currency and "KWD" not in (currency, payment.currency):
            quote = self.market.do(CreateQuote(buyer, payment.currency, currency)).id
        self.ask(now, PayPayment(buyer, payment.id, quote))

    @precondition(some(PAYMENTS, "authorised"))
    @rule(n=which, parts=parts, final=st.sampled_from([False, False, True]))
    def capture(self, n: int, parts: Sequence[Part], final: bool) -> None:
        payment = self.one(n, PAYMENTS, "authorised")
        left = payment.amount - payment.captured
        open_lines = [line for line in lines_of(payment) if not line.captured]
        for sevenths, now in parts:
            if open_lines:
                trades = (open_lines[sevenths % len(open_lines)].trade,)
                self.ask(now, CapturePayment(payment.merchant, payment.id, None, trades, final))
            else:
                self.ask(now, CapturePayment(payment.merchant, payment.id, part_of(left, sevenths), final=final))

    @precondition(some(PAYMENTS, "open", "authorised"))
    @rule(now=at_once, n=which)
    def end(self, now: bool, n: int) -> None:
        payment = self.one(n, PAYMENTS, "open", "authorised")
        verb = "payments.cancel" if payment.state == "open" else "payments.void"
        self.ask(now, EndPayment(payment.merchant, payment.id), verb)

    @precondition(some(PAYMENTS, "authorised", "captured"))
    @rule(n=which, parts=parts)
    def refund(self, n: int, parts: Sequence[Part]) -> None:
        payment = self.one(n, PAYMENTS, "authorised", "captured")
        for sevenths, now in parts if not payment.lines else ():
            amount = part_of(payment.captured - payment.refunded, sevenths)
            self.ask(now, RefundPayment(HOUSE, payment.id, amount=amount))

    @precondition(some(TRADES, *OPEN, "released"))
    @rule(n=which, parts=parts)
    def refund_line(self, n: int, parts: Sequence[Part]) -> None:
        self.give_back(self.one(n, TRADES, *OPEN, "released"), parts)

    def give_back(self, trade: Trade, parts: Sequence[Part]) -> None:
        for sevenths, now in parts:
            amount = part_of(trade.amount - trade.refunded - trade.returned, sevenths)
            self.ask(now, RefundPayment(HOUSE, trade.payment, trade.id, amount))

    @precondition(some(TRADES, "held"))
    @rule(now=at_once, n=which, before=no_parts | parts, after=st.none() | no_parts | parts)
    def ship(self, now: bool, n: int, before: Sequence[Part], after: Sequence[Part] | None) -> None:
        """With refunds before the buyer confirms, and after; None where it is silent."""
        trade = self.one(n, TRADES, "held")
        self.give_back(trade, before)
        self.ask(now, ShipTrade(trade.seller, trade.id))
        if after is not None:
            self.ask(now, ConfirmTrade(trade.buyer, trade.id))
            self.give_back(trade, after)

    @precondition(some(TRADES, "shipped", "delivered"))
    @rule(now=at_once, n=which, delivered=st.booleans())
    def confirm(self, now: bool, n: int, delivered: bool) -> None:
        trade = self.one(n, TRADES, "shipped", "delivered")
        if delivered:
            self.ask(now, DeliverTrade(trade.seller, trade.id, trade.shipped_at or 0))
        else:
            self.ask(now, ConfirmTrade(trade.buyer, trade.id))

    @precondition(some(TRADES, *OPEN))
    @rule(now=at_once, n=which, sevenths=st.integers(0, 8))
    def release_part(self, now: bool, n: int, sevenths: int) -> None:
        trade = self.one(n, TRADES, *OPEN)
        amount = part_of(trade.amount - trade.refunded - trade.released, sevenths)
        self.ask(now, ReleasePart(trade.buyer, trade.id, amount))

    @precondition(some(PAYMENTS, "captured"))
    @rule(now=at_once, n=which, sevenths=st.integers(1, 8))
    def pay_out(self, now: bool, n: int, sevenths: int) -> None:
        wallets = {k: v for k, v in self.market.owed().items() if owner_of(k) in self.sellers}
        if wallets:
            account = sorted(wallets)[n % len(wallets)]
            amount = part_of(wallets[account], sevenths)
            self.ask(now, RequestPayout(owner_of(account), account_currency(account), amount))

    @precondition(some(TRADES))
    @rule(now=at_once, n=st.integers(1, 7))
    def suspend_or_resume(self, now: bool, n: int) -> None:
        party = self.one(n, PARTIES)
        self.ask(now, MoveParty(party.id, "suspend" if party.state == "active" else "resume"))

    @rule(days=st.sampled_from([1, 1, 2, 5]), fire=st.booleans())
    def wait(self, days: int, fire: bool) -> None:
        self.market.now += days * DAY
        if fire:
            self.fire()

    def fire(self) -> None:
        """What timers/expire would hand over; none of it may be refused."""
        self.flush()
        for payment in self.rows(PAYMENTS):
            if payment.due is not None and payment.due <= self.market.now:
                self.market.do(DuePayment(payment.id, payment.version))
        for trade in self.rows(TRADES):
            if trade.due is not None and trade.due <= self.market.now:
                (row,) = self.engine.rows(f"SELECT * FROM policies WHERE hex(id) = '{trade.policy.hex().upper()}'")
                step = silent_step(policy_of(POLICIES.row(*row)), trade)
                self.market.do(DueTrade(trade.id, trade.version), SILENCE[trade.state, step].name)

    def flush(self) -> None:
        """Have done what still waits."""
        self.ask(True, CreateQuote(self.buyers[0], "USD", "EUR"))

    @invariant()
    def books_follow_from_the_terms(self) -> None:
        self.sound = False
        balances = self.engine.ledger.balances([row[0] for row in self.market.all_balances()])
        sums: Counter[str] = Counter()
        for balance in balances:
            sums[account_currency(balance.account)] += balance.posted
            assert account_purpose(balance.account) not in FLOORED or balance.available >= 0, balance
        assert not any(sums.values()), "credits equal debits in each currency"
        posted = {balance.account: balance.posted for balance in balances if balance.posted}
        asked = expected(self.wallets, self.rows(PAYMENTS), self.rows(TRADES), self.rows(PAYOUTS))
        assert as_told(posted) == asked
        for table in (PAYMENTS, TRADES, REFUNDS, QUOTES, PAYOUTS, PARTIES):
            check_events(self.engine, self.rows(table))
        self.sound = True

    @invariant()
    def trades_keep_their_promises(self) -> None:
        for trade in self.rows(TRADES):
            held = trade.amount - trade.refunded - trade.released
            assert (held > 0) == (trade.state in OPEN), trade
            assert (trade.due is None) == (trade.state in ("refunded", "finished")), trade
        check_reserves(self.market.owed(), self.rows(TRADES))

    def teardown(self) -> None:
        """Undo everything that can be undone: nobody has gained or lost a unit, and nothing is left in between."""
        try:
            if self.sound and hasattr(self, "buyers"):
                self.undo()
                account = {account_id(party, Purpose.WALLET, c): n for (party, c), n in self.wallets.items()}
                owed = self.market.owed()
                assert {k: v for k, v in owed.items() if account_purpose(k) != Purpose.CUSTODY} == account
                assert not any(row[1] or row[3] for row in self.market.all_balances()), "nothing is pending"
        finally:
            self.engine.store.close()

    def undo(self) -> None:
        """The suspended stay suspended: money finds its way back without them."""
        self.fire()
        for payout in self.rows(PAYOUTS):
            self.market.do(CancelPayout(HOUSE, payout.id))
        for payment in self.rows(PAYMENTS):
            if payment.state in ("open", "authorised"):
                verb = "payments.cancel" if payment.state == "open" else "payments.void"
                self.market.do(EndPayment(HOUSE, payment.id), verb)
            if not payment.lines and payment.refunded < payment.captured:
                self.market.do(RefundPayment(HOUSE, payment.id))
        while open_trades := [trade for trade in self.rows(TRADES) if trade.state != "refunded"]:
            self.refund_some(open_trades)
        clerk = person(self.market)
        for account in self.market.owed():
            if account_purpose(account) == Purpose.RECEIVABLE:
                self.market.do(NetReceivable(clerk, owner_of(account), account_currency(account)))

    def refund_some(self, open_trades: Sequence[Trade]) -> None:
        """A refund may want for what another trade's reserve keeps, until that one is refunded."""
        commands = [RefundPayment(HOUSE, trade.payment, trade.id) for trade in open_trades]
        answers = [self.market.desk.run([self.market.request(command)])[0] for command in commands]
        assert not all(answer.refusal for answer in answers), answers[0].refusal


def test_the_books_follow_from_the_terms_whatever_happens(sqlite_template: Path, tmp_path: Path) -> None:
    numbers = itertools.count()

    class OverSqlite(MarketMachine):
        def __init__(self) -> None:
            path = tmp_path / f"{next(numbers)}.db"
            shutil.copyfile(sqlite_template, path)
            engine = open_engine(f"sqlite:///{path}")
            engine.rows("PRAGMA synchronous = OFF")  # no machine fails here, and a commit then costs no disk's turn
            super().__init__(engine)

    chosen = settings(
        max_examples=2 * settings().max_examples,
        stateful_step_count=50,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    run_state_machine_as_test(OverSqlite, settings=chosen)
