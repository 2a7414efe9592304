"""Faults that are injected on purpose: a desk that dies in mid-batch, requests that come twice, late or altered."""

from collections import Counter, deque
from collections.abc import Sequence

from msgspec import msgpack
from msgspec.structs import replace

from handfast.core.ids import Id
from handfast.sandbox.dice import Dice
from handfast.store.desk import Changes, Store
from handfast.store.rows import INTENTIONS
from handfast.store.verb import Answer, Request

BEFORE_SAVE = "crash_before_save"
BEFORE_COMMIT = "crash_before_commit"
ANSWER_LOST = "crash_before_answer"
CRASHES = (BEFORE_SAVE, BEFORE_COMMIT, ANSWER_LOST)
"""Where the desk dies: with its entries written, with everything written, with everything durable but unanswered."""

TWICE = "request_twice_at_once"
LATER = "request_again_later"
ALTERED = "key_reused_for_another_request"

_CRASHES = 60
_AGAIN = 250
_TWICE, _LATER, _ALTERED = 20, 6, 2
_REMEMBERED = 500


class Crash(BaseException):
    """The desk's process died; a BaseException, since the dead tidy nothing up."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind


class PromiseBroken(Exception):
    """The service did what it promises never to do."""


class Faults:
    """The plan of faults, drawn from the seed for each batch by its number; either sort can be left out."""

    def __init__(self, seed: int, *, crashes: bool = True, copies: bool = True) -> None:
        self._seed = seed
        self._crashes = crashes
        self._copies = copies
        self._armed: list[str] = []
        self._sent: deque[tuple[Request, bytes]] = deque(maxlen=_REMEMBERED)
        self._expected: list[tuple[str, bytes | Id]] = []

    def wrap(self, store: Store) -> Store:
        """The store as the desk gets it."""
        return _MortalStore(store, self)

    def arm(self, batch: int) -> None:
        """Decide where this batch dies, if at all; sometimes its repetition dies, too."""
        dice = Dice(self._seed, "crash", batch)
        self._armed = []
        if self._crashes and dice.chance(_CRASHES):
            self._armed.append(dice.pick(CRASHES))
            if dice.chance(_AGAIN):
                self._armed.append(dice.pick(CRASHES))

    def pass_by(self, place: str) -> None:
        """Die here, if it is here. Raises Crash."""
        if self._armed and self._armed[0] == place:
            self._armed.pop(0)
            raise Crash(place)

    def copies(self, requests: Sequence[Request], batch: int) -> list[tuple[str, Request]]:
        """What comes along with a batch: some of its requests again, older ones again, and keys with another body.

        Each with its kind of fault.
        """
        dice = Dice(self._seed, "copies", batch)
        copies: list[tuple[Request, str, bytes | Id]] = []
        for request in requests:
            if request.key is None or not self._copies:
                continue
            if dice.chance(_TWICE):
                copies.append((request, TWICE, request.key))
            if dice.chance(_LATER) and self._sent:
                old, outcome = dice.pick(self._sent)
                copies.append((old, LATER, outcome))
            if dice.chance(_ALTERED):
                copies.append((replace(request, fingerprint=b"another body"), ALTERED, b""))
        mixed = dice.shuffled(copies)
        self._expected = [(kind, outcome) for _, kind, outcome in mixed]
        return [(kind, request) for request, kind, _ in mixed]

    def judge(self, requests: Sequence[Request], answers: Sequence[Answer]) -> Counter[str]:
        """Count the copies by kind, and hold their answers (the last ones) against the first. Raises PromiseBroken."""
        outcomes = {request.key: _outcome(answer) for request, answer in zip(requests, answers, strict=False)}
        kinds: Counter[str] = Counter()
        for (kind, expected), answer in zip(self._expected, answers[len(requests) :], strict=True):
            kinds[kind] += 1
            if kind == ALTERED:
                right = answer.refusal is not None and answer.refusal.code == "idempotency_key_reused"
            else:
                right = answer.replayed and _outcome(answer) == (outcomes[expected] if kind == TWICE else expected)
            if not right:
                raise PromiseBroken(f"{kind}: answered {answer}")
        self._sent.extend((request, outcomes[request.key]) for request in requests if request.key is not None)
        return kinds


def check_restart(kind: str, requests: Sequence[Request], answers: Sequence[Answer]) -> None:
    """After a death behind the commit, what was asked under a key is remembered. Raises PromiseBroken."""
    for request, answer in zip(requests, answers, strict=True):
        altered = answer.refusal is not None and answer.refusal.code == "idempotency_key_reused"
        if kind == ANSWER_LOST and request.key is not None and not (answer.replayed or altered):
            raise PromiseBroken(f"{request.verb} was committed and then forgotten")


def _outcome(answer: Answer) -> bytes:
    return msgpack.encode(answer.result if answer.refusal is None else answer.refusal.code)


class _MortalStore:
    """A store around another one, in whose calls the desk may die."""

    def __init__(self, store: Store, faults: Faults) -> None:
        self._store = store
        self._faults = faults
        self._last = True
        self.begin = store.begin
        self.rollback = store.rollback
        self.unavailable = store.unavailable
        self.load = store.load

    def save(self, changes: Changes) -> None:
        """See Store.save. What only opens an intention is not yet the batch's end: the ledger comes in between."""
        self._last = not any(row.body for row in changes.updates.get(INTENTIONS, ()))
        if self._last:
            self._faults.pass_by(BEFORE_SAVE)
        self._store.save(changes)
        if self._last:
            self._faults.pass_by(BEFORE_COMMIT)

    def commit(self) -> None:
        """See Store.commit."""
        self._store.commit()
        if self._last:
            self._faults.pass_by(ANSWER_LOST)
