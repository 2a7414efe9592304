"""What buyers and sellers make of claims and disputes: each answers what the other did, in its own time, or never."""

import struct
import zlib
from collections.abc import Callable, Iterable
from hashlib import sha256
from typing import Any, TypeVar

from handfast.core.clocks import DAY
from handfast.core.ids import Id
from handfast.domain.claims import CLAIMS, ChangeClaim, Claim, MoveClaim, OfferPart, RefuseClaim, SendBack
from handfast.domain.disputes import (
    DISPUTES,
    AddEvidence,
    Appeal,
    Dispute,
    EvidenceFiles,
    MoveDispute,
    OpenDispute,
    check_file,
)
from handfast.sandbox.deeds import Seal, actor, tracking_of
from handfast.sandbox.dice import Dice
from handfast.sandbox.driver import Driver, ask
from handfast.sandbox.market import CLOSING, SLOTS, Market
from handfast.store.reader import find
from handfast.store.verb import Request

Thing = TypeVar("Thing", Claim, Dispute)
Step = tuple[int, str]
"""In which slot from now on, and what."""

NOTHING = "nothing"
_CLAIM_MOVES = {
    "asked": (("agree", 46), ("offer", 18), ("refuse", 26), (NOTHING, 10)),
    "asked again": (("agree", 55), ("refuse", 30), (NOTHING, 15)),
    "asked, unshipped": (("agree", 55), ("refuse", 20), (NOTHING, 25)),
    "offered": (("accept", 60), ("change", 14), ("escalate", 9), ("withdraw", 3), (NOTHING, 14)),
    "refused": (("change", 22), ("escalate", 38), ("withdraw", 14), (NOTHING, 26)),
    "returning": (("send_back", 88), ("withdraw", 4), (NOTHING, 8)),
    "sent_back": (("receive", 78), ("contest", 8), (NOTHING, 14)),
}
"""By state: what whose turn it is does, and how often."""

_ANSWERS = ("It left our shop in one piece; please send a photograph.", "We can give a part back and save the parcel.")
_REFUSALS = ("It is sent, and the carrier has it.", "The description says so.", "We have photographs of the packing.")
_SHOWN = {
    "buyer": ("This is what was in the box, and nothing else.", "照片如附件，请看。", "I wrote to the shop twice."),
    "seller": ("Weighed at the counter: 1.2 kg, as it left us.", "The page has said so since spring."),
}
_APPEALS = ("The photograph was not looked at.", "The weight on the label was not looked at.")


class Agenda:
    """What is planned for each version of a thing, drawn when it is first seen; forgotten when it moves on."""

    def __init__(self) -> None:
        self._planned: dict[tuple[Id, int], list[Step]] = {}

    def due(
        self, things: Iterable[Thing], slot: int, draw: Callable[[Thing], list[Step]]
    ) -> list[tuple[Thing, str, int]]:
        """What is to be done in a slot: the thing, what, and a number that tells what is done to one version apart."""
        planned: dict[tuple[Id, int], list[Step]] = {}
        now: list[tuple[Thing, str, int]] = []
        for thing in things:
            key = thing.id, thing.version
            steps = self._planned.get(key)
            if steps is None:
                steps = [(slot + later, what) for later, what in draw(thing) if what != NOTHING]
            now += [(thing, what, n) for n, (at, what) in enumerate(steps) if at == slot]
            planned[key] = steps
        self._planned = planned
        return now


