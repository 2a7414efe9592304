"""One sale about which buyer and seller cannot agree: every deed by its name, under a policy with round figures."""

from typing import Any

from msgspec import json
from msgspec.structs import replace
from tests.unit.domain.bank_side import person
from tests.unit.domain.conftest import Market

from handfast.core.clocks import DAY
from handfast.core.ids import Id
from handfast.domain.claims import (
    CLAIMS,
    AskClaim,
    ChangeClaim,
    Claim,
    DueClaim,
    MoveClaim,
    OfferPart,
    RefuseClaim,
    SendBack,
)
from handfast.domain.disputes import (
    DISPUTES,
    AddEvidence,
    Appeal,
    Decide,
    Dispute,
    DueDispute,
    JudgeDecision,
    MoveDispute,
    OpenDispute,
    OpenDue,
)
from handfast.domain.payments import CreatePayment, NewLine, PayPayment, RefundPayment, lines_of
from handfast.domain.policies import (
    REASONS,
    Book,
    Disputing,
    Period,
    Policy,
    PublishBook,
    Returns,
    Rule,
    Step,
)
from handfast.domain.trades import TRADES, ConfirmTrade, DueTrade, ShipTrade, Trade
from handfast.ledger import Purpose
from handfast.store.reader import Reader, get


def days(length: int) -> Period:
    return Period(length, "days")


PLAIN = Policy(
    name="plain",
    version=1,
    sources=(),
    zone="UTC",
    weekend=(),
    holidays=(),
    pay=Step(days(5), "close"),
    ship=Step(days(5), "refund"),
    confirm=Step(days(10), "release"),
    confirm_delivered=None,
    claim_unshipped=Period(24, "hours"),
    after_sale=days(15),
    refundable=days(90),
    answer={reason: Step(days(2), "refund") for reason in REASONS},
    revise=Step(days(3), "close"),
    accept=Step(days(3), "close"),
    returns=Returns(days(7), Step(days(6), "close"), Step(days(8), "refund")),
    disputing=Disputing(days(3), Step(days(5), "refund"), days(4), {"USD": 50_000}),
)
"""No zone's clock changes in it and no day is off: a day is 24 hours."""


def silent(step: str, silence: str) -> Policy:
    """The policy by which silence at a step means something else."""
    if step == "answer":
        return replace(PLAIN, answer={reason: Step(days(2), silence) for reason in REASONS})
    if step in ("send_back", "receive"):
        returns = replace(PLAIN.returns, **{step: replace(getattr(PLAIN.returns, step), silence=silence)})
        return replace(PLAIN, returns=returns)
    if step == "decide":
        decide = replace(PLAIN.disputing.decide, silence=silence)
        return replace(PLAIN, disputing=replace(PLAIN.disputing, decide=decide))
    return replace(PLAIN, **{step: replace(getattr(PLAIN, step), silence=silence)})


