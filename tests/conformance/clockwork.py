"""Runs a case of conformance/trade_clock.json on the real desk: what people do by their verbs, silence by the timer."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec import json
from tests.unit.domain.bank_side import person
from tests.unit.domain.conftest import Market

from handfast.core.ids import Id
from handfast.domain.claims import CLAIMS, AskClaim, ChangeClaim, Claim, MoveClaim, OfferPart, RefuseClaim, SendBack
from handfast.domain.disputes import (
    DISPUTES,
    AddEvidence,
    Appeal,
    Decide,
    Dispute,
    JudgeDecision,
    MoveDispute,
    OpenDispute,
)
from handfast.domain.payments import PAYMENTS, CreatePayment, NewLine, PayPayment, RefundPayment, lines_of
from handfast.domain.policies import PublishBook
from handfast.domain.trades import (
    TRADES,
    AgreeProposal,
    ConfirmTrade,
    DeliverTrade,
    ExtendTrade,
    ProposeChange,
    ReleasePart,
    ShipTrade,
    Trade,
)
from handfast.ledger import Purpose
from handfast.store.reader import Reader, get
from handfast.timers.expire import due

Act = dict[str, Any]

CODES = {
    "due_passed": "state_conflict",
    "not_allowed": "state_conflict",
    "too_early": "claim_too_early",
    "too_late": "claim_too_late",
    "second_person": "second_person_needed",
}
"""Handfast's words for a refusal, where they are not the file's."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LENGTH = re.compile(r"PT(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)(?:\.(\d{6}))?S)?")


def instant(text: str) -> int:
    """Microseconds since the epoch of a time with its offset."""
    return (datetime.fromisoformat(text) - _EPOCH) // timedelta(microseconds=1)


def length(text: str) -> int:
    """Microseconds of a length such as PT168H or PT0.000001S."""
    match = _LENGTH.fullmatch(text)
    assert match is not None, text
    hours, minutes, seconds, micros = (int(part or 0) for part in match.groups())
    return ((hours * 60 + minutes) * 60 + seconds) * 1_000_000 + micros


class Clockwork:
    """One sale under a case's policy, and what became of it."""

    def __init__(self, market: Market, reader: Reader, policy: dict[str, Any], case: dict[str, Any]) -> None:
        self.market, self.reader = market, reader
        market.now = instant(case["acts"][0]["at"])
        self.currency, self.amount = case["currency"], case["amount"]
        book = {"policies": [policy], "rules": [{"policy": policy["name"]}]}
        market.do(PublishBook(json.encode(book)))
        self.people: dict[str, Id] = {"buyer": market.party("customer"), "seller": market.party("merchant")}
        self.people |= {name: person(market) for name in ("handler", "second")}
        market.fund(self.people["buyer"], self.currency, self.amount)
        self.payment: Id | None = None
        self.trade: Id | None = None
        self.claim: Id | None = None
        self.dispute: Id | None = None
        self.proposal: ProposeChange | None = None

    def take(self, act: Act) -> None:
        """Let an act happen at its time; one that must be refused is, and nothing moves."""
        self.market.now = instant(act["at"])
        if act["do"] == "fire":
            self.fire()
            return
        if act["do"] in ("order", "pay") and self.payment is None:
            seller = self.people["seller"]
            order = CreatePayment(seller, self.currency, self.amount, lines=(NewLine(seller, self.amount),))
            self.payment = self.market.do(order).id
            if act["do"] == "order":
                return
        command, name = COMMANDS[act["do"]](self, act)
        if "refused" in act:
            refused: str = act["refused"]
            self.market.refused(CODES.get(refused, refused), command, name)
            return
        made = self.market.do(command, name)
        if act["do"] == "pay":
            (line,) = lines_of(made)
            self.trade = line.trade
        if isinstance(command, ProposeChange):
            self.proposal = command
        self.note(made)

    def fire(self) -> None:
        """The timer comes round, and again until nothing is due."""
        while found := due(self.reader, self.market.now, 10):
            for item in found:
                self.note(self.market.desk.call(item.request))

    def note(self, made: Any) -> None:
        """Remember the newest claim and dispute."""
        if isinstance(made, Claim):
            self.claim = made.id
        if isinstance(made, Dispute):
            self.dispute = made.id

    def then(self) -> dict[str, Any]:
        """What is true now, in the file's words, with times and lengths in microseconds."""
        found: dict[str, Any] = {"due": None, "paid": {}}
        rows = {
            "payment": self.payment and get(self.reader, PAYMENTS, self.payment),
            "trade": self.trade and get(self.reader, TRADES, self.trade),
            "claim": self.claim and get(self.reader, CLAIMS, self.claim),
            "dispute": self.dispute and get(self.reader, DISPUTES, self.dispute),
        }
        running = []
        for name, row in rows.items():
            if row is None:
                continue
            assert not isinstance(row, bytes)
            found[name] = row.state
            running += [(name, row.due)] if row.due is not None else []
        assert len(running) <= 1, "one clock runs at a time"
        if running:
            found["due"] = running[0]
        trade = rows["trade"]
        if isinstance(trade, Trade):
            if trade.paused is not None:
                found["stopped"] = trade.paused
            found["paid"] = self.paid()
        return found

    def paid(self) -> dict[str, int]:
        """Where the money is; the buyer came with what it paid."""
        assert self.trade is not None
        seller, currency = self.people["seller"], self.currency
        places = {
            "held": self.market.balance(self.trade, Purpose.HELD, currency),
            "buyer": self.market.wallet(self.people["buyer"], currency),
            "seller": self.market.wallet(seller, currency),
            "reserve": self.market.balance(seller, Purpose.RESERVE, currency),
        }
        return {place: amount for place, amount in places.items() if amount}


