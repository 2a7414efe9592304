"""Whoever does the bank's paperwork: looks lists up, hands verbs to the desk, opens and seals what is about persons."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from handfast.core.errors import NotFound
from handfast.core.ids import Id
from handfast.domain.parties import HOUSE, PERSON_KEYS, Vault
from handfast.store.reader import Reader, get
from handfast.store.verb import Answer, Request

Hand = Callable[[Sequence[Request]], Sequence[Answer]]
"""Hands requests to the desk and waits for all answers; a refusal comes in its answer."""

Value = TypeVar("Value")

_AT_ONCE = 256


class Clerk:
    """Works in one caller's name, for one request of it, at one moment of market time (`now`, µs)."""

    def __init__(self, reader: Reader, hand: Hand, vault: Vault, *, now: int, actor: str, request: Id) -> None:
        self.reader = reader
        self.now = now
        self._hand = hand
        self._vault = vault
        self._actor = actor
        self._request = request
        self._keys: dict[Id, bytes] = {}

    def ask(self, *asked: tuple[str, Any]) -> list[Answer]:
        """The answers to verbs with their commands, in order. Others' requests get in between, so none waits long."""
        requests = [Request(verb, command, self._actor, self._request) for verb, command in asked]
        answers: list[Answer] = []
        for start in range(0, len(requests), _AT_ONCE):
            answers += self._hand(requests[start : start + _AT_ONCE])
        return answers

    def seal(self, party: Id, value: object) -> tuple[Id, bytes]:
        """The value sealed under the party's key, or the house's where that is destroyed, and whose key it was.

        Raises NotFound while the house has no key.
        """
        key = self._key(party)
        if key:
            return party, self._vault.seal(key, party, value)
        if party == HOUSE:
            raise NotFound("object_not_found", "the operator's own party has not been created yet", "party")
        return self.seal(HOUSE, value)

    def open(self, party: Id, sealed: bytes, type_: type[Value]) -> Value | None:
        """What was sealed under the party's key; None where the key is destroyed, or nothing was sealed."""
        return self._vault.open(self._key(party), party, sealed, type_) if sealed else None

    def _key(self, party: Id) -> bytes:
        key = self._keys.get(party)
        if key is None:
            row = get(self.reader, PERSON_KEYS, party)
            key = self._keys[party] = row.wrapped if row else b""
        return key
