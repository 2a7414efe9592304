"""What can be done with a transfer: make one."""

from typing import cast

from msgspec import Struct
from msgspec.structs import replace

from handfast.core.errors import Invalid
from handfast.core.ids import Id
from handfast.core.money import check_amount, exponent
from handfast.domain.apps import give_number
from handfast.domain.parties import active_parties
from handfast.domain.transfers import postings
from handfast.domain.transfers.model import Transfer
from handfast.domain.transfers.tables import TRANSFERS
from handfast.store.verb import Tx, verb


class CreateTransfer(Struct, frozen=True):
    """Move `amount` minor units of `currency` from the payer's wallet to the payee's; `key` is a fresh id, if drawn."""

    payer: Id
    payee: Id
    currency: str
    amount: int
    reference: str = ""
    metadata: bytes = b"{}"
    key: Id | None = None


class CreateNumbered(Struct, frozen=True):
    """A transfer under the payer's own number (`alias`, see apps.alias_id); `digest` is of what a repeat must equal."""

    alias: Id
    digest: bytes
    transfer: CreateTransfer


@verb("transfers.create")
async def create(tx: Tx, command: CreateTransfer) -> Transfer:
    """Make a transfer. Raises Invalid, NotFound, Forbidden(party_suspended), Declined(balance_insufficient)."""
    check_amount(command.amount)
    exponent(command.currency)
    if command.payer == command.payee:
        raise Invalid("field_invalid", "payer and payee are the same party", "payee")
    await active_parties(tx, payer=command.payer, payee=command.payee)
    transfer = Transfer(
        id=command.key or tx.new_id(),
        payer=command.payer,
        payee=command.payee,
        state="done",
        currency=command.currency,
        amount=command.amount,
        reference=command.reference,
        metadata=command.metadata,
        version=1,
        created=tx.now,
    )
    tx.put(TRANSFERS, transfer)
    tx.event("transfer.created", transfer, owner=transfer.payee)
    await tx.post(postings.create(transfer))
    return transfer


@verb("transfers.create_numbered")
async def create_numbered(tx: Tx, command: CreateNumbered) -> Transfer:
    """Make a transfer once for its number; a repeat answers the transfer that was made.

    Raises Conflict(number_reused) beside what `create` raises; what was refused leaves its number free.
    """
    key = tx.new_id()
    known = await give_number(tx, command.alias, key, command.digest)
    if known is None:
        return cast("Transfer", await create.run(tx, replace(command.transfer, key=key)))
    made = await tx.get(TRANSFERS, known)
    assert made is not None, "the number was given with the transfer"
    return made


VERBS = (create, create_numbered)
