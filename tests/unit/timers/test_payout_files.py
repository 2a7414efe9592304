"""Payout files as accounting examples: who is paid, who is left out and why, and nobody waits for somebody else."""

from collections.abc import Iterator

import pytest
from tests.conftest import Engine
from tests.unit.timers.bank_day import CUSTODY, MONDAY, SHOP, SHOP_IBAN, BankDay

from handfast.core.errors import Refusal
from handfast.core.ids import Id
from handfast.domain.custody import OpenAccount
from handfast.domain.parties import HOUSE, MoveParty
from handfast.domain.payouts import PAYOUT_FILES, PAYOUTS, CancelPayout, RequestPayout, SweepPayout, payouts_of_file
from handfast.domain.topups import CreateTopup
from handfast.ledger import Purpose
from handfast.sandbox.bank_files import read_payment_file
from handfast.store.reader import get
from handfast.store.verb import Answer, Request
from handfast.timers.payout_files import LeftOut, read_payout_file, write_payout_file
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


def test_a_file_pays_what_was_asked_for(day: BankDay) -> None:
    payouts = [asks(day, amount)[1] for amount in (100, 250)]
    report = write_payout_file("EUR", day.clerk())
    assert (report.count, report.total, report.left_out) == (2, 350, ())
    assert report.data is not None
    assert report.file is not None
    _, (order,) = read_payment_file(report.data)
    assert (order.debtor, order.currency, order.day) == (CUSTODY["EUR"], "EUR", "2014-10-28")
    assert [(paid.amount, paid.name, paid.account) for paid in order.payments] == [
        (-100, SHOP, SHOP_IBAN),
        (-250, SHOP, SHOP_IBAN),
    ]
    assert [(payout.id, payout.state) for payout in payouts_of_file(day.reader, report.file)] == [
        (payout, "ordered") for payout in payouts
    ]
    assert read_payout_file(report.file, day.clerk()) == report.data


def test_nothing_asked_for_gives_no_file(day: BankDay) -> None:
    asks(day, 100, "USD")
    report = write_payout_file("EUR", day.clerk())
    assert (report.file, report.data, report.count, report.left_out) == (None, None, 0, ())
    assert day.rows("payout_files") == []


def test_each_payout_is_in_one_file_only(day: BankDay) -> None:
    for amount in (100, 200, 300):
        asks(day, amount)
    totals = [write_payout_file("EUR", day.clerk(), limit=2).total for _ in range(3)]
    assert totals == [300, 300, 0]


def test_whoever_cannot_be_paid_holds_nobody_up(day: BankDay) -> None:
    _, wrong_iban = asks(day, 1, iban="NL91ABNA0417164301")
    _, no_account = asks(day, 2, iban="")
    _, no_bank = asks(day, 2, iban="", account="111122223333")
    _, no_name = asks(day, 3, name="王芳")
    _, wrong_bic = asks(day, 4, bic="??")
    erased, gone = asks(day, 5)
    suspended, stopped = asks(day, 6)
    day.do(MoveParty(erased, "erase"))
    day.do(MoveParty(suspended, "suspend"))
    _, fine = asks(day, 7)
    report = write_payout_file("EUR", day.clerk(), limit=1)
    assert (report.count, report.total) == (1, 7)
    assert report.left_out == (
        LeftOut(wrong_iban, "iban_invalid", "creditor_account"),
        LeftOut(no_account, "field_missing", "details"),
        LeftOut(no_bank, "field_invalid", "creditor_account.routing_number"),
        LeftOut(no_name, "payout_file_invalid", "creditor_name"),
        LeftOut(wrong_bic, "field_invalid", "creditor_bic"),
        LeftOut(gone, "party_suspended", "party"),
        LeftOut(stopped, "party_suspended", "party"),
    )
    assert report.file is not None
    assert [payout.id for payout in payouts_of_file(day.reader, report.file)] == [fine]
    kept = get(day.reader, PAYOUTS, wrong_iban)
    assert (kept and kept.state) == "requested"


def test_details_that_cannot_be_opened_hold_nobody_up(day: BankDay) -> None:
    broken, payout = asks(day, 1)
    other, _ = asks(day, 2)
    sealed = day.store.connection.execute("SELECT details, id FROM parties").fetchall()
    swap = {key: details for details, key in sealed}[other]
    mark = "?" if day.reader.__class__.__name__ == "SqliteReader" else "%s"
    day.store.connection.execute(f"UPDATE parties SET details = {mark} WHERE id = {mark}", (swap, broken))
    report = write_payout_file("EUR", day.clerk())
    assert (report.total, report.left_out) == (2, (LeftOut(payout, "field_invalid", "details"),))


def test_a_payout_cancelled_while_the_file_is_written_is_in_no_file(day: BankDay) -> None:
    asks(day, 100)
    shop, payout = asks(day, 200)

    def hand(requests: list[Request]) -> list[Answer]:
        day.do(CancelPayout(shop, payout))
        return day.desk.run(requests)

    with pytest.raises(Refusal, match="state_conflict"):
        write_payout_file("EUR", day.clerk(hand))
    assert day.rows("payout_files") == []
    assert write_payout_file("EUR", day.clerk()).total == 100


def test_the_operators_own_goes_out_in_the_same_file(day: BankDay) -> None:
    day.deposit("EUR", 1_000, day.do(CreateTopup(HOUSE, "EUR")).reference)
    import_statement(day.statement("EUR", MONDAY), day.clerk())
    day.do(SweepPayout(Purpose.OPERATOR, "EUR", 900))
    asks(day, 50)
    assert write_payout_file("EUR", day.clerk()).total == 950


def test_a_currency_without_custody_account_has_no_file(day: BankDay) -> None:
    with pytest.raises(Refusal, match="currency_unknown"):
        write_payout_file("JPY", day.clerk())


def test_a_file_that_was_not_written_cannot_be_read(day: BankDay) -> None:
    with pytest.raises(Refusal, match="object_not_found"):
        read_payout_file(HOUSE, day.clerk())


@pytest.mark.parametrize(("iban", "routing"), [("1234567890", "021000021")])
def test_dollars_leave_a_bank_in_the_united_states(engine: Engine, iban: str, routing: str) -> None:
    day = BankDay(engine, currencies=())
    day.do(OpenAccount(iban, "Handfast client money", "USD", "simulation", routing=routing))
    asks(day, 100, "USD", iban="", routing="011401533", account="111122223333")
    report = write_payout_file("USD", day.clerk())
    assert report.data is not None
    _, (order,) = read_payment_file(report.data)
    assert (order.debtor, order.payments[0].account) == (iban, "111122223333")
    day.reader.close()


def test_a_custody_account_that_cannot_be_written_is_nobodys_fault_but_ours(engine: Engine) -> None:
    day = BankDay(engine, currencies=())
    day.do(OpenAccount("NL91ABNA0417164301", "Handfast client money", "EUR", "simulation"))
    asks(day, 100)
    with pytest.raises(Refusal) as caught:
        write_payout_file("EUR", day.clerk())
    assert (caught.value.code, caught.value.param) == ("iban_invalid", "debtor_account")
    day.reader.close()


def test_the_file_of_a_payout_is_kept_sealed(day: BankDay) -> None:
    asks(day, 100)
    report = write_payout_file("EUR", day.clerk())
    assert report.file is not None
    kept = get(day.reader, PAYOUT_FILES, report.file)
    assert kept is not None
    assert SHOP.encode() not in kept.content
