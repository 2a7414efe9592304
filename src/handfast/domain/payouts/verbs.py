"""What can be done with a payout: ask for it, cancel it, order it by bank file, and book what the bank says of it."""

from msgspec import Struct
from msgspec.structs import replace

from handfast.core.errors import Conflict, Forbidden, Invalid, NotFound
from handfast.core.ids import Id
from handfast.core.money import check_amount
from handfast.core.states import move
from handfast.domain.custody import BankLine, account_in, admit_line, keep_matched, must_match
from handfast.domain.parties import HOUSE, PARTIES, active_parties, must_belong
from handfast.domain.payouts import postings
from handfast.domain.payouts.model import PAYOUT_STATES, Payout, PayoutFile
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


class OrderPayouts(Struct, frozen=True):
    """A bank file: the payouts in its order, its bytes sealed under the house's key, and their SHA-256."""

    file: Id
    currency: str
    payouts: tuple[Id, ...]
    content: bytes
    digest: bytes


class BookPayout(Struct, frozen=True):
    """The debit line that a payout made, its details sealed under the key of `line.party`."""

    payout: Id
    line: BankLine


class ReturnPayout(Struct, frozen=True):
    """The credit line by which a paid payout came back, its details sealed under the key of `line.party`."""

    payout: Id
    line: BankLine


class RejectPayout(Struct, frozen=True):
    """The bank did not execute an ordered payout, and so nothing of it will be on any statement."""

    payout: Id


async def load(tx: Tx, key: Id) -> Payout:
    """The payout. Raises NotFound."""
    payout = await tx.get(PAYOUTS, key)
    if payout is None:
        raise NotFound("object_not_found", "no such payout", "payout")
    return payout


def keep(tx: Tx, payout: Payout, step: str) -> Payout:
    """Stage the payout's next state and its event, owed to the party. Raises Conflict(state_conflict)."""
    state = move(PAYOUT_STATES, payout.state, step)
    changed = replace(payout, state=state, version=payout.version + 1)
    tx.put(PAYOUTS, changed)
    tx.event(f"payout.{state}", changed, owner=changed.party)
    return changed


@verb("payouts.request")
async def request(tx: Tx, command: RequestPayout) -> Payout:
    """Set money aside for the next bank file. Raises Invalid, NotFound, Forbidden, Declined(balance_insufficient)."""
    return await _request(tx, command.party, Purpose.WALLET, command.currency, command.amount)


@verb("payouts.sweep")
async def sweep(tx: Tx, command: SweepPayout) -> Payout:
    """Pay out what the operator earned or lent. Raises Invalid, NotFound, Forbidden, Declined(balance_insufficient)."""
    if command.purpose not in SWEPT:
        raise Invalid("field_invalid", "only commission and the operator's own money can be swept", "purpose")
    return await _request(tx, HOUSE, command.purpose, command.currency, command.amount)


async def _request(tx: Tx, party: Id, source: int, currency: str, amount: int) -> Payout:
    check_amount(amount)
    await account_in(tx, currency)
    owner = (await active_parties(tx, party=party))["party"]
    if not owner.details:
        raise Invalid("field_missing", "there is no bank account to pay to", "details")
    key = tx.new_id()
    payout = Payout(
        id=key,
        party=party,
        state="requested",
        currency=currency,
        amount=amount,
        source=source,
        file=None,
        end_to_end=end_to_end(key),
        version=1,
        created=tx.now,
    )
    tx.put(PAYOUTS, payout)
    tx.event("payout.requested", payout, owner=party)
    await tx.post(postings.request(payout))
    return payout


@verb("payouts.cancel", about="payout")
async def cancel(tx: Tx, command: CancelPayout) -> Payout:
    """Give the money back. Raises NotFound, Conflict(state_conflict) once a file has ordered it."""
    payout = await load(tx, command.payout)
    must_belong(command.by, "payout", payout.party)
    cancelled = keep(tx, payout, "cancel")
    await tx.post(postings.give_back(cancelled))
    return cancelled


