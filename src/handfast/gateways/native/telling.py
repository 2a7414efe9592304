"""What happened to a trade, its claims and disputes, each in one sentence that both sides may read."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from handfast.core.ids import Id
from handfast.domain.claims import Claim
from handfast.domain.disputes import Dispute, Evidence, Moment
from handfast.domain.payments import Refund
from handfast.domain.trades import Trade, proposal_of
from handfast.gateways.native.wording import moment, money

REASONS = {
    "unshipped": "nothing was sent",
    "not_received": "nothing came",
    "not_as_described": "it is not as described",
    "no_reason": "no reason is needed",
}
_GOODS = {"keep": "the buyer keeps the goods", "return": "the goods are returned"}
_SHOWN = {"file": "a file", "tracking": "a tracking number", "message": "a message"}


def tell(moments: Iterable[Moment]) -> list[str]:
    """Each moment in a sentence, in their order; of one that its reader may not know, only that it was."""
    before: dict[Id, Any] = {}
    told = []
    for each in moments:
        if each.row is None:
            told.append("Something was shown that only its author and the case handler may read.")
            continue
        told.append(SAYS[each.kind](each.row, before.get(each.object)))
        before[each.object] = each.row
    return told


def _with(words: str, tracking: str) -> str:
    return f"{words} ({tracking})." if tracking else f"{words}."


def _until(row: Trade) -> str:
    return "" if row.due is None else f" Its open step ends at {moment(row.due)}."


def _released(row: Trade, before: Trade | None) -> str:
    return money(row.released - (before.released if before else 0), row.currency)


def _refunded(row: Trade, before: Trade | None) -> str:
    was = before.refunded + before.returned if before else 0
    back = money(row.refunded + row.returned - was, row.currency)
    what = "all is given back, and the trade is over" if row.state == "refunded" else f"the trade is {row.state}"
    return f"{back} went back to the buyer; {what}."


def _let_go(row: Trade, before: Trade | None) -> str:
    was = before.refunded + before.returned if before else 0
    back = row.refunded + row.returned - was
    also = f", {money(back, row.currency)} back to the buyer" if back else ""
    return f"{_released(row, before)} went to the seller{also}; nothing is held any more."


def _extended(row: Trade, before: Trade | None) -> str:
    for side in ("buyer", "seller"):
        name = f"extended_by_{side}"
        if before is not None and getattr(row, name) > getattr(before, name):
            return f"The {side} extended the open step.{_until(row)}"
    return f"Nobody acted, and the open step was extended.{_until(row)}"


def _proposed(row: Trade, _before: Trade | None) -> str:
    proposal = proposal_of(row)
    assert proposal is not None, "the event tells of one"
    if proposal.kind == "cancel":
        return f"The {proposal.by} proposed to cancel the trade."
    if proposal.due is not None:
        return f"The {proposal.by} proposed that the open step end at {moment(proposal.due)}."
    return f"The {proposal.by} proposed another policy for the trade."


def _amended(row: Trade, before: Trade | None) -> str:
    what = "another policy counts" if before is None or row.policy != before.policy else "the open step ends otherwise"
    return f"Both sides agreed: {what} from now on.{_until(row)}"


def _asked(row: Claim, _before: Claim | None) -> str:
    return f"The buyer asked for {money(row.amount, row.currency)} back: {REASONS[row.reason]}; {_GOODS[row.goods]}."


def _changed(row: Claim, _before: Claim | None) -> str:
    return f"The buyer changed the claim to {money(row.amount, row.currency)}; {_GOODS[row.goods]}."


def _offered(row: Claim, _before: Claim | None) -> str:
    return f"The seller offered {money(row.offered, row.currency)} instead; {_GOODS[row.offered_goods]}."


def outcome(row: Dispute) -> str:
    """What a decision does, in words."""
    back = f"{money(row.amount, row.currency)} go back to the buyer"
    return {
        "refund": f"all that is left, {money(row.amount, row.currency)}, goes back to the buyer",
        "part": f"{back}, and the trade goes on",
        "split": f"{back}, and the rest goes to the seller",
        "release": "the money goes to the seller",
        "dismiss": "nothing goes back, and the trade goes on",
    }[row.outcome]


def _opened(row: Dispute, _before: Dispute | None) -> str:
    who = "Nobody acted, and a dispute opened" if row.opened_by == "clock" else f"The {row.opened_by} opened a dispute"
    return f"{who} about {money(row.asked, row.currency)}."


def _shown(row: Evidence, _before: Evidence | None) -> str:
    who = "case handler" if row.side == "operator" else row.side
    return f"The {who} showed {_SHOWN[row.kind]}{', for the case handler alone' if row.confidential else ''}."


def _given_back(row: Refund, _before: Refund | None) -> str:
    paid = "" if row.pay_currency == row.currency else f", {money(row.pay_amount, row.pay_currency)} as it was paid"
    return f"A refund of {money(row.amount, row.currency)}{paid}."


SAYS: Mapping[str, Callable[[Any, Any], str]] = {
    "claim.asked": _asked,
    "claim.changed": _changed,
    "claim.closed": lambda _row, _before: "The claim ended without effect.",
    "claim.decided": lambda _row, _before: "The claim ended with the decision.",
    "claim.disputed": lambda _row, _before: "The claim became a dispute.",
    "claim.offered": _offered,
    "claim.refunded": lambda row, _before: f"The claim was granted: {money(row.amount, row.currency)} go back.",
    "claim.refused": lambda _row, _before: "The seller refused the claim.",
    "claim.returning": lambda _row, _before: "The claim was granted, for the goods; the buyer sends them back.",
    "claim.sent_back": lambda row, _before: _with("The buyer sent the goods back", row.tracking),
    "claim.withdrawn": lambda _row, _before: "The buyer withdrew the claim.",
    "dispute.accepted": lambda row, _before: f"The {row.rested} accepted the decision.",
    "dispute.appealed": lambda row, _before: f"The {row.appealed_by} appealed: another case handler decides anew.",
    "dispute.decided": lambda row, _before: f"The case handler decided: {outcome(row)}.",
    "dispute.final": lambda row, _before: f"The dispute ended: {outcome(row)}.",
    "dispute.opened": _opened,
    "dispute.proposed": lambda _row, _before: "A decision was proposed; a second person has to agree.",
    "dispute.rejected": lambda _row, _before: "The second person did not agree to the proposed decision.",
    "dispute.rested": lambda row, _before: f"The {row.rested} has nothing more to show.",
    "dispute.under_review": lambda _row, _before: "The time for evidence was over: a case handler decides.",
    "dispute.withdrawn": lambda _row, _before: "The buyer withdrew from the dispute.",
    "evidence.added": _shown,
    "refund.created": _given_back,
    "trade.amended": _amended,
    "trade.claimed": lambda _row, _before: "The clock stopped for the claim.",
    "trade.delivered": lambda _row, _before: "The carrier delivered the goods.",
    "trade.disputed": lambda _row, _before: "The clock stopped for the dispute.",
    "trade.extended": _extended,
    "trade.finished": lambda _row, _before: "The time for refunds was over: the trade is finished.",
    "trade.held": lambda row, _before: f"{money(row.amount, row.currency)} were paid, and are held for the trade.",
    "trade.milestone_released": lambda row, before: (
        f"Milestone {row.milestone} was released: {_released(row, before)} went to the seller."
    ),
    "trade.part_released": lambda row, before: f"The buyer let the seller have {_released(row, before)} already.",
    "trade.proposal_dropped": lambda _row, _before: "The proposal was dropped.",
    "trade.proposed": _proposed,
    "trade.refunded": _refunded,
    "trade.released": _let_go,
    "trade.reserve_freed": lambda _row, _before: "The time of the seller's reserve was over.",
    "trade.resumed": lambda row, _before: f"The trade goes on.{_until(row)}",
    "trade.shipped": lambda row, _before: _with("The seller shipped", row.tracking),
}
"""By type of event: what it tells of its object, which was otherwise before."""
