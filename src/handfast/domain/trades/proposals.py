"""Proposals: a frozen trade is cancelled or amended only where one side proposes and the other agrees."""

from typing import Any

from msgspec import Struct, msgpack
from msgspec.structs import replace

from handfast.core.clocks import DAY
from handfast.core.errors import Conflict, Invalid, NotFound
from handfast.core.ids import Id
from handfast.core.states import move
from handfast.domain.policies import Policy, effective
from handfast.domain.trades.clock import in_time, keep, load, step_end, undisputed
from handfast.domain.trades.model import TRADE_STATES, Proposal, Trade
from handfast.store.verb import Tx, verb

LONGEST = 366 * DAY
"""No agreed end of a step is further off."""

_decode = msgpack.Decoder(Proposal).decode


class ProposeChange(Struct, frozen=True):
    """Propose to "cancel" the trade, or to "amend" it: by another published policy, or another end of the open step."""

    by: Id
    trade: Id
    kind: str
    policy: Id | None = None
    due: int | None = None


class AgreeProposal(Struct, frozen=True):
    """Agree to what the other side proposed, which is told again, so that nobody agrees to something else."""

    by: Id
    trade: Id
    kind: str
    policy: Id | None = None
    due: int | None = None


class DropProposal(Struct, frozen=True):
    """Take one's proposal back, or turn the other side's down."""

    by: Id
    trade: Id


def side_of(trade: Trade, by: Id) -> str:
    """Which side of the trade a party is on: "buyer" or "seller", on whose side the merchant is. Raises NotFound."""
    if by == trade.buyer:
        return "buyer"
    if by in (trade.seller, trade.merchant):
        return "seller"
    raise NotFound("object_not_found", "no such trade", "trade")


def proposal_of(trade: Trade) -> Proposal | None:
    """The open proposal, if there is one."""
    return _decode(trade.proposal) if trade.proposal else None


@verb("trades.propose", about="trade")
async def propose(tx: Tx, command: ProposeChange) -> Trade:
    """Put a proposal to the other side; there is one at a time, and it ends when the trade's state changes.

    Raises NotFound, Invalid(field_invalid, policy_invalid), Conflict(state_conflict, claim_open).
    """
    trade = await load(tx, command.trade)
    side = side_of(trade, command.by)
    move(TRADE_STATES, undisputed(in_time(tx, trade)).state, "cancel")
    if trade.proposal:
        raise Conflict("state_conflict", "another proposal is open; drop it first", "proposal")
    if command.kind == "cancel":
        _need(command.policy is None and command.due is None, "a cancellation names neither policy nor due", "kind")
    elif command.kind == "amend":
        _need((command.policy is None) != (command.due is None), "an amendment names a policy or a due", "policy")
        if command.policy is not None:
            old, new = await effective(tx, trade.policy), await effective(tx, command.policy)
            if _operators(new) != _operators(old):
                no = "its reserve, time after the sale and second eyes must be the same: they are the operator's"
                raise Invalid("policy_invalid", no, "policy")
        if command.due is not None:
            _check_due(tx, command.due)
    else:
        raise Invalid("field_invalid", 'a proposal is to "cancel" or to "amend"', "kind")
    proposal = Proposal(side, command.kind, command.policy, command.due)
    return keep(tx, replace(trade, proposal=msgpack.encode(proposal)), "trade.proposed")


@verb("trades.drop", about="trade")
async def drop(tx: Tx, command: DropProposal) -> Trade:
    """End the open proposal, whosever it is. Raises NotFound, Conflict(no_proposal, state_conflict)."""
    trade = await load(tx, command.trade)
    side_of(trade, command.by)
    if not in_time(tx, trade).proposal:
        raise Conflict("no_proposal", "nothing is proposed", "proposal")
    return keep(tx, replace(trade, proposal=b""), "trade.proposal_dropped")


def agreed(trade: Trade, command: AgreeProposal) -> Proposal:
    """The other side's open proposal, if it is what is agreed to. Raises NotFound, Conflict(no_proposal)."""
    side = side_of(trade, command.by)
    proposal = proposal_of(trade)
    if proposal is None or proposal.by == side:
        raise Conflict("no_proposal", "the other side proposes nothing", "proposal")
    if (proposal.kind, proposal.policy, proposal.due) != (command.kind, command.policy, command.due):
        raise Conflict("no_proposal", "the other side proposes something else", "proposal")
    return proposal


async def amend(tx: Tx, trade: Trade, proposal: Proposal) -> Trade:
    """Stage the agreed amendment: the open step ends at the agreed time, or begins anew under the agreed policy.

    Raises Invalid(field_invalid) where that time has passed meanwhile.
    """
    if proposal.due is not None:
        _check_due(tx, proposal.due)
        return keep(tx, replace(trade, proposal=b"", due=proposal.due), "trade.amended")
    assert proposal.policy is not None
    policy = await effective(tx, proposal.policy)
    due = step_end(policy, trade, tx.now)
    return keep(tx, replace(trade, proposal=b"", policy=proposal.policy, due=due), "trade.amended")


def _operators(policy: Policy) -> tuple[Any, ...]:
    """What of a policy bounds the operator's risk, and so is not for buyer and seller to change."""
    return policy.reserve, policy.after_sale, policy.refundable, policy.disputing.second_eyes


def _check_due(tx: Tx, due: int) -> None:
    _need(tx.now < due <= tx.now + LONGEST, "a step ends in the future, within a year", "due")


def _need(holds: object, words: str, param: str) -> None:
    if not holds:
        raise Invalid("field_invalid", words, param)
