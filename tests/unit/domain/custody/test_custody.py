"""Custody as accounting examples: what the bank did is booked once, explained or not, and settled by name."""

from typing import Any

import pytest
from tests.unit.domain.bank_side import STATEMENT, line, open_custody, said_of
from tests.unit.domain.conftest import Market

from handfast.core.ids import Id
from handfast.domain.custody import (
    BankStatement,
    BookSuspense,
    OpenAccount,
    RecordStatement,
    ResolveSuspense,
    custody_account_id,
    statement_id,
)
from handfast.domain.parties import HOUSE, MoveParty
from handfast.ledger import Purpose

IN, OUT = line("USD", 700, "in"), line("USD", -300, "out")


@pytest.fixture
def buyer(market: Market) -> Id:
    open_custody(market, "USD")
    return market.party("customer")


def house(market: Market) -> tuple[int, int, int]:
    """In the bank, in suspense, the operator's own."""
    return (
        -market.house(Purpose.CUSTODY, "USD"),
        market.house(Purpose.SUSPENSE, "USD"),
        market.house(Purpose.OPERATOR, "USD"),
    )


def test_a_currency_has_one_custody_account(market: Market) -> None:
    account = market.do(OpenAccount("US-1", "Client money", "USD", "partner", routing="021000021"))
    assert (account.id, account.mode) == (custody_account_id("USD"), "partner")
    market.refused("object_exists", OpenAccount("US-2", "Client money", "USD", "partner"))
    assert said_of(market, account.id) == ["custody_account.opened"]


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (OpenAccount("1", "Client money", "XXX", "partner"), "currency_unknown"),
        (OpenAccount("1", "Client money", "USD", "own pocket"), "field_invalid"),
        (OpenAccount("", "Client money", "USD", "partner"), "field_invalid"),
        (OpenAccount("1", "", "USD", "partner"), "field_invalid"),
    ],
    ids=["currency", "mode", "number", "name"],
)
def test_what_is_no_custody_account(market: Market, command: OpenAccount, code: str) -> None:
    market.refused(code, command)


def test_an_unexplained_credit_waits_in_suspense(market: Market, buyer: Id) -> None:
    booked = market.do(BookSuspense(IN, "unmatched"))
    assert (booked.state, booked.reason, booked.object, booked.party) == ("suspense", "unmatched", None, HOUSE)
    assert house(market) == (700, 700, 0)


def test_an_unexplained_debit_is_the_operators_loss_and_no_clients(market: Market, buyer: Id) -> None:
    market.fund(buyer, "USD", 1_000)
    market.do(BookSuspense(OUT, "unmatched"))
    assert house(market) == (700, 0, -300)
    assert market.wallet(buyer, "USD") == 1_000


def test_a_line_counts_once(market: Market, buyer: Id) -> None:
    first = market.do(BookSuspense(IN, "unmatched"))
    assert market.do(BookSuspense(line("USD", 700, "in", details=b"sealed anew"), "another reason")) == first
    market.refused("object_exists", BookSuspense(line("USD", 701, "in"), "unmatched"))
    market.refused("object_exists", BookSuspense(line("USD", 700, "in", booked_on="2014-10-30"), "unmatched"))
    assert house(market) == (700, 700, 0)


def test_a_line_is_of_a_custody_account_and_of_some_amount(market: Market, buyer: Id) -> None:
    market.refused("object_not_found", BookSuspense(line("EUR", 700), "unmatched"))
    market.refused("currency_mismatch", BookSuspense(line("EUR", 700, account=IN.account), "unmatched"))
    market.refused("amount_invalid", BookSuspense(line("USD", 0), "unmatched"))
    market.refused("amount_too_large", BookSuspense(line("USD", -(10**15) - 1), "unmatched"))


def test_a_credit_is_given_to_its_party(market: Market, buyer: Id) -> None:
    market.do(BookSuspense(IN, "unmatched"))
    resolved = market.do(ResolveSuspense(IN.id, buyer, b"sealed for the buyer"))
    assert (resolved.state, resolved.reason, resolved.object, resolved.party) == ("matched", "", buyer, buyer)
    assert (market.wallet(buyer, "USD"), house(market)) == (700, (700, 0, 0))
    assert said_of(market, IN.id) == ["bank_line.suspense", "bank_line.matched"]
    market.refused("state_conflict", ResolveSuspense(IN.id, buyer, b""))


def test_a_credit_is_kept_as_the_operators_own(market: Market, buyer: Id) -> None:
    market.do(BookSuspense(IN, "unmatched"))
    market.do(ResolveSuspense(IN.id, HOUSE, b"sealed"))
    assert house(market) == (700, 0, 700)


