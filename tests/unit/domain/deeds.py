"""What buyer, seller and handlers may try about a trade, fitting or not, as throws of a dice have it."""

from random import Random
from typing import Any, Protocol

from handfast.core.clocks import DAY
from handfast.core.ids import Id
from handfast.domain.claims import AskClaim, ChangeClaim, MoveClaim, OfferPart, RefuseClaim, SendBack
from handfast.domain.disputes import (
    OUTCOMES,
    AddEvidence,
    Appeal,
    Decide,
    JudgeDecision,
    MoveDispute,
    OpenDispute,
)
from handfast.domain.payments import RefundPayment
from handfast.domain.policies import REASONS
from handfast.domain.trades import (
    AgreeProposal,
    ConfirmTrade,
    DeliverTrade,
    DropProposal,
    ExtendTrade,
    Proposal,
    ProposeChange,
    ReleasePart,
    ShipTrade,
    Trade,
    held_left,
    proposal_of,
)
from handfast.domain.transfers import CreateTransfer

FITTING = {
    "held": "ship ship ship release extend propose agree drop give ask dispute",
    "shipped": "deliver deliver confirm release extend propose agree drop give ask ask dispute",
    "delivered": "confirm confirm release extend propose agree give ask ask ask dispute",
    "released": "give spend ask ask ask dispute",
    "asked": "agree_claim agree_claim offer offer refuse refuse change withdraw dispute extend",
    "offered": "accept accept accept change withdraw dispute",
    "refused": "change withdraw dispute dispute",
    "returning": "send_back send_back send_back withdraw dispute",
    "sent_back": "receive receive dispute",
    "open": "show rest rest rest rest rest concede withdraw_dispute",
    "review": "decide decide decide show concede",
    "proposed": "approve approve reject",
    "decided": "appeal consent consent",
    "appealed": "decide decide show",
    "proposed_again": "approve approve reject",
}
"""By the state of what is open: the trade, its claim or its dispute."""


class Town(Protocol):
    """Where they live: its handlers, its policies, and where sellers spend their money."""

    handlers: list[Id]
    policies: list[Id]
    sink: Id


class Chance:
    """A dice whose throws follow from a number, so that a run can be had again."""

    def __init__(self, seed: int) -> None:
        self._dice = Random(seed)

    def one(self, *among: Any) -> Any:
        return self._dice.choice(among)

    def part(self, whole: int) -> int:
        """One unit at least, and now and then more than the whole."""
        return max(1, whole * self._dice.randrange(9) // 7)


def deeds_of(town: Town, trade: Trade, now: int, wallet: int, chance: Chance) -> dict[str, tuple[str, Any]]:
    """By name: each deed's verb and command. `wallet` is what the seller has."""
    key, buyer, seller = trade.id, trade.buyer, trade.seller
    claim, dispute = trade.claim or bytes(16), trade.dispute or bytes(16)
    side, handler = chance.one(buyer, seller), chance.one(*town.handlers)
    goods, reason, outcome = chance.one("keep", "return"), chance.one(*REASONS), chance.one(*OUTCOMES)
    part, held = chance.part(trade.amount), chance.part(held_left(trade))
    left = chance.part(trade.amount - trade.refunded - trade.returned)
    asked, decided = chance.one(None, part), part if outcome in ("part", "split") else None
    change = chance.one(("cancel",), ("amend", chance.one(*town.policies)), ("amend", None, now + 2 * DAY))
    proposal = proposal_of(trade) or Proposal("", "cancel")
    return {
        "ship": ("trades.ship", ShipTrade(seller, key, "SF1")),
        "deliver": ("trades.deliver", DeliverTrade(seller, key, now)),
        "confirm": ("trades.confirm", ConfirmTrade(buyer, key)),
        "release": ("trades.release", ReleasePart(buyer, key, held)),
        "extend": ("trades.extend", ExtendTrade(side, key)),
        "propose": ("trades.propose", ProposeChange(side, key, *change)),
        "agree": ("trades.agree", AgreeProposal(side, key, proposal.kind, proposal.policy, proposal.due)),
        "drop": ("trades.drop", DropProposal(side, key)),
        "give": ("payments.refund", RefundPayment(seller, trade.payment, key, left)),
        "spend": ("transfers.create", CreateTransfer(seller, town.sink, trade.settle_currency, wallet)),
        "ask": ("claims.ask", AskClaim(buyer, key, "unshipped" if trade.state == "held" else reason, goods, asked)),
        "change": ("claims.change", ChangeClaim(buyer, claim, goods, asked)),
        "agree_claim": ("claims.agree", MoveClaim(seller, claim)),
        "offer": ("claims.offer", OfferPart(seller, claim, part, goods)),
        "accept": ("claims.accept", MoveClaim(buyer, claim)),
        "refuse": ("claims.refuse", RefuseClaim(seller, claim)),
        "withdraw": ("claims.withdraw", MoveClaim(buyer, claim)),
        "send_back": ("claims.send_back", SendBack(buyer, claim, "SF2")),
        "receive": ("claims.receive", MoveClaim(seller, claim)),
        "dispute": ("disputes.open", OpenDispute(side, key, None if trade.claim else asked)),
        "show": ("disputes.add_evidence", AddEvidence(side, dispute, "message", b"sealed")),
        "rest": ("disputes.rest", MoveDispute(side, dispute)),
        "concede": ("disputes.concede", MoveDispute(seller, dispute)),
        "withdraw_dispute": ("disputes.withdraw", MoveDispute(buyer, dispute)),
        "decide": ("disputes.decide", Decide(handler, dispute, outcome, "So it was.", decided)),
        "approve": ("disputes.approve", JudgeDecision(handler, dispute)),
        "reject": ("disputes.reject", JudgeDecision(handler, dispute)),
        "appeal": ("disputes.appeal", Appeal(side, dispute, b"sealed")),
        "consent": ("disputes.accept", MoveDispute(side, dispute)),
    }
