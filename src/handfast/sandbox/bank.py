"""The bank of the sandbox: the other side of the bank files, keeping accounts, obeying payment files, reporting days.

It shares no code with the rail: it reads payment files and writes statements anew (sandbox/bank_files.py), so a
misreading of the standard shows as a disagreement. It has neither clock nor randomness: whoever plays it says what day
it is.
"""

import re
from datetime import date

from handfast.core.errors import Declined, Invalid, NotFound
from handfast.core.money import check_amount, exponent
from handfast.sandbox.bank_files import (
    BankAccount,
    Booking,
    Transaction,
    check_iban,
    read_payment_file,
    refuse_file,
    write_statement,
)

_TEXT = re.compile(r"[^\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]*")  # what XML can carry and a line can show


class Bank:
    """Accounts, and what happens on them. Days are YYYY-MM-DD, amounts minor units of the account's currency."""

    def __init__(self, code: str = "HBNK") -> None:
        self._code = code  # begins every reference that this bank gives
        self._accounts: dict[str, BankAccount] = {}
        self._files: set[str] = set()
        self._booked = 0

    def open_account(self, iban: str, currency: str, *, on: str, balance: int = 0) -> None:
        """Open an account. Raises Invalid(iban_invalid, currency_unknown, field_invalid)."""
        check_iban(iban)
        exponent(currency)
        if iban in self._accounts:
            raise Invalid("field_invalid", "the account is already open", "iban")
        self._accounts[iban] = BankAccount(iban, currency, _day(on).isoformat(), balance)

    def balance(self, iban: str) -> int:
        """Minor units. Raises NotFound(object_not_found)."""
        return self._account(iban).balance

    def deposit(
        self, iban: str, amount: int, *, on: str, remittance: str, name: str, account: str, end_to_end_id: str = ""
    ) -> Booking:
        """Book what somebody paid in from another account; an RF creditor reference is reported as one (ISO 11649).

        Raises NotFound(object_not_found), Invalid(amount_invalid, amount_too_large, field_invalid, text_invalid).
        """
        check_amount(amount)
        texts = {"remittance": (remittance, 140), "name": (name, 140), "end_to_end_id": (end_to_end_id, 35)}
        for param, (text, longest) in texts.items():
            if len(text) > longest or not _TEXT.fullmatch(text):
                raise Invalid("text_invalid", f"at most {longest} characters, none of them control characters", param)
        code = "PMNT-RCDT-ESCT" if self._account(iban).currency == "EUR" else "PMNT-RCDT-XBCT"
        return self._book(iban, on, code, (Transaction(amount, end_to_end_id, name, account, remittance),))

    def execute(self, data: bytes, *, on: str) -> tuple[Booking, ...]:
        """Book the debits of a payment file, all or none.

        Raises Invalid(payout_file_invalid) if it is malformed, sums do not agree, a currency or day is wrong or the
        same file came before; Declined(balance_insufficient); NotFound(object_not_found) for a strange debtor account.
        """
        message_id, orders = read_payment_file(data)
        if message_id in self._files:
            refuse_file("a file of this message id was executed before")
        needed: dict[str, int] = {}
        for order in orders:
            account = self._account(order.debtor)
            _check_open(account, on)
            if order.currency != account.currency:
                refuse_file(f"the debtor's account is in {account.currency}")
            if order.day > on:
                refuse_file(f"not to be executed before {order.day}")
            needed[order.debtor] = needed.get(order.debtor, 0) - sum(payment.amount for payment in order.payments)
        if any(amount > self._account(debtor).balance for debtor, amount in needed.items()):
            raise Declined("balance_insufficient", "the account has not enough money for the file")
        self._files.add(message_id)
        return tuple(
            self._book(order.debtor, on, "PMNT-ICDT-ESCT" if order.currency == "EUR" else "PMNT-ICDT-XBCT", group)
            for order in orders
            for group in ([order.payments] if order.batch else [(payment,) for payment in order.payments])
        )

    def give_back(self, iban: str, end_to_end_id: str, *, on: str, reason: str = "AC04") -> Booking:
        """Return an executed payment, whole: its money comes back with its own end-to-end id and the reason.

        `reason` is an ISO 20022 external return reason. Raises NotFound(object_not_found) if no payment of that id is
        out, Invalid(field_invalid).
        """
        out: Transaction | None = None
        for booking in self._account(iban).bookings:
            for payment in booking.transactions:
                if payment.end_to_end_id == end_to_end_id and (booking.return_reason or payment.amount < 0):
                    out = None if booking.return_reason else payment
        if out is None:
            raise NotFound("object_not_found", "no payment of this end-to-end id is out")
        back = Transaction(-out.amount, end_to_end_id, out.name, out.account, out.remittance)
        return self._book(iban, on, "PMNT-ICDT-RRTN", (back,), reason)

    def exchange(
        self, sold: str, sold_amount: int, bought: str, bought_amount: int, *, on: str, reference: str
    ) -> tuple[Booking, Booking]:
        """Book a deal that was agreed with the customer: one currency leaves, the other comes, under one reference.

        Raises NotFound(object_not_found), Invalid(amount_invalid, amount_too_large, field_invalid, text_invalid),
        Declined(balance_insufficient).
        """
        check_amount(sold_amount, "sold_amount")
        check_amount(bought_amount, "bought_amount")
        if not 0 < len(reference) <= 140 or not _TEXT.fullmatch(reference):
            raise Invalid("text_invalid", "a deal has a reference of at most 140 printable characters", "reference")
        for account in (self._account(sold), self._account(bought)):
            _check_open(account, on)
        if sold_amount > self.balance(sold):
            raise Declined("balance_insufficient", "the account has not enough money for the deal")
        legs = ((sold, bought, -sold_amount), (bought, sold, bought_amount))
        out, back = (
            self._book(iban, on, "FORX-SPOT-OTHR", (Transaction(amount, "", "", other, reference),))
            for iban, other, amount in legs
        )
        return out, back

    def statement(self, iban: str, day: str, *, created: int, mark: str = "") -> bytes:
        """The day's statement, camt.053.001.08; from then on the day is closed.

        `mark` tells several statements of one day apart, `created` is in microseconds since the epoch, UTC. Raises
        NotFound(object_not_found), Invalid(field_invalid).
        """
        account = self._account(iban)
        number = (_day(day) - date.fromisoformat(account.opened_on)).days + 1
        if number < 1:
            raise Invalid("field_invalid", "the account was not open yet", "day")
        account.closed_through = max(account.closed_through, day)
        return write_statement(account, day, number, created, mark)

    def _account(self, iban: str) -> BankAccount:
        account = self._accounts.get(iban)
        if account is None:
            raise NotFound("object_not_found", "no such account at this bank")
        return account

    def _book(
        self, iban: str, day: str, code: str, transactions: tuple[Transaction, ...], return_reason: str = ""
    ) -> Booking:
        account = self._account(iban)
        _check_open(account, day)
        self._booked += 1
        booking = Booking(f"{self._code}{self._booked:012d}", day, code, transactions, return_reason)
        account.bookings.append(booking)
        return booking


def _day(text: str) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = None
    if day is None or day.isoformat() != text:
        raise Invalid("field_invalid", "a day is written YYYY-MM-DD", "on")
    return day


def _check_open(account: BankAccount, day: str) -> None:
    """Nothing is booked before the account was opened, nor on a day whose statement is out."""
    if _day(day) < date.fromisoformat(account.opened_on) or day <= account.closed_through:
        raise Invalid("field_invalid", "the account was not open yet, or the day is closed", "on")