def test_a_debit_is_charged_to_its_party(market: Market, buyer: Id) -> None:
    market.fund(buyer, "USD", 1_000)
    market.do(BookSuspense(OUT, "unmatched"))
    market.do(ResolveSuspense(OUT.id, buyer, b"sealed"))
    assert (market.wallet(buyer, "USD"), house(market)) == (700, (700, 0, 0))


def test_a_debit_that_no_wallet_covers_stays_open_until_one_does(market: Market, buyer: Id) -> None:
    market.do(BookSuspense(OUT, "unmatched"))
    for _ in range(2):
        market.refused("balance_insufficient", ResolveSuspense(OUT.id, buyer, b"sealed"))
    assert said_of(market, OUT.id) == ["bank_line.suspense"]
    market.fund(buyer, "USD", 300)
    assert market.do(ResolveSuspense(OUT.id, buyer, b"sealed")).state == "matched"
    assert (market.wallet(buyer, "USD"), house(market)) == (0, (0, 0, 0))


def test_a_debit_that_the_house_bears_moves_nothing_more(market: Market, buyer: Id) -> None:
    market.do(BookSuspense(OUT, "unmatched"))
    assert market.do(ResolveSuspense(OUT.id, HOUSE, b"sealed")).state == "matched"
    assert house(market) == (-300, 0, -300)


def test_only_active_parties_get_what_was_in_suspense(market: Market, buyer: Id) -> None:
    market.do(BookSuspense(IN, "unmatched"))
    market.do(MoveParty(buyer, "suspend"))
    market.refused("party_suspended", ResolveSuspense(IN.id, buyer, b"sealed"))
    market.refused("object_not_found", ResolveSuspense(IN.id, STATEMENT, b"sealed"))
    market.refused("object_not_found", ResolveSuspense(OUT.id, buyer, b"sealed"))


def statement(**changes: object) -> BankStatement:
    account = custody_account_id("USD")
    given: dict[str, object] = {
        "id": statement_id(account, "2014-302"),
        "account": account,
        "currency": "USD",
        "number": "2014-302",
        "issued": 0,
        "from_date": "2014-10-29",
        "to_date": "2014-10-29",
        "opening": 0,
        "closing": 400,
        "lines": 2,
        "digest": b"what it says",
        "version": 1,
        "created": 0,
    }
    return BankStatement(**given | changes)  # type: ignore[arg-type]


def test_a_statement_is_recorded_once_its_lines_are_booked(market: Market, buyer: Id) -> None:
    record = RecordStatement(statement(), (IN.id, OUT.id))
    market.refused("state_conflict", record)
    market.do(BookSuspense(IN, "unmatched"))
    market.refused("state_conflict", record)
    market.do(BookSuspense(OUT, "unmatched"))
    recorded = market.do(record)
    assert (recorded.closing, recorded.lines, recorded.created) == (400, 2, market.now)
    assert market.do(record) == recorded
    assert said_of(market, recorded.id) == ["bank_statement.recorded"]


def test_a_statement_that_contradicts_itself_or_an_earlier_one_is_refused(market: Market, buyer: Id) -> None:
    lines = (IN.id, OUT.id)
    market.do(BookSuspense(IN, "unmatched"))
    market.do(BookSuspense(OUT, "unmatched"))
    market.refused("statement_unbalanced", RecordStatement(statement(closing=401), lines))
    market.refused("statement_unbalanced", RecordStatement(statement(), lines[:1]))
    market.refused("currency_mismatch", RecordStatement(statement(currency="EUR"), lines))
    market.refused("object_not_found", RecordStatement(statement(account=buyer), lines))
    market.do(RecordStatement(statement(), lines))
    market.refused("object_exists", RecordStatement(statement(digest=b"something else"), lines))


def cells(market: Market, column: str) -> list[Any]:
    rows: list[Any] = market.store.connection.execute(f"SELECT {column}").fetchall()
    return rows


def test_sealed_details_stay_on_the_line_alone(market: Market, buyer: Id) -> None:
    market.do(BookSuspense(IN, "unmatched"))
    market.do(ResolveSuspense(IN.id, buyer, b"sealed for the buyer"))
    kept, *told = [
        row[0]
        for column in ("details FROM bank_lines", "body FROM events", "body FROM operations")
        for row in cells(market, column)
    ]
    assert kept == b"sealed for the buyer"
    assert told
    assert not [body for body in told if b"sealed bank details" in body or b"sealed for the buyer" in body]