@verb("payouts.order", about="file")
async def order(tx: Tx, command: OrderPayouts) -> PayoutFile:
    """Note that a bank file orders these payouts, all of them or none; answered and told without its content.

    Raises Invalid, NotFound, Forbidden(party_suspended), Conflict(object_exists, state_conflict).
    """
    account = await account_in(tx, command.currency)
    file, *payouts = await tx.get_all((PAYOUT_FILES, command.file), *((PAYOUTS, key) for key in command.payouts))
    if file is not None:
        raise Conflict("object_exists", "this file was ordered before", "file")
    if None in payouts:
        raise NotFound("object_not_found", "no such payout", "payouts")
    if not payouts or len(set(command.payouts)) < len(payouts):
        raise Invalid("field_invalid", "a file orders at least one payout, and each once", "payouts")
    parties = await tx.get_all(*((PARTIES, payout.party) for payout in payouts))
    for payout, party in zip(payouts, parties, strict=True):
        if payout.currency != command.currency:
            raise Invalid("currency_mismatch", "a file has one currency", "payouts")
        if party.state != "active":
            raise Forbidden("party_suspended", f"a payout's party is {party.state}", "payouts")
        keep(tx, replace(payout, file=command.file), "order")
    file = PayoutFile(
        id=command.file,
        state="written",
        currency=command.currency,
        account=account.id,
        count=len(payouts),
        total=sum(payout.amount for payout in payouts),
        digest=command.digest,
        content=command.content,
        version=1,
        created=tx.now,
    )
    told = replace(file, content=b"")
    tx.put(PAYOUT_FILES, file)
    tx.event("payout_file.written", told, owner=HOUSE)
    return told


@verb("payouts.book", about="payout")
async def book(tx: Tx, command: BookPayout) -> Payout:
    """Note that the bank has paid an ordered payout. A line counts once, however often it is handed in.

    Raises NotFound, Invalid(amount_invalid, currency_mismatch), Conflict; the line then belongs in suspense.
    """
    known = await admit_line(tx, command.line)
    payout = await load(tx, command.payout)
    if known is not None:
        must_match(known, payout.id)
        return payout
    _must_be_all(payout, command.line, -payout.amount)
    paid = keep(tx, payout, "book")
    line = keep_matched(tx, command.line, payout.id)
    await tx.post(postings.book(paid, line))
    return paid


@verb("payouts.return", about="payout")
async def return_(tx: Tx, command: ReturnPayout) -> Payout:
    """Give back to its source what came back of a paid payout. A line counts once, however often it is handed in.

    Raises NotFound, Invalid(amount_invalid, currency_mismatch), Conflict; the line then belongs in suspense.
    """
    known = await admit_line(tx, command.line)
    payout = await load(tx, command.payout)
    if known is not None:
        must_match(known, payout.id)
        return payout
    _must_be_all(payout, command.line, payout.amount)
    returned = keep(tx, payout, "return")
    line = keep_matched(tx, command.line, payout.id)
    await tx.post(postings.return_(returned, line))
    return returned


@verb("payouts.reject", about="payout")
async def reject(tx: Tx, command: RejectPayout) -> Payout:
    """Give back to its source what the bank refused to pay. Raises NotFound, Conflict(state_conflict)."""
    returned = keep(tx, await load(tx, command.payout), "reject")
    await tx.post(postings.give_back(returned))
    return returned


def _must_be_all(payout: Payout, line: BankLine, amount: int) -> None:
    """Let pass a line of the payout's whole amount. Raises Invalid(currency_mismatch, amount_invalid)."""
    if line.currency != payout.currency:
        raise Invalid("currency_mismatch", f"the payout is in {payout.currency}", "currency")
    if line.amount != amount:
        raise Invalid("amount_invalid", f"the line moves {line.amount} minor units, the payout {amount}", "amount")


VERBS = (request, sweep, cancel, order, book, return_, reject)
