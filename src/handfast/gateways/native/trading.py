"""Guaranteed trades: from what a client wrote to the domain's commands, and a trade's timeline."""

from typing import Any

from handfast.core.ids import Id
from handfast.domain import disputes, trades
from handfast.domain.claims import Claim
from handfast.domain.disputes import Evidence, Moment
from handfast.domain.trades import TRADES, Trade
from handfast.gateways.native import wire, wire_trades
from handfast.gateways.native.agreed import read_agreed
from handfast.gateways.native.calls import Call
from handfast.gateways.native.prefixes import read_some, show
from handfast.gateways.native.quarrels import Timeline, TimelineMoment
from handfast.gateways.native.render import SECOND
from handfast.gateways.native.render_quarrels import claim, evidence
from handfast.gateways.native.sealing import Opener
from handfast.gateways.native.showing import show_row
from handfast.gateways.native.telling import tell
from handfast.store.reader import Reader


def owners(row: Trade) -> tuple[Id, ...]:
    """Whose a trade is."""
    return row.seller, row.merchant, row.buyer


def ship(call: Call[wire.Shipment]) -> trades.ShipTrade:
    """Tell that the goods are on their way; the buyer's time to confirm begins."""
    return trades.ShipTrade(call.caller.party, call.id, call.given.tracking)


def deliver(call: Call[wire_trades.DeliveryProof]) -> trades.DeliverTrade:
    """Tell that the carrier handed the goods over; the buyer's time to confirm may become shorter."""
    at = call.given.at
    return trades.DeliverTrade(call.caller.party, call.id, call.services.market() if at is None else at * SECOND)


def confirm(call: Call[wire.Nothing]) -> trades.ConfirmTrade:
    """Tell that the goods, or a milestone's work, have come; the seller is paid."""
    return trades.ConfirmTrade(call.caller.party, call.id)


def release(call: Call[wire_trades.ReleaseOf]) -> trades.ReleasePart:
    """Let the seller have a part or all of what is held, before it must."""
    return trades.ReleasePart(call.caller.party, call.id, call.given.amount)


def extend(call: Call[wire.Nothing]) -> trades.ExtendTrade:
    """Put the end of the open step off, as often and as far as the policy lets one's side."""
    return trades.ExtendTrade(call.caller.party, call.id)


def propose(call: Call[wire_trades.NewProposal]) -> trades.ProposeChange:
    """Propose to the other side to cancel the trade, or to amend it."""
    return trades.ProposeChange(call.caller.party, call.id, *_proposed(call.given))


def agree(call: Call[wire_trades.NewProposal]) -> trades.AgreeProposal:
    """Agree to what the other side proposed; it is told again, so that nobody agrees to something else."""
    return trades.AgreeProposal(call.caller.party, call.id, *_proposed(call.given))


def drop(call: Call[wire.Nothing]) -> trades.DropProposal:
    """Take a proposal back, or turn the other side's down."""
    return trades.DropProposal(call.caller.party, call.id)


def _proposed(given: wire_trades.NewProposal) -> tuple[str, Id | None, int | None]:
    due = None if given.due is None else given.due * SECOND
    return given.kind, read_some("policy", given.policy), due


async def see_timeline(call: Call[Any]) -> Timeline:
    """See what happened to a trade: for both sides the same moments, with what each of them may read."""
    trade = await call.find(TRADES, owners, "trade")
    side = "operator" if call.caller.operates else disputes.side_of(trade, call.caller.party)

    def look(reader: Reader) -> list[TimelineMoment]:
        moments = disputes.timeline(reader, trade, side)
        agreed = read_agreed(reader, [moment.row for moment in moments])
        opener = Opener(reader, call.services.vault)

        def data(moment: Moment) -> Any:
            match moment.row:
                case Claim():
                    return claim(moment.row, agreed, opener.said(moment.row))
                case Evidence():
                    return evidence(moment.row, text=opener.text(moment.row))
                case None:
                    return None
                case _:
                    return show_row(moment.row, agreed, call.caller.sees)

        return [_moment(moment, says, data(moment)) for moment, says in zip(moments, tell(moments), strict=True)]

    return Timeline("timeline", show("trade", trade.id), await call.services.read.long(look))


def _moment(moment: Moment, says: str, data: Any) -> TimelineMoment:
    key = show(moment.kind.partition(".")[0], moment.object)
    return TimelineMoment(moment.at // SECOND, moment.kind, key, says, data)
