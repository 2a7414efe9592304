"""Bank statements read, each line booked for what it is, the rest named as exceptions.

Nothing here decides about money: lists are looked up, verbs are handed to the desk, and each verb checks anew. What a
crash leaves half imported, the same file completes.
"""

import re
from collections.abc import Sequence
from hashlib import sha256
from typing import Any

from msgspec import Struct, field, msgpack
from msgspec.structs import replace

from handfast.core.errors import NotFound, Unavailable
from handfast.core.ids import Id
from handfast.domain.custody import (
    BANK_LINES,
    BANK_STATEMENTS,
    BankLine,
    BankStatement,
    BookSuspense,
    CustodyAccount,
    LineDetails,
    RecordStatement,
    ResolveSuspense,
    booked_lines,
    custody_accounts,
    line_id,
    same_line,
    statement_id,
)
from handfast.domain.exchange import BookDealLine, deal_by_reference
from handfast.domain.parties import HOUSE
from handfast.domain.payouts import BookPayout, ReturnPayout, by_end_to_end
from handfast.domain.topups import BookTopup, references_in, referred_topups
from handfast.rails import Statement, StatementLine, read_statement
from handfast.store.reader import Reader, get
from handfast.store.verb import Answer
from handfast.timers.clerk import Clerk

_BOOK: dict[str, tuple[str, Any]] = {
    "payout": ("payouts.book", BookPayout),
    "return": ("payouts.return", ReturnPayout),
    "topup": ("topups.book", BookTopup),
    "deal": ("deals.book_line", BookDealLine),
}
"""The verb and the command for each kind of line, in the order of booking: a payout is paid before it can come back."""

_DEAL = "FX"
_REASON = re.compile(r"[A-Z][A-Z0-9]{2,3}", re.ASCII)


class LineReport(Struct, frozen=True):
    """A line that needs eyes: in suspense for a reason, or refused with a code. `amount` in signed minor units."""

    line: Id
    currency: str
    amount: int
    reason: str


class StatementReport(Struct, frozen=True):
    """What became of a statement: `outcome` is "recorded", "recorded before", or the code of what stands against it."""

    number: str
    currency: str
    closing: int
    outcome: str


class ImportReport(Struct):
    """What a file of statements brought: of its `lines`, those booked before, now matched, in suspense, refused."""

    lines: int = 0
    booked_before: int = 0
    matched: dict[str, int] = field(default_factory=dict)
    suspense: list[LineReport] = field(default_factory=list)
    refused: list[LineReport] = field(default_factory=list)
    statements: list[StatementReport] = field(default_factory=list)


class _Found(Struct, frozen=True):
    """What a line is taken for: its kind in _BOOK, the object that it is for, the party that it is about."""

    kind: str
    object: Id
    party: Id


def import_statement(data: bytes, clerk: Clerk) -> ImportReport:
    """Book every line of a file of statements once, and record each statement whose lines are all booked.

    A line that names no object, or that its object's verb refuses, goes into suspense under that reason. The same file
    again changes nothing, and the report says so. Raises what rails.read_statement raises, before anything is booked.
    """
    accounts = {account.iban: account for account in custody_accounts(clerk.reader)}
    statements = read_statement(data, {number: account.currency for number, account in accounts.items()})
    report = ImportReport()
    for statement in statements:
        account = accounts[statement.account]
        _book_lines(clerk, account, statement, report)
        report.statements.append(
            StatementReport(
                statement.statement_id, statement.currency, statement.closing, _record(clerk, account, statement)
            )
        )
    return report


def line_details(line: BankLine, clerk: Clerk) -> LineDetails | None:
    """What the bank told of persons in a line, None where that was erased."""
    return clerk.open(line.party, line.details, LineDetails)


def resolve(line: Id, party: Id, clerk: Clerk) -> BankLine:
    """Give a line in suspense to a party, its details sealed anew under that party's key.

    Raises NotFound and what custody.resolve_suspense raises.
    """
    row = get(clerk.reader, BANK_LINES, line)
    if row is None:
        raise NotFound("object_not_found", "no such bank line", "line")
    _, sealed = clerk.seal(party, line_details(row, clerk))
    (answer,) = clerk.ask(("custody.resolve_suspense", ResolveSuspense(line, party, sealed)))
    resolved: BankLine = answer.unwrap()
    return resolved


def _book_lines(clerk: Clerk, account: CustodyAccount, statement: Statement, report: ImportReport) -> None:
    rows = _rows(clerk, account, statement)
    known = booked_lines(clerk.reader, [row.id for row in rows])
    fresh: dict[str, list[tuple[BankLine, StatementLine, Id]]] = {kind: [] for kind in _BOOK}
    unexplained: list[tuple[BankLine, StatementLine, str]] = []
    for row, line in zip(rows, statement.lines, strict=True):
        report.lines += 1
        booked = known.get(row.id)
        if booked is not None and same_line(booked, row):
            report.booked_before += 1
        elif booked is not None:
            report.refused.append(_line_report(row, "object_exists"))
        elif isinstance(found := _find(clerk.reader, line), str):
            unexplained.append((row, line, found))
        else:
            sealed = _sealed(clerk, row, line, found.party)
            fresh[found.kind].append((replace(sealed, object=found.object), line, found.object))
    for kind, (verb, command) in _BOOK.items():
        answers = clerk.ask(
            *(
                (verb, command(thing, row, *([_reason(line)] if kind == "return" else [])))
                for row, line, thing in fresh[kind]
            )
        )
        for (row, line, _), answer in zip(fresh[kind], answers, strict=True):
            if answer.refusal is None:
                report.matched[kind] = report.matched.get(kind, 0) + 1
            elif _final(answer):
                report.refused.append(_line_report(row, answer.refusal.code))
            else:
                unexplained.append((row, line, answer.refusal.code))
    _suspend(clerk, unexplained, report)


