"""What parties owe after refunds that the operator advanced: balance, reserve, advance; netted, paid, written off."""

from collections.abc import Iterator
from contextlib import closing

import pytest
from tests.conftest import Engine
from tests.unit.domain.bank_side import kept, open_custody, open_reader, person
from tests.unit.domain.conftest import VERBS, Market
from tests.unit.domain.policy_books import policy, reserve
from tests.unit.domain.shop import Shop, freight

from handfast.core.ids import Id
from handfast.domain.custody import equation, postings_sum
from handfast.domain.parties import HOUSE, PARTIES
from handfast.domain.payments import CreatePayment, GiveConsent, refund_trade
from handfast.domain.receivables import (
    NetReceivable,
    Owed,
    WriteOffReceivable,
    outstanding,
    outstanding_of,
    write_offs_of,
)
from handfast.domain.trades import DueTrade, Trade, load
from handfast.domain.transfers import CreateTransfer
from handfast.ledger import Purpose
from handfast.store.reader import Reader
from handfast.store.verb import Tx, verb


@verb("test.grant", about="trade")
async def grant(tx: Tx, command: DueTrade) -> Trade:
    """Give back as much as `version` says (0 is all), the operator advancing it, as an agreed claim does."""
    trade = await load(tx, command.trade)
    await refund_trade(tx, trade, command.version or None, reason="claim agreed", advance=True)
    return trade


@pytest.fixture
def shop(market: Market) -> Shop:
    """It bears no commission; a tenth of what it earns is kept for 30 days."""
    market.desk.verbs = VERBS | {grant.name: grant}
    open_custody(market, "USD", "EUR")
    return Shop(market, policy(reserve=reserve(1_000, 30)), commission_bps=0)


@pytest.fixture
def handler(market: Market) -> Id:
    return person(market)


@pytest.fixture
def reader(engine: Engine) -> Iterator[Reader]:
    with closing(open_reader(engine)) as opened:
        yield opened


def sold(shop: Shop, amount: int = 10_000, **line: object) -> Id:
    """A trade that is released, its reserve kept."""
    key = shop.sell(amount, **line)  # type: ignore[arg-type]
    shop.release(key, amount)
    return key


def give_back(shop: Shop, key: Id, amount: int = 0) -> Trade:
    shop.market.do(DueTrade(key, amount), grant.name)
    return shop.trade(key)


def spend(shop: Shop, amount: int) -> None:
    """The seller's money goes elsewhere."""
    shop.market.do(CreateTransfer(shop.seller, shop.market.party("customer"), "USD", amount))


def test_a_part_comes_out_of_the_balance_while_that_lasts(shop: Shop) -> None:
    key = sold(shop)
    give_back(shop, key, 4_000)
    assert shop.has(shop.seller) == (5_000, 1_000, 0)
    assert shop.has(shop.buyer)[0] == 994_000


def test_then_out_of_the_reserve_and_the_rest_is_owed(shop: Shop) -> None:
    """100.00 of two sales are in reserve: 20.00. The seller spends 150.00 of its 180.00; 95.00 go back."""
    first, _ = sold(shop), sold(shop)
    spend(shop, 15_000)
    give_back(shop, first, 9_500)
    assert shop.has(shop.seller) == (0, 0, 4_500), "30.00 of the balance, 20.00 of the reserve, 45.00 owed"
    assert shop.has(shop.buyer)[0] == 1_000_000 - 20_000 + 9_500


def test_a_whole_refund_frees_its_own_reserve_first(shop: Shop) -> None:
    first, second = sold(shop), sold(shop)
    give_back(shop, first)
    assert shop.has(shop.seller) == (8_000 + 1_000 - 0, 1_000, 0), "90.00 + 90.00 + 10.00 - 100.00"
    assert shop.trade(second).reserved == 1_000


