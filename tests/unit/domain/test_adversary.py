"""What a buyer, a seller or a handler with bad intent tries with money and clocks, and that it comes to nothing."""

from collections.abc import Iterator
from contextlib import closing

import pytest
from msgspec.structs import replace
from tests.conftest import Engine
from tests.unit.domain.bank_side import open_reader
from tests.unit.domain.conftest import Market
from tests.unit.domain.policy_books import days, policy
from tests.unit.domain.quarrel import Quarrel, silent
from tests.unit.domain.shop import Shop

from handfast.core.ids import Id
from handfast.domain.payments import CapturePayment, CreatePayment, GiveConsent, PayPayment
from handfast.domain.policies import digest_of
from handfast.domain.trades import ProposeChange
from handfast.domain.transfers import CreateTransfer
from handfast.ledger import Purpose
from handfast.store.reader import Reader

IN_VAIN = 5
"""So many claims and disputes of a step may come to nothing."""


@pytest.fixture
def reader(engine: Engine) -> Iterator[Reader]:
    with closing(open_reader(engine)) as opened:
        yield opened


@pytest.fixture
def quarrel(market: Market, reader: Reader) -> Quarrel:
    """A trade of USD 100.00 that is shipped: 10 days to confirm."""
    shipped = Quarrel(market, reader)
    shipped.do("ship")
    return shipped


def spend_all(quarrel: Quarrel) -> Id:
    """The seller moves what it has out of reach; to whom."""
    accomplice = quarrel.market.party("customer")
    amount = quarrel.market.wallet(quarrel.shop, "USD")
    quarrel.market.do(CreateTransfer(quarrel.shop, accomplice, "USD", amount))
    return accomplice


def owed(quarrel: Quarrel) -> int:
    return -quarrel.market.balance(quarrel.shop, Purpose.RECEIVABLE, "USD")


def test_asking_and_withdrawing_by_turns_keeps_no_seller_from_its_money(quarrel: Quarrel) -> None:
    """Each claim stops the clock until just before the seller's time to answer ends."""
    sent, due = quarrel.market.now, quarrel.trade.due
    assert due is not None
    for _ in range(IN_VAIN):
        quarrel.do("ask")
        quarrel.wait(1.9)
        quarrel.do("withdraw")
    quarrel.refused("changes_spent", "ask")
    quarrel.refused("changes_spent", "dispute")
    assert quarrel.trade.due == due + int(IN_VAIN * 1.9 * (due - sent) / 10)
    quarrel.until(quarrel.trade.due)
    quarrel.fire(quarrel.silence("trade"))
    assert quarrel.wallets() == (10_000, 9_650)
    quarrel.do("ask", amount=1_000)  # after the sale it is another step


def test_nor_does_withdrawing_disputes_whoever_opened_them(quarrel: Quarrel) -> None:
    """The seller calls a handler, the buyer calls it off: once it did so often enough, the handler comes."""
    for n in range(IN_VAIN):
        quarrel.do("dispute" if n % 2 else "contest")
        quarrel.do("drop")
    quarrel.refused("changes_spent", "dispute")
    quarrel.do("contest")
    quarrel.refused("changes_spent", "drop")
    quarrel.do("rest")
    quarrel.do("rest", by=quarrel.shop)
    assert quarrel.do("decide", outcome="release").state == "decided"


def test_nor_does_silence_about_what_the_clock_disputes(market: Market, reader: Reader) -> None:
    """Where silence at the end disputes, the buyer's withdrawal begins the step anew, not for ever."""
    quarrel = Quarrel(market, reader, silent("confirm", "dispute"))
    quarrel.do("ship")
    for _ in range(IN_VAIN):
        quarrel.until(quarrel.trade.due)
        quarrel.fire(quarrel.silence_disputes("trade"))
        quarrel.do("drop")
    quarrel.until(quarrel.trade.due)
    quarrel.fire(quarrel.silence_disputes("trade"))
    quarrel.refused("changes_spent", "drop")


def test_claims_that_bring_something_are_not_counted(quarrel: Quarrel) -> None:
    for _ in range(2 * IN_VAIN):
        quarrel.do("ask", amount=100)
        quarrel.do("agree")
    assert quarrel.wallets() == (10_000 - 1_000, 0)


def test_a_seller_alone_has_nothing_advanced(quarrel: Quarrel) -> None:
    """It has spent its 96.50 and disputes its own sale, only to concede: that is a refund of its own."""
    quarrel.do("confirm")
    spend_all(quarrel)
    quarrel.refused("balance_insufficient", "give")
    quarrel.do("contest")
    quarrel.refused("balance_insufficient", "concede")
    assert owed(quarrel) == 0
    quarrel.market.fund(quarrel.shop, "USD", 9_650)
    assert quarrel.do("concede").state == "final"
    assert quarrel.wallets() == (0, 0)


def test_a_debtor_who_sells_without_trades_pays_what_it_owes(quarrel: Quarrel) -> None:
    """96.50 were advanced; of a direct sale of 80.00, and of 40.00 in two captures, the operator has its own first."""
    quarrel.do("confirm")
    spend_all(quarrel)
    quarrel.do("ask")
    quarrel.do("agree")
    assert owed(quarrel) == 9_650
    market, shop, buyer = quarrel.market, quarrel.shop, quarrel.buyer
    market.do(PayPayment(buyer, market.do(CreatePayment(shop, "USD", 8_000)).id))
    assert (quarrel.wallets()[1], owed(quarrel)) == (0, 1_930), "77.20 after commission"
    market.do(GiveConsent(buyer, shop, "USD", 4_000))
    aside = market.do(CreatePayment(shop, "USD", 4_000, payer=buyer, capture="manual"))
    market.do(CapturePayment(shop, aside.id, 1_500))
    assert (quarrel.wallets()[1], owed(quarrel)) == (0, 482), "14.48 (of 14.475) more"
    market.do(CapturePayment(shop, aside.id))
    assert (quarrel.wallets()[1], owed(quarrel)) == (3_860 - 1_930, 0)


def test_a_dispute_cut_into_slices_needs_a_second_person_all_the_same(market: Market, reader: Reader) -> None:
    """A second person is asked above 500.00: the first half of 1,000.00 needs none, the other half does."""
    quarrel = Quarrel(market, reader, amount=100_000)
    quarrel.do("ship")
    for outcome, state in (("part", "decided"), ("refund", "proposed")):
        quarrel.do("dispute", amount=50_000)
        quarrel.until(quarrel.dispute.due)
        quarrel.fire(quarrel.silence("dispute"))
        assert quarrel.do("decide", outcome=outcome, amount=50_000).state == state
        quarrel.until(quarrel.dispute.due)
        quarrel.fire(quarrel.silence("dispute"))


def test_both_sides_together_cannot_amend_what_protects_the_operator(market: Market) -> None:
    plain = policy()
    shop = Shop(
        market,
        plain,
        policy("one-eye", disputing=replace(plain.disputing, second_eyes={})),
        policy("long", after_sale=days(90)),
        policy("longer", refundable=days(720)),
        policy("patient", confirm=replace(plain.confirm, within=days(30))),
    )
    key = shop.sell()
    for name in ("one-eye", "long", "longer"):
        other = shop.trade(shop.sell(category=name)).policy
        market.refused("policy_invalid", ProposeChange(shop.seller, key, "amend", other))
    assert digest_of(plain) == shop.trade(key).policy
    shop.done(ProposeChange(shop.seller, key, "amend", shop.trade(shop.sell(category="patient")).policy))
