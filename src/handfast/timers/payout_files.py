"""Payouts gathered into a bank file for a second person to approve: what can be paid goes in, what cannot is named."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from cryptography.exceptions import InvalidTag
from msgspec import MsgspecError, Struct
from msgspec.structs import replace

from handfast.core.errors import Conflict, Declined, Forbidden, Invalid, NotFound, Refusal
from handfast.core.ids import Id
from handfast.domain.custody import CUSTODY_ACCOUNTS, custody_account_id
from handfast.domain.parties import HOUSE, PARTIES, PAYEE_REFUSED, Details
from handfast.domain.payouts import PAYOUT_FILES, Payout, PayoutFile, PrepareFile, file_id, message_id, requested
from handfast.rails import Account, PaymentFile, PaymentInstruction, UsAccount, write_payments
from handfast.store.reader import get
from handfast.timers.clerk import Clerk

PAYOUTS_A_FILE = 1000
"""So that a file stays well below what can be handed to the desk at once."""

_PAGE = 500
_ALONE = "instructions[0]"  # where the rail finds fault with a payout when it is judged by itself
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class LeftOut(Struct, frozen=True):
    """A payout that cannot go into a file, with the code of the reason and the guilty field. It stays requested."""

    payout: Id
    reason: str
    field: str


class PayoutFileReport(Struct, frozen=True):
    """A bank file that was prepared, None where there was nothing to pay; `total` in minor units.

    Its state is "approved" at once in a house of one person, else "prepared"; "" where there is none.
    """

    file: Id | None
    state: str
    count: int
    total: int
    left_out: tuple[LeftOut, ...]


def prepare_payout_file(
    currency: str, handler: Id, clerk: Clerk, *, four_eyes: bool = True, limit: int = PAYOUTS_A_FILE
) -> PayoutFileReport:
    """Write the oldest requested payouts of a currency, up to `limit`, into a bank file for today, and order them.

    `handler` is the API client of the operator that does it; with `four_eyes`, another must approve the file before it
    can be read. Raises Invalid(currency_unknown) without a custody account, Invalid where the account's own details
    cannot be written, Conflict(state_conflict) where a payout was cancelled meanwhile: nothing is ordered then, and the
    next call leaves it out. Raises Forbidden(scope_missing) for a handler who is none.
    """
    blank = _blank(currency, clerk)
    ready: list[tuple[Payout, PaymentInstruction]] = []
    left_out: list[LeftOut] = []
    for payout in _requested(currency, clerk):
        try:
            instruction = _instruction(payout, clerk)
            write_payments(replace(blank, instructions=(instruction,)))
        except Refusal as no:
            where, _, guilty = (no.param or "").partition(".")
            if where != _ALONE:
                raise
            left_out.append(LeftOut(payout.id, no.code, guilty))
            continue
        ready.append((payout, instruction))
        if len(ready) == limit:
            break
    if not ready:
        return PayoutFileReport(None, "", 0, 0, tuple(left_out))
    payouts, instructions = zip(*ready, strict=True)
    file = file_id(payouts)
    data = write_payments(replace(blank, message_id=message_id(file), instructions=instructions))
    _, sealed = clerk.seal(HOUSE, data)
    keys = tuple(payout.id for payout in payouts)
    command = PrepareFile(file, handler, currency, keys, sealed, sha256(data).digest(), four_eyes)
    (answer,) = clerk.ask(("payouts.prepare_file", command))
    prepared: PayoutFile = answer.unwrap()
    return PayoutFileReport(prepared.id, prepared.state, prepared.count, prepared.total, tuple(left_out))


def read_payout_file(file: Id, clerk: Clerk) -> bytes:
    """The bytes of an approved bank file. Raises NotFound, Conflict(state_conflict) for any other."""
    row = get(clerk.reader, PAYOUT_FILES, file)
    if row is not None and row.state != "approved":
        raise Conflict("state_conflict", f"the file is {row.state}, not approved", "state")
    data = clerk.open(HOUSE, row.content, bytes) if row else None
    if data is None:
        raise NotFound("object_not_found", "no such payout file", "file")
    return data


def _blank(currency: str, clerk: Clerk) -> PaymentFile:
    """A file from the currency's custody account, dated today, with nothing in it."""
    account = get(clerk.reader, CUSTODY_ACCOUNTS, custody_account_id(currency))
    if account is None:
        raise Invalid("currency_unknown", "Handfast keeps no custody account in this currency", "currency")
    return PaymentFile(
        message_id="HFF",
        created=clerk.now,
        debtor_name=account.name,
        debtor_account=UsAccount(account.routing, account.iban) if account.routing else account.iban,
        debtor_bic=account.bic or None,
        execution_date=(_EPOCH + timedelta(microseconds=clerk.now)).date().isoformat(),
        instructions=(),
    )


def _requested(currency: str, clerk: Clerk) -> Iterator[Payout]:
    after = b""
    while page := requested(clerk.reader, currency, after, _PAGE):
        yield from page
        after = page[-1].id


def _instruction(payout: Payout, clerk: Clerk) -> PaymentInstruction:
    """What the bank is told to pay, to the account that was the party's when it asked.

    Raises Forbidden(party_suspended), Declined(payee_unchecked), Invalid(field_missing, field_invalid).
    """
    party = get(clerk.reader, PARTIES, payout.party)
    if party is None or party.state != "active":
        raise Forbidden("party_suspended", "the party is not active", f"{_ALONE}.party")
    try:
        details = clerk.open(party.id, payout.details, Details)
    except (InvalidTag, MsgspecError):
        raise Invalid("field_invalid", "the party's details cannot be read", f"{_ALONE}.details") from None
    if party.payee_check in PAYEE_REFUSED and party.details == payout.details:
        raise Declined("payee_unchecked", "the account was returned from", f"{_ALONE}.details")
    if details is None or not (details.iban or details.account):
        raise Invalid("field_missing", "the party gave no bank account", f"{_ALONE}.details")
    return PaymentInstruction(
        end_to_end_id=payout.end_to_end,
        amount=payout.amount,
        currency=payout.currency,
        creditor_name=details.payee,
        creditor_account=_account(details),
        creditor_bic=details.bic or None,
        country=party.country,
        remittance=f"Payout {payout.end_to_end}",
    )


def _account(details: Details) -> Account:
    if details.iban:
        return details.iban
    return UsAccount(details.routing, details.account)
