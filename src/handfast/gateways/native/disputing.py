"""Disputes: what the two sides and the case handlers do about them, and the queue of those that wait."""

from typing import Any

from handfast.domain import disputes
from handfast.domain.disputes import DISPUTES, Dispute
from handfast.gateways.native import quarrels, wire, wire_trades
from handfast.gateways.native.calls import Call
from handfast.gateways.native.evidence import sides
from handfast.gateways.native.lists import Limit, Query, listed, no_cursor
from handfast.gateways.native.prefixes import parse_kind, read
from handfast.gateways.native.reports import List
from handfast.gateways.native.sealing import sealed
from handfast.store.reader import Reader, get


class QueuePage(Query, frozen=True, kw_only=True):
    """Which page: less urgent disputes than `starting_after`."""

    limit: Limit = 10
    starting_after: wire.Ref | None = None


def open_dispute(call: Call[wire_trades.NewDispute]) -> disputes.OpenDispute:
    """Have a case handler decide about a trade; its clock stops, and both sides may show evidence."""
    return disputes.OpenDispute(call.caller.party, read("trade", call.given.trade), call.given.amount)


async def list_queue(call: Call[QueuePage]) -> List:
    """List the disputes that wait for somebody, the most urgent first."""
    given = call.given

    def rows(reader: Reader) -> list[Dispute]:
        after = None
        if given.starting_after is not None:
            key = parse_kind("dispute", given.starting_after)
            after = None if key is None else get(reader, DISPUTES, key)
            if after is None:
                raise no_cursor("dispute", "starting_after")
        return disputes.open_disputes(reader, given.limit + 1, after)

    return await listed(call, await call.look(rows), given.limit)


def rest(call: Call[wire.Nothing]) -> disputes.MoveDispute:
    """Have no more evidence to show; once both sides say so, the case handler's time begins."""
    return _move(call)


def concede(call: Call[wire.Nothing]) -> disputes.MoveDispute:
    """Give the buyer all that was asked for, at once."""
    return _move(call)


def withdraw(call: Call[wire.Nothing]) -> disputes.MoveDispute:
    """Ask for nothing any more; the trade goes on."""
    return _move(call)


def accept(call: Call[wire.Nothing]) -> disputes.MoveDispute:
    """Not appeal; once both sides say so, the decision takes effect."""
    return _move(call)


def _move(call: Call[Any]) -> disputes.MoveDispute:
    return disputes.MoveDispute(call.caller.party, call.id)


def decide(call: Call[wire_trades.NewDecision]) -> disputes.Decide:
    """Decide a dispute, or propose a decision where a second person must agree; on appeal the money moves at once."""
    given = call.given
    return disputes.Decide(call.caller.client, call.id, given.outcome, given.reasons, given.amount)


def approve(call: Call[wire.Nothing]) -> disputes.JudgeDecision:
    """Agree to a decision that another of the operator's persons proposed."""
    return disputes.JudgeDecision(call.caller.client, call.id)


def reject(call: Call[wire.Nothing]) -> disputes.JudgeDecision:
    """Send a decision back that another of the operator's persons proposed."""
    return disputes.JudgeDecision(call.caller.client, call.id)


async def appeal(call: Call[wire_trades.NewAppeal]) -> quarrels.Dispute:
    """Have another case handler decide anew, once; both sides may show evidence again."""
    row = await call.find(DISPUTES, sides, "dispute")
    reasons = await sealed(call, call.caller.party, call.given.reasons)
    appealed = await call.do(disputes.appeal, disputes.Appeal(call.caller.party, row.id, reasons))
    shown: quarrels.Dispute = await call.show(appealed)
    return shown
