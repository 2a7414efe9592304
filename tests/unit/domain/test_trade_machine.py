"""Trades left to chance: whatever buyer, seller, handlers and time do, the tables hold, sums are exact, all ends."""

import itertools
import shutil
from collections import Counter
from pathlib import Path
from typing import Any, ClassVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from msgspec import json, msgpack
from msgspec.structs import replace
from tests.conftest import Engine, open_engine
from tests.unit.domain.bank_side import open_custody, person
from tests.unit.domain.conftest import Market
from tests.unit.domain.deeds import FITTING, Chance, deeds_of
from tests.unit.domain.quarrel import PLAIN, silent

from handfast.app import database
from handfast.core.clocks import HOUR
from handfast.core.ids import Id, account_currency, account_purpose, owner_of
from handfast.core.money import share
from handfast.domain import claims, disputes, trades
from handfast.domain.claims import CLAIM_STATES, CLAIMS, Claim
from handfast.domain.disputes import DISPUTE_STATES, DISPUTES, Dispute
from handfast.domain.exchange import CreateQuote
from handfast.domain.parties import HOUSE
from handfast.domain.payments import CreatePayment, NewLine, PayPayment
from handfast.domain.policies import PRESETS, Book, PublishBook, Rule, digest_of, preset
from handfast.domain.trades import (
    OVER,
    TRADE_STATES,
    TRADES,
    Share,
    Trade,
    earnings,
    held_left,
    shares_of,
)
from handfast.ledger import FLOORED, Purpose
from handfast.store.reader import Reader
from handfast.store.verb import Request
from handfast.timers.expire import due

FUNDS = {"USD": 10_000_000, "CNY": 50_000_000}
SELLERS: tuple[dict[str, Any], ...] = (
    {"commission_bps": 350, "commission_cap": 40, "commission_currency": "USD"},
    {"commission_bps": 1_111, "settle_currency": "EUR"},
    {"commission_bps": 10_000},
)
SILENCES = {
    "answer": ("refund", "close", "dispute"),
    **dict.fromkeys(("revise", "accept", "send_back"), ("close", "dispute")),
    **dict.fromkeys(("ship", "receive"), ("refund", "dispute")),
    "confirm": ("release", "refund", "dispute"),
    "decide": ("release", "refund"),
}
FOUR_EYES = replace(PLAIN, name="four-eyes", disputing=replace(PLAIN.disputing, second_eyes={"*": 100}))
POLICIES = [
    *{policy.name: policy for name in PRESETS for policy in preset(name).policies}.values(),
    *(
        replace(silent(step, silence), name=f"own-{step}-{silence}".replace("_", "-"))
        for step, silences in SILENCES.items()
        for silence in silences
    ),
    FOUR_EYES,
]
OFTEN = [*[FOUR_EYES] * 30, *[preset(name).policies[0] for name in ("amazon-like", "services")] * 8]
"""What else is rare: four eyes, a reserve, milestones."""

MOST_TRADES = 8
EXPECTED_REFUSALS = {
    "amount_invalid",
    "balance_insufficient",
    "changes_spent",
    "claim_open",
    "claim_too_early",
    "claim_too_late",
    "evidence_too_large",
    "extension_spent",
    "field_invalid",
    "held_exceeded",
    "no_proposal",
    "object_not_found",
    "policy_invalid",
    "rate_unknown",
    "refund_exceeds_captured",
    "second_person_needed",
    "state_conflict",
}
TABLES: dict[str, tuple[Any, dict[str, dict[str, str]]]] = {
    "trade": (Trade, TRADE_STATES),
    "claim": (Claim, CLAIM_STATES),
    "dispute": (Dispute, DISPUTE_STATES),
}
IN_PLACE = {
    *("trade.amended", "trade.claimed", "trade.disputed", "trade.proposed", "trade.proposal_dropped"),
    *("trade.refunded", "trade.resumed", "dispute.rested", "dispute.accepted"),
}
"""What changes an object but not its state, and so is no move of its table."""


