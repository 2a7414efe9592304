"""Checkouts: nothing exists until a buyer looks, a number names one order, and money moves once."""

from typing import Any

import pytest
from tests.unit.domain.conftest import Market

from handfast.core.clocks import DAY, MINUTE
from handfast.core.ids import Id, digest_id
from handfast.domain.apps import App, ChangeApp, MoveApp, RegisterApp
from handfast.domain.checkouts import (
    CHECKOUTS,
    AskCheckout,
    ChargeCheckout,
    DueCheckout,
    EndCheckout,
    IssueCode,
    PayCheckout,
    PresentCheckout,
    RefundCheckout,
    UndoCheckout,
    code_id,
)
from handfast.domain.payments import PAYMENTS, Payment
from handfast.ledger import Purpose


class Till:
    """A merchant with an app, and a buyer with 500.00 CNY."""

    def __init__(self, market: Market) -> None:
        self.market = market
        self.merchant = market.party("merchant")
        self.buyer = market.party("customer")
        market.fund(self.buyer, "CNY", 500_00)
        self.app: App = market.do(RegisterApp("alipay", "2014102800000001", self.merchant, b"key", permissions="pay"))

    def asking(self, number: str = "a-1", amount: int = 100_00, digest: str = "", **more: Any) -> AskCheckout:
        mark = digest_id(digest.encode(), number.encode(), str(amount).encode())
        due = self.market.now + DAY
        return AskCheckout("alipay", self.app.id, number, mark, self.merchant, "CNY", amount, due, **more)

    def code(self, digits: str = "281234567890123456", *, confirm: bool = False) -> Id:
        self.market.do(IssueCode(self.buyer, code_id(digits), confirm))
        return code_id(digits)

    def payment(self, key: Id) -> Payment:
        payment: Payment = self.market.store.load({PAYMENTS: [key]})[PAYMENTS][0]
        return payment


@pytest.fixture
def till(market: Market) -> Till:
    return Till(market)


def test_nothing_exists_until_a_buyer_looks(till: Till) -> None:
    asked = till.market.do(till.asking(), "checkouts.ask")
    assert (asked.state, asked.payment) == ("asked", None)
    payment = till.market.do(PresentCheckout(asked.id, till.buyer))
    assert (payment.id, payment.state, payment.payer, payment.due) == (asked.id, "open", None, asked.due)
    paid = till.market.do(PayCheckout(till.buyer, asked.id))
    assert (paid.state, paid.paid) == ("captured", till.market.now)
    assert till.market.wallet(till.buyer, "CNY") == 400_00
    assert till.market.wallet(till.merchant, "CNY") == 100_00


def test_what_nobody_looked_at_may_be_asked_anew(till: Till) -> None:
    first = till.market.do(till.asking(), "checkouts.ask")
    assert till.market.do(till.asking(), "checkouts.ask") == first
    again = till.market.do(till.asking(amount=70_00), "checkouts.ask")
    assert (again.id, again.amount) == (first.id, 70_00)
    till.market.do(PresentCheckout(first.id, till.buyer))
    till.market.refused("number_reused", till.asking(amount=60_00), "checkouts.ask")
    assert till.market.do(till.asking(amount=70_00), "checkouts.ask").payment == first.id


def test_a_presented_checkout_is_one_buyers(till: Till) -> None:
    other = till.market.party("customer")
    till.market.fund(other, "CNY", 500_00)
    asked = till.market.do(till.asking(), "checkouts.ask")
    till.market.do(PresentCheckout(asked.id, till.buyer))
    till.market.refused("state_conflict", PresentCheckout(asked.id, other))
    till.market.refused("state_conflict", PayCheckout(other, asked.id))


def test_a_code_pays_at_once_and_once(till: Till) -> None:
    charge = ChargeCheckout(till.asking(), till.code(), 1_000_00)
    paid = till.market.do(charge)
    assert (paid.state, paid.payer) == ("captured", till.buyer)
    assert till.market.do(charge) == paid
    till.market.refused("code_invalid", ChargeCheckout(till.asking("a-2"), charge.code, 1_000_00))
    till.market.refused("state_conflict", ChargeCheckout(till.asking(), till.code("289999999999999999"), 1_000_00))
    till.market.refused("number_reused", ChargeCheckout(till.asking(amount=1_00), charge.code, 1_000_00))
    assert till.market.wallet(till.buyer, "CNY") == 400_00


