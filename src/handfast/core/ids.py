"""Ids: 128 bits, time-ordered, typed by a prefix in text, and the ids that derive from an object's.

An object's id is 48 bits of milliseconds, 56 random bits and three zero bytes. What belongs to the object takes the
place of the zeros: an account (purpose, currency), an entry (step, attempt), an event (version). So an id tells an
auditor whose it is, a range scan finds all that belongs to an object, and rows of one object lie together on disk.
"""

import os
import random
import re
import struct
from collections.abc import Callable
from hashlib import blake2b
from itertools import count

from handfast.core.errors import Conflict
from handfast.core.money import CURRENCIES, NUMBERS

Id = bytes
NewId = Callable[[int], Id]
"""Makes a fresh object id; the argument is the market time in microseconds."""

entropy = os.urandom
"""Random bytes from the operating system, for keys, nonces and secrets."""

Draw = Callable[[int, bytes], bytes]
"""Draws so many bytes for keys and nonces; a demo's follow from what they are for, a live service's from nothing."""


def drawn(count: int, _about: bytes) -> bytes:
    """Bytes of a live service's keys and nonces."""
    return entropy(count)


def seeded_draw(seed: int) -> Draw:
    """Bytes of a demo's keys and nonces: equal ones for equal seeds and uses, in whatever order they are drawn."""
    secret = seed.to_bytes(8, "big", signed=True)
    return lambda count, about: blake2b(about, digest_size=count, key=secret).digest()


OBJECT = 13
_TAIL = b"\0\0\0"
_HEX = re.compile(r"[0-9a-f]{26}(?:[0-9a-f]{6})?", re.ASCII)
_PURPOSES = tuple(bytes((purpose,)) for purpose in range(256))
_length = struct.Struct(">I").pack
_CURRENCIES = {currency: number.to_bytes(2, "big") for currency, number in NUMBERS.items()}


def random_ids() -> NewId:
    """The generator of a live service: random bits from the operating system, drawn ahead for some hundred ids.

    Threads may share it: a list gives each of its items out once.
    """
    drawn: list[bytes] = []

    def new_id(now: int) -> Id:
        try:
            bits = drawn.pop()
        except IndexError:
            block = entropy(7 * 512)
            drawn.extend(block[n : n + 7] for n in range(7, len(block), 7))
            bits = block[:7]
        return (now // 1000).to_bytes(6, "big") + bits + _TAIL

    return new_id


def seeded_ids(seed: int) -> NewId:
    """The generator of a demo or a simulation: equal seeds give equal ids in equal order."""
    bits = random.Random(seed).getrandbits
    return lambda now: (now // 1000).to_bytes(6, "big") + bits(56).to_bytes(7, "big") + _TAIL


def ids_from_keys(seed: int) -> Callable[[Id], NewId]:
    """Generators for verbs by their operation's key: the same ids come again when a verb is run again."""
    secret = seed.to_bytes(8, "big", signed=True)

    def of(key: Id) -> NewId:
        numbers = count()

        def new_id(now: int) -> Id:
            bits = blake2b(key + next(numbers).to_bytes(4, "big"), digest_size=7, key=secret).digest()
            return (now // 1000).to_bytes(6, "big") + bits + _TAIL

        return new_id

    return of


def text(prefix: str, value: Id) -> str:
    """The public form: `pay_` and 26 hexadecimal digits for an object, 32 for what derives from one."""
    return f"{prefix}_{(value[:OBJECT] if value.endswith(_TAIL) else value).hex()}"


def parse(prefix: str, value: str) -> Id | None:
    """The id in a public form, or None where the text is not one of this prefix."""
    head, _, digits = value.partition("_")
    if head != prefix or _HEX.fullmatch(digits) is None:
        return None
    return bytes.fromhex(digits).ljust(16, b"\0")


def account_id(owner: Id, purpose: int, currency: str) -> Id:
    """The ledger account of an owner (a party, a trade) for a purpose in a currency."""
    return owner[:OBJECT] + _PURPOSES[purpose] + _CURRENCIES[currency]


def account_purpose(account: Id) -> int:
    """The purpose that an account's id tells."""
    return account[OBJECT]


def account_currency(account: Id) -> str:
    """The currency that an account's id tells."""
    return CURRENCIES[int.from_bytes(account[14:], "big")]


def entry_id(owner: Id, step: int, attempt: int = 0) -> Id:
    """The ledger entry of an object's step; a refused id stays refused, so a new attempt has a new id.

    Raises Conflict(state_conflict) beyond attempt 65,535, the last that two bytes can count.
    """
    if attempt > 0xFFFF:
        raise Conflict("state_conflict", "this was tried too often", "state")
    return owner[:OBJECT] + bytes((step,)) + attempt.to_bytes(2, "big")


def event_id(owner: Id, version: int) -> Id:
    """The event that tells of an object's version."""
    return owner[:OBJECT] + version.to_bytes(3, "big")


def owner_of(derived: Id) -> Id:
    """The object that an account, entry or event belongs to."""
    return derived[:OBJECT] + _TAIL


def digest_id(*parts: bytes) -> Id:
    """A 128-bit id for a composite or foreign key: BLAKE2b over the length-prefixed parts."""
    return blake2b(b"".join([_length(len(part)) + part for part in parts]), digest_size=16).digest()
