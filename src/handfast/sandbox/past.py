"""What people did with trades, read back from a store as the commands that they must have given, in their order.

Commands are not kept, what came of them is: each act is read from the version of an object that it made, and from the
one before.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from msgspec import Struct, msgpack

from handfast.core.ids import Id, digest_id, event_id, owner_of
from handfast.domain.claims import AskClaim, ChangeClaim, Claim, MoveClaim, OfferPart, RefuseClaim, SendBack
from handfast.domain.disputes import (
    AddEvidence,
    Appeal,
    Decide,
    Dispute,
    Evidence,
    JudgeDecision,
    MoveDispute,
    OpenDispute,
)
from handfast.domain.payments import CreatePayment, NewLine, PayPayment, Refund, RefundPayment
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
    proposal_of,
    shares_of,
)
from handfast.store.reader import Reader, get
from handfast.store.rows import EVENTS

ROWS: Mapping[str, Any] = {
    "trade": Trade,
    "claim": Claim,
    "dispute": Dispute,
    "evidence": Evidence,
    "refund": Refund,
}
"""By the first word of an event's type: what it tells of."""

_NOT_KEPT = b"-"
"""In the place of what was sealed, and would not be read."""


class Deed(Struct, frozen=True):
    """What somebody did at a market time (µs): verbs with their commands, and the ids that they gave to what is new.

    `name` is what it is called, `trade` which one it was about.
    """

    at: int
    name: str
    trade: Id
    key: Id
    steps: tuple[tuple[str, Any], ...]
    ids: tuple[Id, ...] = ()


class Past:
    """The deeds of a store, read inside a snapshot; `second` says who may judge or reject a case handler's decision."""

    def __init__(self, reader: Reader, second: Callable[[Dispute], Id]) -> None:
        self._reader = reader
        self._second = second

    def deeds(self) -> Iterator[Deed]:
        """All of them, in their order."""
        marks = ", ".join("?" * len(_TOLD_BY))
        sql = (
            "SELECT e.at, e.type, e.body, e.operation, o.verb FROM events e JOIN operations o ON o.id = e.operation"
            f" WHERE o.outcome = '' AND o.verb IN ({marks}) ORDER BY e.seq"
        )
        opened: list[Trade] = []
        operation, moment = b"", 0
        for at, type_, body, key, verb in self._reader.stream(sql, tuple(_TOLD_BY)):
            if opened and key != operation:
                yield _opening(opened, operation, moment)
                opened = []
            operation, moment = key, at
            word = type_.partition(".")[0]
            if type_ == "trade.held":
                opened.append(_row("trade", body))
            elif word == _TOLD_BY[verb]:
                deed = self._deed(verb, _row(word, body), at, key)
                if deed is not None:
                    yield deed
        if opened:
            yield _opening(opened, operation, moment)

    def version(self, key: Id, version: int) -> tuple[Any, int] | None:
        """An object's version as it was told, and the market time (µs) when; None if there was none."""
        event = get(self._reader, EVENTS, event_id(key, version))
        return None if event is None else (_row(event.type.partition(".")[0], event.body), event.at)

    def _deed(self, verb: str, row: Any, at: int, key: Id) -> Deed | None:
        made = row.id if verb in _MAKES else None
        trade = row.id if isinstance(row, Trade) else row.trade
        if trade is None:
            return None
        command = self._command(verb, row)
        return Deed(at, verb, trade, key, ((verb, command),), () if made is None else (made,))

    def _before(self, row: Any) -> Any:
        found = self.version(row.id, row.version - 1)
        assert found is not None, "an object's versions count without a gap"
        return found[0]

    def _command(self, verb: str, row: Any) -> Any:
        match row:
            case Refund():
                return RefundPayment(row.merchant, row.payment, row.trade, row.amount, row.reason)
            case Trade():
                return self._of_trade(verb, row)
            case Claim():
                return _of_claim(verb, row)
            case Evidence():
                media = (row.media_type, row.size, row.digest)
                sealed = row.sealed or _NOT_KEPT
                return AddEvidence(row.party, row.dispute, row.kind, sealed, bool(row.confidential), *media)
            case _:
                return self._of_dispute(verb, row)

    def _of_trade(self, verb: str, row: Trade) -> Any:
        key = row.id
        match verb:
            case "trades.ship":
                return ShipTrade(row.seller, key, row.tracking)
            case "trades.deliver":
                return DeliverTrade(row.seller, key, row.delivered_at or 0)
            case "trades.confirm":
                return ConfirmTrade(row.buyer, key)
            case "trades.release":
                return ReleasePart(row.buyer, key, row.released - self._before(row).released)
            case "trades.extend":
                by_buyer = row.extended_by_buyer > self._before(row).extended_by_buyer
                return ExtendTrade(row.buyer if by_buyer else row.seller, key)
            case "trades.propose":
                said = _proposal(row)
                return ProposeChange(_side(row, said.by), key, said.kind, said.policy, said.due)
            case "trades.agree":
                said = _proposal(self._before(row))
                return AgreeProposal(_side(row, said.by, other=True), key, said.kind, said.policy, said.due)
            case _:
                return DropProposal(row.seller, key)

    def _of_dispute(self, verb: str, row: Dispute) -> Any:
        key = row.id
        match verb:
            case "disputes.open":
                return OpenDispute(_side(row, row.opened_by), row.trade, None if row.claim else row.asked)
            case "disputes.rest" | "disputes.accept":
                before = self._before(row).rested
                return MoveDispute(_side(row, before, other=True) if before else _side(row, row.rested), key)
            case "disputes.concede":
                return MoveDispute(row.seller, key)
            case "disputes.withdraw":
                return MoveDispute(row.buyer, key)
            case "disputes.appeal":
                return Appeal(_side(row, row.appealed_by), key, _NOT_KEPT)
            case "disputes.decide":
                amount = row.amount if row.outcome in ("part", "split") else None
                return Decide(row.handler or b"", key, row.outcome, row.reasons, amount)
            case "disputes.approve":
                return JudgeDecision(row.second or b"", key)
            case _:
                return JudgeDecision(self._second(self._before(row)), key)


