"""Evidence: messages, numbers and files that are shown in a dispute; files are checked, sealed and kept by digest."""

import asyncio
import binascii
from base64 import b64decode
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

from handfast.core.errors import Invalid, Refusal, Unavailable
from handfast.core.ids import Id
from handfast.domain import disputes
from handfast.domain.disputes import DISPUTES, EVIDENCE, Dispute, Evidence, EvidenceFiles, check_file
from handfast.gateways.native import quarrels
from handfast.gateways.native.calls import Call, Reply
from handfast.gateways.native.people import wrapped_key
from handfast.gateways.native.prefixes import unknown
from handfast.gateways.native.render_quarrels import evidence
from handfast.gateways.native.reports import List
from handfast.gateways.native.sealing import Opener
from handfast.gateways.native.wire_trades import NewEvidence
from handfast.store.reader import Reader, get

LONGEST = 7_864_320
"""The longest body of evidence: 7.5 MiB, which hold a file of 5 MiB in base64 and what is said of it."""

_CHUNK = 64 * 1024


def sides(row: Dispute) -> tuple[Id, ...]:
    """Whose a dispute is."""
    return row.seller, row.merchant, row.buyer


async def add(call: Call[NewEvidence]) -> quarrels.Evidence:
    """Show a file, a tracking number or a message in a dispute."""
    given, party = call.given, call.caller.party
    dispute = await call.find(DISPUTES, sides, "dispute")
    _check_members(given)
    wrapped, vault = await wrapped_key(call, party), call.services.vault
    sealed = vault.seal(wrapped, party, given.name if given.kind == "file" else given.text)
    if given.kind != "file":
        command = disputes.AddEvidence(party, dispute.id, given.kind, sealed, given.confidential)
        return await _opened(call, await call.do(disputes.add_evidence, command), dispute)
    files = _files(call)

    def keep() -> tuple[str, int, bytes]:
        content = _decoded(given.file)
        media_type = check_file(content, given.media_type)
        return media_type, len(content), files.keep(vault.seal(wrapped, party, content))

    media_type, size, digest = await asyncio.to_thread(keep)
    command = disputes.AddEvidence(party, dispute.id, "file", sealed, given.confidential, media_type, size, digest)
    try:
        row: Evidence = await call.do(disputes.add_evidence, command)
    except Unavailable:
        raise  # whether it is evidence is not known
    except Refusal:
        files.forget(digest)
        raise
    if row.digest != digest:  # it was answered before, with what was kept then
        files.forget(digest)
    return await _opened(call, row, dispute)


def _check_members(given: NewEvidence) -> None:
    """Raises Invalid where a file lacks a member, or anything else has one of a file's."""
    file = {"name": given.name, "media_type": given.media_type, "file": given.file}
    for name, value in file.items() if given.kind == "file" else (("text", given.text),):
        if not value:
            raise Invalid("field_missing", "a file has a name, a media type and its bytes, all else a text", name)
    for name, value in (("text", given.text),) if given.kind == "file" else file.items():
        if value:
            raise Invalid("field_invalid", "a file has a name, a media type and its bytes, all else a text", name)


def _decoded(text: str) -> bytes:
    try:
        return b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Invalid("evidence_invalid", "the file is not in base64 (RFC 4648, section 4)", "file") from None


def _files(call: Call[Any]) -> EvidenceFiles:
    return EvidenceFiles(call.services.settings.evidence_folder)


async def list_shown(call: Call[Any]) -> List:
    """List what was shown in a dispute, the newest first; at most fifty."""
    dispute = await call.find(DISPUTES, sides, "dispute")

    def look(reader: Reader) -> list[quarrels.Evidence]:
        opener = Opener(reader, call.services.vault)
        found = disputes.evidence_of(reader, dispute.id)
        return [_as_seen(call, row, dispute, opener) for row in reversed(found)]

    return List("list", await call.look(look), has_more=False, url=call.path)


async def see(call: Call[Any]) -> quarrels.Evidence:
    """See what was shown, but for a file's content."""
    return await _opened(call, *await _find(call))


async def see_content(call: Call[Any]) -> Reply:
    """Get a file that was shown, to be saved: it is never displayed by this address."""
    row, dispute = await _find(call)
    if row.kind != "file" or not disputes.visible(row, _side(call, dispute)):
        raise unknown("evidence")

    def look(reader: Reader) -> tuple[str | None, bytes | None]:
        opener = Opener(reader, call.services.vault)
        name = opener.text(row)
        return name, None if name is None else opener.open(row.party, _files(call).read(row.digest), bytes)

    name, content = await call.services.read.long(look)
    if name is None or content is None:
        raise unknown("evidence")
    return Reply(_chunks(content), _media_type(row), headers=_headers(name, len(content)))


def _media_type(row: Evidence) -> bytes:
    return (row.media_type + ("; charset=utf-8" if row.media_type == "text/plain" else "")).encode()


def _headers(name: str, length: int) -> tuple[tuple[bytes, bytes], ...]:
    """A browser saves the file under its name (RFC 6266, RFC 8187) and, whatever it is, runs nothing in it."""
    return (
        (b"content-length", b"%d" % length),
        (b"content-disposition", f"attachment; filename*=UTF-8''{quote(name, safe='')}".encode()),
        (b"x-content-type-options", b"nosniff"),
        (b"content-security-policy", b"default-src 'none'; sandbox"),
        (b"cross-origin-resource-policy", b"same-origin"),
    )


async def _chunks(content: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(content), _CHUNK):
        yield content[start : start + _CHUNK]


async def _find(call: Call[Any]) -> tuple[Evidence, Dispute]:
    """The evidence that the path names and its dispute, if that is of the caller's. Raises NotFound."""

    def look(reader: Reader) -> tuple[Evidence | None, Dispute | None]:
        row = get(reader, EVIDENCE, call.id)
        return row, None if row is None else get(reader, DISPUTES, row.dispute)

    row, dispute = await call.look(look)
    if row is None or dispute is None or not call.caller.sees(*sides(dispute)):
        raise unknown("evidence")
    return row, dispute


def _side(call: Call[Any], dispute: Dispute) -> str:
    return "operator" if call.caller.operates else disputes.side_of(dispute, call.caller.party)


async def _opened(call: Call[Any], row: Evidence, dispute: Dispute) -> quarrels.Evidence:
    return await call.look(lambda reader: _as_seen(call, row, dispute, Opener(reader, call.services.vault)))


def _as_seen(call: Call[Any], row: Evidence, dispute: Dispute, opener: Opener) -> quarrels.Evidence:
    readable = disputes.visible(row, _side(call, dispute))
    return evidence(row, readable=readable, text=opener.text(row) if readable else None)