class TradeMachine(RuleBasedStateMachine):
    """A deed may wait, to run in one batch with the next; `done` counts the verbs that ever were done."""

    done: ClassVar[Counter[str]] = Counter()

    def __init__(self, engine: Engine) -> None:
        super().__init__()
        self.engine = engine
        self.reader: Reader = database(engine.url).read()
        self.waiting: list[Request] = []
        self.spent: Counter[tuple[Id, str]] = Counter()
        self.told: dict[Id, Any] = {}
        self.seen = 0

    @initialize()
    def open(self) -> None:
        self.market = Market(self.engine)
        open_custody(self.market, *FUNDS, "EUR")
        rules = [Rule(policy.name, policy.name) for policy in POLICIES]
        self.market.do(PublishBook(json.encode(Book(tuple(POLICIES), (*rules, Rule("four-eyes"))))))
        self.policies = [digest_of(policy) for policy in POLICIES]
        self.buyer, self.courier, self.sink = (self.market.party("customer") for _ in range(3))
        self.sellers = [self.market.party("merchant", **terms) for terms in SELLERS]
        self.handlers = [person(self.market) for _ in range(4)]
        for currency, amount in FUNDS.items():
            self.market.fund(self.buyer, currency, amount)

    def rows(self, table: Any) -> list[Any]:
        sql = f"SELECT {', '.join(table.columns)} FROM {table.name} ORDER BY id"
        return [table.row(*row) for row in self.engine.rows(sql)]

    def row(self, table: Any, key: Id | None) -> Any:
        return next((row for row in self.rows(table) if row.id == key), None)

    def ask(self, now: bool, command: Any, verb: str) -> None:
        """Have a deed done, now or together with the next; nobody is ever told that the service itself failed."""
        self.waiting.append(self.market.request(command, verb))
        if now:
            self.flush()

    def flush(self) -> None:
        """Have done what still waits."""
        requests, self.waiting = self.waiting, []
        for request, answer in zip(requests, self.market.desk.run(requests), strict=True):
            code = answer.refusal and answer.refusal.code
            assert code is None or code in EXPECTED_REFUSALS, (request.verb, answer.refusal)
            self.done[request.verb] += code is None
            if request.verb == "transfers.create" and code is None:
                self.spent[request.command.payer, request.command.currency] += request.command.amount

    def buy(self, dice: Chance) -> None:
        """A cup priced in dollars, of which some is tax and the courier's; paid in either currency."""
        by, category = dice.one(*self.sellers), dice.one(*POLICIES, *OFTEN).name
        amount = dice.part(dice.one(40, 20_000, 90_000))
        tax, freight = amount * dice.one(0, 1, 2) // 10, amount * dice.one(0, 1, 2, 3) // 10
        shares = (Share("freight", self.courier, freight),) if freight else ()
        line = NewLine(by, amount, tax, shares, category, title="cup")
        payment = self.market.do(CreatePayment(by, "USD", amount, lines=(line,)))
        quote = self.market.do(CreateQuote(self.buyer, "USD", "CNY")).id if dice.one(True, False) else None
        self.market.do(PayPayment(self.buyer, payment.id, quote))

    @rule(
        now=st.sampled_from([True, True, True, False]),
        dice=st.integers(0, 2**32).map(Chance),
        hours=st.sampled_from([0] * 12 + [1, 25, 50, 9 * 24]),
        fire=st.booleans(),
    )
    def act(self, now: bool, dice: Chance, hours: int, fire: bool) -> None:
        """Mostly something that fits what is open on a trade, sometimes anything at all; then some time passes."""
        found = self.rows(TRADES)
        while len(found) < MOST_TRADES and len([trade for trade in found if trade.state not in OVER]) < 2:
            self.buy(dice)
            found = self.rows(TRADES)
        trade = dice.one(*[trade for trade in found if trade.state not in OVER], dice.one(*found))
        wallet = self.market.wallet(trade.seller, trade.settle_currency)
        deeds = deeds_of(self, trade, self.market.now, wallet, dice)
        row = self.row(DISPUTES, trade.dispute) or self.row(CLAIMS, trade.claim) or trade
        fitting = FITTING.get(row.state, "").split()
        verb, command = deeds[dice.one(*fitting, *fitting, *fitting, dice.one(*deeds))]
        self.ask(now, command, verb)
        if hours:
            self.wait(hours, fire)

    def wait(self, hours: int, fire: bool) -> None:
        """Sometimes the timer does not come round, as when the server is down over a due time."""
        self.flush()
        self.market.now += hours * HOUR
        if fire:
            self.fire()

    def fire(self) -> None:
        """What timers/expire hands over; none of it is refused."""
        while batch := due(self.reader, self.market.now, 50):
            for item, answer in zip(batch, self.market.desk.run([item.request for item in batch]), strict=True):
                assert answer.refusal is None, (item.request.verb, answer.refusal)
                self.done[item.request.verb] += 1

    @invariant()
    def no_move_is_outside_the_tables(self) -> None:
        sql = f"SELECT seq, id, type, body FROM events WHERE seq > {self.seen} ORDER BY seq"
        for seq, key, type_, body in self.engine.rows(sql):
            self.seen = seq
            kind = type_.partition(".")[0]
            if kind not in TABLES:
                continue
            struct, table = TABLES[kind]
            row = msgpack.decode(body, type=struct)
            before = self.told.get(owner_of(key))
            self.told[owner_of(key)] = row
            if before is None:
                continue
            assert row.version == before.version + 1
            if row.state != before.state or type_ not in IN_PLACE:
                assert row.state in table[before.state].values(), (type_, before.state, row.state)
            if kind == "trade":
                nothing_moves_back(before, row)

    @invariant()
    def sums_are_exact(self) -> None:
        balances = self.engine.ledger.balances([row[0] for row in self.market.all_balances()])
        sums: Counter[str] = Counter()
        estates: Counter[tuple[Id, str]] = Counter(self.spent)
        held: Counter[Id] = Counter()
        for balance in balances:
            account, purpose = balance.account, account_purpose(balance.account)
            sums[account_currency(account)] += balance.posted
            assert purpose not in FLOORED or balance.available >= 0, balance
            if purpose in (Purpose.WALLET, Purpose.RESERVE, Purpose.RECEIVABLE):
                estates[owner_of(account), account_currency(account)] += balance.posted
            if purpose == Purpose.HELD and balance.posted:
                held[owner_of(account)] = balance.posted
        assert not any(sums.values()), "credits equal debits in each currency"
        found = self.rows(TRADES)
        assert held == {trade.id: held_left(trade) for trade in found if held_left(trade)}
        expected: Counter[tuple[Id, str]] = Counter({(self.buyer, c): n for c, n in FUNDS.items()})
        for (_, currency), amount in self.spent.items():
            expected[self.sink, currency] += amount
        house: Counter[Purpose] = Counter()
        for trade in found:
            estate_of(trade, expected)
            house[Purpose.COMMISSION] += net(trade, trade.commission)
            house[Purpose.TAX] += net(trade, trade.tax)
        for purpose in (Purpose.COMMISSION, Purpose.TAX):
            assert self.market.house(purpose, "USD") == house[purpose]
        assert {k: v for k, v in estates.items() if v and k[0] != HOUSE} == {k: v for k, v in expected.items() if v}

    @invariant()
    def what_is_open_waits_for_a_time_of_its_own(self) -> None:
        open_claims = {claim.id: claim for claim in self.rows(CLAIMS) if CLAIM_STATES[claim.state]}
        open_disputes = {dispute.id: dispute for dispute in self.rows(DISPUTES) if DISPUTE_STATES[dispute.state]}
        for trade in self.rows(TRADES):
            claim = open_claims.pop(trade.claim, None)
            dispute = open_disputes.pop(trade.dispute, None)
            assert (claim is None, dispute is None) == (trade.claim is None, trade.dispute is None)
            stopped = claim is not None or dispute is not None
            assert (trade.paused is not None) == stopped
            assert (trade.due is not None) == (not stopped and trade.state not in OVER)
            assert claim is None or (claim.due is None) == (claim.state == "disputed") == (dispute is not None)
            assert dispute is None or dispute.due is not None
            assert bool(held_left(trade)) == (trade.state in ("held", "shipped", "delivered"))
        assert open_claims == open_disputes == {}

    def teardown(self) -> None:
        """Everybody stays silent: all ends by itself, and nothing is held, kept back or paused."""
        try:
            if hasattr(self, "market"):
                self.flush()
                self.let_time_pass()
                self.no_move_is_outside_the_tables()
                self.sums_are_exact()
                self.what_is_open_waits_for_a_time_of_its_own()
                assert {trade.state for trade in self.rows(TRADES)} <= OVER
                kept = {Purpose.HELD, Purpose.RESERVE}
                assert not any(account_purpose(account) in kept for account in self.market.owed())
        finally:
            self.reader.close()
            self.engine.store.close()

    def let_time_pass(self) -> None:
        """Step by step through every due time in its order."""
        for _ in range(100 * MOST_TRADES):
            found = due(self.reader, 2**62, 1)
            if not found:
                return
            self.market.now = max(self.market.now, found[0].at)
            self.fire()
        raise AssertionError("it goes on for ever")


