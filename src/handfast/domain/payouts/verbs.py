"""What can be done with a payout: ask for it, cancel it, and book what the bank says of it."""

from msgspec import Struct
from msgspec.structs import replace

from handfast.core.errors import Conflict, Declined, Invalid, NotFound
from handfast.core.ids import Id
from handfast.core.money import check_amount
from handfast.core.states import move
from handfast.domain.custody import BankLine, account_in, admit_line, keep_matched, must_match
from handfast.domain.parties import (
    HOUSE,
    PARTIES,
    PAYEE_REFUSED,
    Party,
    active_parties,
    mark_returned,
    must_belong,
    operators_person,
)
from handfast.domain.payouts import postings
from handfast.domain.payouts.model import PAYOUT_STATES, Payout
from handfast.domain.payouts.tables import PAYOUT_FILES, PAYOUTS, end_to_end
from handfast.ledger import Purpose
from handfast.store.verb import Tx, verb

SWEPT = (Purpose.COMMISSION, Purpose.OPERATOR)


class RequestPayout(Struct, frozen=True):
    """Pay `amount` minor units from the party's wallet to its bank account."""

    party: Id
    currency: str
    amount: int


class SweepPayout(Struct, frozen=True):
    """Pay `amount` minor units of the operator's own money (COMMISSION or OPERATOR) to its own bank account."""

    purpose: int
    currency: str
    amount: int


class CancelPayout(Struct, frozen=True):
    """Take back a payout that no file has ordered yet."""

    by: Id
    payout: Id


class BookPayout(Struct, frozen=True):
    """The debit line that a payout made, its details sealed under the key of `line.party`."""

    payout: Id
    line: BankLine


class ReturnPayout(Struct, frozen=True):
    """The credit line by which a paid payout came back, its details sealed under the key of `line.party`.

    `reason` is the bank's code for it (ISO 20022, external return reasons), as far as the statement tells.
    """

    payout: Id
    line: BankLine
    reason: str = ""


class RejectPayout(Struct, frozen=True):
    """The bank did not execute an ordered payout, and so nothing of it will be on any statement; who says so, and why.

    `reason` is the bank's code, or what it told.
    """

    payout: Id
    handler: Id
    reason: str


async def load(tx: Tx, key: Id) -> Payout:
    """The payout. Raises NotFound."""
    payout = await tx.get(PAYOUTS, key)
    if payout is None:
        raise NotFound("object_not_found", "no such payout", "payout")
    return payout


def keep(tx: Tx, payout: Payout, step: str) -> Payout:
    """Stage the payout's next state and its event, owed to the party; answered and told without its details.

    Raises Conflict(state_conflict).
    """
    state = move(PAYOUT_STATES, payout.state, step)
    changed = replace(payout, state=state, version=payout.version + 1)
    tx.put(PAYOUTS, changed)
    told = without_details(changed)
    tx.event(f"payout.{state}", told, owner=changed.party)
    return told


def without_details(payout: Payout) -> Payout:
    """The payout as it is told."""
    return replace(payout, details=b"")


def stands_against(party: Party) -> str:
    """The code of what forbids to pay this party now, or nothing."""
    if party.state != "active":
        return "party_suspended"
    if not party.payee_check:
        return "field_missing"
    return "payee_unchecked" if party.payee_check in PAYEE_REFUSED else ""


def check_payee(party: Party, param: str) -> None:
    """Let pass a party that gave a bank account to which may be paid.

    Raises Invalid(field_missing), Declined(payee_unchecked).
    """
    if not party.payee_check:
        raise Invalid("field_missing", "there is no bank account to pay to", param)
    if party.payee_check in PAYEE_REFUSED:
        no = "the bank account is in another's name, or was returned from: the operator must accept it"
        raise Declined("payee_unchecked", no, param)


@verb("payouts.request")
async def request(tx: Tx, command: RequestPayout) -> Payout:
    """Set money aside for the next bank file; what the party owes the operator is paid first.

    Raises Invalid, NotFound, Forbidden, Declined(payee_unchecked, balance_insufficient).
    """
    return await _request(tx, command.party, Purpose.WALLET, command.currency, command.amount)


@verb("payouts.sweep")
async def sweep(tx: Tx, command: SweepPayout) -> Payout:
    """Pay out what the operator earned or lent.

    Raises Invalid, NotFound, Forbidden, Declined(payee_unchecked, balance_insufficient).
    """
    if command.purpose not in SWEPT:
        raise Invalid("field_invalid", "only commission and the operator's own money can be swept", "purpose")
    return await _request(tx, HOUSE, command.purpose, command.currency, command.amount)


