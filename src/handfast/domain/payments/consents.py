"""Consents: a payer lets one merchant charge its wallet, up to a ceiling a payment, until it withdraws."""

from msgspec import Struct
from msgspec.structs import replace

from handfast.core.errors import Declined, Invalid, NotFound
from handfast.core.ids import Id
from handfast.core.money import check_amount, exponent
from handfast.core.states import move
from handfast.domain.parties import active_parties
from handfast.domain.payments.model import CONSENT_STATES, Consent
from handfast.domain.payments.tables import CONSENTS, consent_id
from handfast.store.verb import Tx, verb


class GiveConsent(Struct, frozen=True):
    """Let the merchant charge up to `ceiling` minor units of `currency` a payment."""

    payer: Id
    merchant: Id
    currency: str
    ceiling: int


class WithdrawConsent(Struct, frozen=True):
    """End a consent."""

    payer: Id
    merchant: Id


def check_consent(consent: Consent | None, currency: str, amount: int) -> None:
    """Raises Declined(consent_missing, consent_exceeded)."""
    if consent is None or consent.state != "active" or consent.currency != currency:
        raise Declined("consent_missing", f"the payer gave no consent in {currency} to this merchant", "payer")
    if amount > consent.ceiling:
        raise Declined(
            "consent_exceeded", f"the payer's consent ends at {consent.ceiling} minor units a payment", "payer"
        )


@verb("consents.give", about="payer")
async def give(tx: Tx, command: GiveConsent) -> Consent:
    """Give or change a consent. Raises Invalid, NotFound, Forbidden."""
    exponent(command.currency)
    check_amount(command.ceiling, "ceiling")
    if command.payer == command.merchant:
        raise Invalid("field_invalid", "payer and merchant are the same party", "merchant")
    await active_parties(tx, payer=command.payer, merchant=command.merchant)
    key = consent_id(command.payer, command.merchant)
    known = await tx.get(CONSENTS, key)
    consent = Consent(
        id=key,
        payer=command.payer,
        merchant=command.merchant,
        currency=command.currency,
        ceiling=command.ceiling,
        state="active",
        version=1 if known is None else known.version + 1,
        created=tx.now if known is None else known.created,
    )
    tx.put(CONSENTS, consent)
    tx.event("consent.given", consent, owner=consent.merchant)
    return consent


@verb("consents.withdraw", about="payer")
async def withdraw(tx: Tx, command: WithdrawConsent) -> Consent:
    """End a consent. Raises NotFound, Conflict(state_conflict)."""
    known = await tx.get(CONSENTS, consent_id(command.payer, command.merchant))
    if known is None:
        raise NotFound("object_not_found", "no such consent", "merchant")
    consent = replace(known, state=move(CONSENT_STATES, known.state, "withdraw"), version=known.version + 1)
    tx.put(CONSENTS, consent)
    tx.event("consent.withdrawn", consent, owner=consent.merchant)
    return consent