def expected(then: dict[str, Any]) -> dict[str, Any]:
    """What a case says must be true, with times and lengths in microseconds."""
    wanted = dict(then)
    if then["due"]:
        wanted["due"] = (then["due"]["of"], instant(then["due"]["at"]))
    if "stopped" in then:
        wanted["stopped"] = length(then["stopped"])
    return wanted


Making = Callable[[Clockwork, Act], tuple[Any, str]]


def _by(work: Clockwork, act: Act) -> Id:
    return work.people[act["by"]]


def _agreed(work: Clockwork, act: Act) -> tuple[Any, str]:
    proposal = work.proposal
    assert proposal is not None
    return AgreeProposal(_by(work, act), proposal.trade, proposal.kind, None, proposal.due), ""


def _on_trade(make: Callable[..., Any]) -> Making:
    return lambda work, act: (make(_by(work, act), work.trade), "")


def _on_claim(name: str) -> Making:
    return lambda work, act: (MoveClaim(_by(work, act), work.claim or b""), f"claims.{name}")


def _on_dispute(name: str) -> Making:
    return lambda work, act: (MoveDispute(_by(work, act), work.dispute or b""), f"disputes.{name}")


def _judged(name: str) -> Making:
    return lambda work, act: (JudgeDecision(_by(work, act), work.dispute or b""), f"disputes.{name}")


COMMANDS: dict[str, Making] = {
    "pay": lambda work, act: (PayPayment(_by(work, act), work.payment or b""), ""),
    "ship": _on_trade(ShipTrade),
    "deliver": lambda work, act: (DeliverTrade(_by(work, act), work.trade or b"", work.market.now), ""),
    "confirm": _on_trade(ConfirmTrade),
    "release": lambda work, act: (ReleasePart(_by(work, act), work.trade or b"", act["amount"]), ""),
    "refund": lambda work, act: (RefundPayment(_by(work, act), work.payment or b"", work.trade, act["amount"]), ""),
    "extend": _on_trade(ExtendTrade),
    "propose_cancel": lambda work, act: (ProposeChange(_by(work, act), work.trade or b"", "cancel"), ""),
    "propose_due": lambda work, act: (
        ProposeChange(_by(work, act), work.trade or b"", "amend", due=instant(act["due"])),
        "",
    ),
    "agree_proposal": _agreed,
    "claim": lambda work, act: (
        AskClaim(_by(work, act), work.trade or b"", act["reason"], act.get("goods", "keep"), act.get("amount")),
        "",
    ),
    "change": lambda work, act: (
        ChangeClaim(_by(work, act), work.claim or b"", act.get("goods", "keep"), act.get("amount")),
        "",
    ),
    "agree": _on_claim("agree"),
    "offer": lambda work, act: (OfferPart(_by(work, act), work.claim or b"", act["amount"]), ""),
    "accept": _on_claim("accept"),
    "refuse": lambda work, act: (RefuseClaim(_by(work, act), work.claim or b""), ""),
    "withdraw": _on_claim("withdraw"),
    "send_back": lambda work, act: (SendBack(_by(work, act), work.claim or b"", "BACK-1"), ""),
    "receive": _on_claim("receive"),
    "dispute": lambda work, act: (OpenDispute(_by(work, act), work.trade or b"", act.get("amount")), ""),
    "show": lambda work, act: (AddEvidence(_by(work, act), work.dispute or b"", "message", b"sealed"), ""),
    "rest": _on_dispute("rest"),
    "concede": _on_dispute("concede"),
    "withdraw_dispute": _on_dispute("withdraw"),
    "decide": lambda work, act: (
        Decide(_by(work, act), work.dispute or b"", act["outcome"], "As the parcel shows.", act.get("amount")),
        "",
    ),
    "approve": _judged("approve"),
    "reject": _judged("reject"),
    "appeal": lambda work, act: (Appeal(_by(work, act), work.dispute or b"", b"sealed"), ""),
    "accept_decision": _on_dispute("accept"),
}
"""Who does something, and how the desk is asked for it: the command, and the verb's name where several take it."""
