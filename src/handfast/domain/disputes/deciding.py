"""How disputes end: a case handler's decision, a second person's consent to it, silence, and what the money does."""

from msgspec import Struct
from msgspec.structs import replace

from handfast.core.errors import Conflict, Forbidden, Invalid, NotFound
from handfast.core.ids import Id
from handfast.core.states import move
from handfast.domain import claims, payments, trades
from handfast.domain.claims import left_of
from handfast.domain.disputes.model import DISPUTE_STATES, OUTCOMES, Dispute
from handfast.domain.disputes.tables import DISPUTES
from handfast.domain.parties import HOUSE, operators_person
from handfast.domain.policies import Policy, effective, end_of
from handfast.domain.trades import Trade
from handfast.store.verb import Tx, verb

LONGEST_REASONS = 2_000
"""Characters."""


class Decide(Struct, frozen=True):
    """A case handler's decision, with its reasons for both sides; `amount` (minor units) for a part or a split."""

    handler: Id
    dispute: Id
    outcome: str
    reasons: str
    amount: int | None = None


class JudgeDecision(Struct, frozen=True):
    """A second person approves or rejects the decision that a first one proposes."""

    handler: Id
    dispute: Id


class DueDispute(Struct, frozen=True):
    """The dispute's open step has run out; `version` is the one whose clock it was."""

    dispute: Id
    version: int


async def load(tx: Tx, key: Id) -> Dispute:
    """The dispute. Raises NotFound."""
    dispute = await tx.get(DISPUTES, key)
    if dispute is None:
        raise NotFound("object_not_found", "no such dispute", "dispute")
    return dispute


def in_time(tx: Tx, dispute: Dispute) -> Dispute:
    """The dispute, if its open step's time has not passed. Raises Conflict(state_conflict)."""
    if dispute.due is not None and tx.now >= dispute.due:
        raise Conflict("state_conflict", f"the time for a dispute that is {dispute.state} has run out", "state")
    return dispute


def keep(tx: Tx, dispute: Dispute, event: str, owner: Id | None = None) -> Dispute:
    """Stage the dispute's next version and its event, owed to the seller where nobody else is named."""
    changed = replace(dispute, version=dispute.version + 1)
    tx.put(DISPUTES, changed)
    tx.event(event, changed, owner=owner or changed.seller)
    return changed


def to_review(tx: Tx, policy: Policy, dispute: Dispute, step: str) -> Dispute:
    """Stage the end of the time for evidence; the case handler's time begins."""
    state = move(DISPUTE_STATES, dispute.state, step)
    due = end_of(policy, policy.disputing.decide.within, tx.now)
    return keep(tx, replace(dispute, state=state, rested="", due=due), "dispute.under_review")


def restore_first(dispute: Dispute) -> Dispute:
    """The dispute with its first decision in the place of what was proposed on appeal."""
    return replace(
        dispute,
        outcome=dispute.first_outcome,
        amount=dispute.first_amount,
        reasons=dispute.first_reasons,
        handler=dispute.first_handler,
        second=dispute.first_second,
    )


def undecided(dispute: Dispute) -> Dispute:
    """The dispute without a decision."""
    return replace(dispute, outcome="", amount=0, reasons="", handler=None, second=None)


def grant(dispute: Dispute, trade: Trade) -> Dispute:
    """The dispute with the outcome that gives the buyer all that was asked for."""
    outcome = "refund" if dispute.asked == left_of(trade) else "part"
    return replace(dispute, outcome=outcome, amount=dispute.asked)


@verb("disputes.decide", about="dispute")
async def decide(tx: Tx, command: Decide) -> Dispute:
    """Decide, or propose a decision that needs a second person; on appeal the money moves at once.

    Raises NotFound, Conflict(state_conflict), Forbidden(scope_missing) for who is none of the operator's persons,
    Forbidden(second_person_needed) for whoever took part in the first decision, Invalid.
    """
    await operators_person(tx, command.handler)
    dispute = in_time(tx, await load(tx, command.dispute))
    move(DISPUTE_STATES, dispute.state, "decide")
    _must_be_fresh(dispute, command.handler)
    if not 0 < len(command.reasons.strip()) <= len(command.reasons) <= LONGEST_REASONS:
        raise Invalid("field_invalid", f"a decision has reasons, of at most {LONGEST_REASONS} characters", "reasons")
    trade = await trades.load(tx, dispute.trade)
    decided = replace(
        dispute,
        outcome=command.outcome,
        amount=_amount(command, left_of(trade)),
        reasons=command.reasons,
        handler=command.handler,
        second=None,
    )
    policy = await effective(tx, trade.policy)
    if _needs_second(policy, decided, trade):
        proposed = replace(decided, state=move(DISPUTE_STATES, dispute.state, "propose"))
        return keep(tx, proposed, "dispute.proposed", owner=HOUSE)
    return await _decided(tx, policy, trade, decided, "decide")


@verb("disputes.approve", about="dispute")
async def approve(tx: Tx, command: JudgeDecision) -> Dispute:
    """Consent to a proposed decision. Raises NotFound, Conflict, Forbidden(scope_missing, second_person_needed)."""
    dispute = await _judged(tx, command, "approve")
    trade = await trades.load(tx, dispute.trade)
    policy = await effective(tx, trade.policy)
    return await _decided(tx, policy, trade, replace(dispute, second=command.handler), "approve")


