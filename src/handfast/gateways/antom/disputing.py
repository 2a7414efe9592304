"""Disputes on what a merchant sold as guaranteed trades: give in, show a document, get a shown document back."""

import asyncio
import binascii
from base64 import b64decode, b64encode
from typing import Annotated, Any

from msgspec import Meta

from handfast.core.errors import Invalid, Refusal, Unavailable
from handfast.domain import disputes
from handfast.domain.disputes import (
    DISPUTES,
    MEDIA_TYPES,
    AddEvidence,
    Dispute,
    Evidence,
    EvidenceFiles,
    MoveDispute,
    check_file,
    evidence_of,
)
from handfast.gateways.antom.calls import Call, endpoint
from handfast.gateways.antom.results import Refused
from handfast.gateways.antom.signing import iso_time
from handfast.gateways.antom.wire import Given, Text64, Told, read_id, show_id
from handfast.store.reader import get

FORMATS = {
    "application/pdf": "PDF",
    "image/jpeg": "JPG",
    "image/png": "PNG",
    "image/webp": "WEBP",
    "text/plain": "TXT",
}
"""What the vendor's disputeEvidenceFormat says of a kind of file; it knows the first two."""

NAME = "defense"
FILE = "DISPUTE_EVIDENCE_FILE"

OVER = {"state_conflict": "TIME_EXCEEDS_LIMIT", "object_not_found": "PARAM_ILLEGAL"}


class DisputeNamed(Given, frozen=True, kw_only=True):
    """A dispute by its id."""

    dispute_id: Text64


class Document(DisputeNamed, frozen=True, kw_only=True):
    """A document in base64: PDF, JPEG, PNG, WebP or plain text."""

    dispute_evidence: Annotated[str, Meta(min_length=1, max_length=1_000_000)]


class Wanted(DisputeNamed, frozen=True, kw_only=True):
    """Which document of a dispute."""

    dispute_evidence_type: Text64


class Moved(Told, frozen=True, kw_only=True):
    """When it was done."""

    dispute_id: str
    dispute_resolution_time: str


class Shown(Told, frozen=True, kw_only=True):
    """A document in base64, and its format."""

    dispute_evidence: str
    dispute_evidence_format: str


async def _find(call: Call[Any], dispute_id: str) -> Dispute:
    """The dispute, if it is about what the merchant sold. Raises Refused(PARAM_ILLEGAL)."""
    key = read_id(dispute_id)
    found = await call.look(lambda reader: get(reader, DISPUTES, key)) if key else None
    if found is None or call.party not in (found.merchant, found.seller):
        raise Refused("PARAM_ILLEGAL", "there is no such dispute")
    return found


@endpoint(
    "payments/acceptDispute",
    "pay",
    also=("REPEAT_REQUEST",),
    instead={**OVER, "balance_insufficient": "MERCHANT_BALANCE_NOT_ENOUGH"},
)
async def accept_dispute(call: Call[DisputeNamed]) -> Moved:
    """Give in: the buyer gets all that was asked for, at once."""
    dispute = await _find(call, call.given.dispute_id)
    if dispute.state == "final":
        raise Refused("REPEAT_REQUEST")
    await call.do(disputes.concede, MoveDispute(call.party, dispute.id))
    return Moved(dispute_id=show_id(dispute.id), dispute_resolution_time=iso_time(call.services.market()))


@endpoint("payments/supplyDefenseDocument", "pay", instead=OVER)
async def supply_defense_document(call: Call[Document]) -> Moved:
    """Show a document for the merchant's side."""
    dispute = await _find(call, call.given.dispute_id)
    vault, wrapped, party = call.services.vault, call.caller.wrapped, call.party
    files = EvidenceFiles(call.services.settings.evidence_folder)

    def keep() -> tuple[str, int, bytes]:
        content = _decoded(call.given.dispute_evidence)
        return _media_type(content), len(content), files.keep(vault.seal(wrapped, party, content))

    media_type, size, digest = await asyncio.to_thread(keep)
    sealed = vault.seal(wrapped, party, f"{NAME}.{FORMATS[media_type].lower()}")
    command = AddEvidence(party, dispute.id, "file", sealed, media_type=media_type, size=size, digest=digest)
    try:
        shown: Evidence = await call.do(disputes.add_evidence, command)
    except Unavailable:
        raise  # whether it is evidence is not known
    except Refusal:
        files.forget(digest)
        raise
    return Moved(dispute_id=show_id(dispute.id), dispute_resolution_time=iso_time(shown.created))


def _decoded(text: str) -> bytes:
    try:
        return b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Refused("PARAM_ILLEGAL", "disputeEvidence is not in base64") from None


def _media_type(content: bytes) -> str:
    """What the document is. Raises Invalid(evidence_invalid), TooLarge(evidence_too_large)."""
    for media_type in MEDIA_TYPES:
        try:
            return check_file(content, media_type)
        except Invalid:
            continue
    raise Refused("PARAM_ILLEGAL", f"a document is one of {', '.join(MEDIA_TYPES)}")


@endpoint("payments/downloadDisputeEvidence", "pay", also=("BUSINESS_NOT_SUPPORT",), instead=OVER)
async def download_dispute_evidence(call: Call[Wanted]) -> Shown:
    """Get the document back that was shown last."""
    dispute = await _find(call, call.given.dispute_id)
    if call.given.dispute_evidence_type != FILE:
        raise Refused("BUSINESS_NOT_SUPPORT", f"What was shown can be had ({FILE}); there are no templates.")
    rows = await call.look(lambda reader: evidence_of(reader, dispute.id))
    own = [row for row in rows if row.party == call.party and row.kind == "file"]
    if not own:
        raise Refused("PARAM_ILLEGAL", "no document was shown in this dispute")
    last = max(own, key=lambda row: row.id)
    sealed = await asyncio.to_thread(EvidenceFiles(call.services.settings.evidence_folder).read, last.digest)
    content = call.unseal(sealed, bytes)
    if content is None:
        raise Refused("PARAM_ILLEGAL", "the document was erased")
    return Shown(dispute_evidence=b64encode(content).decode(), dispute_evidence_format=FORMATS[last.media_type])


ENDPOINTS = (accept_dispute, supply_defense_document, download_dispute_evidence)
