"""The rail held against the official schemas, an independent writer of payment files and the sandbox's bank."""

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from sepaxml import SepaTransfer
from tests.unit.rails.documents import OURS, THEIRS, assert_valid

from handfast.core.errors import Declined, Invalid, NotFound
from handfast.rails import PaymentFile, PaymentInstruction, Statement, UsAccount, read_statement, write_payments
from handfast.sandbox.bank import Bank

DAY, NEXT = "2014-10-28", "2014-10-29"
CREATED = 1_414_526_400_000_000
FRANCE = "FR1420041010050500013M02606"


def instruction(
    number: int, amount: int, name: str, account: str | UsAccount, *, currency: str = "EUR"
) -> PaymentInstruction:
    return PaymentInstruction(
        end_to_end_id=f"po-{number}",
        amount=amount,
        currency=currency,
        creditor_name=name,
        creditor_account=account,
        creditor_bic=None,
        country="US" if isinstance(account, UsAccount) else account[:2],
        remittance=f"Trade {number}",
    )


def payments(*instructions: PaymentInstruction, message_id: str = "M1") -> PaymentFile:
    return PaymentFile(
        message_id=message_id,
        created=CREATED,
        debtor_name="Handfast client money",
        debtor_account=OURS,
        debtor_bic="COBADEFFXXX",
        execution_date=NEXT,
        instructions=instructions,
    )


TWO = (instruction(1, 12345, "Müller", FRANCE), instruction(2, 5, "Shop", THEIRS))


def bank(*, currency: str = "EUR", balance: int = 100_000) -> Bank:
    made = Bank()
    made.open_account(OURS, currency, on=DAY, balance=balance)
    return made


def read(made: Bank, day: str, *, currency: str = "EUR") -> Statement:
    data = made.statement(OURS, day, created=CREATED)
    assert_valid("camt.053.001.08", data)
    (found,) = read_statement(data, {OURS: currency})
    return found


def test_what_customers_pay_in_comes_as_lines() -> None:
    made = bank()
    made.deposit(
        OURS, 5000, on=DAY, remittance="RF18539007547034", name="李雷 & <Co>", account=THEIRS, end_to_end_id="E1"
    )
    made.deposit(OURS, 1, on=DAY, remittance="top-up 4711", name="", account="")
    made.deposit(OURS, 2, on=NEXT, remittance="", name="Ann", account="6222021234567890")

    first, second = read(made, DAY), read(made, NEXT)

    assert (first.opening, first.closing, second.opening, second.closing) == (100_000, 105_001, 105_001, 105_003)
    assert (first.sequence, second.sequence, first.from_date, first.to_date) == (1, 2, DAY, DAY)
    assert [(line.reference, line.amount, line.counterparty_name) for line in first.lines] == [
        ("RF18539007547034", 5000, "李雷 & <Co>"),
        ("top-up 4711", 1, ""),
    ]
    assert second.lines[0].counterparty_account == "6222021234567890"


def test_the_same_day_is_reported_in_the_same_bytes() -> None:
    made = bank()
    made.deposit(OURS, 1, on=DAY, remittance="x", name="Ann", account=THEIRS)
    assert made.statement(OURS, DAY, created=CREATED) == made.statement(OURS, DAY, created=CREATED)


def test_what_is_paid_out_comes_back_as_lines_and_a_return_as_one_more() -> None:
    made = bank()
    data = write_payments(payments(*TWO))
    assert_valid("pain.001.001.09", data)

    made.execute(data, on=NEXT)
    made.give_back(OURS, "po-2", on=NEXT)

    found = read(made, NEXT)
    assert [(line.end_to_end_id, line.amount, line.return_reason) for line in found.lines] == [
        ("po-1", -12345, ""),
        ("po-2", -5, ""),
        ("po-2", 5, "AC04"),
    ]
    assert [line.counterparty_account for line in found.lines] == [FRANCE, THEIRS, THEIRS]
    assert [line.counterparty_name for line in found.lines] == ["Muller", "Shop", "Shop"]
    assert found.closing == 100_000 - 12345


