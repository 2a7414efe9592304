"""The plain market is right as long as nothing is asked twice: its balances, its guarantee, its bank files."""

from collections.abc import Iterator

import apsw
import pytest

from handfast.core.clocks import DAY, HOUR
from handfast.core.errors import Invalid
from handfast.domain.payments import NewLine
from handfast.sandbox.market import OPENING
from handfast.sandbox.naive import Notice, PlainMarket, Refused
from handfast.sandbox.opening import ACCOUNTS, day_of, open_bank

NOW = OPENING + 9 * HOUR
BUYER, SHOP, OTHER = b"buyer", b"shop", b"other shop"
SCARF = NewLine(SHOP, 100_00)
"""611.35 yuan on that day; 3.50 of it is commission."""


class Scene:
    """A market with a buyer who has 10,000 yuan and two shops, and the notices that it sent."""

    def __init__(self) -> None:
        self.notices: list[Notice] = []
        self.db = apsw.Connection("")
        self.market = PlainMarket(self.db, {number: code for code, number in ACCOUNTS.items()}, self.notices.append)
        for user, currency in ((BUYER, "CNY"), (SHOP, "USD"), (OTHER, "EUR")):
            self.market.open_user(user, currency)
        self.market.announce(BUYER, "CNY", "HF0001")
        self.market.import_statement(statement("HF0001"))

    def sold(self, *lines: NewLine) -> tuple[int, ...]:
        """The items of an order that was paid."""
        order = self.market.place(lines, NOW)
        self.market.pay(order, BUYER, NOW, NOW)
        return self.market.items_of(order)

    @property
    def balances(self) -> tuple[int, int, int]:
        """The buyer's yuan, the shop's dollars, the other shop's euros."""
        return (
            self.market.balance(BUYER, "CNY"),
            self.market.balance(SHOP, "USD"),
            self.market.balance(OTHER, "EUR"),
        )


def statement(remittance: str) -> bytes:
    """The bank's file of a day on which 10,000 yuan came."""
    bank, day = open_bank(OPENING), day_of(OPENING)
    bank.deposit(ACCOUNTS["CNY"], 10_000_00, on=day, remittance=remittance, name="Li", account="6222")
    return bank.statement(ACCOUNTS["CNY"], day, created=OPENING)


@pytest.fixture
def scene() -> Iterator[Scene]:
    scene = Scene()
    yield scene
    scene.db.close()


def test_an_order_is_held_shipped_confirmed_and_earned(scene: Scene) -> None:
    (item,) = scene.sold(SCARF)
    assert scene.balances == (10_000_00 - 611_35, 0, 0)
    scene.market.ship(item, NOW)
    scene.market.confirm(item)
    assert scene.balances == (10_000_00 - 611_35, 96_50, 0)
    assert [notice.kind for notice in scene.notices] == ["order.paid", "item.shipped", "item.released"]


def test_states_keep_it_from_doing_things_twice(scene: Scene) -> None:
    (item,) = scene.sold(SCARF)
    with pytest.raises(Refused, match="order_not_open"):
        scene.market.pay(scene.market.item(item).of_order, BUYER, NOW, NOW)
    scene.market.ship(item, NOW)
    with pytest.raises(Refused, match="state"):
        scene.market.ship(item, NOW)
    scene.market.confirm(item)
    with pytest.raises(Refused, match="state"):
        scene.market.confirm(item)
    assert scene.balances == (10_000_00 - 611_35, 96_50, 0)


def test_what_is_too_dear_changes_nothing(scene: Scene) -> None:
    order = scene.market.place((NewLine(SHOP, 1_700_00),), NOW)
    with pytest.raises(Refused, match="balance_insufficient"):
        scene.market.pay(order, BUYER, NOW, NOW)
    assert scene.balances == (10_000_00, 0, 0)
    assert scene.market.item(scene.market.items_of(order)[0]).state == "open"
    assert scene.notices == []


