"""Held until settled, taken in parts, freed in parts, shared: given balances, when a verb, then entries."""

from typing import Any

import pytest
from tests.unit.domain.conftest import Market

from handfast.core.clocks import DAY
from handfast.core.ids import Id, account_id, digest_id
from handfast.domain.apps import App, RegisterApp
from handfast.domain.checkouts import (
    AUTH,
    AskCheckout,
    FreePart,
    PayCheckout,
    PayPart,
    PresentCheckout,
    RefundCheckout,
    SettleCheckout,
)
from handfast.domain.payments import PAYMENTS, FreePayment, NewLine, Payment, lines_of
from handfast.domain.royalties import ReturnShares, ShareCheckout, TieReceivers
from handfast.ledger import Purpose
from handfast.ledger.model import Mode, Posting, decode_postings


class Desk:
    """A merchant who pays no commission, its app, a buyer with 500.00 CNY, and somebody with whom it may share."""

    def __init__(self, market: Market) -> None:
        self.market = market
        self.merchant, self.payee = market.party("merchant"), market.party("merchant")
        self.buyer = market.party("customer")
        market.fund(self.buyer, "CNY", 500_00)
        self.app: App = market.do(RegisterApp("alipay", "2014102800000001", self.merchant, b"key", permissions="pay"))

    def asking(self, number: str, amount: int, **more: Any) -> AskCheckout:
        mark = digest_id(number.encode(), str(amount).encode())
        due = self.market.now + DAY
        return AskCheckout("alipay", self.app.id, number, mark, self.merchant, "CNY", amount, due, **more)

    def paid(self, **more: Any) -> Id:
        """100.00 that the buyer paid, or had set aside."""
        asked = self.market.do(self.asking("a-1", 100_00, **more), "checkouts.ask")
        self.market.do(PresentCheckout(asked.id, self.buyer))
        self.market.do(PayCheckout(self.buyer, asked.id))
        key: Id = asked.id
        return key

    def payment(self, key: Id) -> Payment:
        payment: Payment = self.market.store.load({PAYMENTS: [key]})[PAYMENTS][0]
        return payment

    def wallet(self, party: Id) -> Id:
        return account_id(party, Purpose.WALLET, "CNY")


@pytest.fixture
def desk(market: Market) -> Desk:
    return Desk(market)


def test_settled_by_the_platform(desk: Desk) -> None:
    line = NewLine(desk.merchant, 100_00, delivery="virtual", settle=7)
    sale = desk.paid(lines=(line,))
    (trade,) = (line.trade for line in lines_of(desk.payment(sale)))
    market = desk.market
    assert (market.wallet(desk.buyer, "CNY"), market.wallet(desk.merchant, "CNY")) == (400_00, 0)
    settling = SettleCheckout(desk.merchant, sale, "s1", b"40", 40_00)
    released = market.do(settling)
    assert (released.id, released.state, released.released) == (trade, "shipped", 40_00)
    assert market.do(settling) == released
    assert market.wallet(desk.merchant, "CNY") == 40_00
    market.refused("number_reused", SettleCheckout(desk.merchant, sale, "s1", b"50", 50_00))
    market.refused("held_exceeded", SettleCheckout(desk.merchant, sale, "s2", b"61", 61_00))
    market.refused("held_exceeded", SettleCheckout(desk.merchant, sale, "s2", b"f", 50_00, freeze=True))
    market.do(RefundCheckout(desk.merchant, sale, "r1", b"60", 60_00))
    assert (market.wallet(desk.buyer, "CNY"), market.wallet(desk.merchant, "CNY")) == (460_00, 40_00)
    market.refused("state_conflict", SettleCheckout(desk.merchant, sale, "s3", b"1", 1))
    market.refused("object_not_found", SettleCheckout(desk.payee, sale, "s4", b"1", 1))


def test_a_guaranteed_trade_is_not_the_platforms_to_settle(desk: Desk) -> None:
    sale = desk.paid(lines=(NewLine(desk.merchant, 100_00),))
    desk.market.refused("state_conflict", SettleCheckout(desk.merchant, sale, "s1", b"", 100_00))


