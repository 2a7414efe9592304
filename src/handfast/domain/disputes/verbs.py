"""What the two sides do about a dispute: open it, show evidence, say that there is no more, give in, appeal."""

from msgspec import Struct
from msgspec.structs import replace

from handfast.core.errors import Conflict, Invalid, NotFound, TooLarge
from handfast.core.ids import Id
from handfast.core.states import move
from handfast.domain import claims, trades
from handfast.domain.claims import Claim, check_asked, check_window, left_of, must_be_due, step_of
from handfast.domain.disputes.deciding import grant, in_time, keep, load, take_effect, to_review
from handfast.domain.disputes.files import MEDIA_TYPES, MOST_BYTES
from handfast.domain.disputes.model import DISPUTE_STATES, EVIDENCE_KINDS, Dispute, Evidence
from handfast.domain.disputes.tables import DISPUTES, EVIDENCE
from handfast.domain.parties import HOUSE
from handfast.domain.policies import Policy, effective, end_of
from handfast.domain.trades import Trade
from handfast.store.verb import Tx, verb

MOST_EVIDENCE = 50
"""How much may be shown in one dispute, and by one side of it."""
MOST_BY_ONE_SIDE = 20
MOST_SEALED = 16 * 1024
"""Bytes of a sealed message, tracking number or file name."""


class OpenDispute(Struct, frozen=True):
    """Have a case handler decide: on the trade's open claim or, without one, on `amount` (None: all that is left)."""

    by: Id
    trade: Id
    amount: int | None = None


class OpenDue(Struct, frozen=True):
    """Silence that the policy has disputed: of the trade, or of its claim; `version` is whose clock it was."""

    trade: Id
    version: int
    claim: Id | None = None


class AddEvidence(Struct, frozen=True):
    """Something to show, sealed under the key of `by`.

    `sealed` is the message, the tracking number or the file's name; a file's bytes lie under `digest`, sealed, and
    `size` (bytes) and `media_type` are those of its content.
    """

    by: Id
    dispute: Id
    kind: str
    sealed: bytes
    confidential: bool = False
    media_type: str = ""
    size: int = 0
    digest: bytes = b""


class MoveDispute(Struct, frozen=True):
    """A step that says it all: rest and accept (both sides), concede (seller), withdraw (buyer)."""

    by: Id
    dispute: Id


class Appeal(Struct, frozen=True):
    """Have another handler decide anew; `reasons` are sealed under the key of `by` and shown as evidence."""

    by: Id
    dispute: Id
    reasons: bytes


def side_of(of: Trade | Claim | Dispute, by: Id) -> str:
    """Whose side a party is on: "buyer", "seller" or, for the house, "operator".

    Raises NotFound for everyone else, as for an object that is not there.
    """
    if by == of.buyer:
        return "buyer"
    if by in (of.seller, of.merchant):
        return "seller"
    if by == HOUSE:
        return "operator"
    raise NotFound("object_not_found", f"no such {type(of).__name__.lower()}", type(of).__name__.lower())


@verb("disputes.open")
async def open_dispute(tx: Tx, command: OpenDispute) -> Dispute:
    """Open a dispute; the trade's clock stops.

    Raises NotFound, Conflict(state_conflict, claim_open), Declined(claim_too_early, claim_too_late, changes_spent,
    refund_exceeds_captured), Invalid.
    """
    trade = await trades.load(tx, command.trade)
    side = _party_side(command.by, trade)
    if trade.dispute is not None:
        raise Conflict("claim_open", "there is an open dispute on this trade", "trade")
    policy = await effective(tx, trade.policy)
    if trade.claim is None:
        trades.in_time(tx, trade if side == "seller" else trades.may_stop(trade))
        check_window(policy, trade, "unshipped" if trade.state == "held" else "not_as_described", tx.now)
        return _open(tx, policy, trade, None, side, check_asked(trade, command.amount))
    claim = claims.in_time(tx, await claims.load(tx, trade.claim))
    if command.amount is not None:
        raise Invalid("field_invalid", "the amount in dispute is the open claim's", "amount")
    step = "contest" if side == "seller" and claim.state == "sent_back" else "escalate"
    claims.end_claim(tx, claim, step)
    return _open(tx, policy, trade, claim, side, claim.amount)


@verb("disputes.open_due", about="trade")
async def open_due(tx: Tx, command: OpenDue) -> Dispute:
    """Silence where the policy opens a dispute. Raises NotFound, Conflict(state_conflict) where nothing is due."""
    if command.claim is not None:
        claim = must_be_due(tx, await claims.load(tx, command.claim), command.version)
        trade = await trades.load(tx, claim.trade)
        policy = await effective(tx, trade.policy)
        if step_of(policy, claim).silence != "dispute":
            raise Conflict("state_conflict", "silence opens no dispute here", "state")
        claims.end_claim(tx, claim, "silent_dispute")
        return _open(tx, policy, trade, claim, "clock", claim.amount)
    trade, policy, _ = await trades.load_due(tx, command.trade, command.version, "silent_dispute")
    # Its step has run out: should the trade go on, it begins anew, or the next dispute would open at once.
    anew = trades.step_end(policy, trade, tx.now) - tx.now
    return _open(tx, policy, replace(trade, due=None, paused=anew), None, "clock", left_of(trade))


