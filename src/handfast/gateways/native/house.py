"""What the operator does for the house: the bank's statements and deals, the books as a whole."""

from collections.abc import AsyncIterator
from contextlib import ExitStack
from tempfile import SpooledTemporaryFile
from typing import IO, Annotated, Any

from msgspec import Meta

from handfast.core.ids import Id, account_currency, account_purpose
from handfast.domain import custody, exchange
from handfast.gateways.native import reports, wire
from handfast.gateways.native.calls import Call, Reply
from handfast.gateways.native.lists import Query
from handfast.gateways.native.prefixes import show, show_some
from handfast.gateways.native.render import SECOND
from handfast.gateways.native.reports import List
from handfast.gateways.native.showing import encode
from handfast.gateways.native.wallets import source_of
from handfast.ledger import Balance, Mode, Purpose
from handfast.ledger.journal import Booked, all_balances, journal, last_place
from handfast.store.reader import Reader

IMPORT_STATEMENT = "bank.import_statement"
"""A function of the running service: it takes the statement, who asks, and the request's id."""

_IN_MEMORY = 8 * 1024 * 1024
_CHUNK = 64 * 1024


class JournalQuery(Query, frozen=True, kw_only=True):
    """The entries after a place in the journal."""

    after: Annotated[int, Meta(ge=0, le=2**63 - 1)] = 0
    limit: Annotated[int, Meta(ge=1, le=1000)] = 100


async def import_statement(call: Call[Any]) -> reports.StatementImport:
    """Book a bank statement (ISO 20022 camt.053). The same one again changes nothing, so it may be sent again."""
    actor, request = call.caller.actor, call.request
    told = await call.services.hand.control(IMPORT_STATEMENT, call.content, actor, request)
    return reports.StatementImport(
        object="statement_import",
        lines=told["lines"],
        booked_before=told["booked_before"],
        matched=told["matched"],
        suspense=[_line_report(line) for line in told["suspense"]],
        refused=[_line_report(line) for line in told["refused"]],
        statements=[reports.StatementReport(**statement) for statement in told["statements"]],
    )


def _line_report(line: dict[str, Any]) -> reports.LineReport:
    return reports.LineReport(show("line", line["line"]), line["currency"], line["amount"], line["reason"])


def nobody(_row: Any) -> tuple[Id | None, ...]:
    """Whose the house's own objects are: the operator sees them, nobody else."""
    return ()


async def see_custody(call: Call[Any]) -> reports.Custody:
    """See the custody equation: whether the money in the bank is what the books owe, by currency."""
    data = [
        reports.Equation(
            currency=each.currency,
            bank=each.bank,
            bank_said=each.bank_said,
            client_debt=each.client_debt,
            in_flight=each.in_flight,
            operator_due=each.operator_due,
            receivables=each.receivables,
            fx_position=each.fx_position,
            exceptions=each.exceptions,
            open_lines=[reports.OpenLines(line.reason, line.lines, line.amount) for line in each.open_lines],
            difference=each.difference,
        )
        for each in await call.services.read.long(custody.equation)
    ]
    return reports.Custody("custody", data)


def agree_deal(call: Call[wire.NewDeal]) -> exchange.AgreeDeal:
    """Note an exchange that was agreed with the bank."""
    given = call.given
    return exchange.AgreeDeal(
        given.sell_currency, given.sell_amount, given.buy_currency, given.buy_amount, given.reference
    )


async def list_journal(call: Call[JournalQuery]) -> List:
    """Read the journal: all entries with their postings, in order, oldest first."""
    given = call.given
    found = await call.services.read.long(lambda reader: journal(reader, given.after, given.limit + 1))
    data = [_journal_entry(booked) for booked in found[: given.limit]]
    return List("list", data, len(found) > given.limit, call.path)


def _journal_entry(booked: Booked) -> reports.JournalEntry:
    return reports.JournalEntry(
        id=show("entry", booked.id),
        object="entry",
        sequence=booked.seq,
        kind=booked.kind,
        source=source_of(booked.id, booked.kind),
        postings=[
            reports.Posting(
                debit=show("account", posting.debit),
                credit=show("account", posting.credit),
                currency=account_currency(posting.debit),
                amount=posting.amount,
                mode=Mode(posting.mode).name.lower(),
                pending=show_some("entry", posting.pending),
            )
            for posting in booked.postings
        ],
        created=booked.at // SECOND,
    )


async def see_snapshot(call: Call[Any]) -> Reply:
    """Get all balances as of one instant, a line of JSON each, with the journal's place first and their number last."""
    # Written to a file first: a slow client would keep the snapshot open, and the database could not clear up.
    spool = await call.services.read.long(lambda reader: _spool(reader, call.services.market() // SECOND))
    return Reply(_chunks(spool), b"application/x-ndjson")


def _spool(reader: Reader, at: int) -> IO[bytes]:
    with ExitStack() as until_written:
        spool = until_written.enter_context(SpooledTemporaryFile(_IN_MEMORY))
        count = 0
        with reader.snapshot():
            spool.write(encode({"object": "snapshot", "sequence": last_place(reader), "created": at}) + b"\n")
            for balance in all_balances(reader):
                spool.write(encode(_account(balance)) + b"\n")
                count += 1
        spool.write(encode({"object": "snapshot_end", "accounts": count}) + b"\n")
        spool.seek(0)
        until_written.pop_all()
        return spool


def _account(balance: Balance) -> reports.Account:
    return reports.Account(
        id=show("account", balance.account),
        object="account",
        purpose=Purpose(account_purpose(balance.account)).name.lower(),
        currency=account_currency(balance.account),
        debits_pending=balance.debits_pending,
        debits_posted=balance.debits_posted,
        credits_pending=balance.credits_pending,
        credits_posted=balance.credits_posted,
    )


async def _chunks(spool: IO[bytes]) -> AsyncIterator[bytes]:
    with spool:
        while chunk := spool.read(_CHUNK):
            yield chunk
