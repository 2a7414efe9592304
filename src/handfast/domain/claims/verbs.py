"""What buyer and seller can do about a claim, and what the trade's policy makes of their silence."""

from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from handfast.core.errors import Conflict, Declined, Invalid, NotFound
from handfast.core.ids import Id
from handfast.core.money import check_amount
from handfast.core.states import move
from handfast.domain import payments, trades
from handfast.domain.claims.model import CLAIM_STATES, MOST_CHANGES, Claim
from handfast.domain.claims.tables import CLAIMS
from handfast.domain.claims.windows import check_asked, check_goods, check_window
from handfast.domain.parties import must_belong
from handfast.domain.policies import Policy, Step, effective, end_of
from handfast.store.verb import Tx, verb


class AskClaim(Struct, frozen=True):
    """The buyer asks for `amount` minor units back (None: all that is left); `words` are sealed under its key."""

    by: Id
    trade: Id
    reason: str
    goods: str = "keep"
    amount: int | None = None
    words: bytes = b""


class ChangeClaim(Struct, frozen=True):
    """The buyer asks for something else, for the same reason; the seller's time to answer begins anew."""

    by: Id
    claim: Id
    goods: str = "keep"
    amount: int | None = None
    words: bytes = b""


class OfferPart(Struct, frozen=True):
    """The seller would give `amount` minor units instead; `answer` is sealed under its key."""

    by: Id
    claim: Id
    amount: int
    goods: str = "keep"
    answer: bytes = b""


class RefuseClaim(Struct, frozen=True):
    """The seller gives nothing; `answer` says why, sealed under its key."""

    by: Id
    claim: Id
    answer: bytes = b""


class SendBack(Struct, frozen=True):
    """The buyer sent the goods back; `tracking` is the carrier's number."""

    by: Id
    claim: Id
    tracking: str


class MoveClaim(Struct, frozen=True):
    """A step that says it all: agree and receive (seller), accept and withdraw (buyer)."""

    by: Id
    claim: Id


class DueClaim(Struct, frozen=True):
    """The claim's open step has run out; `version` is the one whose clock it was."""

    claim: Id
    version: int


async def load(tx: Tx, key: Id) -> Claim:
    """The claim. Raises NotFound."""
    claim = await tx.get(CLAIMS, key)
    if claim is None:
        raise NotFound("object_not_found", "no such claim", "claim")
    return claim


def in_time(tx: Tx, claim: Claim) -> Claim:
    """The claim, if its open step's time has not passed. Raises Conflict(state_conflict)."""
    if claim.due is not None and tx.now >= claim.due:
        raise Conflict("state_conflict", f"the time for a claim that is {claim.state} has run out", "state")
    return claim


def must_be_due(tx: Tx, claim: Claim, version: int) -> Claim:
    """The claim, if this version's time has passed. Raises Conflict(state_conflict)."""
    if claim.version != version or claim.due is None or tx.now < claim.due:
        raise Conflict("state_conflict", "nothing is due", "state")
    return claim


def keep(tx: Tx, claim: Claim, event: str) -> Claim:
    """Stage the claim's next version and its event, owed to the seller."""
    changed = replace(claim, version=claim.version + 1)
    tx.put(CLAIMS, changed)
    tx.event(event, changed, owner=changed.seller)
    return changed


def step_of(policy: Policy, claim: Claim) -> Step:
    """The open step of a claim, with its period and what silence means then."""
    return {
        "asked": policy.answer[claim.reason],
        "offered": policy.accept,
        "refused": policy.revise,
        "returning": policy.returns.send_back,
        "sent_back": policy.returns.receive,
    }[claim.state]


def end_claim(tx: Tx, claim: Claim, step: str) -> Claim:
    """Stage the move of a claim that a dispute takes over or ends; its own clock is over.

    Raises Conflict(state_conflict).
    """
    state = move(CLAIM_STATES, claim.state, step)
    events = {"disputed": "claim.disputed", "decided": "claim.decided", "closed": "claim.closed"}
    return keep(tx, replace(claim, state=state, due=None), events[state])