@verb("disputes.add_evidence", about="dispute")
async def add_evidence(tx: Tx, command: AddEvidence) -> Evidence:
    """Show something: a side within its time, the case handler until the dispute is decided.

    Raises NotFound, Conflict(state_conflict), Invalid(evidence_invalid), TooLarge(evidence_too_large).
    """
    dispute = in_time(tx, await load(tx, command.dispute))
    side = side_of(dispute, command.by)
    _check_evidence(command)
    if side == "operator":
        shown = dispute.state in ("open", "review", "appealed")
    else:
        shown = dispute.state in ("open", "appealed") and tx.now < dispute.evidence_until and side != dispute.rested
    if not shown:
        raise Conflict("state_conflict", f"no more evidence from the {side} on what is {dispute.state}", "state")
    count = _shown_by(dispute, side)
    if count >= MOST_BY_ONE_SIDE or sum(_shown_by(dispute, each) for each in _SIDES) >= MOST_EVIDENCE:
        raise TooLarge("evidence_too_large", f"{MOST_BY_ONE_SIDE} a side, {MOST_EVIDENCE} in all are shown at most")
    tx.put(DISPUTES, _counted(dispute, side))
    return _show(tx, dispute, command, side)


@verb("disputes.rest", about="dispute")
async def rest(tx: Tx, command: MoveDispute) -> Dispute:
    """A side has no more evidence; once both say so, the case handler's time begins. Raises NotFound, Conflict."""
    dispute = in_time(tx, await load(tx, command.dispute))
    side = _party_side(command.by, dispute)
    move(DISPUTE_STATES, dispute.state, "close_evidence")
    if not _both(dispute, side):
        return keep(tx, replace(dispute, rested=side), "dispute.rested")
    trade = await trades.load(tx, dispute.trade)
    return to_review(tx, await effective(tx, trade.policy), dispute, "close_evidence")


@verb("disputes.concede", about="dispute")
async def concede(tx: Tx, command: MoveDispute) -> Dispute:
    """The seller gives all that was asked for, at once.

    In a dispute that it opened itself that is a refund of its own, which the operator does not advance. Raises
    NotFound, Conflict(state_conflict), Declined(balance_insufficient).
    """
    dispute = in_time(tx, await load(tx, command.dispute))
    _must_be("seller", command.by, dispute)
    move(DISPUTE_STATES, dispute.state, "concede")
    trade = await trades.load(tx, dispute.trade)
    own = dispute.opened_by == "seller" and dispute.claim is None
    return await take_effect(tx, grant(dispute, trade), trade, "concede", advance=not own)


@verb("disputes.withdraw", about="dispute")
async def withdraw(tx: Tx, command: MoveDispute) -> Dispute:
    """The buyer asks for nothing any more; the trade goes on.

    Raises NotFound, Conflict(state_conflict), Declined(changes_spent).
    """
    dispute = in_time(tx, await load(tx, command.dispute))
    _must_be("buyer", command.by, dispute)
    state = move(DISPUTE_STATES, dispute.state, "withdraw")
    trade = trades.may_stop(await trades.load(tx, dispute.trade))
    if dispute.claim is not None:
        claims.end_claim(tx, await claims.load(tx, dispute.claim), "reopen")
    trades.keep(tx, trades.go_on(tx, trade, in_vain=True), "trade.resumed")
    return keep(tx, replace(dispute, state=state, rested="", due=None), "dispute.withdrawn")


@verb("disputes.appeal", about="dispute")
async def appeal(tx: Tx, command: Appeal) -> Dispute:
    """Have another handler decide anew, once; both sides may show evidence again.

    Raises NotFound, Conflict(state_conflict), Invalid(evidence_invalid), TooLarge(evidence_too_large).
    """
    dispute = in_time(tx, await load(tx, command.dispute))
    side = _party_side(command.by, dispute)
    state = move(DISPUTE_STATES, dispute.state, "appeal")
    if dispute.rested == side:
        raise Conflict("state_conflict", f"the {side} has accepted this decision", "state")
    shown = AddEvidence(command.by, dispute.id, "message", command.reasons)
    _check_evidence(shown)
    policy = await effective(tx, (await trades.load(tx, dispute.trade)).policy)
    until = end_of(policy, policy.disputing.evidence, tx.now)
    appealed = replace(
        _counted(dispute, side),
        state=state,
        appealed_by=side,
        first_outcome=dispute.outcome,
        first_amount=dispute.amount,
        first_reasons=dispute.reasons,
        first_handler=dispute.handler,
        first_second=dispute.second,
        rested="",
        evidence_until=until,
        due=end_of(policy, policy.disputing.decide.within, until),
    )
    _show(tx, dispute, shown, side)
    return keep(tx, appealed, "dispute.appealed")


