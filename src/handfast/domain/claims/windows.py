"""When a buyer may ask for money back, for which reason, and how much: by the trade's state and its frozen policy."""

from handfast.core.errors import Conflict, Declined, Invalid
from handfast.core.money import check_amount
from handfast.domain.claims.model import GOODS
from handfast.domain.policies import REASONS, Policy, end_of
from handfast.domain.trades import Trade

_BEFORE = frozenset({"held"})
_AFTER = frozenset({"shipped", "delivered", "released"})


def check_window(policy: Policy, trade: Trade, reason: str, now: int) -> None:
    """Let a claim for this reason pass at market time `now` (µs).

    Raises Invalid(field_invalid), Conflict(state_conflict), Declined(claim_too_early, claim_too_late).
    """
    if reason not in REASONS:
        raise Invalid("field_invalid", f"a reason is one of {', '.join(REASONS)}", "reason")
    if trade.state not in (_BEFORE if reason == "unshipped" else _AFTER):
        raise Conflict("state_conflict", f"cannot claim {reason.replace('_', ' ')} for what is {trade.state}", "state")
    if reason == "unshipped":
        since = trade.released_at or trade.created  # of the last milestone, or of all: when the seller's time began
        if now < end_of(policy, policy.claim_unshipped, since):
            raise Declined("claim_too_early", "the seller still has time to ship before this can be claimed", "reason")
        return
    if reason == "no_reason":
        begun, window = trade.delivered_at or trade.shipped_at, policy.returns.right
    elif trade.state == "released":
        begun, window = trade.released_at, policy.after_sale
    else:
        return
    if begun is None or now >= end_of(policy, window, begun):
        raise Declined("claim_too_late", "the time to claim this has passed", "reason")


def check_goods(reason: str, goods: str, *, asked: bool = True) -> None:
    """Let goods come back that the buyer can have; asked for without a reason, they must. Raises Invalid."""
    if goods not in GOODS:
        raise Invalid("field_invalid", f"goods are one of {', '.join(GOODS)}", "goods")
    if goods == "return" and reason in ("unshipped", "not_received"):
        raise Invalid("field_invalid", "what did not come cannot be returned", "goods")
    if asked and goods == "keep" and reason == "no_reason":
        raise Invalid("field_invalid", "without a reason the goods are returned", "goods")


def left_of(trade: Trade) -> int:
    """What of the trade's price has not gone back yet, in minor units."""
    return trade.amount - trade.refunded - trade.returned


def check_asked(trade: Trade, amount: int | None) -> int:
    """What is asked for, in minor units: None is all that is left.

    Raises Invalid(amount_invalid, amount_too_large), Declined(refund_exceeds_captured).
    """
    left = left_of(trade)
    asked = left if amount is None else check_amount(amount)
    if not 0 < asked <= left:
        raise Declined("refund_exceeds_captured", f"{left} minor units are left to refund", "amount")
    return asked