def test_later_sales_pay_what_is_owed_before_the_seller_has_them(shop: Shop, reader: Reader) -> None:
    first = sold(shop)
    spend(shop, 9_000)
    give_back(shop, first)
    assert shop.has(shop.seller) == (0, 0, 9_000)
    assert outstanding_of(reader, shop.seller) == [Owed(shop.seller, "USD", 9_000)] == outstanding(reader)
    assert shop.house()["USD"] == (0, 0, 0, 0), "the receivable stands for the advance"
    sold(shop, 6_000)
    assert shop.has(shop.seller) == (0, 600, 3_600)
    sold(shop, 10_000)
    assert shop.has(shop.seller) == (5_400, 1_600, 0)
    assert outstanding(reader) == []


def test_a_freed_reserve_pays_what_is_owed_first(shop: Shop) -> None:
    kept = sold(shop, 20_000)
    spend(shop, 18_000)
    other = sold(shop, 1_000)
    spend(shop, 900)
    give_back(shop, other, 500)
    assert shop.has(shop.seller) == (0, 1_600, 0), "21.00 were in reserve"
    give_back(shop, kept, 19_000)
    assert shop.has(shop.seller) == (0, 0, 17_400)
    sold(shop, 2_000)
    assert shop.has(shop.seller) == (0, 200, 15_600)
    shop.wait_out(kept)
    assert shop.has(shop.seller) == (0, 0, 15_400), "20.00 are due to be freed; 2.00 are there"


def test_a_third_partys_share_comes_back_in_the_same_way(shop: Shop, market: Market) -> None:
    """The carrier has spent its 5.00: the seller's own refund is not held up, and the carrier owes."""
    carrier = market.party("customer")
    key = sold(shop, shares=(freight(carrier, 500),))
    market.do(CreateTransfer(carrier, market.party("customer"), "USD", 450))
    refunded = shop.refund(key, 5_000)
    assert refunded.returned == 5_000
    assert shop.has(shop.seller) == (9_500 - 950 - 4_750, 950, 0)
    assert shop.has(carrier) == (0, 0, 200), "2.50, of which it had 0.50"
    another = sold(shop, 1_000, shares=(freight(carrier, 300),))
    assert shop.has(carrier) == (100, 0, 0)
    assert shop.trade(another).state == "released"


def test_a_sellers_own_refund_is_never_advanced(shop: Shop, market: Market) -> None:
    key = sold(shop)
    spend(shop, 1)
    market.refused("balance_insufficient", shop.refunding(key, 9_000))
    market.refused("balance_insufficient", shop.refunding(key))
    assert shop.refund(key, 8_999).returned == 8_999


def test_what_a_seller_owes_in_its_own_currency_is_netted_there(shop: Shop, market: Market, reader: Reader) -> None:
    abroad = Shop(market, policy("abroad"), settle_currency="EUR", commission_bps=0)
    key = sold(abroad)
    euros = market.wallet(abroad.seller, "EUR")
    market.do(CreateTransfer(abroad.seller, shop.seller, "EUR", euros))
    give_back(abroad, key)
    assert abroad.has(abroad.seller, "EUR") == (0, 0, euros)
    assert outstanding(reader) == [Owed(abroad.seller, "EUR", euros)]
    sold(abroad)
    assert abroad.has(abroad.seller, "EUR") == (0, 0, 0)
    assert abroad.house("USD", "EUR")["EUR"][3] == -euros


def test_the_custody_equation_holds_with_reserves_and_debts(
    shop: Shop, reader: Reader, market: Market, handler: Id
) -> None:
    carrier = market.party("customer")
    key = sold(shop, shares=(freight(carrier, 500),))
    spend(shop, 8_000)
    give_back(shop, key, 9_900)
    market.do(WriteOffReceivable(handler, shop.seller, "USD", 1_000, "the shop is closed"))
    found = {each.currency: each for each in equation(reader)}
    assert {currency: each.difference for currency, each in found.items()} == {"USD": 0, "EUR": 0, "CNY": 0}
    usd = found["USD"]
    assert (usd.receivables, usd.operator_due) == (6_905, -7_905), "94.05 - 5.50 of balance - 9.50 of reserve - 10.00"
    assert usd.bank == usd.client_debt + usd.operator_due
    assert postings_sum(reader) == 0