def test_a_rate_is_seen_again_after_half_an_hour(scene: Scene) -> None:
    order = scene.market.place((SCARF,), NOW)
    with pytest.raises(Refused, match="rate_expired"):
        scene.market.pay(order, BUYER, NOW - HOUR // 2, NOW)


def test_refunds_in_parts_give_back_all_that_was_paid(scene: Scene) -> None:
    before, after = scene.sold(SCARF, NewLine(OTHER, 33_33))
    scene.market.ship(after, NOW)
    scene.market.confirm(after)
    for item in (before, after):
        scene.market.refund(item, 11_11)
        scene.market.refund(item, None)
        with pytest.raises(Refused, match="state"):
            scene.market.refund(item, None)
    assert scene.balances == (10_000_00, 0, 0)


def test_nothing_beyond_the_price_is_refunded_nor_out_of_an_empty_pocket(scene: Scene) -> None:
    (item,) = scene.sold(SCARF)
    with pytest.raises(Refused, match="refund_too_much"):
        scene.market.refund(item, 100_01)
    scene.market.ship(item, NOW)
    scene.market.confirm(item)
    scene.market.request_payout(SHOP, "USD", 96_50)
    with pytest.raises(Refused, match="balance_insufficient"):
        scene.market.refund(item, 10_00)
    assert scene.balances == (10_000_00 - 611_35, 0, 0)


def test_silence_pays_back_what_was_not_shipped_and_releases_what_was(scene: Scene) -> None:
    _, shipped = scene.sold(SCARF, SCARF)
    scene.market.ship(shipped, NOW)
    scene.market.run_job(NOW + 5 * DAY - 1)
    assert scene.balances == (10_000_00 - 2 * 611_35, 0, 0)
    scene.market.run_job(NOW + 5 * DAY)
    assert scene.balances == (10_000_00 - 611_35, 0, 0)
    scene.market.run_job(NOW + 10 * DAY)
    assert scene.balances == (10_000_00 - 611_35, 96_50, 0)


def test_what_is_reserved_is_captured_or_let_go(scene: Scene) -> None:
    order = scene.market.place((SCARF, SCARF), NOW, manual=True)
    scene.market.pay(order, BUYER, NOW, NOW)
    assert scene.balances == (10_000_00 - 2 * 611_35, 0, 0)
    first, second = scene.market.items_of(order)
    scene.market.capture(first, NOW)
    scene.market.run_job(NOW + 7 * DAY - 1)
    assert scene.market.item(second).state == "reserved"
    scene.market.run_job(NOW + 7 * DAY)
    assert (scene.market.item(first).state, scene.market.item(second).state) == ("closed", "void")
    assert scene.balances == (10_000_00, 0, 0)


def test_a_payout_comes_back_once(scene: Scene) -> None:
    payout = scene.market.request_payout(BUYER, "CNY", 10_000_00)
    assert scene.balances[0] == 0
    scene.market.take_back(payout)
    with pytest.raises(Refused, match="state"):
        scene.market.take_back(payout)
    assert scene.balances[0] == 10_000_00


def test_a_line_without_reference_waits_for_somebody_to_say_whose_it_is(scene: Scene) -> None:
    assert scene.market.import_statement(statement("shopping money")) == 0
    ((line,),) = scene.market.rows("SELECT id FROM bank_lines WHERE user IS NULL")
    scene.market.assign(line, BUYER)
    with pytest.raises(Refused, match="state"):
        scene.market.assign(line, BUYER)
    assert scene.balances[0] == 20_000_00


def test_a_file_that_does_not_add_up_is_refused_whole(scene: Scene) -> None:
    data = statement("HF0001")
    start, end = data.find(b"<Ntry>"), data.find(b"</Ntry>") + len(b"</Ntry>")
    with pytest.raises(Invalid, match="statement_unbalanced"):
        scene.market.import_statement(data[:end] + data[start:end] + data[end:])
    assert scene.balances[0] == 10_000_00


def test_what_it_has_not_thought_of(scene: Scene) -> None:
    (item,) = scene.sold(SCARF)
    scene.market.refund(item, 10_00)
    scene.market.refund(item, 10_00)
    assert scene.balances[0] == 10_000_00 - 611_35 + 2 * 61_14
    scene.market.place((SCARF,), NOW, buyer=BUYER)
    scene.market.place((SCARF,), NOW, buyer=BUYER)
    assert scene.balances[0] == 10_000_00 - 3 * 611_35 + 2 * 61_14
    data = statement("HF0001")
    assert scene.market.import_statement(data) == scene.market.import_statement(data) == 1
    assert scene.balances[0] == 30_000_00 - 3 * 611_35 + 2 * 61_14