@verb("claims.ask")
async def ask(tx: Tx, command: AskClaim) -> Claim:
    """Ask for money back; the trade's clock stops.

    Raises NotFound, Conflict(state_conflict, claim_open), Declined(claim_too_early, claim_too_late, changes_spent,
    refund_exceeds_captured), Invalid.
    """
    trade = await trades.load(tx, command.trade)
    must_belong(command.by, "trade", trade.buyer)
    trades.may_stop(trades.in_time(tx, trades.undisputed(trade)))
    policy = await effective(tx, trade.policy)
    check_window(policy, trade, command.reason, tx.now)
    check_goods(command.reason, command.goods)
    claim = Claim(
        id=tx.new_id(),
        trade=trade.id,
        payment=trade.payment,
        merchant=trade.merchant,
        seller=trade.seller,
        buyer=trade.buyer,
        state="asked",
        reason=command.reason,
        goods=command.goods,
        currency=trade.currency,
        amount=check_asked(trade, command.amount),
        offered=0,
        offered_goods="",
        words=command.words,
        answer=b"",
        tracking="",
        changes=0,
        due=end_of(policy, policy.answer[command.reason].within, tx.now),
        version=0,
        created=tx.now,
    )
    trades.keep(tx, replace(trades.stop_clock(tx, trade, claim=claim.id), proposal=b""), "trade.claimed")
    return keep(tx, claim, "claim.asked")


@verb("claims.change", about="claim")
async def change(tx: Tx, command: ChangeClaim) -> Claim:
    """Ask for more or less, or answer a refusal. Raises NotFound, Conflict, Declined(changes_spent, …), Invalid."""
    claim = await _buyers(tx, command.by, command.claim)
    move(CLAIM_STATES, claim.state, "change")
    if claim.changes >= MOST_CHANGES:
        raise Declined("changes_spent", f"a claim is changed {MOST_CHANGES} times at most", "claim")
    check_goods(claim.reason, command.goods)
    trade = await trades.load(tx, claim.trade)
    return await _next(
        tx,
        claim,
        "change",
        "claim.changed",
        goods=command.goods,
        amount=check_asked(trade, command.amount),
        offered=0,
        offered_goods="",
        words=command.words,
        changes=claim.changes + 1,
    )


@verb("claims.agree", about="claim")
async def agree(tx: Tx, command: MoveClaim) -> Claim:
    """The seller gives what is asked: at once, or once the goods are back. Raises NotFound, Conflict."""
    claim = await _sellers(tx, command.by, command.claim)
    return await _grant(tx, claim, "agree")


@verb("claims.offer", about="claim")
async def offer(tx: Tx, command: OfferPart) -> Claim:
    """The seller offers a part instead. Raises NotFound, Conflict, Declined(refund_exceeds_captured), Invalid."""
    claim = await _sellers(tx, command.by, command.claim)
    move(CLAIM_STATES, claim.state, "offer")
    check_goods(claim.reason, command.goods, asked=False)
    if check_amount(command.amount) >= claim.amount:
        raise Declined("refund_exceeds_captured", f"an offer is less than the {claim.amount} asked for", "amount")
    offered = {"offered": command.amount, "offered_goods": command.goods, "answer": command.answer}
    return await _next(tx, claim, "offer", "claim.offered", **offered)


@verb("claims.accept", about="claim")
async def accept(tx: Tx, command: MoveClaim) -> Claim:
    """The buyer takes the offer: at once, or once the goods are back. Raises NotFound, Conflict."""
    claim = await _buyers(tx, command.by, command.claim)
    move(CLAIM_STATES, claim.state, "accept")
    return await _grant(tx, replace(claim, amount=claim.offered, goods=claim.offered_goods), "accept")


@verb("claims.refuse", about="claim")
async def refuse(tx: Tx, command: RefuseClaim) -> Claim:
    """The seller says no; the buyer may change the claim or open a dispute. Raises NotFound, Conflict."""
    claim = await _sellers(tx, command.by, command.claim)
    return await _next(tx, claim, "refuse", "claim.refused", answer=command.answer)


