"""Payouts, the plans that ask for them and the bank files that pay them, and a preview of what is to come."""

from collections.abc import Sequence
from typing import Any

from handfast.core.errors import Conflict
from handfast.core.ids import Id
from handfast.domain import payouts
from handfast.domain.parties import HOUSE, PARTIES
from handfast.domain.payouts import PAYOUT_FILES
from handfast.gateways.native import outlook, reports, wire
from handfast.gateways.native.calls import Call, Reply
from handfast.gateways.native.house import nobody
from handfast.gateways.native.lists import Page, cursor
from handfast.gateways.native.people import wrapped_key
from handfast.gateways.native.prefixes import read_some, show, show_some, unknown
from handfast.gateways.native.reports import List
from handfast.gateways.native.wire import Ref, Word
from handfast.ledger import Purpose
from handfast.store.reader import Reader, page

PREPARE_PAYOUT_FILE = "bank.prepare_payout_file"
"""A function of the running service: it takes the currency, the handler, who asks, and the request's id."""


class PreviewPage(Page, frozen=True, kw_only=True):
    """Whose preview; the operator gets everybody's, or those of one kind of party."""

    party: Ref | None = None
    kind: Word | None = None


def create_payout(call: Call[wire.NewPayout]) -> payouts.RequestPayout:
    """Have money of one's own wallet paid to one's bank account, with the next bank file."""
    return payouts.RequestPayout(call.caller.party, call.given.currency, call.given.amount)


def cancel_payout(call: Call[wire.Nothing]) -> payouts.CancelPayout:
    """Take back a payout that no bank file has ordered yet."""
    return payouts.CancelPayout(call.caller.party, call.id)


def reject_payout(call: Call[wire.Reasons]) -> payouts.RejectPayout:
    """Note that the bank did not execute a payout: its money is in the wallet again."""
    return payouts.RejectPayout(call.id, call.caller.client, call.given.reason)


def sweep(call: Call[wire.NewSweep]) -> payouts.SweepPayout:
    """Have the operator's own money paid to its bank account, with the next bank file."""
    return payouts.SweepPayout(Purpose[call.given.source.upper()], call.given.currency, call.given.amount)


def set_plan(call: Call[wire.NewPlan]) -> payouts.SetPlan:
    """Say when a balance is to be paid out by itself."""
    given = call.given
    party = call.caller.acting_for(read_some("party", given.party), "party")
    return payouts.SetPlan(call.caller.party, party, given.currency, given.every, given.day, given.minimum)


async def see_preview(call: Call[PreviewPage]) -> List:
    """Preview payouts: what is available, held, in reserve and owed, why and until when, and what the plan will pay."""
    given, caller = call.given, call.caller
    below, above = cursor(given, "party")
    asked = read_some("party", given.party)
    alone = asked if caller.operates else caller.acting_for(asked, "party")

    def look(reader: Reader) -> list[outlook.PayoutPreview]:
        equal = {"id": alone} if alone else {} if given.kind is None else {"kind": given.kind}
        rows = page(reader, PARTIES, given.limit + 1, equal=equal, below=below, above=above)
        return [outlook.preview(row, payouts.preview_of(reader, row.id)) for row in rows]

    found = await call.services.read.long(look)
    kept = found[-given.limit :] if above else found[: given.limit]
    return List("list", kept, len(found) > given.limit, call.path)


async def prepare_file(call: Call[wire.NewFile]) -> reports.PayoutFileReport:
    """Order the requested payouts of a currency by bank file. Each is ordered once, so this may be sent again."""
    caller = call.caller
    told = await call.services.hand.control(
        PREPARE_PAYOUT_FILE, call.given.currency, caller.client, caller.actor, call.request
    )
    return reports.PayoutFileReport(
        object="payout_file_report",
        file=show_some("file", told["file"]),
        state=told["state"] or None,
        count=told["count"],
        total=told["total"],
        left_out=[
            reports.LeftOut(show("payout", each["payout"]), each["reason"], each["field"]) for each in told["left_out"]
        ],
    )


async def approve_file(call: Call[wire.Nothing]) -> reports.PayoutFile:
    """Approve a bank file that somebody else prepared, so that it can be read and given to the bank."""
    command = payouts.ApproveFile(call.id, call.caller.client, await _ordered(call))
    shown: reports.PayoutFile = await call.show(await call.do(payouts.approve_file, command))
    return shown


async def reject_file(call: Call[wire.Reasons]) -> reports.PayoutFile:
    """Reject a bank file that was prepared: its payouts wait for another one."""
    command = payouts.RejectFile(call.id, call.caller.client, await _ordered(call), call.given.reason)
    shown: reports.PayoutFile = await call.show(await call.do(payouts.reject_file, command))
    return shown


async def _ordered(call: Call[Any]) -> tuple[Id, ...]:
    found: Sequence[payouts.Payout] = await call.services.read.long(
        lambda reader: payouts.payouts_of_file(reader, call.id)
    )
    return tuple(payout.id for payout in found)


async def see_file_content(call: Call[Any]) -> Reply:
    """Get an approved bank file as the bank gets it (ISO 20022 pain.001.001.09)."""
    row = await call.find(PAYOUT_FILES, nobody, "file")
    if row.state != "approved":
        raise Conflict("state_conflict", f"the file is {row.state}, not approved", "state")
    content = call.services.vault.open(await wrapped_key(call, HOUSE), HOUSE, row.content, bytes)
    if content is None:
        raise unknown("file")
    return Reply(content, b"application/xml")
