"""What the sandbox plays with its bank: deals between two accounts, and several statements of one day."""

import pytest

from handfast.core.errors import Declined, Invalid
from handfast.rails import read_statement
from handfast.sandbox.bank import Bank
from handfast.sandbox.opening import ACCOUNTS

DAY = "2014-10-28"
CNY, USD = ACCOUNTS["CNY"], ACCOUNTS["USD"]


@pytest.fixture
def bank() -> Bank:
    bank = Bank()
    bank.open_account(CNY, "CNY", on=DAY, balance=61_135)
    bank.open_account(USD, "USD", on=DAY)
    return bank


def test_a_deal_moves_both_accounts_under_one_reference(bank: Bank) -> None:
    bank.exchange(CNY, 61_135, USD, 10_000, on=DAY, reference="FX-2014-10-28-USD")
    (sold,) = read_statement(bank.statement(CNY, DAY, created=0), {CNY: "CNY"})
    (bought,) = read_statement(bank.statement(USD, DAY, created=0), {USD: "USD"})
    assert [(line.amount, line.reference) for line in sold.lines] == [(-61_135, "FX-2014-10-28-USD")]
    assert [(line.amount, line.reference) for line in bought.lines] == [(10_000, "FX-2014-10-28-USD")]
    assert (sold.closing, bought.closing) == (0, 10_000)


def test_a_deal_beyond_the_balance_is_declined_whole(bank: Bank) -> None:
    with pytest.raises(Declined, match="balance_insufficient"):
        bank.exchange(CNY, 61_136, USD, 10_000, on=DAY, reference="FX")
    assert (bank.balance(CNY), bank.balance(USD)) == (61_135, 0)


def test_a_deal_has_a_reference(bank: Bank) -> None:
    with pytest.raises(Invalid, match="text_invalid"):
        bank.exchange(CNY, 1, USD, 1, on=DAY, reference="")


def test_statements_of_one_day_are_told_apart_by_their_mark(bank: Bank) -> None:
    data = [bank.statement(USD, DAY, created=0, mark=mark) for mark in ("", "-1")]
    numbers = [read_statement(each, {USD: "USD"})[0].statement_id for each in data]
    assert numbers == ["20141031-USD-2014-10-28", "20141031-USD-2014-10-28-1"]
