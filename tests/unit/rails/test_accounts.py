"""Numbers of bank accounts: which are well formed."""

import pytest

from handfast.core.errors import Invalid
from handfast.rails import UsAccount, check_account, check_iban

IBANS = [
    "DE89370400440532013000",
    "GB82WEST12345698765432",
    "FR1420041010050500013M02606",
    "NO9386011117947",
    "MT84MALT011000012345MTLCAST001S",
    "SA0380000000608010167519",
]


@pytest.mark.parametrize("iban", IBANS)
def test_an_iban_is_taken_in_its_electronic_form(iban: str) -> None:
    in_groups = " ".join(iban[start : start + 4] for start in range(0, len(iban), 4))
    assert check_iban(iban) == check_iban(in_groups) == check_iban(iban.lower()) == iban


@pytest.mark.parametrize("iban", IBANS)
def test_one_changed_digit_or_two_swapped_are_noticed(iban: str) -> None:
    for place, letter in enumerate(iban):
        if letter.isdigit():
            with pytest.raises(Invalid):
                check_iban(iban[:place] + str((int(letter) + 1) % 10) + iban[place + 1 :])
        if place and letter.isdigit() and iban[place - 1].isdigit() and letter != iban[place - 1]:
            with pytest.raises(Invalid):
                check_iban(iban[: place - 1] + letter + iban[place - 1] + iban[place + 1 :])


@pytest.mark.parametrize(
    "text",
    ["", "DE", "DE8937040044053201300", "DE893704004405320130000", "XX89370400440532013000", "US64SVBKUS6S3300958879",
     "DE89 3704 0044 0532 0130 0²", "ＤＥ89370400440532013000", "DE89370400440532013000\x00", "9" * 5000, "DE" * 5000,
     "GB82WE\u017fT12345698765432", "DE89370400440532013000" + " " * 5000],
)  # fmt: skip
def test_what_is_no_iban_is_refused_by_name(text: str) -> None:
    with pytest.raises(Invalid) as refusal:
        check_iban(text, "payout.iban")
    assert (refusal.value.code, refusal.value.param) == ("iban_invalid", "payout.iban")
    assert len(refusal.value.message) < 100


@pytest.mark.parametrize("routing", ["021000021", "121000248", "011401533"])
def test_a_us_account_has_a_routing_number_with_a_check_digit(routing: str) -> None:
    account = UsAccount(routing, "123456789")
    assert check_account(account, "account") == account


@pytest.mark.parametrize(
    ("routing", "number", "param"),
    [
        ("021000022", "1", "routing_number"),
        ("000000000", "1", "routing_number"),
        ("21000021", "1", "routing_number"),
        ("02100002²", "1", "routing_number"),
        ("021000021\n", "1", "routing_number"),
        ("021000021", "", "account_number"),
        ("021000021", "1" * 18, "account_number"),
        ("021000021", "12 34", "account_number"),
        ("021000021", "１２", "account_number"),
    ],
)
def test_another_us_account_is_refused(routing: str, number: str, param: str) -> None:
    with pytest.raises(Invalid) as refusal:
        check_account(UsAccount(routing, number), "account")
    assert (refusal.value.code, refusal.value.param) == ("field_invalid", f"account.{param}")
