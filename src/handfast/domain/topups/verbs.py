"""What can be done with a top-up: announce it, and book the money that comes under its reference."""

from msgspec import Struct
from msgspec.structs import replace

from handfast.core.errors import Invalid, NotFound
from handfast.core.ids import Id
from handfast.core.money import check_amount
from handfast.core.states import move
from handfast.domain.custody import BankLine, account_in, admit_line, keep_matched, must_match
from handfast.domain.parties import active_parties
from handfast.domain.topups import postings
from handfast.domain.topups.model import TOPUP_STATES, Reference, Topup
from handfast.domain.topups.references import reference_of
from handfast.domain.topups.tables import REFERENCES, TOPUPS, reference_id
from handfast.store.verb import Tx, verb


class CreateTopup(Struct, frozen=True):
    """Announce a bank transfer of `amount` minor units (0: not known yet) into the party's wallet."""

    party: Id
    currency: str
    amount: int = 0


class BookTopup(Struct, frozen=True):
    """A credit line that carries a top-up's reference, its details sealed under the key of `line.party`."""

    topup: Id
    line: BankLine


@verb("topups.create")
async def create(tx: Tx, command: CreateTopup) -> Topup:
    """Announce a top-up and get its reference. Raises Invalid, NotFound, Forbidden(party_suspended)."""
    if command.amount:
        check_amount(command.amount)
    await account_in(tx, command.currency)
    await active_parties(tx, party=command.party)
    key = tx.new_id()
    while await tx.get(REFERENCES, reference_id(reference_of(key))) is not None:
        key = tx.new_id()
    topup = Topup(
        id=key,
        party=command.party,
        state="open",
        currency=command.currency,
        amount=command.amount,
        credited=0,
        reference=reference_of(key),
        version=1,
        created=tx.now,
    )
    tx.put(REFERENCES, Reference(reference_id(topup.reference), topup.id))
    tx.put(TOPUPS, topup)
    tx.event("topup.created", topup, owner=topup.party)
    return topup


@verb("topups.book", about="topup")
async def book(tx: Tx, command: BookTopup) -> Topup:
    """Credit a line to the top-up's party, whatever was announced; a line counts once, however often it is handed in.

    Raises NotFound, Invalid(amount_invalid, currency_mismatch), Forbidden(party_suspended), Conflict; the line then
    belongs in suspense.
    """
    known = await admit_line(tx, command.line)
    topup = await tx.get(TOPUPS, command.topup)
    if topup is None:
        raise NotFound("object_not_found", "no such top-up", "topup")
    if known is not None:
        must_match(known, topup.id)
        return topup
    check_amount(command.line.amount)
    if command.line.currency != topup.currency:
        raise Invalid("currency_mismatch", f"the top-up was announced in {topup.currency}", "currency")
    await active_parties(tx, party=topup.party)
    line = keep_matched(tx, command.line, topup.id)
    booked = replace(
        topup,
        state=move(TOPUP_STATES, topup.state, "credit"),
        credited=topup.credited + line.amount,
        version=topup.version + 1,
    )
    tx.put(TOPUPS, booked)
    tx.event("topup.credited", booked, owner=booked.party)
    await tx.post(postings.book(booked, line))
    return booked


VERBS = (create, book)
