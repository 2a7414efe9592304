"""Clocks in words: until when somebody has time, and what silence means then, by the policy that was agreed."""

from handfast.core.clocks import SECOND
from handfast.domain.claims import Claim, step_of
from handfast.domain.disputes import Dispute
from handfast.domain.policies import Policy
from handfast.domain.trades import OVER, Trade, held_left, next_part, silent_step
from handfast.gateways.native.sales import Clock
from handfast.gateways.native.wording import moment, money, period, span, times


def trade_clock(row: Trade, policy: Policy) -> Clock:
    """The clock of a trade."""
    if row.state in OVER:
        return Clock(None, None, None, f"The trade is {row.state}: nothing more happens by itself.")
    if row.due is None:
        return _stopped(row)
    silence = silent_step(policy, row).removeprefix("silent_")
    by = moment(row.due)
    match row.state:
        case "held":
            says = f"If the seller has not shipped by {by}, {_trade_then(row, policy, silence)}"
        case "released" if row.reserved:
            says = f"On {by} the seller gets what is left of the reserve."
        case "released":
            says = f"Money can be given back until {by}; then the trade is finished."
        case _:
            says = f"If the buyer has neither confirmed nor claimed by {by}, {_trade_then(row, policy, silence)}"
    return _running(row.due, silence, says)


def _running(due: int, silence: str, says: str) -> Clock:
    return Clock(due // SECOND, None, silence, says)


def _stopped(row: Trade) -> Clock:
    what = "dispute" if row.dispute is not None else "claim"
    left = row.paused or 0
    says = f"The clock stands still while a {what} is open; {span(left)} of it are left."
    return Clock(None, left // SECOND, None, says)


def _trade_then(row: Trade, policy: Policy, silence: str) -> str:
    held = money(held_left(row), row.currency)
    match silence:
        case "refund":
            return f"the buyer gets back the {held} that are held."
        case "release":
            return f"the {held} that are held go to the seller."
        case "milestone":
            part = money(next_part(policy, row), row.currency)
            return f"{part} go to the seller for milestone {row.milestone + 1} of {len(policy.milestones)}."
        case "extend":
            step = policy.ship if row.state == "held" else policy.confirm
            more = times(step.again - row.extended_by_silence)
            return f"the time is extended by {period(step.within)}, {more} more at most."
        case _:
            return "a dispute opens, and a case handler decides."


def claim_clock(row: Claim, policy: Policy) -> Clock:
    """The clock of a claim."""
    if row.due is None:
        over = "A case handler decides on it: see the dispute." if row.state == "disputed" else "The claim is over."
        return Clock(None, None, None, over)
    silence = step_of(policy, row).silence
    return _running(row.due, silence, f"{_claim_until(row, row.due)} {_claim_then(row, silence)}")


def _claim_until(row: Claim, due: int) -> str:
    return {
        "asked": f"If the seller has not answered by {moment(due)},",
        "offered": f"If the buyer has not taken the offer of {money(row.offered, row.currency)} by {moment(due)},",
        "refused": f"If the buyer has neither changed the claim nor opened a dispute by {moment(due)},",
        "returning": f"If the buyer has not sent the goods back by {moment(due)},",
        "sent_back": f"If the seller has not said by {moment(due)} that the goods are back, nor disputed it,",
    }[row.state]


def _claim_then(row: Claim, silence: str) -> str:
    match silence:
        case "refund" if row.goods == "return" and row.state != "sent_back":
            return "the claim is granted, and the buyer sends the goods back."
        case "refund":
            return f"the buyer gets {money(row.amount, row.currency)} back."
        case "dispute":
            return "a dispute opens, and a case handler decides."
        case _:
            return "the claim ends, and the trade goes on."


def dispute_clock(row: Dispute, policy: Policy) -> Clock:
    """The clock of a dispute."""
    if row.due is None:
        return Clock(None, None, None, "The dispute is over.")
    by = moment(row.due)
    match row.state:
        case "open":
            within = period(policy.disputing.decide.within)
            return _running(row.due, "review", f"Both sides show evidence until {by}; then it is decided in {within}.")
        case "decided":
            return _running(row.due, "stands", f"Either side may appeal until {by}; then the decision takes effect.")
        case "appealed" | "proposed_again":
            who = "Another case handler decides" if row.state == "appealed" else "One more person has to agree"
            says = f"Evidence is shown until {moment(row.evidence_until)}. {who} by {by}, or the first decision stands."
            return _running(row.due, "stands", says)
        case _:
            who = "A second person has to agree" if row.state == "proposed" else "The case handler decides"
            silence = policy.disputing.decide.silence
            back = f"the buyer gets {money(row.asked, row.currency)} back"
            then = back if silence == "refund" else "the money goes to the seller"
            return _running(row.due, silence, f"{who} by {by}, or {then}.")