def _of_claim(verb: str, row: Claim) -> Any:
    key = row.id
    match verb:
        case "claims.ask":
            return AskClaim(row.buyer, row.trade, row.reason, row.goods, row.amount)
        case "claims.change":
            return ChangeClaim(row.buyer, key, row.goods, row.amount)
        case "claims.offer":
            return OfferPart(row.seller, key, row.offered, row.offered_goods)
        case "claims.refuse":
            return RefuseClaim(row.seller, key)
        case "claims.send_back":
            return SendBack(row.buyer, key, row.tracking)
        case "claims.agree" | "claims.receive":
            return MoveClaim(row.seller, key)
        case _:
            return MoveClaim(row.buyer, key)


def _opening(trades: list[Trade], operation: Id, at: int) -> Deed:
    """A payment of the trades that were opened together, in the price's currency: rates are no matter of policies."""
    first = trades[0]
    lines = tuple(
        NewLine(trade.seller, trade.amount, trade.tax, shares_of(trade), trade.category, trade.delivery, trade.title)
        for trade in trades
    )
    payment = owner_of(digest_id(b"payment", operation))
    create = CreatePayment(first.merchant, first.currency, sum(trade.amount for trade in trades), lines=lines)
    steps = ("payments.create", create), ("payments.pay", PayPayment(first.buyer, payment))
    return Deed(at, "payments.pay", first.id, operation, steps, (*(trade.id for trade in trades), payment))


def _row(word: str, body: bytes) -> Any:
    return msgpack.decode(body, type=ROWS[word])


def _side(row: Trade | Dispute, side: str, *, other: bool = False) -> Id:
    return row.buyer if (side == "buyer") != other else row.seller


def _proposal(row: Trade) -> Proposal:
    said = proposal_of(row)
    assert said is not None, "a trade that was agreed on, or proposed for, carries its proposal"
    return said


_TOLD_BY = {
    "payments.create": "",
    "payments.pay": "",
    "payments.capture": "",
    "payments.refund": "refund",
    **dict.fromkeys(
        (
            "trades.ship",
            "trades.deliver",
            "trades.confirm",
            "trades.release",
            "trades.extend",
            "trades.propose",
            "trades.agree",
            "trades.drop",
        ),
        "trade",
    ),
    **dict.fromkeys(
        (
            "claims.ask",
            "claims.change",
            "claims.agree",
            "claims.offer",
            "claims.accept",
            "claims.refuse",
            "claims.withdraw",
            "claims.send_back",
            "claims.receive",
        ),
        "claim",
    ),
    "disputes.add_evidence": "evidence",
    **dict.fromkeys(
        (
            "disputes.open",
            "disputes.rest",
            "disputes.concede",
            "disputes.withdraw",
            "disputes.decide",
            "disputes.approve",
            "disputes.reject",
            "disputes.appeal",
            "disputes.accept",
        ),
        "dispute",
    ),
}
"""The verbs of persons, by the first word of the event from which each is read."""

_MAKES = frozenset({"payments.refund", "claims.ask", "disputes.open", "disputes.add_evidence"})
"""Those that make what the event tells of."""
