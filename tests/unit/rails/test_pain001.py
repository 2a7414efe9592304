"""Payment files written: what stands in them, and what is refused before a bank would."""

import pytest
from lxml import etree
from msgspec.structs import replace
from tests.unit.rails.documents import OURS, THEIRS

from handfast.core.errors import Invalid
from handfast.core.money import MAX_AMOUNT
from handfast.rails import PaymentFile, PaymentInstruction, UsAccount, write_payments

PAYMENT = PaymentInstruction(
    end_to_end_id="po-1",
    amount=12345,
    currency="EUR",
    creditor_name="Shop",
    creditor_account=THEIRS,
    creditor_bic=None,
    country="GB",
    remittance="Trade 17",
)
FILE = PaymentFile(
    message_id="M1",
    created=1_414_486_800_999_999,
    debtor_name="Handfast client money",
    debtor_account=OURS,
    debtor_bic="COBADEFFXXX",
    execution_date="2014-10-29",
    instructions=(PAYMENT,),
)
US = UsAccount("021000021", "123456789")


def texts(data: bytes, path: str) -> list[str | None]:
    """The texts of all elements at a path below the message."""
    steps = "/".join(f"{{*}}{step}" for step in path.split("/"))
    return [place.text for place in etree.fromstring(data).findall(f"{{*}}CstmrCdtTrfInitn/{steps}")]


def paying(**changes: object) -> PaymentFile:
    return replace(FILE, instructions=(replace(PAYMENT, **changes),))


def test_counts_and_sums_stand_in_the_header_and_in_the_group() -> None:
    second = replace(PAYMENT, end_to_end_id="po-2", amount=5)
    data = write_payments(replace(FILE, instructions=(PAYMENT, second)))
    assert texts(data, "GrpHdr/NbOfTxs") == texts(data, "PmtInf/NbOfTxs") == ["2"]
    assert texts(data, "GrpHdr/CtrlSum") == texts(data, "PmtInf/CtrlSum") == ["123.50"]
    assert texts(data, "PmtInf/CdtTrfTxInf/Amt/InstdAmt") == ["123.45", "0.05"]
    assert texts(data, "GrpHdr/CreDtTm") == ["2014-10-28T09:00:00Z"]


def test_the_same_input_gives_the_same_bytes() -> None:
    assert write_payments(FILE) == write_payments(replace(FILE))


def test_each_payment_is_booked_alone() -> None:
    assert texts(write_payments(FILE), "PmtInf/BtchBookg") == ["false"]


@pytest.mark.parametrize(
    ("changes", "level", "charges"),
    [
        ({}, ["SEPA"], ["SLEV"]),
        ({"currency": "GBP"}, [], ["SHAR"]),
        ({"creditor_account": "SA0380000000608010167519", "country": "SA"}, [], ["SHAR"]),
        ({"creditor_account": US, "country": "US"}, [], ["SHAR"]),
    ],
)
def test_only_euros_within_the_area_are_sepa_payments(
    changes: dict[str, object], level: list[str], charges: list[str]
) -> None:
    data = write_payments(paying(**changes))
    assert texts(data, "PmtInf/PmtTpInf/SvcLvl/Cd") == level
    assert texts(data, "PmtInf/ChrgBr") == charges


def test_euros_from_outside_the_area_are_no_sepa_payment() -> None:
    assert texts(write_payments(replace(FILE, debtor_account=US)), "PmtInf/ChrgBr") == ["SHAR"]


def test_a_us_account_is_a_routing_number_and_an_account_number() -> None:
    file = replace(paying(currency="USD", creditor_account=US, country="US"), debtor_account=US, debtor_bic=None)
    data = write_payments(file)
    for bank, account in (
        ("PmtInf/DbtrAgt", "PmtInf/DbtrAcct"),
        ("PmtInf/CdtTrfTxInf/CdtrAgt", "PmtInf/CdtTrfTxInf/CdtrAcct"),
    ):
        assert texts(data, f"{bank}/FinInstnId/ClrSysMmbId/ClrSysId/Cd") == ["USABA"]
        assert texts(data, f"{bank}/FinInstnId/ClrSysMmbId/MmbId") == ["021000021"]
        assert texts(data, f"{account}/Id/Othr/Id") == ["123456789"]


def test_an_unknown_debtor_bank_is_said_to_be_not_provided() -> None:
    data = write_payments(replace(FILE, debtor_bic=None))
    assert texts(data, "PmtInf/DbtrAgt/FinInstnId/Othr/Id") == ["NOTPROVIDED"]


