"""An order's life: each entry and event stands beside the request that caused it, in words that people know."""

from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from handfast.app import database
from handfast.core.clocks import DAY, MarketClock
from handfast.core.errors import Conflict, Invalid
from handfast.core.settings import Settings, read_master_key
from handfast.domain.exchange import CreateQuote
from handfast.domain.parties import Vault
from handfast.domain.payments import CreatePayment, NewLine, PayPayment, RefundPayment, lines_of
from handfast.domain.trades import ConfirmTrade, ShipTrade
from handfast.gateways.native.prefixes import show
from handfast.sandbox.bankday import BankDay
from handfast.sandbox.driver import Driver, ask
from handfast.sandbox.faults import Faults
from handfast.sandbox.life import Leg, Names, Step, life
from handfast.sandbox.market import OPENING, people
from handfast.sandbox.opening import founding, open_bank, seeded_opener


@pytest.fixture
def steps(tmp_path: Path) -> list[Step]:
    """Two scarves at USD 100 are bought for yuan; one is confirmed and half given back, the other is never sent."""
    settings = Settings(data=tmp_path, market="sandbox")
    clock = MarketClock(lambda: 0, OPENING - DAY)
    opener = seeded_opener(settings, clock, 1)
    faults = Faults(1, crashes=False, copies=False)
    with closing(Driver(opener, database(settings.database_url).read, faults)) as driver:
        vault, market = Vault(read_master_key(settings)), people(1, 1, 1)
        for requests in founding(market, vault, "simulation"):
            driver.done(requests)
        office = BankDay(1, market, driver, open_bank(OPENING), vault)
        office.top_up(-1, clock())
        office.close(clock())
        clock.advance_to(OPENING)
        office.read_statements(0, clock())
        buyer, shop = market.buyers[0], market.shops[0]

        def do(verb: str, command: object) -> Any:
            return driver.done([ask(verb, command, show("party", buyer.id), f"{verb}/{clock()}")])[0]

        scarf = NewLine(shop.id, 100_00, title="scarf")
        asked = do("payments.create", CreatePayment(market.host, "USD", 200_00, lines=(scarf, scarf)))
        with pytest.raises(Invalid, match="quote_mismatch"):
            do("quotes.create", CreateQuote(buyer.id, "USD", "USD"))
        clock.advance_to(OPENING + 1_000_000)
        quote = do("quotes.create", CreateQuote(buyer.id, "USD", "CNY"))
        paid = do("payments.pay", PayPayment(buyer.id, asked.id, quote.id))
        first = lines_of(paid)[0].trade
        do("trades.ship", ShipTrade(shop.id, first))
        do("trades.confirm", ConfirmTrade(buyer.id, first))
        do("payments.refund", RefundPayment(shop.id, paid.id, first, 50_00))
        clock.advance_to(OPENING + 6 * DAY)
        with pytest.raises(Conflict, match="state_conflict"):
            do("trades.ship", ShipTrade(shop.id, lines_of(paid)[1].trade))
        names = Names(driver.reader, vault)
        return life(driver.reader, names, paid)


def test_each_request_stands_with_what_it_caused(steps: list[Step]) -> None:
    assert [(step.verb, step.outcome, [entry.kind for entry in step.entries]) for step in steps] == [
        ("payments.create", "done", []),
        ("quotes.create", "done", []),
        ("payments.pay", "done", ["payment.pay"]),
        ("trades.ship", "done", []),
        ("trades.confirm", "done", ["trade.release"]),
        ("payments.refund", "done", ["payment.refund"]),
        ("trades.ship", "state_conflict", []),
    ]
    assert [event.type for event in steps[2].events] == [
        "quote.used",
        "trade.held",
        "trade.held",
        "payment.captured",
    ]


def test_accounts_are_called_by_what_they_are_for(steps: list[Step]) -> None:
    (entry,) = steps[4].entries
    shop = "Harbor Lane Goods"
    assert entry.legs == (
        Leg(f"held for scarf of {shop}", "commission", 350, "USD", ""),
        Leg(f"held for scarf of {shop}", f"wallet of {shop}", 9_650, "USD", ""),
    )


def test_the_actor_is_called_by_name(steps: list[Step]) -> None:
    assert len({step.actor for step in steps}) == 1
    assert not steps[0].actor.startswith("pty_")