def _suspend(clerk: Clerk, unexplained: Sequence[tuple[BankLine, StatementLine, str]], report: ImportReport) -> None:
    answers = clerk.ask(
        *(
            ("custody.book_suspense", BookSuspense(_sealed(clerk, row, line, HOUSE), reason))
            for row, line, reason in unexplained
        )
    )
    for (row, _, reason), answer in zip(unexplained, answers, strict=True):
        if answer.refusal is None:
            report.suspense.append(_line_report(row, reason))
        else:
            report.refused.append(_line_report(row, answer.refusal.code))


def _find(reader: Reader, line: StatementLine) -> _Found | str:
    """What a line is for, or the reason why nobody can tell."""
    if line.reference.startswith(_DEAL):
        deal = deal_by_reference(reader, line.reference)
        if deal is not None:
            return _Found("deal", deal.id, HOUSE)
    payout = by_end_to_end(reader, line.end_to_end_id.upper()) if line.end_to_end_id else None
    if payout is not None and line.amount < 0:
        return _Found("payout", payout.id, payout.party)
    if payout is not None and _comes_back(line):
        return _Found("return", payout.id, payout.party)
    if line.amount > 0:
        topups = referred_topups(reader, references_in(line.reference) | references_in(line.end_to_end_id))
        if len(topups) == 1:
            return _Found("topup", topups[0].id, topups[0].party)
        if topups:
            return "reference_ambiguous"
    return "unmatched"


def _comes_back(line: StatementLine) -> bool:
    """Whether the bank itself says so: the end-to-end id of a credit is whatever its sender wrote."""
    return line.reversal or bool(line.return_reason) or line.bank_transaction_code.endswith("-RRTN")


def _reason(line: StatementLine) -> str:
    """The code of a return (AC04, R03), nothing where a bank writes words: those may be about a person."""
    return line.return_reason if _REASON.fullmatch(line.return_reason) else ""


def _final(answer: Answer) -> bool:
    """Whether a refusal leaves nothing to be booked: the desk is away, or the line contradicts what is booked."""
    return isinstance(answer.refusal, Unavailable) or (
        answer.refusal is not None and answer.refusal.code == "object_exists"
    )


def _rows(clerk: Clerk, account: CustodyAccount, statement: Statement) -> list[BankLine]:
    return [
        BankLine(
            id=line_id(account.id, line.line_key),
            statement=statement_id(account.id, statement.statement_id),
            account=account.id,
            currency=statement.currency,
            amount=line.amount,
            booked_on=line.booked_on,
            state="matched",
            reason="",
            object=None,
            party=HOUSE,
            details=b"",
            attempt=0,
            version=1,
            created=clerk.now,
        )
        for line in statement.lines
    ]


def _sealed(clerk: Clerk, row: BankLine, line: StatementLine, party: Id) -> BankLine:
    """The row about a party, with the line's details."""
    details = LineDetails(
        name=line.counterparty_name,
        account=line.counterparty_account,
        reference=line.reference,
        end_to_end=line.end_to_end_id,
        return_reason=line.return_reason,
        bank_code=line.bank_transaction_code,
    )
    keeper, sealed = clerk.seal(party, details)
    return replace(row, party=keeper, details=sealed)


def _record(clerk: Clerk, account: CustodyAccount, statement: Statement) -> str:
    """Record a statement; what came of it, in the words of StatementReport."""
    said = (
        statement.from_date,
        statement.to_date,
        statement.opening,
        statement.closing,
        [(line.line_key, line.booked_on, line.amount) for line in statement.lines],
    )
    row = BankStatement(
        id=statement_id(account.id, statement.statement_id),
        account=account.id,
        currency=statement.currency,
        number=statement.statement_id,
        issued=statement.created,
        from_date=statement.from_date,
        to_date=statement.to_date,
        opening=statement.opening,
        closing=statement.closing,
        lines=len(statement.lines),
        digest=sha256(msgpack.encode(said)).digest(),
        version=1,
        created=clerk.now,
    )
    known = get(clerk.reader, BANK_STATEMENTS, row.id)
    if known is not None:
        return "recorded before" if known.digest == row.digest else "object_exists"
    lines = tuple(line_id(account.id, line.line_key) for line in statement.lines)
    (answer,) = clerk.ask(("custody.record_statement", RecordStatement(row, lines)))
    return answer.refusal.code if answer.refusal else "recorded"


def _line_report(row: BankLine, reason: str) -> LineReport:
    return LineReport(row.id, row.currency, row.amount, reason)
