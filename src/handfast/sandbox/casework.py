"""The operator's case handlers: they look at what is disputed, decide it with reasons, and check each other."""

from handfast.core.ids import Id, text
from handfast.domain.claims import left_of
from handfast.domain.disputes import DISPUTES, Decide, Dispute, JudgeDecision
from handfast.domain.parties import HOUSE, CreateClient
from handfast.domain.trades import TRADES
from handfast.sandbox.dice import Dice
from handfast.sandbox.driver import Driver, ask
from handfast.sandbox.quarrels import NOTHING, Agenda, Step, patience
from handfast.store.reader import find, get
from handfast.store.verb import Request

_PERSONS = ("Ruth, case handler", "Amir, case handler", "Lin, case handler", "Noor, senior handler", "Per, counsel")
"""Five: on an appeal, nobody who took part in the first decision may, and a second person may be needed each time."""

_OUTCOMES = (("refund", 24), ("part", 30), ("split", 16), ("release", 18), ("dismiss", 12))
_REASONS = {
    "refund": "What came is not what was sold, and the shop showed nothing to the contrary. The buyer is refunded.",
    "part": "The fault is there, but the goods can be used. A part goes back, and the trade goes on.",
    "split": "Both sides could have avoided this. Each bears a part, and the trade ends here.",
    "release": "The carrier's number and the weight show that the goods arrived whole. The shop is paid.",
    "dismiss": "Nothing was shown that the page had not said. The trade goes on as it was.",
}
_ON_APPEAL = "Looked at anew, by somebody else: "


class Casework:
    """Plays the case handlers, slot by slot."""

    def __init__(self, seed: int, driver: Driver) -> None:
        self._seed = seed
        self._driver = driver
        self._agenda = Agenda()
        self._persons: tuple[Id, ...] = ()

    def hire(self) -> None:
        """Let them act for the operator; they come by no key: no secret is known whose digest is zero."""
        hired = [
            ask("clients.create", CreateClient(HOUSE, name, bytes(32), "operate"), "sandbox", f"hire/{name}")
            for name in _PERSONS
        ]
        self._persons = tuple(client.id for client in self._driver.done(hired))

    def play(self, slot: int, now: int) -> None:
        """Everything that they do in a slot, at that market time (µs)."""
        waiting = "state IN ('review', 'appealed', 'proposed', 'proposed_again') ORDER BY id"
        disputes = find(self._driver.reader, DISPUTES, waiting)
        steps = self._agenda.due(disputes, slot, lambda dispute: self._next(dispute, now))
        self._driver.run([self._request(*step) for step in steps])

    def _next(self, dispute: Dispute, now: int) -> list[Step]:
        """Most are dealt with in good time; a few lie until the time is over, and silence decides."""
        dice = self._dice(dispute)
        longest = patience(dispute, now)
        if dispute.state.startswith("proposed"):
            return [(dice.between(1, min(3, longest)), dice.weighted((("approve", 85), ("reject", 12), (NOTHING, 3))))]
        soonest = min(longest, 4) if dispute.state == "appealed" else 1  # both sides may show something first
        return [(dice.between(soonest, longest), dice.weighted((("decide", 90), (NOTHING, 10))))]

    def _request(self, dispute: Dispute, what: str, n: int) -> Request:
        command = self._decision(dispute) if what == "decide" else JudgeDecision(self._fresh(dispute), dispute.id)
        key = f"{what}/{dispute.id.hex()}/{dispute.version}/{n}"
        return ask(f"disputes.{what}", command, text("key", command.handler), key)

    def _fresh(self, dispute: Dispute) -> Id:
        """Somebody who has not decided on it yet, and does not propose what is to be decided."""
        taken = [dispute.first_handler, dispute.first_second]
        if dispute.state.startswith("proposed"):
            taken.append(dispute.handler)
        return self._dice(dispute, "who").pick([person for person in self._persons if person not in taken])

    def _decision(self, dispute: Dispute) -> Decide:
        dice = self._dice(dispute, "decision")
        trade = get(self._driver.reader, TRADES, dispute.trade)
        assert trade is not None
        handler, left = self._fresh(dispute), left_of(trade)
        if dispute.appealed_by and dice.chance(600):
            amount = dispute.first_amount if dispute.first_outcome in ("part", "split") else None
            words = f"{_ON_APPEAL}the decision stands. {_REASONS[dispute.first_outcome]}"
            return Decide(handler, dispute.id, dispute.first_outcome, words, amount)
        outcome = dice.weighted([choice for choice in _OUTCOMES if choice[0] != dispute.first_outcome])
        if outcome not in ("part", "split") or left < 2:
            outcome = "refund" if outcome in ("part", "split") else outcome
            amount = None
        else:
            amount = min(left - 1, max(1, dispute.asked * dice.between(250, 800) // 1000))
        words = _REASONS[outcome]
        return Decide(handler, dispute.id, outcome, f"{_ON_APPEAL}{words}" if dispute.appealed_by else words, amount)

    def _dice(self, dispute: Dispute, *what: str) -> Dice:
        return Dice(self._seed, "case", dispute.id.hex(), dispute.version, *what)