def test_decimals_follow_the_currency() -> None:
    for currency, amount in (("JPY", "12345"), ("KWD", "12.345")):
        assert texts(write_payments(paying(currency=currency)), "PmtInf/CdtTrfTxInf/Amt/InstdAmt") == [amount]


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("Müller & Söhne", "Muller + Sohne"),
        ("Straße_1; [x]", "Strasse-1, (x)"),
        ("Łódź Ærø Đorđe", "Lodz AEro Dorde"),
        ("ＡＢＣ 店", "ABC ."),
        ("O’Neill “Ltd”", "O'Neill 'Ltd'"),
        ("  two \t\r\n lines ", "two lines"),
        ("a@b\x00c\ud800", "a.b.c."),
    ],
)
def test_texts_are_brought_into_the_characters_of_banks(name: str, written: str) -> None:
    data = write_payments(paying(creditor_name=name, remittance=name))
    assert texts(data, "PmtInf/CdtTrfTxInf/Cdtr/Nm") == texts(data, "PmtInf/CdtTrfTxInf/RmtInf/Ustrd") == [written]


def test_no_remittance_is_left_out() -> None:
    assert texts(write_payments(paying(remittance="")), "PmtInf/CdtTrfTxInf/RmtInf") == []


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("amount", 0, "amount_invalid"),
        ("amount", -1, "amount_invalid"),
        ("amount", True, "amount_invalid"),
        ("amount", MAX_AMOUNT + 1, "amount_too_large"),
        ("creditor_account", "GB82WEST12345698765433", "iban_invalid"),
        ("creditor_bic", "COBA", "field_invalid"),
        ("country", "United States", "payout_file_invalid"),
        ("creditor_name", "", "payout_file_invalid"),
        ("creditor_name", "李雷", "payout_file_invalid"),
        ("creditor_name", "x" * 141, "payout_file_invalid"),
        ("creditor_name", "ß" * 71, "payout_file_invalid"),
        ("remittance", "x" * 141, "payout_file_invalid"),
        ("remittance", "货款", "payout_file_invalid"),
        ("end_to_end_id", "", "payout_file_invalid"),
        ("end_to_end_id", "x" * 36, "payout_file_invalid"),
        ("end_to_end_id", "po_1", "payout_file_invalid"),
        ("end_to_end_id", "/po", "payout_file_invalid"),
        ("end_to_end_id", "po/", "payout_file_invalid"),
        ("end_to_end_id", "p//o", "payout_file_invalid"),
        ("end_to_end_id", "po\n", "payout_file_invalid"),
    ],
)
def test_a_payment_that_a_bank_would_refuse_is_refused_first(field: str, value: object, code: str) -> None:
    with pytest.raises(Invalid) as refusal:
        write_payments(paying(**{field: value}))
    assert (refusal.value.code, refusal.value.param) == (code, f"instructions[0].{field}")


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("message_id", "M1 ", "payout_file_invalid"),
        ("message_id", "x" * 36, "payout_file_invalid"),
        ("created", 10**30, "payout_file_invalid"),
        ("debtor_name", "。。", "payout_file_invalid"),
        ("debtor_account", "DE1", "iban_invalid"),
        ("debtor_bic", "cobadeff", "field_invalid"),
        ("execution_date", "2014-02-29", "payout_file_invalid"),
        ("execution_date", "20141029", "payout_file_invalid"),
        ("instructions", (), "payout_file_invalid"),
    ],
)
def test_a_file_that_a_bank_would_refuse_is_refused_first(field: str, value: object, code: str) -> None:
    with pytest.raises(Invalid) as refusal:
        write_payments(replace(FILE, **{field: value}))
    assert (refusal.value.code, refusal.value.param) == (code, field)


@pytest.mark.parametrize(
    ("second", "field"), [(PAYMENT, "end_to_end_id"), (replace(PAYMENT, end_to_end_id="2", currency="USD"), "currency")]
)
def test_payments_of_one_file_share_the_currency_and_no_id(second: PaymentInstruction, field: str) -> None:
    with pytest.raises(Invalid) as refusal:
        write_payments(replace(FILE, instructions=(PAYMENT, second)))
    assert (refusal.value.code, refusal.value.param) == ("payout_file_invalid", f"instructions[1].{field}")


def test_an_unknown_currency_is_refused() -> None:
    with pytest.raises(Invalid, match="currency_unknown"):
        write_payments(paying(currency="EURO"))


def test_a_file_of_the_largest_amounts_still_fits_the_schema() -> None:
    many = tuple(replace(PAYMENT, end_to_end_id=f"po-{number}", amount=MAX_AMOUNT) for number in range(999))
    assert texts(write_payments(replace(FILE, instructions=many)), "GrpHdr/CtrlSum") == ["9990000000000000.00"]
    too_many = (*many, *(replace(PAYMENT, end_to_end_id=f"more-{number}", amount=MAX_AMOUNT) for number in range(2)))
    with pytest.raises(Invalid, match="18 digits"):
        write_payments(replace(FILE, instructions=too_many))
