"""Rows of custody accounts, bank statements and their lines, and the sums that the custody equation is made of."""

from collections.abc import Sequence

from handfast.core.ids import Id, account_id, digest_id, owner_of
from handfast.core.money import CURRENCIES
from handfast.domain.custody.model import BankLine, BankStatement, CustodyAccount, OpenLines
from handfast.domain.parties import HOUSE
from handfast.ledger import Purpose
from handfast.store.reader import Reader, find
from handfast.store.table import Table

CUSTODY_ACCOUNTS = Table("custody_accounts", CustodyAccount)
BANK_STATEMENTS = Table("bank_statements", BankStatement)
BANK_LINES = Table("bank_lines", BankLine)
INDEXES = (
    ("bank_statements", "account, to_date, id", ""),
    ("bank_lines", "state, id", "state = 'suspense'"),
    ("bank_lines", "object", "object IS NOT NULL"),
)

_AT_ONCE = 500


def custody_account_id(currency: str) -> Id:
    """The id of a currency's custody account: there is one."""
    return owner_of(digest_id(b"custody account", currency.encode()))


def statement_id(account: Id, number: str) -> Id:
    """The id of a statement that the bank calls `number`."""
    return owner_of(digest_id(b"bank statement", account, number.encode()))


def line_id(account: Id, line_key: str) -> Id:
    """The id of a statement's line, by the key that the rail gave it."""
    return owner_of(digest_id(b"bank line", account, line_key.encode()))


def custody_accounts(reader: Reader) -> list[CustodyAccount]:
    """All custody accounts, by currency."""
    return find(reader, CUSTODY_ACCOUNTS, "1 = 1 ORDER BY currency")


def booked_lines(reader: Reader, ids: Sequence[Id]) -> dict[Id, BankLine]:
    """Those of the lines that are booked already."""
    found: dict[Id, BankLine] = {}
    for start in range(0, len(ids), _AT_ONCE):
        some = ids[start : start + _AT_ONCE]
        rows = find(reader, BANK_LINES, f"id IN ({', '.join('?' * len(some))})", *some)
        found.update((row.id, row) for row in rows)
    return found


def lines_in_suspense(reader: Reader, after: Id, limit: int) -> list[BankLine]:
    """Lines that wait for somebody to say whose they are, in the order of their ids."""
    return find(reader, BANK_LINES, "state = 'suspense' AND id > ? ORDER BY id LIMIT ?", after, limit)


def newest_statement(reader: Reader, account: Id) -> BankStatement | None:
    """The recorded statement that reaches furthest; of two for one day, the one that the bank made last."""
    where = "account = ? ORDER BY to_date DESC, issued DESC, id LIMIT 1"
    found = find(reader, BANK_STATEMENTS, where, account)
    return found[0] if found else None


def sums_by_purpose(reader: Reader) -> dict[str, dict[int, int]]:
    """Posted credits less debits of all ledger accounts, by currency and purpose (both told by an account's id)."""
    sums: dict[str, dict[int, int]] = {}
    for tail, amount in reader.rows(
        "SELECT substr(id, 14, 3), sum(credits_posted - debits_posted) FROM accounts GROUP BY substr(id, 14, 3)"
    ):
        currency = CURRENCIES[int.from_bytes(tail[1:], "big")]
        sums.setdefault(currency, {})[tail[0]] = int(amount)
    return sums


def sweeps_in_flight(reader: Reader) -> dict[str, int]:
    """What the house itself is being paid out, by currency."""
    keys = {
        account_id(HOUSE, Purpose.PAYOUT, account.currency): account.currency for account in custody_accounts(reader)
    }
    if not keys:
        return {}
    marks = ", ".join("?" * len(keys))
    rows = reader.rows(f"SELECT id, credits_posted - debits_posted FROM accounts WHERE id IN ({marks})", tuple(keys))
    return {keys[key]: amount for key, amount in rows}


def open_lines(reader: Reader) -> dict[str, list[OpenLines]]:
    """The lines in suspense, by currency: credits and debits apart, for each reason."""
    lines: dict[str, list[OpenLines]] = {}
    for currency, reason, count, amount in reader.rows(
        "SELECT currency, reason, count(*), sum(amount) FROM bank_lines WHERE state = 'suspense'"
        " GROUP BY currency, reason, sign(amount) ORDER BY currency, reason, sign(amount)"
    ):
        lines.setdefault(currency, []).append(OpenLines(reason, int(count), int(amount)))
    return lines


def postings_sum(reader: Reader) -> int:
    """All debits less all credits over all accounts: zero, whatever happened."""
    ((total,),) = reader.rows("SELECT sum(debits_posted - credits_posted) FROM accounts")
    return int(total or 0)
