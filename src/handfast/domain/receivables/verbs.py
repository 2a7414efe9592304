"""What the operator can do with what it is owed: have it paid out of a wallet, or write it off."""

from msgspec import Struct

from handfast.core.errors import Invalid, NotFound
from handfast.core.ids import Id
from handfast.core.money import check_amount, exponent
from handfast.domain.parties import HOUSE, PARTIES, operators_person
from handfast.domain.receivables import postings
from handfast.domain.receivables.model import Netting, WriteOff
from handfast.domain.receivables.tables import WRITE_OFFS
from handfast.store.verb import Tx, verb


class WriteOffReceivable(Struct, frozen=True):
    """Give up `amount` minor units of what a party owes; `handler` is the operator's API client who decides it."""

    handler: Id
    party: Id
    currency: str
    amount: int
    reason: str


class NetReceivable(Struct, frozen=True):
    """Have a party pay what it owes in a currency out of its wallet; `handler` is the operator's API client."""

    handler: Id
    party: Id
    currency: str


@verb("receivables.write_off")
async def write_off(tx: Tx, command: WriteOffReceivable) -> WriteOff:
    """Write a receivable off, wholly or in part, at the operator's cost.

    Raises Invalid, NotFound, Forbidden(scope_missing), Declined(receivable_exceeded).
    """
    exponent(command.currency)
    check_amount(command.amount)
    if not command.reason:
        raise Invalid("field_missing", "what is written off has a reason", "reason")
    await operators_person(tx, command.handler)
    await _must_exist(tx, command.party)
    done = WriteOff(
        id=tx.new_id(),
        party=command.party,
        state="done",
        currency=command.currency,
        amount=command.amount,
        reason=command.reason,
        handler=command.handler,
        version=1,
        created=tx.now,
    )
    tx.put(WRITE_OFFS, done)
    tx.event("write_off.done", done, owner=HOUSE)
    await tx.post(postings.write_off(done))
    return done


@verb("receivables.net")
async def net(tx: Tx, command: NetReceivable) -> Netting:
    """Pay what a party owes out of its wallet, as far as there is any of both.

    Raises Invalid, NotFound, Forbidden(scope_missing).
    """
    exponent(command.currency)
    await operators_person(tx, command.handler)
    await _must_exist(tx, command.party)
    netting = Netting(tx.new_id(), command.party, command.currency, command.handler, tx.now)
    await tx.post(postings.net(netting))
    return netting


async def _must_exist(tx: Tx, party: Id) -> None:
    if await tx.get(PARTIES, party) is None:
        raise NotFound("object_not_found", "no such party", "party")


VERBS = (write_off, net)
