"""The preview of payouts as an accountant's page: what is there, what is not yet, why, until when; and it adds up."""

from collections.abc import Iterator

import pytest
from msgspec.structs import replace
from tests.conftest import Engine
from tests.unit.domain.bank_side import open_custody, open_reader, order
from tests.unit.domain.conftest import START, Market
from tests.unit.domain.quarrel import PLAIN, Quarrel, days

from handfast.core.clocks import DAY
from handfast.core.ids import account_id, entry_id
from handfast.domain.parties import HOUSE, MoveParty
from handfast.domain.payouts import (
    HeldFor,
    NextPayout,
    Preview,
    RequestPayout,
    ReservedFrom,
    SetPlan,
    plan_id,
    preview_of,
)
from handfast.domain.policies import Reserve, Step
from handfast.domain.trades import DueTrade, ReleasePart
from handfast.ledger import Entry, Posting, Purpose
from handfast.store.reader import Reader

KEEPS = replace(PLAIN, reserve=Reserve(1_000, days(7)))
"""Ten per cent of what a seller earns is kept for seven days."""


@pytest.fixture
def reader(engine: Engine) -> Iterator[Reader]:
    reader = open_reader(engine)
    yield reader
    reader.close()


@pytest.fixture
def sale(market: Market, reader: Reader) -> Quarrel:
    """A trade of USD 100.00, commission 3.50, that was paid on 28 October."""
    open_custody(market, "USD", "EUR")
    return Quarrel(market, reader, KEEPS)


def of_shop(sale: Quarrel) -> Preview:
    """The shop's one currency; its sums are checked."""
    (found,) = preview_of(sale.reader, sale.shop)
    assert found.held == sum(each.amount for each in found.held_for)
    assert found.reserved == sum(each.amount for each in found.reserved_from) - found.reserve_used
    assert found.payable == max(found.available - found.owed, 0)
    balance = sale.market.balance
    assert found.available + found.pending == balance(sale.shop, Purpose.WALLET, "USD")
    assert found.on_its_way == balance(sale.shop, Purpose.PAYOUT, "USD")
    assert found.reserved == balance(sale.shop, Purpose.RESERVE, "USD")
    assert found.owed == -balance(sale.shop, Purpose.RECEIVABLE, "USD")
    return found


def test_who_has_nothing_sees_nothing(market: Market, reader: Reader) -> None:
    assert preview_of(reader, market.party("merchant")) == []
    assert preview_of(reader, market.ids(market.now)) == []


def test_what_is_held_says_why_until_when_and_what_then(sale: Quarrel) -> None:
    trade = sale.trade.id
    found = of_shop(sale)
    assert (found.currency, found.available, found.held) == ("USD", 0, 10_000)
    assert found.held_for == (HeldFor(trade, 10_000, "dispatch", START + 5 * DAY, "refund"),)
    sale.wait(1)
    sale.do("ship")
    assert of_shop(sale).held_for == (HeldFor(trade, 10_000, "confirmation", START + 11 * DAY, "release"),)
    sale.do("ask", amount=2_000)
    assert of_shop(sale).held_for == (HeldFor(trade, 10_000, "claim", None, ""),)
    sale.do("refuse")
    sale.do("dispute")
    assert of_shop(sale).held_for == (HeldFor(trade, 10_000, "dispute", None, ""),)


def test_silence_that_extends_says_so_until_it_is_spent(market: Market, reader: Reader) -> None:
    patient = replace(PLAIN, confirm=Step(days(10), "extend", 1, "dispute"))
    sale = Quarrel(market, reader, patient)
    sale.do("ship")
    assert [each.then for each in of_shop(sale).held_for] == ["extend"]
    sale.until(sale.trade.due)
    sale.fire((DueTrade(sale.trade.id, sale.trade.version), "trades.release_due"))
    (held,) = of_shop(sale).held_for
    assert (held.until, held.then) == (START + 20 * DAY, "dispute")


