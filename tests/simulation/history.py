"""What callers asked and what they were told: the idempotency model, against which every answer is held."""

from collections.abc import Callable, Sequence
from hashlib import sha256
from random import Random
from typing import Any

from msgspec import Struct, msgpack
from msgspec.structs import replace

from handfast.core.errors import Unavailable
from handfast.core.ids import Id, digest_id
from handfast.store.verb import Answer, Request

REUSED = "idempotency_key_reused"


class Violation(Exception):
    """An invariant does not hold; `code` names it (see invariants.TABLE)."""

    def __init__(self, code: str, words: str) -> None:
        super().__init__(f"{code}: {words}")
        self.code = code


def must(holds: object, code: str, words: object = "") -> None:
    """Raise Violation where it does not hold."""
    if not holds:
        raise Violation(code, str(words))


class Asked(Struct):
    """A request under a key: `outcome` is what its caller was told, None while that is unknown."""

    request: Request
    outcome: bytes | None = None
    refused: str = ""
    result: Any = None
    sent: int = 0


class Sent(Struct, frozen=True):
    """One copy of a request on its way."""

    asked: Asked
    request: Request
    altered: bool = False


class History:
    """All requests of all callers, and what is on its way to the desk. Whoever got no answer asks again, always."""

    def __init__(self, dice: Random, new_id: Callable[[], Id], happened: Callable[[str], None]) -> None:
        self.asked: dict[Id, Asked] = {}
        self.requests: set[Id] = set()
        self.waiting: list[Sent] = []
        self.answered: list[Asked] = []
        self.calm = False
        self._dice = dice
        self._new_id = new_id
        self._happened = happened

    def ask(self, verb: str, command: Any, actor: str) -> Asked:
        """A new request, on its way from now on, perhaps twice."""
        key = digest_id(b"simulation", actor.encode(), len(self.asked).to_bytes(8, "big"))
        print_ = sha256(verb.encode() + msgpack.encode(command)).digest()
        request = Request(verb, command, actor, self._new_id(), key, print_)
        asked = self.asked[key] = Asked(request)
        self._send(asked)
        return asked

    def note(self, requests: Sequence[Request]) -> None:
        """Requests of the house's own loops, which ask in their own way."""
        self.requests.update(request.request for request in requests)

    def _send(self, asked: Asked) -> None:
        asked.sent += 1
        self.requests.add(asked.request.request)
        self.waiting.append(Sent(asked, asked.request))
        if not self.calm and self._dice.random() < 0.05:
            self._happened("sent_twice")
            self.waiting.append(Sent(asked, asked.request))

    def take(self, most: int) -> list[Sent]:
        """Some of what is on its way, in any order."""
        self._dice.shuffle(self.waiting)
        taken, self.waiting = self.waiting[:most], self.waiting[most:]
        if not self.calm and self.answered and self._dice.random() < 0.15:
            taken.append(self._again(self._dice.choice(self.answered)))
        return taken

    def _again(self, asked: Asked) -> Sent:
        """A request that was answered comes once more, or its key comes with another body."""
        if self._dice.random() < 0.3:
            self._happened("key_reused")
            return Sent(asked, replace(asked.request, fingerprint=b"another body"), altered=True)
        self._happened("sent_again_later")
        return Sent(asked, asked.request)

    def unheard(self, sent: Sent) -> None:
        """No answer came: the caller asks again, unless it knows the outcome."""
        if sent.asked.outcome is None and not sent.altered:
            self.waiting.append(sent)

    def heard(self, sent: Sent, answer: Answer) -> None:
        """Hold an answer against the first one."""
        asked, no = sent.asked, answer.refusal
        if isinstance(no, Unavailable):
            must(no.code != "internal", "D1", f"{sent.request.verb} broke the desk")
            self.unheard(sent)
            return
        if sent.altered:
            must(no is not None and no.code == REUSED, "B4", f"{sent.request.verb}: another body was taken: {answer}")
            return
        outcome = told(answer)
        if asked.outcome is None:
            asked.outcome, asked.refused, asked.result = outcome, no.code if no else "", answer.result
            self.answered.append(asked)
        must(outcome == asked.outcome, "B4", f"{sent.request.verb} was answered {asked.outcome!r}, then {outcome!r}")


def told(answer: Answer) -> bytes:
    """What an answer says, as it is kept."""
    no = answer.refusal
    return msgpack.encode(answer.result) if no is None else msgpack.encode((no.code, no.message, no.param))
