"""The files of the sandbox's bank: payments (pain.001.001.03 and .09) read, statements (camt.053.001.08) written."""

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import NoReturn
from xml.etree import ElementTree as ET

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring
from msgspec import Struct, field

from handfast.core.errors import Invalid
from handfast.core.money import exponent, format_decimal, parse_decimal

_STATEMENT = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"
_PAYMENTS = re.compile(r"\{urn:iso:std:iso:20022:tech:xsd:pain\.001\.001\.(03|09)\}Document")
_IBAN = re.compile(r"[A-Z]{2}[0-9]{2}[0-9A-Z]{11,30}")
_CONTROL_SUM = re.compile(r"[0-9]{1,18}(\.[0-9]{1,5})?")
_CREDITOR_REFERENCE = re.compile(r"RF[0-9]{2}[0-9A-Za-z]{1,21}")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Transaction(Struct, frozen=True):
    """One transfer inside a booking, with its other side; `amount` in signed minor units, positive into the account."""

    amount: int
    end_to_end_id: str
    name: str
    account: str
    remittance: str


class Booking(Struct, frozen=True):
    """One entry of an account: one transaction, or the several of a batch."""

    reference: str
    day: str
    code: str
    """Domain-family-subfamily of the ISO 20022 bank transaction codes."""
    transactions: tuple[Transaction, ...]
    return_reason: str

    @property
    def amount(self) -> int:
        """Signed minor units."""
        return sum(transaction.amount for transaction in self.transactions)


class BankAccount(Struct):
    """An account; its balance is the opening balance and all bookings, in minor units."""

    iban: str
    currency: str
    opened_on: str
    opening: int
    bookings: list[Booking] = field(default_factory=list)
    closed_through: str = ""
    """The last day that a statement was made for."""

    @property
    def balance(self) -> int:
        """Minor units."""
        return self.opening + sum(booking.amount for booking in self.bookings)


class Order(Struct, frozen=True):
    """One group of a payment file: what is to be paid from one account on one day."""

    debtor: str
    currency: str
    day: str
    batch: bool
    payments: tuple[Transaction, ...]


def refuse_file(why: str) -> NoReturn:
    """What the bank says to a payment file that it does not execute."""
    raise Invalid("payout_file_invalid", why)


def check_iban(text: str) -> None:
    """ISO 7064 mod 97-10 over the number with its first four characters put last, letters counted from A = 10.

    Raises Invalid(iban_invalid).
    """
    if not _IBAN.fullmatch(text) or int("".join(str(int(letter, 36)) for letter in text[4:] + text[:4])) % 97 != 1:
        raise Invalid("iban_invalid", "the check digits do not agree", "iban")


def read_payment_file(data: bytes) -> tuple[str, tuple[Order, ...]]:
    """Its message id and what it orders, every sum and account number checked. Raises Invalid(payout_file_invalid)."""
    try:
        document = fromstring(data, forbid_dtd=True)
    except (ET.ParseError, DefusedXmlException, LookupError, ValueError):
        refuse_file("not XML that this bank reads")
    if not _PAYMENTS.fullmatch(document.tag):
        refuse_file("not a pain.001.001.03 or .09")
    for place in document.iter():
        place.tag = place.tag.rpartition("}")[2]
    header = document.find("CstmrCdtTrfInitn/GrpHdr")
    orders = tuple(_order(group) for group in document.findall("CstmrCdtTrfInitn/PmtInf"))
    if header is None or not orders:
        refuse_file("GrpHdr or PmtInf is missing")
    total = sum((_total(order.payments, order.currency) for order in orders), Decimal(0))
    _check_sums(header, total, sum(len(order.payments) for order in orders))
    return _words(header, "MsgId"), orders