class Quarrels:
    """Plays both sides of every claim and dispute, slot by slot; a shop that has closed answers nobody."""

    def __init__(self, seed: int, market: Market, driver: Driver, seal: Seal, files: EvidenceFiles) -> None:
        self._seed = seed
        self._market = market
        self._driver = driver
        self._seal = seal
        self._files = files
        self._claims = Agenda()
        self._disputes = Agenda()

    def play(self, slot: int, now: int) -> None:
        """Everything that the sides do in a slot, at that market time (µs)."""
        reader = self._driver.reader
        claims = find(reader, CLAIMS, "due IS NOT NULL ORDER BY id")
        disputes = find(reader, DISPUTES, "due IS NOT NULL ORDER BY id")
        asked = self._claims.due(claims, slot, lambda claim: self._next_of_claim(claim, now))
        said = self._disputes.due(disputes, slot, lambda dispute: self._next_of_dispute(dispute, now))
        requests = [*(self._on_claim(*step) for step in asked), *(self._on_dispute(*step) for step in said)]
        gone = self._market.closing.id if self._market.closing and slot >= CLOSING * SLOTS else None
        self._driver.run([request for request in requests if request.command.by != gone])

    def _next_of_claim(self, claim: Claim, now: int) -> list[Step]:
        dice = _dice(self._seed, claim)
        moves = claim.state
        if claim.state == "asked":
            unshipped = claim.reason == "unshipped"
            moves = "asked, unshipped" if unshipped else "asked again" if claim.changes else "asked"
        what = dice.weighted(_CLAIM_MOVES[moves])
        if what == "offer" and claim.amount < 2:
            what = "agree"
        return [(dice.between(1, patience(claim, now)), what)]

    def _on_claim(self, claim: Claim, what: str, n: int) -> Request:
        dice = _dice(self._seed, claim, what)
        key, buyer, seller = claim.id, claim.buyer, claim.seller
        command: Any
        match what:
            case "agree" | "receive":
                command = MoveClaim(seller, key)
            case "accept" | "withdraw":
                command = MoveClaim(buyer, key)
            case "offer":
                part = max(1, claim.amount * dice.between(200, 700) // 1000)
                command = OfferPart(seller, key, part, "keep", self._seal(seller, dice.pick(_ANSWERS)))
            case "refuse":
                command = RefuseClaim(seller, key, self._seal(seller, dice.pick(_REFUSALS)))
            case "change":
                less = max(1, claim.amount * dice.between(400, 900) // 1000)
                command = ChangeClaim(buyer, key, claim.goods, less, self._seal(buyer, "A part would do."))
            case "send_back":
                command = SendBack(buyer, key, tracking_of(key))
            case _:
                command = OpenDispute(seller if what == "contest" else buyer, claim.trade)
        verb = "disputes.open" if what in ("escalate", "contest") else f"claims.{what}"
        return ask(verb, command, actor(command.by), f"{what}/{key.hex()}/{claim.version}/{n}")

    def _next_of_dispute(self, dispute: Dispute, now: int) -> list[Step]:
        dice = _dice(self._seed, dispute)
        match dispute.state:
            case "open":
                return self._argue(dice, dispute, now)
            case "decided":
                return self._take(dice, dispute, now)
            case "appealed":
                return [(1, f"{side} shows message") for side in ("buyer", "seller") if dice.chance(400)]
            case _:
                return []

    def _argue(self, dice: Dice, dispute: Dispute, now: int) -> list[Step]:
        """Show what one has and then rest, or leave it to the clock; some give in."""
        longest = patience(dispute, now)
        if dispute.rested:
            other = "seller" if dispute.rested == "buyer" else "buyer"
            return [(dice.between(1, longest), f"{other} rests" if dice.chance(650) else NOTHING)]
        steps = [(1, f"buyer shows {dice.pick(('file', 'message', 'message'))}")] if dice.chance(850) else []
        if dice.chance(700):
            steps.append((dice.between(1, 2), f"seller shows {dice.pick(('tracking', 'message'))}"))
        end = dice.weighted((("buyer rests", 45), ("seller rests", 25), ("seller concedes", 7), ("buyer withdraws", 5)))
        return [*steps, (min(dice.between(3, 6), longest + 2), end if dice.chance(800) else NOTHING)]

    def _take(self, dice: Dice, dispute: Dispute, now: int) -> list[Step]:
        """Whoever lost may appeal; where both accept, nobody waits for the time to run out."""
        longest = patience(dispute, now)
        if dispute.rested:
            other = "seller" if dispute.rested == "buyer" else "buyer"
            return [(dice.between(1, longest), f"{other} accepts" if dice.chance(750) else NOTHING)]
        won, lost = ("buyer", "seller") if dispute.outcome in ("refund", "part", "split") else ("seller", "buyer")
        what = dice.weighted(((f"{lost} appeals", 26), (f"{won} accepts", 50), (NOTHING, 24)))
        return [(dice.between(1, longest), what)]

    def _on_dispute(self, dispute: Dispute, what: str, n: int) -> Request:
        side, verb, *kind = what.split()
        by = dispute.buyer if side == "buyer" else dispute.seller
        key = dispute.id
        command: Any
        match verb:
            case "shows":
                command = self._evidence(by, dispute, side, kind[0])
            case "appeals":
                words = _dice(self._seed, dispute, what).pick(_APPEALS)
                command = Appeal(by, key, self._seal(by, words))
            case _:
                command = MoveDispute(by, key)
        name = {"shows": "add_evidence", "appeals": "appeal"}.get(verb) or verb.removesuffix("s")
        return ask(f"disputes.{name}", command, actor(by), f"{what}/{key.hex()}/{dispute.version}/{n}")

    def _evidence(self, by: Id, dispute: Dispute, side: str, kind: str) -> AddEvidence:
        dice = _dice(self._seed, dispute, side)
        if kind != "file":
            words = tracking_of(dispute.trade) if kind == "tracking" else dice.pick(_SHOWN[side])
            return AddEvidence(by, dispute.id, kind, self._seal(by, words), confidential=dice.chance(100))
        content = picture(sha256(dispute.id).digest())
        digest = self._files.keep(self._seal(by, content))
        name = self._seal(by, "parcel.png")
        media_type = check_file(content, "image/png")
        return AddEvidence(by, dispute.id, "file", name, media_type=media_type, size=len(content), digest=digest)


def patience(thing: Claim | Dispute, now: int) -> int:
    """The most slots that somebody takes who means to be in time."""
    assert thing.due is not None
    return max(1, (thing.due - now) * SLOTS // DAY * 2 // 3)


def picture(seed: bytes) -> bytes:
    """A small picture in the PNG format (ISO/IEC 15948): 8 × 8 grey levels out of 32 bytes."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + seed[row * 4 : row * 4 + 4] * 2 for row in range(8))
    header = struct.pack(">IIBBBBB", 8, 8, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def _dice(seed: int, thing: Claim | Dispute, *what: str) -> Dice:
    return Dice(seed, "quarrel", thing.id.hex(), thing.version, *what)