def test_us_shops_are_paid_by_routing_and_account_number() -> None:
    made = bank(currency="USD")
    shop = instruction(1, 9_999, "11 Main shop", UsAccount("021000021", "123456789"), currency="USD")
    data = write_payments(payments(shop))
    assert_valid("pain.001.001.09", data)

    made.execute(data, on=NEXT)

    (line,) = read(made, NEXT, currency="USD").lines
    assert (line.amount, line.counterparty_account, line.end_to_end_id) == (-9_999, "123456789", "po-1")


def independent(*, batch: bool) -> bytes:
    """The two instructions as sepaxml writes them."""
    config = {"name": "Handfast client money", "IBAN": OURS, "BIC": "COBADEFFXXX", "batch": batch, "currency": "EUR"}
    writer = SepaTransfer(config, schema="pain.001.001.09", clean=True)
    for one in TWO:
        writer.add_payment(
            {
                "name": one.creditor_name,
                "IBAN": one.creditor_account,
                "amount": one.amount,
                "execution_date": date.fromisoformat(NEXT),
                "description": one.remittance,
                "endtoend_id": one.end_to_end_id,
            }
        )
    data: bytes = writer.export(validate=False)
    return data


def facts(data: bytes) -> dict[str, list[str]]:
    """What a payment file says about money, by path; groups of one and groups of many look alike."""
    message = etree.fromstring(data).find("{*}CstmrCdtTrfInitn")
    assert message is not None
    paths = {
        "number": "GrpHdr/NbOfTxs",
        "sum": "GrpHdr/CtrlSum",
        "debtor": "PmtInf/DbtrAcct/Id/IBAN",
        "debtor's bank": "PmtInf/DbtrAgt/FinInstnId/BICFI",
        "level": "PmtInf/PmtTpInf/SvcLvl/Cd",
        "charges": "PmtInf/ChrgBr",
        "day": "PmtInf/ReqdExctnDt/Dt",
        "ids": "PmtInf/CdtTrfTxInf/PmtId/EndToEndId",
        "amounts": "PmtInf/CdtTrfTxInf/Amt/InstdAmt",
        "names": "PmtInf/CdtTrfTxInf/Cdtr/Nm",
        "accounts": "PmtInf/CdtTrfTxInf/CdtrAcct/Id/IBAN",
        "remittances": "PmtInf/CdtTrfTxInf/RmtInf/Ustrd",
    }
    return {
        name: [str(place.text) for place in message.findall("/".join(f"{{*}}{step}" for step in path.split("/")))]
        for name, path in paths.items()
    }


def test_an_independent_writer_says_the_same() -> None:
    theirs = independent(batch=True)
    assert_valid("pain.001.001.09", theirs)
    ours = facts(write_payments(payments(*TWO)))
    assert ours == facts(theirs)
    assert (ours["number"], ours["sum"], ours["amounts"]) == (["2"], ["123.50"], ["123.45", "0.05"])


@pytest.mark.parametrize("batch", [True, False])
def test_the_bank_obeys_the_independent_writers_file_as_it_does_ours(*, batch: bool) -> None:
    by_ours, by_theirs = bank(), bank()
    by_ours.execute(write_payments(payments(*TWO)), on=NEXT)
    by_theirs.execute(independent(batch=batch), on=NEXT)
    ours, theirs = read(by_ours, NEXT), read(by_theirs, NEXT)
    assert ours.closing == theirs.closing
    for name in ("end_to_end_id", "amount", "counterparty_name", "counterparty_account", "reference"):
        assert [getattr(line, name) for line in ours.lines] == [getattr(line, name) for line in theirs.lines]
    keys = ["bank:HBNK000000000001/1", "bank:HBNK000000000001/2"]  # booked as a batch: one entry, two lines
    assert [line.line_key for line in theirs.lines] == keys or not batch


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("<CtrlSum>123.50", "<CtrlSum>123.51"),
        ("<CtrlSum>123.50", "<CtrlSum>1e3"),
        ("<NbOfTxs>2", "<NbOfTxs>3"),
        ("<PmtMtd>TRF", "<PmtMtd>CHK"),
        (">123.45<", ">123.450<"),
        (">123.45<", ">-123.45<"),
        (">123.45<", ">123.46<"),
        ('Ccy="EUR">123.45', 'Ccy="USD">123.45'),
        (FRANCE, FRANCE.replace("5050", "5051")),
        ("<EndToEndId>po-1", "<EndToEndId>"),
        ("pain.001.001.09", "pain.001.001.10"),
        ("<Document", "<!DOCTYPE Document><Document"),
        ("</Document>", ""),
    ],
)
def test_the_bank_refuses_a_file_that_does_not_add_up_and_books_nothing(old: str, new: str) -> None:
    made = bank()
    data = write_payments(payments(*TWO)).decode()
    assert old in data
    with pytest.raises(Invalid) as refusal:
        made.execute(data.replace(old, new).encode(), on=NEXT)
    assert refusal.value.code == "payout_file_invalid"
    assert made.balance(OURS) == 100_000