def test_a_part_that_was_released_is_not_held_any_more(sale: Quarrel) -> None:
    sale.market.do(ReleasePart(sale.buyer, sale.trade.id, 4_000))
    found = of_shop(sale)
    assert (found.held, found.available, found.reserved) == (6_000, 3_860 - 386, 386)
    assert found.reserved_from == (ReservedFrom(sale.trade.id, 386, 1_000, 3_860, None),)


def test_the_reserve_shows_its_formula_until_it_is_freed(sale: Quarrel) -> None:
    sale.do("ship")
    sale.do("confirm")
    found = of_shop(sale)
    assert (found.held, found.available, found.reserved, found.reserve_used) == (0, 8_685, 965, 0)
    assert found.reserved_from == (ReservedFrom(sale.trade.id, 965, 1_000, 9_650, START + 7 * DAY),)
    sale.until(START + 7 * DAY)
    sale.fire((DueTrade(sale.trade.id, sale.trade.version), "trades.free_reserve"))
    found = of_shop(sale)
    assert (found.available, found.reserved, found.reserved_from) == (9_650, 0, ())


def test_a_refund_after_the_payout_uses_the_reserve_up_and_leaves_a_debt(sale: Quarrel) -> None:
    sale.do("ship")
    sale.do("confirm")
    payout = sale.market.do(RequestPayout(sale.shop, "USD", 8_685))
    order(sale.market, payout)
    assert (of_shop(sale).available, of_shop(sale).on_its_way) == (0, 8_685)
    sale.do("ask", amount=2_000)
    sale.do("agree")
    found = of_shop(sale)  # the shop's part of 20.00 is 19.30: 9.65 of the reserve, 9.65 advanced
    assert (found.reserved, found.reserve_used, found.owed, found.payable) == (0, 965, 965, 0)
    sale.market.fund(sale.shop, "USD", 1_000)
    assert (of_shop(sale).available, of_shop(sale).payable) == (1_000, 35)
    sale.market.refused("balance_insufficient", RequestPayout(sale.shop, "USD", 36))
    sale.market.do(RequestPayout(sale.shop, "USD", 35))
    assert (of_shop(sale).available, of_shop(sale).owed) == (0, 0)


def test_the_plan_says_when_and_how_much(sale: Quarrel) -> None:
    plan = plan_id(sale.shop, "USD")
    sale.do("ship")
    sale.do("confirm")
    assert of_shop(sale).next is None
    sale.market.do(SetPlan(sale.shop, sale.shop, "USD", "week", 5, 5_000))
    friday = START + 3 * DAY
    assert of_shop(sale).next == NextPayout(plan, friday, 8_685, "")
    sale.market.do(SetPlan(sale.shop, sale.shop, "USD", "week", 5, 8_686))
    assert of_shop(sale).next == NextPayout(plan, friday, 0, "too_little")
    sale.market.do(SetPlan(sale.shop, sale.shop, "USD", "manual"))
    assert of_shop(sale).next == NextPayout(plan, None, 0, "")
    sale.market.do(SetPlan(sale.shop, sale.shop, "USD", "day"))
    sale.market.do(MoveParty(sale.shop, "suspend"))
    assert of_shop(sale).next == NextPayout(plan, START + DAY, 0, "party_suspended")


def test_each_currency_stands_by_itself(sale: Quarrel) -> None:
    sale.market.fund(sale.shop, "EUR", 70)
    owed, operator = account_id(sale.shop, Purpose.RECEIVABLE, "USD"), account_id(HOUSE, Purpose.OPERATOR, "USD")
    entry = Entry(entry_id(sale.market.ids(sale.market.now), 1), "test.owe", (Posting(owed, operator, 500),))
    sale.market.store.begin()
    sale.market.ledger.post([entry], sale.market.now)
    sale.market.store.commit()
    sale.market.do(SetPlan(sale.shop, sale.shop, "EUR", "day"))
    euros, dollars = preview_of(sale.reader, sale.shop)
    assert (euros.currency, euros.payable, euros.owed, euros.held) == ("EUR", 70, 0, 0)
    assert euros.next is not None
    assert euros.next.amount == 70
    assert (dollars.currency, dollars.payable, dollars.owed, dollars.held) == ("USD", 0, 500, 10_000)