def net(trade: Trade, part: int) -> int:
    """What somebody with a part of the price has of what was released and not returned."""
    return share(part, trade.released, trade.amount) - share(part, trade.returned, trade.amount)


def estate_of(trade: Trade, expected: Counter[tuple[Id, str]]) -> None:
    """Add what buyer, seller and those with a share have by the trade's terms, whatever the steps were."""
    back = share(trade.pay_amount, trade.refunded + trade.returned, trade.amount)
    expected[trade.buyer, trade.pay_currency] -= trade.pay_amount - back
    same = trade.settle_currency == trade.currency
    earned = earnings(trade, shares_of(trade)) if same else trade.settle_amount
    expected[trade.seller, trade.settle_currency] += net(trade, earned)
    for part in shares_of(trade):
        expected[part.payee, trade.currency] += net(trade, part.amount)


def nothing_moves_back(before: Trade, after: Trade) -> None:
    """Each party's cumulative share follows from these, and so does not move back either."""
    for name in ("refunded", "released", "returned"):
        assert getattr(before, name) <= getattr(after, name), name
    assert after.returned <= after.released
    assert after.refunded + after.released <= after.amount


def test_whatever_they_do_the_tables_hold_and_all_ends(sqlite_template: Path, tmp_path: Path) -> None:
    numbers = itertools.count()

    class OverSqlite(TradeMachine):
        done: ClassVar[Counter[str]] = Counter()

        def __init__(self) -> None:
            path = tmp_path / f"{next(numbers)}.db"
            shutil.copyfile(sqlite_template, path)
            engine = open_engine(f"sqlite:///{path}")
            engine.rows("PRAGMA synchronous = OFF")  # no machine fails here, and a commit then costs no disk's turn
            super().__init__(engine)

    chosen = settings(
        max_examples=100 + settings().max_examples,
        stateful_step_count=60,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    run_state_machine_as_test(OverSqlite, settings=chosen)
    rooms: Any = (claims, disputes, trades)
    never = {verb.name for room in rooms for verb in room.VERBS if not OverSqlite.done[verb.name]}
    assert never == set(), "each verb was done at least once"
