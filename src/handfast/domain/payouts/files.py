"""Bank files: one of the operator's persons prepares, another approves or rejects, and only then can it be read."""

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from handfast.core.errors import Conflict, Forbidden, Invalid, NotFound
from handfast.core.ids import Id
from handfast.core.states import move
from handfast.domain.custody import account_in
from handfast.domain.parties import HOUSE, PARTIES, operators_person
from handfast.domain.payouts.model import FILE_STATES, Payout, PayoutFile
from handfast.domain.payouts.tables import PAYOUT_FILES, PAYOUTS, file_id
from handfast.domain.payouts.verbs import check_payee, keep
from handfast.store.verb import Tx, verb


class PrepareFile(Struct, frozen=True):
    """A bank file: the payouts in its order, its bytes sealed under the house's key, and their SHA-256.

    `four_eyes` is false in a house of one person: then it is approved as it is prepared.
    """

    file: Id
    handler: Id
    currency: str
    payouts: tuple[Id, ...]
    content: bytes
    digest: bytes
    four_eyes: bool = True


class ApproveFile(Struct, frozen=True):
    """Let a prepared file go to the bank; `payouts` are those that it orders, all of them."""

    file: Id
    handler: Id
    payouts: tuple[Id, ...]


class RejectFile(Struct, frozen=True):
    """Take a prepared file back, for a reason; `payouts` are those that it orders, all of them."""

    file: Id
    handler: Id
    payouts: tuple[Id, ...]
    reason: str


@verb("payouts.prepare_file", about="file")
async def prepare_file(tx: Tx, command: PrepareFile) -> PayoutFile:
    """Note that a bank file orders these payouts, all of them or none; answered and told without its content.

    Raises Invalid, NotFound, Forbidden(scope_missing, party_suspended), Declined(payee_unchecked),
    Conflict(object_exists, state_conflict).
    """
    account = await account_in(tx, command.currency)
    await operators_person(tx, command.handler)
    if await tx.get(PAYOUT_FILES, command.file) is not None:
        raise Conflict("object_exists", "this file was prepared before", "file")
    payouts = await _payouts(tx, command.payouts)
    if command.file != file_id(payouts):
        raise Conflict("state_conflict", "the payouts have changed since the file was written", "payouts")
    if any(payout.currency != command.currency for payout in payouts):
        raise Invalid("currency_mismatch", "a file has one currency", "payouts")
    await _check_parties(tx, payouts)
    for payout in payouts:
        keep(tx, replace(payout, file=command.file), "order")
    file = PayoutFile(
        id=command.file,
        state="prepared" if command.four_eyes else "approved",
        currency=command.currency,
        account=account.id,
        count=len(payouts),
        total=sum(payout.amount for payout in payouts),
        digest=command.digest,
        content=command.content,
        prepared_by=command.handler,
        decided_by=None if command.four_eyes else command.handler,
        reason="",
        version=1,
        created=tx.now,
    )
    told = _without_content(file)
    tx.put(PAYOUT_FILES, file)
    tx.event("payout_file.prepared" if command.four_eyes else "payout_file.approved", told, owner=HOUSE)
    return told


@verb("payouts.approve_file", about="file")
async def approve_file(tx: Tx, command: ApproveFile) -> PayoutFile:
    """Let the file be read, and so go to the bank. Nobody approves what they prepared.

    Whoever was suspended, or whose account was returned from, since the file was prepared, is not paid: the file is to
    be rejected. Raises NotFound, Forbidden(scope_missing, second_person_needed, party_suspended), Conflict,
    Declined(payee_unchecked).
    """
    file, payouts = await _decided(tx, command.file, command.handler, command.payouts)
    state = move(FILE_STATES, file.state, "approve")
    if command.handler == file.prepared_by:
        raise Forbidden("second_person_needed", "whoever prepared a file does not approve it", "handler")
    _must_be_all(file, payouts)
    await _check_parties(tx, payouts)
    approved = replace(file, state=state, decided_by=command.handler, version=file.version + 1)
    tx.put(PAYOUT_FILES, approved)
    told = _without_content(approved)
    tx.event("payout_file.approved", told, owner=HOUSE)
    return told


@verb("payouts.reject_file", about="file")
async def reject_file(tx: Tx, command: RejectFile) -> PayoutFile:
    """Free the file's payouts for another one. Whoever prepared a file may reject it, too.

    Raises Invalid(field_missing), NotFound, Forbidden(scope_missing), Conflict(state_conflict).
    """
    if not command.reason.strip():
        raise Invalid("field_missing", "whoever rejects a file says why", "reason")
    file, payouts = await _decided(tx, command.file, command.handler, command.payouts)
    state = move(FILE_STATES, file.state, "reject")
    _must_be_all(file, payouts)
    for payout in payouts:
        keep(tx, replace(payout, file=None), "free")
    rejected = replace(
        file,
        state=state,
        content=b"",
        decided_by=command.handler,
        reason=command.reason,
        version=file.version + 1,
    )
    tx.put(PAYOUT_FILES, rejected)
    tx.event("payout_file.rejected", rejected, owner=HOUSE)
    return rejected


async def _decided(tx: Tx, key: Id, handler: Id, named: Sequence[Id]) -> tuple[PayoutFile, list[Payout]]:
    """The file that somebody decides on, and its payouts as they are named."""
    await operators_person(tx, handler)
    file = await tx.get(PAYOUT_FILES, key)
    if file is None:
        raise NotFound("object_not_found", "no such payout file", "file")
    return file, await _payouts(tx, named) if named else []


async def _payouts(tx: Tx, keys: Sequence[Id]) -> list[Payout]:
    """The payouts of these ids. Raises Invalid(field_invalid) for none or for one twice, NotFound."""
    if not keys or len(set(keys)) < len(keys):
        raise Invalid("field_invalid", "a file orders at least one payout, and each once", "payouts")
    found = await tx.get_all(*((PAYOUTS, key) for key in keys))
    if None in found:
        raise NotFound("object_not_found", "no such payout", "payouts")
    return found


def _must_be_all(file: PayoutFile, payouts: Sequence[Payout]) -> None:
    """Let pass just the payouts that the file orders. Raises Conflict(state_conflict): a list was read too early."""
    if len(payouts) != file.count or any(payout.file != file.id for payout in payouts):
        raise Conflict("state_conflict", "these are not the payouts of the file", "payouts")


async def _check_parties(tx: Tx, payouts: Sequence[Payout]) -> None:
    """Let pass payouts that may be paid now, each to the account for which it was asked.

    Raises Forbidden(party_suspended), Declined(payee_unchecked).
    """
    parties = await tx.get_all(*((PARTIES, payout.party) for payout in payouts))
    for payout, party in zip(payouts, parties, strict=True):
        if party.state != "active":
            raise Forbidden("party_suspended", f"a payout's party is {party.state}", "payouts")
        if party.details == payout.details:
            check_payee(party, "payouts")


def _without_content(file: PayoutFile) -> PayoutFile:
    return replace(file, content=b"")


VERBS = (prepare_file, approve_file, reject_file)
