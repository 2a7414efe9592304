"""What can be done with the bank's side of the money: accounts opened, statements recorded, exceptions settled."""

from msgspec import Struct
from msgspec.structs import replace

from handfast.core.errors import Conflict, Declined, Invalid, NotFound
from handfast.core.ids import Id
from handfast.core.money import exponent
from handfast.core.states import move
from handfast.domain.custody import postings
from handfast.domain.custody.lines import admit_line, keep_line
from handfast.domain.custody.model import CUSTODY_MODES, LINE_STATES, BankLine, BankStatement, CustodyAccount
from handfast.domain.custody.tables import BANK_LINES, BANK_STATEMENTS, CUSTODY_ACCOUNTS, custody_account_id
from handfast.domain.parties import HOUSE, active_parties
from handfast.store.verb import Tx, verb


class OpenAccount(Struct, frozen=True):
    """The account at a bank that holds clients' money of a currency; its number was checked (rails.check_account)."""

    iban: str
    name: str
    currency: str
    mode: str
    routing: str = ""
    bic: str = ""


class RecordStatement(Struct, frozen=True):
    """A statement and the ids of all its lines."""

    statement: BankStatement
    lines: tuple[Id, ...]


class BookSuspense(Struct, frozen=True):
    """A line that matches nothing, its details sealed under the house's key; `reason` names the exception."""

    line: BankLine
    reason: str


class ResolveSuspense(Struct, frozen=True):
    """The party that a line in suspense belongs to (HOUSE: the operator's own); `details` sealed anew under its key."""

    line: Id
    party: Id
    details: bytes


async def account_in(tx: Tx, currency: str) -> CustodyAccount:
    """The custody account of a currency. Raises Invalid(currency_unknown) where there is none, so no money either."""
    exponent(currency)
    account = await tx.get(CUSTODY_ACCOUNTS, custody_account_id(currency))
    if account is None:
        raise Invalid("currency_unknown", "Handfast keeps no custody account in this currency", "currency")
    return account


@verb("custody.open_account")
async def open_account(tx: Tx, command: OpenAccount) -> CustodyAccount:
    """Open the books of a currency's custody account. Raises Invalid, Conflict(object_exists) if there is one."""
    exponent(command.currency)
    if command.mode not in CUSTODY_MODES:
        raise Invalid("field_invalid", f"a custody mode is one of {', '.join(CUSTODY_MODES)}", "mode")
    if not (command.iban and command.name):
        raise Invalid("field_invalid", "a custody account has a number and a name", "name" if command.iban else "iban")
    key = custody_account_id(command.currency)
    if await tx.get(CUSTODY_ACCOUNTS, key) is not None:
        raise Conflict("object_exists", "there is a custody account in this currency", "currency")
    account = CustodyAccount(
        id=key,
        iban=command.iban,
        routing=command.routing,
        bic=command.bic,
        name=command.name,
        currency=command.currency,
        mode=command.mode,
        version=1,
        created=tx.now,
    )
    tx.put(CUSTODY_ACCOUNTS, account)
    tx.event("custody_account.opened", account, owner=HOUSE)
    return account


@verb("custody.record_statement")
async def record_statement(tx: Tx, command: RecordStatement) -> BankStatement:
    """Note a statement once all its lines are booked and lead from its opening to its closing balance.

    Recorded again it changes nothing. Raises NotFound for a strange account, Invalid(currency_mismatch,
    statement_unbalanced), Conflict(object_exists) for other content under the same id, Conflict(state_conflict) while
    lines are missing.
    """
    statement = replace(command.statement, lines=len(command.lines), version=1, created=tx.now)
    account, known, *lines = await tx.get_all(
        (CUSTODY_ACCOUNTS, statement.account),
        (BANK_STATEMENTS, statement.id),
        *((BANK_LINES, line) for line in command.lines),
    )
    if account is None:
        raise NotFound("object_not_found", "no such custody account", "account")
    if account.currency != statement.currency:
        raise Invalid("currency_mismatch", f"the account is in {account.currency}", "currency")
    if known is not None:
        if known.digest != statement.digest:
            raise Conflict("object_exists", "another statement was recorded under this id", "statement")
        return known  # type: ignore[no-any-return]
    if None in lines:
        raise Conflict("state_conflict", "not all lines of the statement are booked", "lines")
    if statement.opening + sum(line.amount for line in lines) != statement.closing:
        raise Invalid("statement_unbalanced", "the booked lines do not lead to the closing balance", "lines")
    tx.put(BANK_STATEMENTS, statement)
    tx.event("bank_statement.recorded", statement, owner=HOUSE)
    return statement


@verb("custody.book_suspense")
async def book_suspense(tx: Tx, command: BookSuspense) -> BankLine:
    """Book a line that nothing explains yet: what the bank did has happened, so a line can always be booked.

    A credit waits in the suspense account. A debit is borne by the operator account, which has no floor, until it is
    resolved: a missing debit is the operator's loss, never a client's. Either is a named exception of the custody
    equation. A line that is booked already, matched or not, is returned as it is. Raises what admit_line raises.
    """
    known = await admit_line(tx, command.line)
    if known is not None:
        return replace(known, details=b"")
    line = keep_line(
        tx,
        command.line,
        state="suspense",
        reason=command.reason,
        object=None,
        party=HOUSE,
        attempt=0,
        version=1,
        created=tx.now,
    )
    await tx.post(postings.suspense(line))
    return line


@verb("custody.resolve_suspense", about="line")
async def resolve_suspense(tx: Tx, command: ResolveSuspense) -> BankLine:
    """Give a line in suspense to its party: a credit to its wallet, a debit out of it.

    The house's wallet is the operator account. Raises NotFound, Conflict(state_conflict), Forbidden(party_suspended),
    Declined(balance_insufficient) where a wallet does not cover a debit: the line then stays in suspense.
    """
    line = await tx.get(BANK_LINES, command.line)
    if line is None:
        raise NotFound("object_not_found", "no such bank line", "line")
    state = move(LINE_STATES, line.state, "resolve")
    await active_parties(tx, party=command.party)
    resolved = keep_line(
        tx,
        line,
        state=state,
        reason="",
        object=command.party,
        party=command.party,
        details=command.details,
        version=line.version + 1,
    )
    entry = postings.resolve(line, command.party)
    if entry is not None:
        try:
            await tx.post(entry)
        except Declined:
            tx.put(BANK_LINES, replace(line, attempt=line.attempt + 1))
            raise
    return resolved


VERBS = (open_account, record_statement, book_suspense, resolve_suspense)