@pytest.mark.parametrize("days", [-1, 366])
def test_a_line_is_settled_within_a_year(desk: Desk, days: int) -> None:
    asked = desk.market.do(
        desk.asking("a-1", 1_00, lines=(NewLine(desk.merchant, 1_00, settle=days),)), "checkouts.ask"
    )
    desk.market.refused("lines_invalid", PresentCheckout(asked.id, desk.buyer))


def test_taken_freed_and_given_back_in_parts(desk: Desk) -> None:
    market = desk.market
    sale = desk.paid(capture="manual", kind=AUTH)
    aside = account_id(sale, Purpose.HELD, "CNY")
    market.do(PayPart(desk.merchant, sale, desk.asking("p-1", 30_00)))
    first = desk.payment(sale).pending
    market.do(FreePart(desk.merchant, sale, "u-1", b"20", 20_00))
    row = desk.payment(sale)
    assert (row.state, row.captured, row.freed) == ("authorised", 30_00, 20_00)
    postings = entries_of(market, "payment.free")
    assert postings == [
        (
            Posting(desk.wallet(desk.buyer), aside, 70_00, Mode.VOID, first),
            Posting(desk.wallet(desk.buyer), aside, 50_00, Mode.PENDING),
        )
    ]
    market.refused("capture_exceeds_authorised", PayPart(desk.merchant, sale, desk.asking("p-2", 50_01)))
    market.refused("capture_exceeds_authorised", FreePayment(desk.merchant, sale, 50_01))
    taken = market.do(PayPart(desk.merchant, sale, desk.asking("p-2", 50_00)))
    row = desk.payment(sale)
    assert (row.state, row.captured, row.pending) == ("captured", 80_00, None)
    market.refused("refund_exceeds_captured", RefundCheckout(desk.merchant, taken.id, "r", b"", 50_01))
    refunded = market.do(RefundCheckout(desk.merchant, taken.id, "r", b"50", 50_00))
    assert (refunded.total, desk.payment(sale).refunded) == (50_00, 50_00)
    assert (market.wallet(desk.buyer, "CNY"), market.wallet(desk.merchant, "CNY")) == (470_00, 30_00)
    market.refused("state_conflict", FreePart(desk.merchant, sale, "u-2", b"1", 1))


def test_shared_and_given_back(desk: Desk) -> None:
    market = desk.market
    sale = desk.paid()
    sharing = ShareCheckout(desk.merchant, sale, "s1", b"30", ((desk.payee, 30_00),))
    market.refused("object_not_found", sharing)
    assert market.do(TieReceivers(desk.merchant, ((desk.payee, b""),))) == 1
    assert market.do(TieReceivers(desk.merchant, ((desk.payee, b""),))) == 0
    shared = market.do(sharing)
    assert market.do(sharing) == shared
    assert (market.wallet(desk.merchant, "CNY"), market.wallet(desk.payee, "CNY")) == (70_00, 30_00)
    assert entries_of(market, "royalty.share") == [
        (Posting(desk.wallet(desk.merchant), desk.wallet(desk.payee), 30_00),)
    ]
    market.refused("held_exceeded", ShareCheckout(desk.merchant, sale, "s2", b"", ((desk.payee, 70_01),)))
    market.refused("held_exceeded", ReturnShares(desk.merchant, sale, "t1", b"", ((desk.payee, 30_01),)))
    market.do(ReturnShares(desk.merchant, sale, "t1", b"", ((desk.payee, 10_00),)))
    assert entries_of(market, "royalty.return") == [
        (Posting(desk.wallet(desk.payee), desk.wallet(desk.merchant), 10_00),)
    ]
    market.refused("field_invalid", TieReceivers(desk.merchant, ((desk.merchant, b""),)))
    market.refused("field_invalid", ShareCheckout(desk.merchant, sale, "s3", b"", ()))


def entries_of(market: Market, kind: str) -> list[tuple[Posting, ...]]:
    """The postings of all entries of a kind."""
    rows: list[tuple[Any, ...]] = market.store.connection.execute(
        f"SELECT postings FROM entries WHERE kind = '{kind}' ORDER BY id"
    ).fetchall()
    return [decode_postings(blob) for (blob,) in rows]
