"""How any room books a bank line: the guards that it passes first, and the row and event that it leaves."""

from typing import Any

from msgspec.structs import replace

from handfast.core.errors import Conflict, Invalid, NotFound
from handfast.core.ids import Id
from handfast.core.money import check_amount
from handfast.domain.custody.model import BankLine
from handfast.domain.custody.tables import BANK_LINES, CUSTODY_ACCOUNTS
from handfast.domain.parties import HOUSE
from handfast.store.verb import Tx


async def admit_line(tx: Tx, line: BankLine) -> BankLine | None:
    """The line as it was booked before, or None where it is new and may be booked.

    Raises NotFound for a strange custody account, Invalid(amount_invalid, amount_too_large, currency_mismatch),
    Conflict(object_exists) where a line of this id says something else: banks do repeat themselves, not otherwise.
    """
    check_amount(abs(line.amount))
    account, known = await tx.get_all((CUSTODY_ACCOUNTS, line.account), (BANK_LINES, line.id))
    if account is None:
        raise NotFound("object_not_found", "no such custody account", "account")
    if account.currency != line.currency:
        raise Invalid("currency_mismatch", f"the account is in {account.currency}", "currency")
    if known is not None and not same_line(known, line):
        raise Conflict("object_exists", "this line was booked with another amount or day", "line")
    return known  # type: ignore[no-any-return]


def same_line(known: BankLine, line: BankLine) -> bool:
    """Whether two readings of a line agree about the money. Their sealed details always differ in their bytes."""
    return (known.account, known.amount, known.booked_on) == (line.account, line.amount, line.booked_on)


def must_match(known: BankLine, thing: Id) -> None:
    """Let pass a line that is booked for this object already. Raises Conflict(state_conflict) for any other."""
    if known.object != thing:
        raise Conflict("state_conflict", "the line is booked already, for something else", "line")


def keep_matched(tx: Tx, line: BankLine, thing: Id) -> BankLine:
    """Stage a new line as matched to an object; see keep_line."""
    return keep_line(tx, line, state="matched", reason="", object=thing, attempt=0, version=1, created=tx.now)


def keep_line(tx: Tx, line: BankLine, **changes: Any) -> BankLine:
    """Stage the line, changed, and its event, owed to the house; returned and told without its sealed details."""
    kept = replace(line, **changes)
    told = replace(kept, details=b"")
    tx.put(BANK_LINES, kept)
    tx.event(f"bank_line.{kept.state}", told, owner=HOUSE)
    return told
