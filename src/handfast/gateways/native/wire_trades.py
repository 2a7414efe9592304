"""What clients may write about trades, claims, disputes and what is owed: the body of each request, with its bounds."""

from typing import Annotated, Literal

from msgspec import Meta

from handfast.gateways.native.wire import Amount, Body, Currency, Line, Prose, Ref, Said, Word

Moment = Annotated[int, Meta(ge=0, le=253_402_300_799, description="Seconds since the epoch.")]
Goods = Literal["return", "keep"]
Base64 = Annotated[
    str,
    Meta(
        max_length=6_990_508,
        description="Base64 (RFC 4648, section 4) of at most 5 MiB.",
        extra={"code": "text_invalid"},
    ),
]


class DeliveryProof(Body, frozen=True, kw_only=True):
    """When the carrier handed the goods over: now, if no moment is given."""

    at: Moment | None = None


class ReleaseOf(Body, frozen=True, kw_only=True):
    """What the seller may have already, of what is held."""

    amount: Amount


class NewProposal(Body, frozen=True, kw_only=True):
    """What both sides must agree to: to cancel, or to amend by another policy or another end of the open step."""

    kind: Literal["cancel", "amend"]
    policy: Ref | None = None
    due: Moment | None = None


class NewClaim(Body, frozen=True, kw_only=True):
    """Money that the buyer asks for (all that is left, if no amount is given), and why."""

    trade: Ref
    reason: Literal["unshipped", "not_received", "not_as_described", "no_reason"]
    goods: Goods = "keep"
    amount: Amount | None = None
    words: Prose = ""


class ClaimChange(Body, frozen=True, kw_only=True):
    """What the buyer asks for instead."""

    goods: Goods = "keep"
    amount: Amount | None = None
    words: Prose = ""


class NewOffer(Body, frozen=True, kw_only=True):
    """What the seller would give instead."""

    amount: Amount
    goods: Goods = "keep"
    answer: Prose = ""


class ClaimAnswer(Body, frozen=True, kw_only=True):
    """What the seller has to say."""

    answer: Prose = ""


class SentBack(Body, frozen=True, kw_only=True):
    """How the goods were sent back."""

    tracking: Word


class NewDispute(Body, frozen=True, kw_only=True):
    """A trade to have decided about: its open claim or, without one, an amount (all that is left, if none is given)."""

    trade: Ref
    amount: Amount | None = None


class NewEvidence(Body, frozen=True, kw_only=True):
    """Something to show: a `text` (a message, a tracking number), or a `file` with its `name` and `media_type`."""

    kind: Literal["file", "tracking", "message"]
    text: Prose = ""
    name: Line = ""
    media_type: Line = ""
    file: Base64 = ""
    confidential: bool = False


class NewDecision(Body, frozen=True, kw_only=True):
    """How a dispute ends, and why; an amount for a part or a split."""

    outcome: Literal["refund", "part", "split", "release", "dismiss"]
    reasons: Said
    amount: Amount | None = None


class NewAppeal(Body, frozen=True, kw_only=True):
    """Why the decision is wrong; it is shown as evidence."""

    reasons: Said


class NewWriteOff(Body, frozen=True, kw_only=True):
    """What the operator gives up of what a party owes, and why."""

    party: Ref
    currency: Currency
    amount: Amount
    reason: Said


class NewNetting(Body, frozen=True, kw_only=True):
    """Whose wallet shall pay what its party owes."""

    party: Ref
    currency: Currency