def test_a_code_waits_above_the_ceiling_or_for_the_buyer(till: Till) -> None:
    above = till.market.do(ChargeCheckout(till.asking(), till.code(), 99_99))
    assert (above.state, above.payer) == ("open", None)
    asked = till.market.do(ChargeCheckout(till.asking("a-2"), till.code("25000000000000000", confirm=True), 999_00))
    assert asked.state == "open"
    assert till.market.do(PayCheckout(till.buyer, asked.id)).state == "captured"


def test_a_code_that_cannot_pay_may_be_shown_again(till: Till) -> None:
    code = till.code()
    till.market.refused("balance_insufficient", ChargeCheckout(till.asking(amount=500_01), code, 10_000_00))
    assert till.market.do(ChargeCheckout(till.asking(amount=500_00), code, 10_000_00)).state == "captured"


def test_a_code_expires(till: Till) -> None:
    code = till.code()
    till.market.now += 5 * MINUTE
    till.market.refused("code_invalid", ChargeCheckout(till.asking(), code, 1_000_00))


def paid(till: Till, **more: Any) -> Payment:
    payment: Payment = till.market.do(ChargeCheckout(till.asking(**more), till.code(), 1_000_00))
    return payment


def test_a_refunds_number_is_used_once(till: Till) -> None:
    sale = paid(till)
    part = RefundCheckout(till.merchant, sale.id, "r-1", b"1" * 16, 30_00)
    first = till.market.do(part)
    assert (first.refund.amount, first.total, first.fresh) == (30_00, 30_00, True)
    again = till.market.do(part)
    assert (again.refund, again.total, again.fresh) == (first.refund, 30_00, False)
    till.market.refused("number_reused", RefundCheckout(till.merchant, sale.id, "r-1", b"2" * 16, 31_00))
    till.market.refused("refund_exceeds_captured", RefundCheckout(till.merchant, sale.id, "r-2", b"2" * 16, 70_01))
    assert till.market.do(RefundCheckout(till.merchant, sale.id, "r-2", b"3" * 16)).total == 100_00
    assert till.market.wallet(till.buyer, "CNY") == 500_00


def test_undoing_closes_what_is_open_and_refunds_what_was_paid(till: Till) -> None:
    asked = till.market.do(till.asking(), "checkouts.ask")
    assert till.market.do(UndoCheckout(till.merchant, asked.id)).step == "close"
    opened = till.market.do(till.asking("a-2"), "checkouts.open")
    assert till.market.do(UndoCheckout(till.merchant, opened.id)).step == "close"
    assert till.payment(opened.id).state == "cancelled"
    sale = paid(till, number="a-3")
    assert till.market.do(UndoCheckout(till.merchant, sale.id)).step == "refund"
    assert till.market.do(UndoCheckout(till.merchant, sale.id)).step == ""
    assert till.market.wallet(till.buyer, "CNY") == 500_00


def test_time_closes_what_was_asked_and_ends_the_time_for_refunds(till: Till) -> None:
    asked = till.market.do(till.asking(), "checkouts.ask")
    sale = paid(till, number="a-2", refundable=90 * DAY)
    till.market.refused("state_conflict", DueCheckout(asked.id, asked.version))
    till.market.wait(1)
    till.market.refused("state_conflict", PresentCheckout(asked.id, till.buyer))
    assert till.market.do(DueCheckout(asked.id, asked.version)).state == "closed"
    till.market.wait(89)
    kept = till.market.store.load({CHECKOUTS: [sale.id]})[CHECKOUTS][0]
    assert till.market.do(DueCheckout(sale.id, kept.version)).state == "finished"
    till.market.refused("state_conflict", RefundCheckout(till.merchant, sale.id, "r-1", b"1" * 16))
    assert till.market.balance(till.merchant, Purpose.WALLET, "CNY") == 100_00


def test_only_its_merchant_ends_or_refunds_a_checkout(till: Till) -> None:
    sale = paid(till)
    till.market.refused("object_not_found", RefundCheckout(till.buyer, sale.id, "r-1", b"1" * 16))
    till.market.refused("object_not_found", UndoCheckout(till.buyer, sale.id))
    opened = till.market.do(till.asking("a-2"), "checkouts.open")
    till.market.refused("object_not_found", EndCheckout(till.buyer, opened.id), "checkouts.close")
    till.market.do(EndCheckout(till.merchant, opened.id), "checkouts.close")
    till.market.refused("state_conflict", EndCheckout(till.merchant, opened.id), "checkouts.close")


