"""Payout files as accounting examples: who is paid, who is left out and why, and nobody waits for somebody else."""

from collections.abc import Iterator
from hashlib import sha256
from typing import Any

import pytest
from tests.conftest import Engine
from tests.unit.domain.bank_side import kept, person
from tests.unit.timers.bank_day import BUYER_IBAN, CUSTODY, MONDAY, SHOP, SHOP_IBAN, BankDay

from handfast.core.errors import Refusal
from handfast.core.ids import Id
from handfast.domain.custody import OpenAccount
from handfast.domain.parties import HOUSE, PERSON_KEYS, AcceptPayee, ChangeDetails, Details, MoveParty
from handfast.domain.payouts import (
    PAYOUT_FILES,
    PAYOUTS,
    CancelPayout,
    RejectFile,
    RejectPayout,
    RequestPayout,
    SweepPayout,
    payouts_of_file,
)
from handfast.domain.topups import CreateTopup
from handfast.ledger import Purpose
from handfast.sandbox.bank_files import read_payment_file
from handfast.store.verb import Answer, Request
from handfast.timers.payout_files import LeftOut, PayoutFileReport, prepare_payout_file, read_payout_file
from handfast.timers.reconcile import import_statement


@pytest.fixture
def day(engine: Engine) -> Iterator[BankDay]:
    day = BankDay(engine)
    yield day
    day.reader.close()


def asks(day: BankDay, amount: int, currency: str = "EUR", **details: str) -> tuple[Id, Id]:
    """A new shop that asks for a payout: shop and payout."""
    shop = day.party("merchant", None, **details)
    day.fund(shop, currency, amount)
    day.now += 1000  # so that a later request has a later id
    payout: Id = day.do(RequestPayout(shop, currency, amount)).id
    return shop, payout


def prepare(day: BankDay, hand: Any = None, *, currency: str = "EUR", **more: Any) -> PayoutFileReport:
    """Somebody prepares a file."""
    return prepare_payout_file(currency, person(day), day.clerk(hand), **more)


def test_a_file_pays_what_was_asked_for(day: BankDay) -> None:
    payouts = [asks(day, amount)[1] for amount in (100, 250)]
    report = prepare(day)
    assert (report.state, report.count, report.total, report.left_out) == ("prepared", 2, 350, ())
    assert report.file is not None
    with pytest.raises(Refusal, match="state_conflict"):
        read_payout_file(report.file, day.clerk())
    day.approve(report.file)
    data = read_payout_file(report.file, day.clerk())
    _, (order,) = read_payment_file(data)
    assert (order.debtor, order.currency, order.day) == (CUSTODY["EUR"], "EUR", "2014-10-28")
    assert [(paid.amount, paid.name, paid.account) for paid in order.payments] == [
        (-100, SHOP, SHOP_IBAN),
        (-250, SHOP, SHOP_IBAN),
    ]
    assert [(payout.id, payout.state) for payout in payouts_of_file(day.reader, report.file)] == [
        (payout, "ordered") for payout in payouts
    ]
    assert kept(day, PAYOUT_FILES, report.file).digest == sha256(data).digest()


def test_nothing_asked_for_gives_no_file(day: BankDay) -> None:
    asks(day, 100, "USD")
    report = prepare(day)
    assert (report.file, report.state, report.count, report.left_out) == (None, "", 0, ())
    assert day.rows("payout_files") == []


def test_each_payout_is_in_one_file_only(day: BankDay) -> None:
    for amount in (100, 200, 300):
        asks(day, amount)
    totals = [prepare(day, limit=2).total for _ in range(3)]
    assert totals == [300, 300, 0]


def test_whoever_cannot_be_paid_holds_nobody_up(day: BankDay) -> None:
    _, wrong_iban = asks(day, 1, iban="NL91ABNA0417164301")
    _, no_bank = asks(day, 2, iban="", account="111122223333")
    _, no_name = asks(day, 3, name="王芳")
    _, wrong_bic = asks(day, 4, bic="??")
    erased, gone = asks(day, 5)
    suspended, stopped = asks(day, 6)
    day.do(MoveParty(erased, "erase"))
    day.do(MoveParty(suspended, "suspend"))
    _, fine = asks(day, 7)
    report = prepare(day, limit=1)
    assert (report.count, report.total) == (1, 7)
    assert report.left_out == (
        LeftOut(wrong_iban, "iban_invalid", "creditor_account"),
        LeftOut(no_bank, "field_invalid", "creditor_account.routing_number"),
        LeftOut(no_name, "payout_file_invalid", "creditor_name"),
        LeftOut(wrong_bic, "field_invalid", "creditor_bic"),
        LeftOut(gone, "party_suspended", "party"),
        LeftOut(stopped, "party_suspended", "party"),
    )
    assert report.file is not None
    assert [payout.id for payout in payouts_of_file(day.reader, report.file)] == [fine]
    assert kept(day, PAYOUTS, wrong_iban).state == "requested"


def test_details_that_cannot_be_opened_hold_nobody_up(day: BankDay) -> None:
    _, broken = asks(day, 1)
    _, other = asks(day, 2)
    swap = kept(day, PAYOUTS, other).details
    mark = "?" if day.reader.__class__.__name__ == "SqliteReader" else "%s"
    day.store.connection.execute(f"UPDATE payouts SET details = {mark} WHERE id = {mark}", (swap, broken))
    report = prepare(day)
    assert (report.total, report.left_out) == (2, (LeftOut(broken, "field_invalid", "details"),))