def _order(group: ET.Element) -> Order:
    if _words(group, "PmtMtd") != "TRF":
        refuse_file("only transfers are executed")
    transfers = group.findall("CdtTrfTxInf")
    payments = tuple(_payment(transfer) for transfer in transfers)
    currencies = {place.get("Ccy", "") for transfer in transfers for place in transfer.findall("Amt/InstdAmt")}
    if len(currencies) != 1:
        refuse_file("a group has transfers, and all in one currency")
    currency = currencies.pop()
    _check_sums(group, _total(payments, currency), len(payments))
    day = group.findtext("ReqdExctnDt/Dt") or _words(group, "ReqdExctnDt")
    try:
        date.fromisoformat(day)
    except ValueError:
        refuse_file("ReqdExctnDt is no date")
    batch = group.findtext("BtchBookg", "false") in {"true", "1"}
    return Order(_account(group, "DbtrAcct"), currency, day, batch, payments)


def _payment(transfer: ET.Element) -> Transaction:
    amounts = transfer.findall("Amt/InstdAmt")
    if len(amounts) != 1:
        refuse_file("one InstdAmt was expected")
    try:
        amount = parse_decimal(amounts[0].text or "", amounts[0].get("Ccy", ""))
    except Invalid as refusal:
        refuse_file(f"InstdAmt: {refusal.message}")
    us_bank = transfer.findtext("CdtrAgt/FinInstnId/ClrSysMmbId/MmbId")
    if transfer.find("CdtrAcct/Id/IBAN") is None and not us_bank:
        refuse_file("an account number that is no IBAN needs its bank's number")
    return Transaction(
        amount=-amount,
        end_to_end_id=_words(transfer, "PmtId/EndToEndId"),
        name=_words(transfer, "Cdtr/Nm", 140),
        account=_account(transfer, "CdtrAcct"),
        remittance=(transfer.findtext("RmtInf/Ustrd") or "").strip(),
    )


def _account(place: ET.Element, name: str) -> str:
    iban = place.findtext(f"{name}/Id/IBAN")
    if iban is None:
        return _words(place, f"{name}/Id/Othr/Id", 34)
    try:
        check_iban(iban)
    except Invalid as refusal:
        refuse_file(f"{name}: {refusal.message}")
    return iban


def _total(payments: Sequence[Transaction], currency: str) -> Decimal:
    return Decimal(-sum(payment.amount for payment in payments)).scaleb(-exponent(currency))


def _check_sums(place: ET.Element, total: Decimal, number: int) -> None:
    """Count and control sum of a header or a group, where they are given."""
    stated = place.findtext("CtrlSum")
    if stated is not None and (not _CONTROL_SUM.fullmatch(stated) or Decimal(stated) != total):
        refuse_file(f"CtrlSum is not {total}")
    if place.findtext("NbOfTxs", str(number)) != str(number):
        refuse_file(f"NbOfTxs is not {number}")


def _words(place: ET.Element, path: str, longest: int = 35) -> str:
    text = (place.findtext(path) or "").strip()
    if not 0 < len(text) <= longest:
        refuse_file(f"{path} is missing or longer than {longest} characters")
    return text


def write_statement(account: BankAccount, day: str, number: int, created: int, mark: str = "") -> bytes:
    """One day of an account as camt.053.001.08; `number` counts its statements, `created` is in microseconds."""
    before = account.opening + sum(booking.amount for booking in account.bookings if booking.day < day)
    today = [booking for booking in account.bookings if booking.day == day]
    time = (_EPOCH + timedelta(microseconds=created)).isoformat(timespec="microseconds")
    statement_id = f"{account.iban[-8:]}-{account.currency}-{day}{mark}"
    statement = _element(
        "Stmt",
        _element("Id", statement_id),
        _element("ElctrncSeqNb", str(number)),
        _element("CreDtTm", time),
        _element("FrToDt", _element("FrDtTm", f"{day}T00:00:00"), _element("ToDtTm", f"{day}T23:59:59")),
        _element("Acct", _number(account.iban), _element("Ccy", account.currency)),
        _balance("OPBD", before, account.currency, day),
        _balance("CLBD", before + sum(booking.amount for booking in today), account.currency, day),
        *(_entry(booking, account) for booking in today),
    )
    header = _element("GrpHdr", _element("MsgId", statement_id), _element("CreDtTm", time))
    document = _element("Document", _element("BkToCstmrStmt", header, statement), xmlns=_STATEMENT)
    data: bytes = ET.tostring(document, encoding="utf-8", xml_declaration=True)
    return data