class Quarrel:
    """A shop at 350 basis points of commission, a buyer with USD 10,000.00, four handlers, a trade of USD 100.00."""

    def __init__(self, market: Market, reader: Reader, policy: Policy = PLAIN, *, amount: int = 10_000) -> None:
        self.market = market
        self.reader = reader
        market.do(PublishBook(json.encode(Book((policy,), (Rule(policy.name),)))))
        self.shop = market.party("merchant", commission_bps=350)
        self.buyer = market.party("customer")
        self.stranger = market.party("customer")
        self.handlers = [person(market) for _ in range(4)]
        market.fund(self.buyer, "USD", 1_000_000)
        payment = market.do(CreatePayment(self.shop, "USD", amount, lines=(NewLine(self.shop, amount),)))
        self.payment = payment.id
        (line,) = lines_of(market.do(PayPayment(self.buyer, payment.id)))
        self._trade = line.trade
        self._claim: Id = bytes(16)
        self._dispute: Id = bytes(16)

    @property
    def trade(self) -> Trade:
        found = get(self.reader, TRADES, self._trade)
        assert found is not None
        return found

    @property
    def claim(self) -> Claim:
        """The claim that was asked last."""
        found = get(self.reader, CLAIMS, self._claim)
        assert found is not None
        return found

    @property
    def dispute(self) -> Dispute:
        """The dispute that was opened last."""
        found = get(self.reader, DISPUTES, self._dispute)
        assert found is not None
        return found

    def deed(self, name: str, **given: Any) -> tuple[Any, str]:
        """The command of a deed, with what is given in the place of what is usual, and its verb."""
        buyer, seller = {"by": self.buyer}, {"by": self.shop}
        trade, claim, dispute = {"trade": self._trade}, {"claim": self._claim}, {"dispute": self._dispute}
        first, second = ({"handler": handler} for handler in self.handlers[:2])
        moves: dict[str, tuple[str, Any, dict[str, Any]]] = {
            "ship": ("trades.ship", ShipTrade, seller | trade | {"tracking": "SF1"}),
            "confirm": ("trades.confirm", ConfirmTrade, buyer | trade),
            "give": ("payments.refund", RefundPayment, seller | trade | {"payment": self.payment}),
            "ask": ("claims.ask", AskClaim, buyer | trade | {"reason": "not_as_described", "words": b"sealed"}),
            "change": ("claims.change", ChangeClaim, buyer | claim | {"words": b"sealed"}),
            "agree": ("claims.agree", MoveClaim, seller | claim),
            "offer": ("claims.offer", OfferPart, seller | claim | {"amount": 2_500, "answer": b"sealed"}),
            "accept": ("claims.accept", MoveClaim, buyer | claim),
            "refuse": ("claims.refuse", RefuseClaim, seller | claim | {"answer": b"sealed"}),
            "withdraw": ("claims.withdraw", MoveClaim, buyer | claim),
            "send_back": ("claims.send_back", SendBack, buyer | claim | {"tracking": "SF2"}),
            "receive": ("claims.receive", MoveClaim, seller | claim),
            "dispute": ("disputes.open", OpenDispute, buyer | trade),
            "contest": ("disputes.open", OpenDispute, seller | trade),
            "show": ("disputes.add_evidence", AddEvidence, buyer | dispute | {"kind": "message", "sealed": b"sealed"}),
            "rest": ("disputes.rest", MoveDispute, buyer | dispute),
            "concede": ("disputes.concede", MoveDispute, seller | dispute),
            "drop": ("disputes.withdraw", MoveDispute, buyer | dispute),
            "decide": ("disputes.decide", Decide, first | dispute | {"outcome": "dismiss", "reasons": "It is whole."}),
            "approve": ("disputes.approve", JudgeDecision, second | dispute),
            "reject": ("disputes.reject", JudgeDecision, second | dispute),
            "appeal": ("disputes.appeal", Appeal, buyer | dispute | {"reasons": b"sealed"}),
            "consent": ("disputes.accept", MoveDispute, buyer | dispute),
        }
        verb, command, usual = moves[name]
        return command(**(usual | given)), verb

    def do(self, name: str, **given: Any) -> Any:
        """Have the deed done."""
        return self.note(self.market.do(*self.deed(name, **given)))

    def refused(self, code: str, name: str, **given: Any) -> None:
        """The deed is refused by this code, and nothing moved."""
        self.market.refused(code, *self.deed(name, **given))

    def silence(self, of: str = "claim") -> tuple[Any, str]:
        """The timer's command for the open step of the claim, the dispute or the shipped trade, and its verb."""
        if of == "claim":
            return DueClaim(self._claim, self.claim.version), "claims.silent"
        if of == "trade":
            return DueTrade(self._trade, self.trade.version), "trades.release_due"
        return DueDispute(self._dispute, self.dispute.version), "disputes.silent"

    def silence_disputes(self, of: str = "claim") -> tuple[Any, str]:
        """The timer's command that opens a dispute about the claim's or the trade's open step, and its verb."""
        if of == "claim":
            return OpenDue(self._trade, self.claim.version, self._claim), "disputes.open_due"
        return OpenDue(self._trade, self.trade.version), "disputes.open_due"

    def fire(self, asked: tuple[Any, str]) -> Any:
        """Have a timer's command done."""
        return self.note(self.market.do(*asked))

    def until(self, due: int | None, micros: int = 0) -> None:
        """Let market time come to so many microseconds after `due`."""
        assert due is not None
        self.market.now = due + micros

    def wait(self, length: float) -> None:
        """Let days pass."""
        self.market.now += int(length * DAY)

    def held(self) -> int:
        return self.market.balance(self._trade, Purpose.HELD, "USD")

    def wallets(self) -> tuple[int, int]:
        """What the buyer has spent and the seller got."""
        return 1_000_000 - self.market.wallet(self.buyer, "USD"), self.market.wallet(self.shop, "USD")

    def due(self, of: str) -> int | None:
        """The end of an open step of the trade, the claim or the dispute, if there is one."""
        table: Any = {"trade": TRADES, "claim": CLAIMS, "dispute": DISPUTES}[of]
        found: Any = get(self.reader, table, {"trade": self._trade, "claim": self._claim}.get(of, self._dispute))
        due: int | None = found and found.due
        return due

    def note(self, result: Any) -> Any:
        """Remember the claim or dispute that a deed was about."""
        if isinstance(result, Claim):
            self._claim = result.id
        if isinstance(result, Dispute):
            self._dispute = result.id
        return result
