"""The clock of a trade: when its open step ends, what silence means then, and how it stands still and goes on."""

from typing import Any

from msgspec.structs import replace

from handfast.core.errors import Conflict, Declined, NotFound
from handfast.core.ids import Id
from handfast.core.money import share
from handfast.core.states import move
from handfast.domain.policies import Policy, effective, end_of
from handfast.domain.trades.model import MOST_IN_VAIN, OVER, TRADE_STATES, Trade
from handfast.domain.trades.tables import TRADES
from handfast.store.verb import Tx


async def load(tx: Tx, key: Id) -> Trade:
    """The trade. Raises NotFound."""
    trade = await tx.get(TRADES, key)
    if trade is None:
        raise NotFound("object_not_found", "no such trade", "trade")
    return trade


async def load_due(tx: Tx, key: Id, version: int, *steps: str) -> tuple[Trade, Policy, str]:
    """A trade whose open step has run out in that version, its policy, and the move that silence means: one of `steps`.

    Raises NotFound, Conflict(state_conflict) where nothing is due, or silence means otherwise.
    """
    trade = await load(tx, key)
    if trade.version != version or trade.due is None or tx.now < trade.due:
        raise Conflict("state_conflict", f"nothing is due for a trade that is {trade.state}", "state")
    policy = await effective(tx, trade.policy)
    step = silent_step(policy, trade)
    if steps and step not in steps:
        meant = step.removeprefix("silent_").replace("_", " ")
        raise Conflict("state_conflict", f"silence about a trade that is {trade.state} means: {meant}", "state")
    return trade, policy, step


def in_time(tx: Tx, trade: Trade) -> Trade:
    """The trade, if its open step's time has not passed.

    Raises Conflict(state_conflict): a passed clock counts as fired.
    """
    if trade.due is not None and tx.now >= trade.due:
        raise Conflict("state_conflict", f"the time for a trade that is {trade.state} has run out", "state")
    return trade


def undisputed(trade: Trade) -> Trade:
    """The trade, if neither claim nor dispute is open on it. Raises Conflict(claim_open)."""
    if trade.claim is not None or trade.dispute is not None:
        what = "dispute" if trade.dispute is not None else "claim"
        raise Conflict("claim_open", f"a {what} is open on this trade; it must end first", "trade")
    return trade


def keep(tx: Tx, trade: Trade, event: str) -> Trade:
    """Stage the trade's next version and its event, owed to the seller."""
    changed = replace(trade, version=trade.version + 1)
    tx.put(TRADES, changed)
    tx.event(event, changed, owner=changed.seller)
    return changed


def moved(trade: Trade, step: str, **changes: Any) -> Trade:
    """The trade after a move of the state table, with these fields changed.

    A new state ends an open proposal, a new step counts extensions anew, and what is over has no clock. Raises
    Conflict(state_conflict).
    """
    state = move(TRADE_STATES, trade.state, step)
    if state != trade.state:
        changes["proposal"] = b""
        if state != "delivered":
            changes.update(extended_by_buyer=0, extended_by_seller=0, extended_by_silence=0, in_vain=0)
    if state in OVER:
        changes.update(due=None, paused=None)
    return replace(trade, state=state, **changes)


def held_left(trade: Trade) -> int:
    """What is still held of the trade's amount."""
    return trade.amount - trade.refunded - trade.released


def silent_step(policy: Policy, trade: Trade) -> str:
    """The move of the state table that silence at the end of the open step means. Raises Conflict where none is open.

    A seller who never ships, under a policy that extends once and then refunds: "silent_extend", then "silent_refund".
    """
    if trade.state == "released":
        return "free_reserve" if trade.reserved else "finish"
    if trade.state in OVER:
        raise Conflict("state_conflict", f"a trade that is {trade.state} waits for nobody", "state")
    step = policy.ship if trade.state == "held" else policy.confirm
    silence = step.silence
    if silence == "extend" and trade.extended_by_silence >= step.again:
        silence = step.then
    if silence == "release" and next_part(policy, trade) < held_left(trade):
        return "silent_milestone"
    return f"silent_{silence}"


def step_end(policy: Policy, trade: Trade, now: int) -> int:
    """The end of the open step, were it to begin now (µs); of a released trade what is still to come.

    A reserve's end and the end of refunds count from the release, and are never before now.
    """
    match trade.state:
        case "held":
            return end_of(policy, policy.ship.within, now)
        case "released":
            assert trade.released_at is not None
            span = policy.reserve.period if policy.reserve and trade.reserved else policy.refundable
            return max(now, end_of(policy, span, trade.released_at))
        case _:
            end = end_of(policy, policy.confirm.within, now)
            if trade.state == "delivered" and policy.confirm_delivered is not None:
                end = min(end, end_of(policy, policy.confirm_delivered, now))
            return end


def next_part(policy: Policy, trade: Trade) -> int:
    """What the confirmation of the open milestone releases, without milestones or at the last all that is held.

    Cumulative: of 100.00 with 20.00 refunded, milestones of 30, 30 and 40 per cent release 24.00, 24.00 and 32.00. What
    the buyer released beforehand counts.
    """
    left = held_left(trade)
    done = trade.milestone + 1
    if done >= len(policy.milestones):
        return left
    target = share(trade.amount - trade.refunded, sum(policy.milestones[:done]), 10_000)
    return min(left, max(0, target - trade.released))


def stop_clock(tx: Tx, trade: Trade, *, claim: Id | None = None, dispute: Id | None = None) -> Trade:
    """The trade with its clock stopped by a claim or a dispute; what stopped it before stays noted."""
    return replace(
        trade,
        claim=claim or trade.claim,
        dispute=dispute or trade.dispute,
        paused=trade.paused if trade.due is None else max(0, trade.due - tx.now),
        due=None,
    )


def go_on(tx: Tx, trade: Trade, *, in_vain: bool = False) -> Trade:
    """The trade with no claim or dispute, whose clock goes on with what was left of it."""
    due = trade.due if trade.paused is None else tx.now + trade.paused
    return replace(trade, claim=None, dispute=None, due=due, paused=None, in_vain=trade.in_vain + in_vain)


def may_stop(trade: Trade) -> Trade:
    """The trade, if its buyer may still stop and start its clock. Raises Declined(changes_spent)."""
    if trade.in_vain >= MOST_IN_VAIN:
        raise Declined("changes_spent", f"{MOST_IN_VAIN} claims or disputes about this step came to nothing", "trade")
    return trade
