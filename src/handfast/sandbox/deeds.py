"""What somebody does with a trade, as the request that asks for it."""

from collections.abc import Callable
from typing import Any

from msgspec import Struct

from handfast.core.clocks import DAY
from handfast.core.ids import Id, text
from handfast.domain.claims import AskClaim
from handfast.domain.disputes import OpenDispute
from handfast.domain.payments import RefundPayment
from handfast.domain.policies import digest_of
from handfast.domain.trades import (
    AgreeProposal,
    ConfirmTrade,
    DeliverTrade,
    DropProposal,
    ExtendTrade,
    ProposeChange,
    ReleasePart,
    ShipTrade,
)
from handfast.sandbox.book import policy_named
from handfast.sandbox.dice import Dice
from handfast.sandbox.driver import ask
from handfast.sandbox.lives import Act
from handfast.sandbox.market import moment
from handfast.store.verb import Request

Seal = Callable[[Id, object], bytes]
"""Seals a value under a party's key."""

_BY_SURFACE = "taobao-surface"
_COMPLAINTS = {
    "unshipped": ("Paid days ago, and nothing has been sent.", "还没有发货，请退款。"),
    "not_received": ("The carrier says delivered; nothing came.", "一直没有收到包裹。"),
    "not_as_described": (
        "Half of the parcel is missing.",
        "颜色和照片不一样。",
        "It arrived with a crack down the side.",
    ),
    "no_reason": ("It does not suit me after all.", "不喜欢，想退货。"),
}


class Parcel(Struct, frozen=True):
    """An act that somebody means to do with a line that was paid in a slot."""

    act: Act
    payment: Id
    trade: Id
    seller: Id
    buyer: Id
    amount: int
    paid: int

    @property
    def part(self) -> int:
        """The part of the price that the act is about, in minor units."""
        return max(1, self.amount * self.act.share // 1000)


def actor(party: Id) -> str:
    """A party as it asks."""
    return text("pty", party)


def request_of(parcel: Parcel, now: int, seal: Seal) -> Request:
    """What the act asks for, at market time `now` (µs)."""
    act = parcel.act
    verb, command = _asked(parcel, now, seal)
    return ask(verb, command, actor(command.by), f"{act.kind}/{parcel.trade.hex()}/{act.slot}")


def _asked(parcel: Parcel, now: int, seal: Seal) -> tuple[str, Any]:
    act, trade, buyer, seller = parcel.act, parcel.trade, parcel.buyer, parcel.seller
    who, _, what = act.kind.partition(" ")
    by = buyer if who == "buyer" else seller
    match who, what.partition(" ")[0]:
        case "ship", _:
            return "trades.ship", ShipTrade(seller, trade, tracking_of(trade))
        case "deliver", _:
            return "trades.deliver", DeliverTrade(seller, trade, now)
        case "confirm", _:
            return "trades.confirm", ConfirmTrade(buyer, trade)
        case "release", _:
            return "trades.release", ReleasePart(buyer, trade, parcel.part)
        case "refund", "rest":
            return "payments.refund", RefundPayment(seller, parcel.payment, trade, None, act.kind)
        case "refund", _:
            return "payments.refund", RefundPayment(seller, parcel.payment, trade, parcel.part, act.kind)
        case "claim", reason:
            return "claims.ask", _claim(parcel, reason, what.rpartition(" ")[2], seal)
        case _, "extends":
            return "trades.extend", ExtendTrade(by, trade)
        case _, "proposes":
            return "trades.propose", ProposeChange(by, trade, **_proposal(parcel, what))
        case _, "agrees":
            return "trades.agree", AgreeProposal(by, trade, **_proposal(parcel, what))
        case _, "drops":
            return "trades.drop", DropProposal(by, trade)
        case _:
            return "disputes.open", OpenDispute(by, trade)


def _claim(parcel: Parcel, reason: str, goods: str, seal: Seal) -> AskClaim:
    words = Dice(0, "complaint", parcel.trade.hex()).pick(_COMPLAINTS[reason])
    amount = parcel.part if parcel.act.share else None
    return AskClaim(parcel.buyer, parcel.trade, reason, goods, amount, seal(parcel.buyer, words))


def _proposal(parcel: Parcel, what: str) -> dict[str, Any]:
    """The same for the side that proposes and for the one that agrees; a new due is so many days from the sale."""
    match what.rpartition(" ")[2]:
        case "cancel":
            return {"kind": "cancel"}
        case "due":
            return {"kind": "amend", "due": moment(parcel.paid) + parcel.act.share * DAY}
        case _:
            return {"kind": "amend", "policy": digest_of(policy_named(_BY_SURFACE))}


def tracking_of(thing: Id) -> str:
    """A carrier's number for a parcel."""
    return f"US{int.from_bytes(thing[6:12], 'big') % 10**9:09}"
