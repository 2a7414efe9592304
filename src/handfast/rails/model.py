"""What is exchanged with a bank, free of any file format: statements it sends and payments it is told to make."""

from msgspec import Struct

from handfast.rails.accounts import Account


class StatementLine(Struct, frozen=True):
    """One booked movement on one of our accounts.

    `amount` is in minor units of the account's currency, positive when money came in. Texts that the bank did not give
    are empty.
    """

    line_key: str
    """Names the line within its account, the same in every copy of the statement."""
    booked_on: str
    """The bank's booking day, YYYY-MM-DD."""
    amount: int
    reference: str
    """The structured creditor reference; failing that, the free remittance text."""
    end_to_end_id: str
    counterparty_name: str
    counterparty_account: str
    """IBAN, or an account number where the other bank has no IBANs."""
    reversal: bool
    """The bank takes back an earlier line of its own, of the opposite sign."""
    return_reason: str
    """Why a payment comes back (ISO 20022 external return reason, as AC04: account closed); empty for other lines."""
    bank_transaction_code: str
    """Domain-family-subfamily, as PMNT-RCDT-ESCT, or the bank's own code."""


class Statement(Struct, frozen=True):
    """One account's booked lines; `opening` plus their sum is `closing`, in signed minor units of `currency`."""

    account: str
    """IBAN, or the bank's own account number where it has no IBANs."""
    currency: str
    statement_id: str
    sequence: int | None
    """The bank's running number of electronic statements, if it gives one."""
    created: int
    """When the bank made it, microseconds since the epoch; a time that names no offset is read as UTC."""
    from_date: str
    """First day, YYYY-MM-DD."""
    to_date: str
    """Last day, YYYY-MM-DD."""
    opening: int
    closing: int
    lines: tuple[StatementLine, ...]


class PaymentInstruction(Struct, frozen=True):
    """One credit transfer that the bank is told to make; `amount` in minor units."""

    end_to_end_id: str
    """Travels with the money and comes back on the statement line; 1 to 35 characters."""
    amount: int
    currency: str
    creditor_name: str
    creditor_account: Account
    creditor_bic: str | None
    country: str
    """Where the creditor is, ISO 3166 alpha-2."""
    remittance: str
    """What the creditor reads on its statement; may be empty."""


class PaymentFile(Struct, frozen=True):
    """Credit transfers from one account in one currency on one day."""

    message_id: str
    """1 to 35 characters, never used twice: banks refuse a second file of the same id."""
    created: int
    """Microseconds since the epoch, UTC."""
    debtor_name: str
    debtor_account: Account
    debtor_bic: str | None
    execution_date: str
    """YYYY-MM-DD."""
    instructions: tuple[PaymentInstruction, ...]