def test_a_payout_is_made_out_to_the_accounts_holder(day: BankDay) -> None:
    asks(day, 100, holder="Bakery at the Corner B.V.")
    _, (order,) = read_payment_file(day.pay_file("EUR"))
    assert [paid.name for paid in order.payments] == ["Bakery at the Corner B.V."]


def test_new_details_turn_no_payout_that_was_asked_for_before(day: BankDay) -> None:
    shop, _ = asks(day, 100)
    key = kept(day, PERSON_KEYS, shop)
    thiefs = day.vault.seal(key.wrapped, shop, Details(SHOP, iban=BUYER_IBAN))
    day.fund(shop, "EUR", 50)
    day.do(ChangeDetails(shop, shop, shop, thiefs, "match"))
    day.now += 1000
    day.do(RequestPayout(shop, "EUR", 50))
    _, (order,) = read_payment_file(day.pay_file("EUR"))
    assert [(paid.amount, paid.account) for paid in order.payments] == [(-100, SHOP_IBAN), (-50, BUYER_IBAN)]


def test_an_account_that_was_returned_from_is_left_out(day: BankDay) -> None:
    shop, first = asks(day, 100)
    day.fund(shop, "EUR", 50)
    day.pay_file("EUR")
    second = day.do(RequestPayout(shop, "EUR", 50)).id
    clerk = person(day)
    day.do(RejectPayout(first, clerk, "AC04"))
    assert prepare(day).left_out == (LeftOut(second, "payee_unchecked", "details"),)
    day.do(AcceptPayee(shop, clerk, "The bank was wrong"))
    assert prepare(day).total == 50


def test_a_house_of_one_person_reads_at_once_what_it_prepared(day: BankDay) -> None:
    asks(day, 100)
    report = prepare(day, four_eyes=False)
    assert report.state == "approved"
    assert report.file is not None
    assert read_payout_file(report.file, day.clerk())


def test_a_rejected_file_is_gone_and_its_payouts_are_in_the_next(day: BankDay) -> None:
    _, payout = asks(day, 100)
    report = prepare(day)
    assert report.file is not None
    day.do(RejectFile(report.file, person(day), (payout,), "The bank is closed"))
    with pytest.raises(Refusal, match="state_conflict"):
        read_payout_file(report.file, day.clerk())
    again = prepare(day)
    assert (again.total, again.file == report.file) == (100, False)


def test_a_stranger_prepares_nothing(day: BankDay) -> None:
    shop, _ = asks(day, 100)
    with pytest.raises(Refusal, match="scope_missing"):
        prepare_payout_file("EUR", shop, day.clerk())


def test_a_payout_cancelled_while_the_file_is_written_is_in_no_file(day: BankDay) -> None:
    asks(day, 100)
    shop, payout = asks(day, 200)

    def hand(requests: list[Request]) -> list[Answer]:
        day.do(CancelPayout(shop, payout))
        return day.desk.run(requests)

    with pytest.raises(Refusal, match="state_conflict"):
        prepare(day, hand)
    assert day.rows("payout_files") == []
    assert prepare(day).total == 100


def test_the_operators_own_goes_out_in_the_same_file(day: BankDay) -> None:
    day.deposit("EUR", 1_000, day.do(CreateTopup(HOUSE, "EUR")).reference)
    import_statement(day.statement("EUR", MONDAY), day.clerk())
    day.do(SweepPayout(Purpose.OPERATOR, "EUR", 900))
    asks(day, 50)
    assert prepare(day).total == 950


def test_a_currency_without_custody_account_has_no_file(day: BankDay) -> None:
    with pytest.raises(Refusal, match="currency_unknown"):
        prepare(day, currency="JPY")


def test_a_file_that_was_not_written_cannot_be_read(day: BankDay) -> None:
    with pytest.raises(Refusal, match="object_not_found"):
        read_payout_file(HOUSE, day.clerk())


@pytest.mark.parametrize(("iban", "routing"), [("1234567890", "021000021")])
def test_dollars_leave_a_bank_in_the_united_states(engine: Engine, iban: str, routing: str) -> None:
    day = BankDay(engine, currencies=())
    day.do(OpenAccount(iban, "Handfast client money", "USD", "simulation", routing=routing))
    asks(day, 100, "USD", iban="", routing="011401533", account="111122223333")
    _, (order,) = read_payment_file(day.pay_file("USD"))
    assert (order.debtor, order.payments[0].account) == (iban, "111122223333")
    day.reader.close()


def test_a_custody_account_that_cannot_be_written_is_nobodys_fault_but_ours(engine: Engine) -> None:
    day = BankDay(engine, currencies=())
    day.do(OpenAccount("NL91ABNA0417164301", "Handfast client money", "EUR", "simulation"))
    asks(day, 100)
    with pytest.raises(Refusal) as caught:
        prepare(day)
    assert (caught.value.code, caught.value.param) == ("iban_invalid", "debtor_account")
    day.reader.close()


def test_the_file_of_a_payout_is_kept_sealed(day: BankDay) -> None:
    asks(day, 100)
    report = prepare(day)
    assert report.file is not None
    assert SHOP.encode() not in kept(day, PAYOUT_FILES, report.file).content