@verb("disputes.reject", about="dispute")
async def reject(tx: Tx, command: JudgeDecision) -> Dispute:
    """Send a proposed decision back. Raises NotFound, Conflict, Forbidden(scope_missing, second_person_needed)."""
    dispute = await _judged(tx, command, "reject")
    before = restore_first(dispute) if dispute.appealed_by else undecided(dispute)
    state = move(DISPUTE_STATES, dispute.state, "reject")
    return keep(tx, replace(before, state=state), "dispute.rejected", owner=HOUSE)


@verb("disputes.silent", about="dispute")
async def silent(tx: Tx, command: DueDispute) -> Dispute:
    """What silence means: no more evidence, no appeal, or, where nobody decided in time, what the policy says.

    Raises NotFound, Conflict(state_conflict) where nothing is due.
    """
    dispute = await load(tx, command.dispute)
    if dispute.version != command.version or dispute.due is None or tx.now < dispute.due:
        raise Conflict("state_conflict", "nothing is due", "state")
    trade = await trades.load(tx, dispute.trade)
    policy = await effective(tx, trade.policy)
    if dispute.state == "open":
        return to_review(tx, policy, dispute, "silent_review")
    if dispute.appealed_by:
        dispute = restore_first(dispute)
    elif dispute.state != "decided":
        dispute = undecided(dispute)
        granted = policy.disputing.decide.silence == "refund"
        dispute = grant(dispute, trade) if granted else replace(dispute, outcome="release")
    return await take_effect(tx, dispute, trade, "silent_final")


async def take_effect(tx: Tx, dispute: Dispute, trade: Trade, step: str, *, advance: bool = True) -> Dispute:
    """End the dispute, its claim with it, and move the money as its outcome says: one entry, posted last.

    Raises Declined(balance_insufficient) where, without `advance`, the seller has not what it is to give back.
    """
    state = move(DISPUTE_STATES, dispute.state, step)
    final = keep(tx, replace(dispute, state=state, rested="", due=None), "dispute.final")
    if dispute.claim is not None:
        claims.end_claim(tx, await claims.load(tx, dispute.claim), "decide")
    # What a released trade held is the seller's already: there, a release lets the trade go on, a split is a part.
    release_rest = dispute.outcome in ("split", "release") and trade.state != "released"
    sellers_own = dispute.opened_by == "seller" and dispute.claim is None
    trade = trades.go_on(tx, trade, in_vain=not (dispute.amount or sellers_own))
    if dispute.amount or release_rest:
        await payments.refund_trade(
            tx, trade, dispute.amount, reason="dispute decided", advance=advance, release_rest=release_rest
        )
    else:
        trades.keep(tx, trade, "trade.resumed")
    return final


async def _decided(tx: Tx, policy: Policy, trade: Trade, dispute: Dispute, step: str) -> Dispute:
    state = move(DISPUTE_STATES, dispute.state, step)
    if state == "final":
        return await take_effect(tx, dispute, trade, step)
    due = end_of(policy, policy.disputing.appeal, tx.now)
    return keep(tx, replace(dispute, state=state, due=due), "dispute.decided")


async def _judged(tx: Tx, command: JudgeDecision, step: str) -> Dispute:
    """The dispute whose proposed decision this second person may judge."""
    await operators_person(tx, command.handler)
    dispute = in_time(tx, await load(tx, command.dispute))
    move(DISPUTE_STATES, dispute.state, step)
    _must_be_fresh(dispute, command.handler, dispute.handler)
    return dispute


def _must_be_fresh(dispute: Dispute, handler: Id, proposer: Id | None = None) -> None:
    if handler in (proposer, dispute.first_handler, dispute.first_second):
        raise Forbidden("second_person_needed", "somebody who has not decided on this yet must do this", "handler")


def _amount(command: Decide, left: int) -> int:
    """What goes back by the decision, of what is left, in minor units."""
    if command.outcome not in OUTCOMES:
        raise Invalid("field_invalid", f"an outcome is one of {', '.join(OUTCOMES)}", "outcome")
    if command.outcome in ("part", "split"):
        if command.amount is None or not 0 < command.amount < left:
            raise Invalid("amount_invalid", f"a part is more than none and less than all of {left}", "amount")
        return command.amount
    whole = left if command.outcome == "refund" else 0
    if command.amount not in (None, whole):
        raise Invalid("amount_invalid", f"the amount of such a decision is {whole}, or is not said", "amount")
    return whole


def _needs_second(policy: Policy, decided: Dispute, trade: Trade) -> bool:
    """Whether a second person must agree: what was asked for or what the decision moves is above the policy's bound.

    What went back before counts, so that no dispute is cut into small ones.
    """
    bounds = policy.disputing.second_eyes
    bound = bounds.get(decided.currency, bounds.get("*"))
    left = left_of(trade)
    moves = left if decided.outcome in ("split", "release") else decided.amount
    return bound is not None and trade.amount - left + max(decided.asked, moves) > bound


VERBS = (decide, approve, reject, silent)