@verb("disputes.accept", about="dispute")
async def accept(tx: Tx, command: MoveDispute) -> Dispute:
    """A side will not appeal; once both say so, the decision takes effect. Raises NotFound, Conflict."""
    dispute = in_time(tx, await load(tx, command.dispute))
    side = _party_side(command.by, dispute)
    move(DISPUTE_STATES, dispute.state, "accept")
    if not _both(dispute, side):
        return keep(tx, replace(dispute, rested=side), "dispute.accepted")
    return await take_effect(tx, dispute, await trades.load(tx, dispute.trade), "accept")


def _open(tx: Tx, policy: Policy, trade: Trade, claim: Claim | None, opened_by: str, asked: int) -> Dispute:
    until = end_of(policy, policy.disputing.evidence, tx.now)
    dispute = Dispute(
        id=tx.new_id(),
        trade=trade.id,
        claim=None if claim is None else claim.id,
        payment=trade.payment,
        merchant=trade.merchant,
        seller=trade.seller,
        buyer=trade.buyer,
        state="open",
        opened_by=opened_by,
        currency=trade.currency,
        asked=asked,
        outcome="",
        amount=0,
        reasons="",
        handler=None,
        second=None,
        appealed_by="",
        first_outcome="",
        first_amount=0,
        first_reasons="",
        first_handler=None,
        first_second=None,
        rested="",
        evidence_buyer=0,
        evidence_seller=0,
        evidence_operator=0,
        evidence_until=until,
        due=until,
        version=0,
        created=tx.now,
    )
    stopped = trades.stop_clock(tx, trade, claim=dispute.claim, dispute=dispute.id)
    trades.keep(tx, replace(stopped, proposal=b""), "trade.disputed")
    return keep(tx, dispute, "dispute.opened")


def _party_side(by: Id, of: Trade | Dispute) -> str:
    side = side_of(of, by)
    if side == "operator":
        raise Invalid("field_invalid", "this is for buyer and seller to do", "by")
    return side


def _must_be(side: str, by: Id, dispute: Dispute) -> None:
    if _party_side(by, dispute) != side:
        raise Conflict("state_conflict", f"this is for the {side} to do", "by")


def _both(dispute: Dispute, side: str) -> bool:
    """Whether with this side both have rested. Raises Conflict where it had already."""
    if dispute.rested == side:
        raise Conflict("state_conflict", f"the {side} has said so already", "state")
    return bool(dispute.rested)


_SIDES = ("buyer", "seller", "operator")


def _shown_by(dispute: Dispute, side: str) -> int:
    count: int = getattr(dispute, f"evidence_{side}")
    return count


def _counted(dispute: Dispute, side: str) -> Dispute:
    return replace(dispute, **{f"evidence_{side}": _shown_by(dispute, side) + 1})


def _check_evidence(command: AddEvidence) -> None:
    if command.kind not in EVIDENCE_KINDS:
        raise Invalid("evidence_invalid", f"evidence is one of {', '.join(EVIDENCE_KINDS)}", "kind")
    if not command.sealed:
        raise Invalid("evidence_invalid", "evidence has a text or a file's name", "sealed")
    if len(command.sealed) > MOST_SEALED:
        raise TooLarge("evidence_too_large", f"a text or name is at most {MOST_SEALED} bytes, sealed", "sealed")
    if command.kind != "file":
        if command.media_type or command.size or command.digest:
            raise Invalid("evidence_invalid", "only a file has a media type, a size and a digest", "kind")
        return
    if command.media_type not in MEDIA_TYPES:
        raise Invalid("evidence_invalid", f"a file is one of {', '.join(MEDIA_TYPES)}", "media_type")
    if len(command.digest) != 32 or command.size <= 0:
        raise Invalid("evidence_invalid", "a file has a size, and a SHA-256 of 32 bytes", "digest")
    if command.size > MOST_BYTES:
        raise TooLarge("evidence_too_large", f"a file is at most {MOST_BYTES} bytes", "size")


def _show(tx: Tx, dispute: Dispute, command: AddEvidence, side: str) -> Evidence:
    shown = Evidence(
        id=tx.new_id(),
        dispute=dispute.id,
        trade=dispute.trade,
        party=command.by,
        side=side,
        kind=command.kind,
        confidential=int(command.confidential),
        media_type=command.media_type,
        size=command.size,
        digest=command.digest,
        sealed=command.sealed,
        version=1,
        created=tx.now,
    )
    tx.put(EVIDENCE, shown)
    tx.event("evidence.added", shown, owner=dispute.seller)
    return shown


VERBS = (open_dispute, open_due, add_evidence, rest, concede, withdraw, appeal, accept)
