"""Deals: the operator closes its position at the bank, and each of the two lines counts once."""

import pytest
from tests.unit.domain.bank_side import line, open_custody
from tests.unit.domain.conftest import Market

from handfast.domain.exchange import AgreeDeal, BookDealLine, Deal
from handfast.ledger import Purpose


@pytest.fixture
def deal(market: Market) -> Deal:
    open_custody(market, "CNY", "USD")
    deal: Deal = market.do(AgreeDeal("CNY", 611_351, "USD", 100_000, "FX1"))
    return deal


def test_both_lines_move_bank_and_position_and_end_the_deal(market: Market, deal: Deal) -> None:
    sold = market.do(BookDealLine(deal.id, line("CNY", -611_351)))
    assert (sold.state, sold.sold, sold.bought) == ("agreed", 611_351, 0)
    assert market.house(Purpose.CUSTODY, "CNY") == 611_351  # overdrawn, since nothing was there
    assert market.house(Purpose.POSITION, "CNY") == -611_351
    bought = market.do(BookDealLine(deal.id, line("USD", 100_000)))
    assert (bought.state, bought.bought) == ("booked", 100_000)
    assert market.house(Purpose.POSITION, "USD") == 100_000


def test_a_line_counts_once(market: Market, deal: Deal) -> None:
    sale = BookDealLine(deal.id, line("CNY", -611_351))
    market.do(sale)
    before = market.all_balances()
    assert market.do(sale).sold == 611_351
    assert market.all_balances() == before
    market.refused("currency_mismatch", BookDealLine(deal.id, line("CNY", -611_351, key="2")))


def test_only_the_agreed_lines_are_the_deals(market: Market, deal: Deal) -> None:
    market.refused("currency_mismatch", BookDealLine(deal.id, line("CNY", -611_350)))
    market.refused("currency_mismatch", BookDealLine(deal.id, line("CNY", 611_351)))
    market.refused("object_not_found", BookDealLine(bytes(16), line("USD", 100_000)))


def test_a_deal_is_between_two_currencies(market: Market) -> None:
    market.refused("currency_mismatch", AgreeDeal("USD", 1, "USD", 1, "FX2"))
    market.refused("amount_invalid", AgreeDeal("CNY", 0, "USD", 1, "FX2"))
    market.refused("currency_unknown", AgreeDeal("CNY", 1, "XXX", 1, "FX2"))