@pytest.mark.parametrize("part", ["GrpHdr", "PmtInf"])
@pytest.mark.parametrize(("old", "new"), [("<CtrlSum>123.50", "<CtrlSum>123.51"), ("<NbOfTxs>2", "<NbOfTxs>3")])
def test_the_bank_checks_the_sums_of_the_header_and_of_the_group(part: str, old: str, new: str) -> None:
    before, mark, after = write_payments(payments(*TWO)).decode().partition(f"<{part}>")
    with pytest.raises(Invalid):
        bank().execute((before + mark + after.replace(old, new, 1)).encode(), on=NEXT)


def test_the_bank_pays_only_in_the_accounts_currency() -> None:
    with pytest.raises(Invalid, match="in USD"):
        bank(currency="USD").execute(write_payments(payments(*TWO)), on=NEXT)


def test_a_payment_comes_back_once() -> None:
    made = bank()
    made.execute(write_payments(payments(*TWO)), on=NEXT)
    made.give_back(OURS, "po-1", on=NEXT)
    with pytest.raises(NotFound):
        made.give_back(OURS, "po-1", on=NEXT)
    assert made.balance(OURS) == 100_000 - 5


def test_the_bank_executes_a_file_once_in_time_and_only_with_enough_money() -> None:
    made = bank(balance=12_350)
    data = write_payments(payments(*TWO))
    with pytest.raises(Invalid, match="not to be executed before 2014-10-29"):
        made.execute(data, on=DAY)
    made.execute(data, on=NEXT)
    assert made.balance(OURS) == 0
    with pytest.raises(Invalid, match="executed before"):
        made.execute(data, on=NEXT)
    with pytest.raises(Declined):
        made.execute(write_payments(payments(instruction(3, 1, "Shop", THEIRS), message_id="M2")), on=NEXT)


def test_nothing_is_booked_on_a_day_whose_statement_is_out() -> None:
    made = bank()
    made.statement(OURS, DAY, created=CREATED)
    with pytest.raises(Invalid):
        made.deposit(OURS, 1, on=DAY, remittance="late", name="Ann", account=THEIRS)
    assert made.balance(OURS) == 100_000


WORDS = st.text(st.characters(exclude_categories=("Cc", "Cs"), exclude_characters="\ufffe\uffff"), max_size=140).map(
    lambda text: text.strip(" ")
)
DEPOSITS = st.lists(st.tuples(st.integers(1, 10**15), WORDS, WORDS, st.sampled_from([THEIRS, FRANCE, "123456789", ""])))


@settings(deadline=None)
@given(st.integers(-(10**14), 10**14), DEPOSITS, st.sampled_from(["EUR", "USD", "CNY", "JPY", "KWD"]))
def test_whatever_the_bank_books_is_what_the_rail_reads(
    opening: int, deposits: list[tuple[int, str, str, str]], currency: str
) -> None:
    made = Bank()
    made.open_account(OURS, currency, on=DAY, balance=opening)
    room = 10**15 - abs(opening)
    bookings = []
    for amount, remittance, name, account in deposits:
        if amount <= room:  # a balance has a largest amount too
            room -= amount
            bookings.append(made.deposit(OURS, amount, on=DAY, remittance=remittance, name=name, account=account))

    found = read(made, DAY, currency=currency)

    assert (found.opening, found.closing) == (opening, made.balance(OURS))
    assert [
        (line.line_key, line.booked_on, line.amount, line.reference, line.counterparty_name, line.counterparty_account)
        for line in found.lines
    ] == [
        (f"bank:{booking.reference}", DAY, part.amount, part.remittance, part.name, part.account)
        for booking in bookings
        for part in booking.transactions
    ]