def _balance(code: str, amount: int, currency: str, day: str) -> ET.Element:
    kind = _element("Tp", _element("CdOrPrtry", _element("Cd", code)))
    return _element("Bal", kind, *_money(amount, currency), _element("Dt", _element("Dt", day)))


def _entry(booking: Booking, account: BankAccount) -> ET.Element:
    domain, family, subfamily = booking.code.split("-")
    number = len(booking.transactions)
    return _element(
        "Ntry",
        *_money(booking.amount, account.currency),
        _element("Sts", _element("Cd", "BOOK")),
        _element("BookgDt", _element("Dt", booking.day)),
        _element("ValDt", _element("Dt", booking.day)),
        _element("AcctSvcrRef", booking.reference),
        _element(
            "BkTxCd",
            _element(
                "Domn",
                _element("Cd", domain),
                _element("Fmly", _element("Cd", family), _element("SubFmlyCd", subfamily)),
            ),
        ),
        _element(
            "NtryDtls",
            _element("Btch", _element("NbOfTxs", str(number))) if number > 1 else None,
            *(_details(transaction, booking, account) for transaction in booking.transactions),
        ),
    )


def _details(transaction: Transaction, booking: Booking, account: BankAccount) -> ET.Element:
    # What comes back keeps the parties that it went out with: our account is still the debtor's.
    other, own = ("Cdtr", "Dbtr") if transaction.amount < 0 or booking.return_reason else ("Dbtr", "Cdtr")
    parties = {
        f"{own}Acct": _element(f"{own}Acct", _number(account.iban)),
        other: _element(other, _element("Pty", _element("Nm", transaction.name))) if transaction.name else None,
        f"{other}Acct": _element(f"{other}Acct", _number(transaction.account)) if transaction.account else None,
    }
    reason = booking.return_reason
    return _element(
        "TxDtls",
        _element("Refs", _element("EndToEndId", transaction.end_to_end_id or "NOTPROVIDED")),
        *_money(transaction.amount, account.currency),
        _element("RltdPties", *(parties.get(name) for name in ("Dbtr", "DbtrAcct", "Cdtr", "CdtrAcct"))),
        _remittance(transaction.remittance),
        _element("RtrInf", _element("Rsn", _element("Cd", reason))) if reason else None,
    )


def _remittance(text: str) -> ET.Element | None:
    if not text.strip(" "):
        return None
    if _CREDITOR_REFERENCE.fullmatch(text):
        kind = _element("Tp", _element("CdOrPrtry", _element("Cd", "SCOR")))
        return _element("RmtInf", _element("Strd", _element("CdtrRefInf", kind, _element("Ref", text))))
    return _element("RmtInf", _element("Ustrd", text))


def _number(account: str) -> ET.Element:
    if _IBAN.fullmatch(account):
        return _element("Id", _element("IBAN", account))
    return _element("Id", _element("Othr", _element("Id", account)))


def _money(amount: int, currency: str) -> Iterator[ET.Element]:
    """Amount and sign."""
    yield _element("Amt", format_decimal(abs(amount), currency), Ccy=currency)
    yield _element("CdtDbtInd", "DBIT" if amount < 0 else "CRDT")


def _element(name: str, *content: ET.Element | str | None, **attributes: str) -> ET.Element:
    """An element with a text or with parts; parts that are None are left out."""
    element = ET.Element(name, attributes)
    for part in content:
        if isinstance(part, str):
            element.text = part
        elif part is not None:
            element.append(part)
    return element