@verb("claims.withdraw", about="claim")
async def withdraw(tx: Tx, command: MoveClaim) -> Claim:
    """The buyer asks no longer; the trade goes on. Raises NotFound, Conflict."""
    return await _drop(tx, await _buyers(tx, command.by, command.claim), "withdraw", "claim.withdrawn")


@verb("claims.send_back", about="claim")
async def send_back(tx: Tx, command: SendBack) -> Claim:
    """The goods are on their way back. Raises NotFound, Conflict, Invalid(field_missing) without tracking."""
    claim = await _buyers(tx, command.by, command.claim)
    if not command.tracking:
        raise Invalid("field_missing", "goods are sent back with a tracking number", "tracking")
    return await _next(tx, claim, "send_back", "claim.sent_back", tracking=command.tracking)


@verb("claims.receive", about="claim")
async def receive(tx: Tx, command: MoveClaim) -> Claim:
    """The seller has the goods back, and the buyer its money. Raises NotFound, Conflict."""
    return await _refund(tx, await _sellers(tx, command.by, command.claim), "receive")


@verb("claims.silent", about="claim")
async def silent(tx: Tx, command: DueClaim) -> Claim:
    """What silence means at the open step: the claim is granted, or it ends.

    Raises NotFound, Conflict(state_conflict) where nothing is due, or where silence means a dispute.
    """
    claim = must_be_due(tx, await load(tx, command.claim), command.version)
    silence = step_of(await _policy(tx, claim), claim).silence
    if silence == "close":
        return await _drop(tx, claim, "silent_close", "claim.closed")
    if silence != "refund":
        raise Conflict("state_conflict", "silence opens a dispute here", "state")
    if claim.state == "sent_back":
        return await _refund(tx, claim, "silent_refund")
    return await _grant(tx, claim, "silent_refund")


async def _buyers(tx: Tx, by: Id, key: Id) -> Claim:
    claim = await load(tx, key)
    must_belong(by, "claim", claim.buyer)
    return in_time(tx, claim)


async def _sellers(tx: Tx, by: Id, key: Id) -> Claim:
    claim = await load(tx, key)
    must_belong(by, "claim", claim.seller, claim.merchant)
    return in_time(tx, claim)


async def _policy(tx: Tx, claim: Claim) -> Policy:
    return await effective(tx, (await trades.load(tx, claim.trade)).policy)


async def _next(tx: Tx, claim: Claim, step: str, event: str, **changes: Any) -> Claim:
    """Move to the next step, whose clock begins now."""
    state = move(CLAIM_STATES, claim.state, step)
    policy = await _policy(tx, claim)
    claim = replace(claim, state=state, **changes)
    return keep(tx, replace(claim, due=end_of(policy, step_of(policy, claim).within, tx.now)), event)


_RETURNING = {"agree": "agree_return", "accept": "accept_return", "silent_refund": "silent_return"}


async def _grant(tx: Tx, claim: Claim, step: str) -> Claim:
    if claim.goods == "return":
        return await _next(tx, claim, _RETURNING[step], "claim.returning")
    return await _refund(tx, claim, step)


async def _refund(tx: Tx, claim: Claim, step: str) -> Claim:
    state = move(CLAIM_STATES, claim.state, step)
    trade = await trades.load(tx, claim.trade)
    kept = keep(tx, replace(claim, state=state, due=None), "claim.refunded")
    await payments.refund_trade(tx, trades.go_on(tx, trade), claim.amount, reason="claim agreed", advance=True)
    return kept


async def _drop(tx: Tx, claim: Claim, step: str, event: str) -> Claim:
    state = move(CLAIM_STATES, claim.state, step)
    trade = await trades.load(tx, claim.trade)
    trades.keep(tx, trades.go_on(tx, trade, in_vain=True), "trade.resumed")
    return keep(tx, replace(claim, state=state, due=None), event)


VERBS = (ask, change, agree, offer, accept, refuse, withdraw, send_back, receive, silent)