async def _request(tx: Tx, party: Id, source: int, currency: str, amount: int) -> Payout:
    check_amount(amount)
    await account_in(tx, currency)
    owner = (await active_parties(tx, party=party))["party"]
    check_payee(owner, "details")
    payout = stage(tx, owner, source, currency, amount)
    await tx.post(postings.request(payout))
    return payout


def stage(tx: Tx, owner: Party, source: int, currency: str, amount: int) -> Payout:
    """Stage a new payout to a party's present account, and its event; returned without its details."""
    key = tx.new_id()
    payout = Payout(
        id=key,
        party=owner.id,
        state="requested",
        currency=currency,
        amount=amount,
        source=source,
        file=None,
        end_to_end=end_to_end(key),
        details=owner.details,
        reason="",
        version=1,
        created=tx.now,
    )
    tx.put(PAYOUTS, payout)
    told = without_details(payout)
    tx.event("payout.requested", told, owner=owner.id)
    return told


@verb("payouts.cancel", about="payout")
async def cancel(tx: Tx, command: CancelPayout) -> Payout:
    """Give the money back. Raises NotFound, Conflict(state_conflict) once a file has ordered it."""
    payout = await load(tx, command.payout)
    must_belong(command.by, "payout", payout.party)
    cancelled = keep(tx, payout, "cancel")
    await tx.post(postings.give_back(cancelled))
    return cancelled


@verb("payouts.book", about="payout")
async def book(tx: Tx, command: BookPayout) -> Payout:
    """Note that the bank has paid an ordered payout. A line counts once, however often it is handed in.

    Raises NotFound, Invalid(amount_invalid, currency_mismatch), Conflict, also where nobody approved the file; the line
    then belongs in suspense.
    """
    known = await admit_line(tx, command.line)
    payout = await load(tx, command.payout)
    if known is not None:
        must_match(known, payout.id)
        return without_details(payout)
    _must_be_all(payout, command.line, -payout.amount)
    await _must_be_approved(tx, payout)
    paid = keep(tx, payout, "book")
    line = keep_matched(tx, command.line, payout.id)
    await tx.post(postings.book(paid, line))
    return paid


@verb("payouts.return", about="payout")
async def return_(tx: Tx, command: ReturnPayout) -> Payout:
    """Give back to its source what came back of a paid payout. A line counts once, however often it is handed in.

    The account that it came back from is paid nothing more until its details are changed or accepted. Raises NotFound,
    Invalid(amount_invalid, currency_mismatch), Conflict; the line then belongs in suspense.
    """
    known = await admit_line(tx, command.line)
    payout = await load(tx, command.payout)
    if known is not None:
        must_match(known, payout.id)
        return without_details(payout)
    _must_be_all(payout, command.line, payout.amount)
    returned = keep(tx, replace(payout, reason=command.reason), "return")
    await _mark(tx, payout, command.reason)
    line = keep_matched(tx, command.line, payout.id)
    await tx.post(postings.return_(returned, line))
    return returned


@verb("payouts.reject", about="payout")
async def reject(tx: Tx, command: RejectPayout) -> Payout:
    """Give back to its source what the bank refused to pay; the account is treated as one returned from.

    Raises Invalid(field_missing), NotFound, Forbidden(scope_missing), Conflict(state_conflict), also where nobody has
    approved the file yet: then the file is to be rejected, since it might still go to the bank.
    """
    if not command.reason.strip():
        raise Invalid("field_missing", "say what the bank told", "reason")
    await operators_person(tx, command.handler)
    payout = await load(tx, command.payout)
    await _must_be_approved(tx, payout)
    returned = keep(tx, replace(payout, reason=command.reason), "reject")
    await _mark(tx, payout, command.reason)
    await tx.post(postings.give_back(returned))
    return returned


async def _must_be_approved(tx: Tx, payout: Payout) -> None:
    """Let pass a payout whose file could have gone to the bank. Raises Conflict(state_conflict)."""
    file = await tx.get(PAYOUT_FILES, payout.file) if payout.file else None
    if file is not None and file.state != "approved":
        raise Conflict("state_conflict", f"the payout's file is {file.state}", "state")


async def _mark(tx: Tx, payout: Payout, reason: str) -> None:
    """Mark the account that a payout came back from, unless the party has given another since."""
    party = await tx.get(PARTIES, payout.party)
    if party is not None and party.details == payout.details:
        mark_returned(tx, party, reason)


def _must_be_all(payout: Payout, line: BankLine, amount: int) -> None:
    """Let pass a line of the payout's whole amount. Raises Invalid(currency_mismatch, amount_invalid)."""
    if line.currency != payout.currency:
        raise Invalid("currency_mismatch", f"the payout is in {payout.currency}", "currency")
    if line.amount != amount:
        raise Invalid("amount_invalid", f"the line moves {line.amount} minor units, the payout {amount}", "amount")


VERBS = (request, sweep, cancel, book, return_, reject)