def test_a_write_off_is_the_operators_loss_and_never_more_than_is_owed(
    shop: Shop, market: Market, reader: Reader, handler: Id
) -> None:
    key = sold(shop)
    spend(shop, 9_000)
    give_back(shop, key, 5_000)
    assert shop.has(shop.seller) == (0, 0, 4_000)
    market.refused("receivable_exceeded", WriteOffReceivable(handler, shop.seller, "USD", 4_001, "gone"))
    market.refused("field_missing", WriteOffReceivable(handler, shop.seller, "USD", 1, ""))
    market.refused("amount_invalid", WriteOffReceivable(handler, shop.seller, "USD", 0, "gone"))
    market.refused("scope_missing", WriteOffReceivable(shop.seller, shop.seller, "USD", 1, "gone"))
    market.refused("object_not_found", WriteOffReceivable(handler, bytes(16), "USD", 1, "gone"))
    market.refused("scope_missing", WriteOffReceivable(shop.seller, shop.seller, "USD", 1, "gone"))
    market.refused("currency_unknown", WriteOffReceivable(handler, shop.seller, "XXX", 1, "gone"))
    done = market.do(WriteOffReceivable(handler, shop.seller, "USD", 1_500, "the shop is closed"))
    assert write_offs_of(reader, shop.seller) == [done]
    assert (done.handler, done.amount, done.reason) == (handler, 1_500, "the shop is closed")
    assert shop.has(shop.seller) == (0, 0, 2_500)
    assert market.house(Purpose.OPERATOR, "USD") == -1_500


def test_money_that_came_otherwise_is_netted_when_the_operator_says_so(shop: Shop, market: Market, handler: Id) -> None:
    key = sold(shop)
    spend(shop, 9_000)
    give_back(shop, key, 5_000)
    market.fund(shop.seller, "USD", 3_000)
    assert shop.has(shop.seller) == (3_000, 0, 4_000)
    netted = market.do(NetReceivable(handler, shop.seller, "USD"))
    assert (netted.party, netted.handler) == (shop.seller, handler)
    assert shop.has(shop.seller) == (0, 0, 1_000)
    market.fund(shop.seller, "USD", 3_000)
    for left in (2_000, 2_000):
        market.do(NetReceivable(handler, shop.seller, "USD"))
        assert shop.has(shop.seller) == (left, 0, 0)
    market.refused("object_not_found", NetReceivable(handler, bytes(16), "USD"))
    market.refused("scope_missing", NetReceivable(shop.seller, shop.seller, "USD"))


def test_the_operator_owes_itself_nothing(market: Market, handler: Id) -> None:
    market.refused("receivable_exceeded", WriteOffReceivable(handler, HOUSE, "USD", 1, "why not"))


@pytest.mark.parametrize("sale_first", [False, True])
def test_a_sale_in_the_batch_that_opens_the_receivable_pays_it_if_it_comes_after(shop: Shop, sale_first: bool) -> None:
    """A trade of 100.00 is given back when its seller has 0; it sells for 30.00 in the same batch."""
    key = sold(shop)
    spend(shop, 9_000)
    market = shop.market
    market.do(GiveConsent(shop.buyer, shop.seller, "USD", 3_000))
    requests = [
        market.request(DueTrade(key, 0), grant.name),
        market.request(CreatePayment(shop.seller, "USD", 3_000, payer=shop.buyer)),
    ]
    for answer in market.desk.run(requests[::-1] if sale_first else requests):
        answer.unwrap()
    assert shop.has(shop.seller) == (0, 0, 6_000), "100.00, less 10.00 of the reserve and 30.00 of the sale"


def test_a_party_is_known_for_a_debtor_from_the_first_advance_on(shop: Shop) -> None:
    market = shop.market
    market.do(GiveConsent(shop.buyer, shop.seller, "USD", 3_000))
    market.do(CreatePayment(shop.seller, "USD", 3_000, payer=shop.buyer))
    assert market.balance(shop.seller, Purpose.WALLET, "USD") == 3_000
    key = sold(shop)
    assert not kept(market, PARTIES, shop.seller).debtor
    give_back(shop, key)
    assert kept(market, PARTIES, shop.seller).debtor
    assert kept(market, PARTIES, shop.seller).version == 1, "that is no change of state that anyone is told"