def test_an_app_is_registered_once_and_its_keys_change(till: Till) -> None:
    till.market.refused("object_exists", RegisterApp("alipay", "2014102800000001", till.merchant, b"other"))
    changed = till.market.do(ChangeApp(till.app.id, public_key=b"new"))
    assert (changed.public_key, changed.permissions, changed.version) == (b"new", "pay", 2)
    assert till.market.do(MoveApp(till.app.id, "disable")).state == "disabled"
    till.market.refused("state_conflict", MoveApp(till.app.id, "disable"))


def together(till: Till, *commands: tuple[Any, str]) -> list[str]:
    """The codes by which these are refused in one batch, "" for those that are not."""
    answers = till.market.desk.run([till.market.request(command, name) for command, name in commands])
    return [answer.refusal.code if answer.refusal else "" for answer in answers]


def test_one_number_asked_twice_in_one_batch_is_one_order(till: Till) -> None:
    asked = together(till, (till.asking(), "checkouts.open"), (till.asking(amount=1_00), "checkouts.open"))
    assert asked == ["", "number_reused"]
    assert together(till, *[(till.asking("a-2"), "checkouts.open")] * 3) == ["", "", ""]


def test_one_code_at_two_tills_in_one_batch_pays_once(till: Till) -> None:
    code = till.code()
    charges = [(ChargeCheckout(till.asking(f"a-{n}"), code, 1_000_00), "") for n in range(3)]
    assert together(till, *charges) == ["", "code_invalid", "code_invalid"]
    assert till.market.wallet(till.buyer, "CNY") == 400_00


def test_refunds_in_one_batch_give_back_what_was_paid(till: Till) -> None:
    sale = paid(till)
    same = RefundCheckout(till.merchant, sale.id, "r-0", b"0" * 16, 40_00)
    assert together(till, (same, ""), (same, "")) == ["", ""]
    others = [(RefundCheckout(till.merchant, sale.id, f"r-{n}", b"1" * 16, 40_00), "") for n in (1, 2)]
    assert together(till, *others) == ["", "refund_exceeds_captured"]
    assert till.market.wallet(till.buyer, "CNY") == 480_00


def test_a_buyer_and_a_merchant_who_end_it_at_once(till: Till) -> None:
    opened = till.market.do(till.asking(), "checkouts.open")
    ways: tuple[tuple[Any, str], ...] = (
        (PayCheckout(till.buyer, opened.id), ""),
        (UndoCheckout(till.merchant, opened.id), ""),
    )
    assert together(till, *ways) == ["", ""]
    assert (till.payment(opened.id).refunded, till.market.wallet(till.buyer, "CNY")) == (100_00, 500_00)
    again = till.market.do(till.asking("a-2"), "checkouts.open")
    ways = ((UndoCheckout(till.merchant, again.id), ""), (PayCheckout(till.buyer, again.id), ""))
    assert together(till, *ways) == ["", "state_conflict"]


def test_what_was_asked_before_may_be_charged_again_after_a_refusal(till: Till) -> None:
    till.market.do(till.asking(amount=600_00), "checkouts.ask")
    code = till.code()
    for amount in (600_00, 600_00, 700_00, 700_00, 600_00):
        till.market.refused("balance_insufficient", ChargeCheckout(till.asking(amount=amount), code, 10_000_00))
    till.market.fund(till.buyer, "CNY", 100_00)
    assert till.market.do(ChargeCheckout(till.asking(amount=600_00), code, 10_000_00)).state == "captured"
    assert till.market.wallet(till.buyer, "CNY") == 0


def test_what_a_code_could_not_pay_is_paid_at_the_cashier(till: Till) -> None:
    asked = till.market.do(till.asking(amount=600_00), "checkouts.ask")
    till.market.refused("balance_insufficient", ChargeCheckout(till.asking(amount=600_00), till.code(), 10_000_00))
    till.market.fund(till.buyer, "CNY", 100_00)
    till.market.do(PresentCheckout(asked.id, till.buyer))
    assert till.market.do(PayCheckout(till.buyer, asked.id)).state == "captured"
