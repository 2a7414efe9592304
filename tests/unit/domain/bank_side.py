"""The bank's side of a small market: custody accounts opened, and lines as a statement would bring them."""

from pathlib import Path
from typing import Any

from tests.conftest import Engine
from tests.unit.domain.conftest import Market

from handfast.core.ids import Id
from handfast.domain.custody import BankLine, OpenAccount, custody_account_id, line_id
from handfast.domain.parties import HOUSE, ApiClient, CreateClient
from handfast.domain.payouts import PAYOUTS, ApproveFile, Payout, PayoutFile, PrepareFile, file_id
from handfast.store.postgres import PostgresReader
from handfast.store.reader import Reader
from handfast.store.sqlite import SqliteReader
from handfast.store.table import Row, Table

DAY = "2014-10-29"
STATEMENT = b"statement".ljust(16, b"\0")


def open_custody(market: Market, *currencies: str) -> None:
    """Custody accounts in these currencies."""
    for currency in currencies:
        market.do(OpenAccount(f"XX{currency}", f"Client money {currency}", currency, "simulation"))


def kept(market: Market, table: Table[Row], key: Id) -> Row:
    """A row that is there."""
    (found,) = market.desk.load({table: [key]})[table]
    return found  # type: ignore[no-any-return]


def person(market: Market, name: str = "clerk") -> Id:
    """A new API client of the operator: somebody who acts for it."""
    client: ApiClient = market.do(CreateClient(HOUSE, name, bytes(32), "operate"))
    return client.id


def order(market: Market, *payouts: Payout, by: Id | None = None, approved: bool = True) -> PayoutFile:
    """A bank file for these payouts, prepared by one person and approved by another."""
    ids = tuple(payout.id for payout in payouts)
    name = file_id([kept(market, PAYOUTS, key) for key in ids])
    command = PrepareFile(name, by or person(market), payouts[0].currency, ids, b"sealed file", b"digest")
    file: PayoutFile = market.do(command)
    if approved:
        file = market.do(ApproveFile(file.id, person(market), ids))
    return file


def line(currency: str, amount: int, key: str = "1", **changes: Any) -> BankLine:
    """A line as the clerk hands it over: signed minor units, and a key that the bank gave it."""
    account = custody_account_id(currency)
    given: dict[str, Any] = {
        "id": line_id(account, key),
        "statement": STATEMENT,
        "account": account,
        "currency": currency,
        "amount": amount,
        "booked_on": DAY,
        "state": "matched",
        "reason": "",
        "object": None,
        "party": HOUSE,
        "details": b"sealed bank details",
        "attempt": 0,
        "version": 1,
        "created": 0,
    }
    return BankLine(**given | changes)


def open_reader(engine: Engine) -> Reader:
    """A read-only connection beside the desk."""
    path = engine.url.removeprefix("sqlite:///")
    return PostgresReader(engine.url) if path == engine.url else SqliteReader(Path(path))


def said_of(market: Market, thing: Id) -> list[str]:
    """The events of an object, oldest first."""
    rows: list[tuple[Any, ...]] = market.store.connection.execute("SELECT id, type FROM events ORDER BY seq").fetchall()
    return [row[1] for row in rows if row[0][:13] == thing[:13]]
