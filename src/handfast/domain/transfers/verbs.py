"""What can be done with a transfer: make one."""

from msgspec import Struct

from handfast.core.errors import Invalid
from handfast.core.ids import Id
from handfast.core.money import check_amount, exponent
from handfast.domain.parties import active_parties
from handfast.domain.transfers import postings
from handfast.domain.transfers.model import Transfer
from handfast.domain.transfers.tables import TRANSFERS
from handfast.store.verb import Tx, verb


class CreateTransfer(Struct, frozen=True):
    """Move `amount` minor units of `currency` from the payer's wallet to the payee's."""

    payer: Id
    payee: Id
    currency: str
    amount: int
    reference: str = ""
    metadata: bytes = b"{}"


@verb("transfers.create")
async def create(tx: Tx, command: CreateTransfer) -> Transfer:
    """Make a transfer. Raises Invalid, NotFound, Forbidden(party_suspended), Declined(balance_insufficient)."""
    check_amount(command.amount)
    exponent(command.currency)
    if command.payer == command.payee:
        raise Invalid("field_invalid", "payer and payee are the same party", "payee")
    await active_parties(tx, payer=command.payer, payee=command.payee)
    transfer = Transfer(
        id=tx.new_id(),
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


VERBS = (create,)
