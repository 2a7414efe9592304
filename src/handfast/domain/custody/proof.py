"""The custody equation: for each currency, whether the money in the bank is what the books owe."""

from handfast.domain.custody.model import CustodyAccount, Equation, OpenLines
from handfast.domain.custody.tables import (
    custody_accounts,
    newest_statement,
    open_lines,
    sums_by_purpose,
    sweeps_in_flight,
)
from handfast.ledger import Purpose
from handfast.store.reader import Reader

_CLIENTS = (Purpose.WALLET, Purpose.HELD, Purpose.RESERVE)
_OPERATOR = (Purpose.COMMISSION, Purpose.TAX, Purpose.ROUNDING, Purpose.OPERATOR, Purpose.RECEIVABLE)


def equation(reader: Reader) -> list[Equation]:
    """The equation of every currency that has a custody account or any money, by currency, as of one instant.

    Takes a snapshot of its own, so it cannot be called within one.
    """
    with reader.snapshot():
        accounts = {account.currency: account for account in custody_accounts(reader)}
        sums, sweeps, lines = sums_by_purpose(reader), sweeps_in_flight(reader), open_lines(reader)
        return [
            _equation(
                reader,
                currency,
                accounts.get(currency),
                sums.get(currency, {}),
                sweeps.get(currency, 0),
                lines.get(currency, []),
            )
            for currency in sorted(accounts.keys() | sums.keys())
        ]


def _equation(
    reader: Reader,
    currency: str,
    account: CustodyAccount | None,
    sums: dict[int, int],
    swept: int,
    lines: list[OpenLines],
) -> Equation:
    statement = newest_statement(reader, account.id) if account else None
    bank = -sums.get(Purpose.CUSTODY, 0)
    in_flight = sums.get(Purpose.PAYOUT, 0) - swept
    client_debt = sum(sums.get(purpose, 0) for purpose in _CLIENTS) + in_flight
    exceptions = sum(line.amount for line in lines)
    # Unexplained debits were taken from the operator's account; named as exceptions, they must not count twice.
    unexplained = sum(-line.amount for line in lines if line.amount < 0)
    operator_due = sum(sums.get(purpose, 0) for purpose in _OPERATOR) + swept + unexplained
    fx_position = sums.get(Purpose.POSITION, 0)
    return Equation(
        currency=currency,
        bank=bank,
        bank_said=statement.closing if statement else None,
        client_debt=client_debt,
        in_flight=in_flight,
        operator_due=operator_due,
        receivables=-sums.get(Purpose.RECEIVABLE, 0),
        fx_position=fx_position,
        exceptions=exceptions,
        open_lines=tuple(lines),
        difference=bank - client_debt - operator_due - fx_position - exceptions,
    )
