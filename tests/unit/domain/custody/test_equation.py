"""The custody equation: every minor unit in the bank has a name, and what has none shows."""

from contextlib import closing

import pytest
from tests.conftest import Engine
from tests.unit.domain.bank_side import line, open_custody, open_reader
from tests.unit.domain.conftest import Market

from handfast.core.ids import Id, account_id, entry_id
from handfast.domain.custody import BookSuspense, Equation, OpenLines, equation, postings_sum
from handfast.domain.parties import HOUSE
from handfast.domain.payouts import RequestPayout, SweepPayout
from handfast.domain.topups import BookTopup, CreateTopup
from handfast.ledger import Entry, Posting, Purpose


def post(market: Market, *moves: tuple[Id, Purpose, Id, Purpose, int]) -> None:
    """Entries in USD that other rooms make: from whose account for what, to whose."""
    for giver, given_from, taker, given_to, amount in moves:
        posting = Posting(account_id(giver, given_from, "USD"), account_id(taker, given_to, "USD"), amount)
        market.store.begin()
        market.ledger.post([Entry(entry_id(market.ids(market.now), 1), "test", (posting,))], market.now)
        market.store.commit()


def test_before_anything_happened(market: Market, engine: Engine) -> None:
    with closing(open_reader(engine)) as reader:
        assert (equation(reader), postings_sum(reader)) == ([], 0)
        open_custody(market, "USD")
        assert equation(reader) == [Equation("USD", 0, None, 0, 0, 0, 0, 0, 0, (), 0)]


@pytest.fixture
def busy(market: Market) -> Market:
    """10,000 came in for a shop: 1,500 of it is held, 900 earned, 200 in reserve, 250 on its way out.

    The operator has a position, and advanced 600 to a buyer for another shop, which gave 450 of it back.
    """
    open_custody(market, "USD")
    shop, other, trade = market.party("merchant"), market.party("merchant"), market.ids(market.now)
    topup = market.do(CreateTopup(shop, "USD"))
    market.do(BookTopup(topup.id, line("USD", 10_000, "topup")))
    prefunding = market.do(CreateTopup(HOUSE, "USD"))
    market.do(BookTopup(prefunding.id, line("USD", 2_000, "prefunding")))
    post(
        market,
        (shop, Purpose.WALLET, trade, Purpose.HELD, 1_500),
        (shop, Purpose.WALLET, HOUSE, Purpose.COMMISSION, 800),
        (shop, Purpose.WALLET, HOUSE, Purpose.TAX, 99),
        (shop, Purpose.WALLET, HOUSE, Purpose.ROUNDING, 1),
        (HOUSE, Purpose.POSITION, shop, Purpose.WALLET, 3_000),
        (shop, Purpose.WALLET, shop, Purpose.RESERVE, 200),
        (other, Purpose.RECEIVABLE, market.party("customer"), Purpose.WALLET, 600),
        (shop, Purpose.WALLET, other, Purpose.RECEIVABLE, 450),
    )
    market.do(RequestPayout(shop, "USD", 250))
    market.do(SweepPayout(Purpose.COMMISSION, "USD", 300))
    market.do(BookSuspense(line("USD", 70, "a"), "unmatched"))
    market.do(BookSuspense(line("USD", 30, "b"), "unmatched"))
    market.do(BookSuspense(line("USD", 5, "c"), "party_suspended"))
    market.do(BookSuspense(line("USD", -40, "fee"), "unmatched"))
    return market


def test_each_part_has_its_name(busy: Market, engine: Engine) -> None:
    with closing(open_reader(engine)) as reader:
        (found,) = equation(reader)
        assert found == Equation(
            currency="USD",
            bank=12_000 + 105 - 40,
            bank_said=None,
            client_debt=10_000 + 3_000 - 900 + 150,
            in_flight=250,
            operator_due=2_000 + 900 - 150,
            receivables=150,
            fx_position=-3_000,
            exceptions=105 - 40,
            open_lines=(
                OpenLines("party_suspended", 1, 5),
                OpenLines("unmatched", 1, -40),
                OpenLines("unmatched", 2, 100),
            ),
            difference=0,
        )
        assert postings_sum(reader) == 0


def test_a_line_that_the_books_do_not_know_shows(busy: Market, engine: Engine) -> None:
    busy.store.connection.execute("UPDATE bank_lines SET amount = 71 WHERE amount = 70")
    with closing(open_reader(engine)) as reader:
        assert equation(reader)[0].difference == -1


def test_an_account_that_was_tampered_with_shows(busy: Market, engine: Engine) -> None:
    busy.store.connection.execute("UPDATE accounts SET credits_posted = credits_posted - 1 WHERE credits_posted = 1500")
    with closing(open_reader(engine)) as reader:
        assert (equation(reader)[0].difference, postings_sum(reader)) == (1, 1)
