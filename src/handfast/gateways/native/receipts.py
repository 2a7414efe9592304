"""What the API tells of sealed books: heads, proofs and receipts."""

from typing import Literal

from msgspec import Struct


class Head(Struct, frozen=True):
    """The books' Merkle tree (RFC 9162) at one moment, signed with the Ed25519 `key`; bytes are hexadecimal.

    `entries` and `events` count what is sealed, `entries_to` and `events_to` are the last places; `at` is in
    microseconds. The signature is over lines: "handfast head", then key, number, size, root, entries, entries_to,
    events, events_to, at.
    """

    object: Literal["head"]
    number: int
    size: int
    root: str
    entries: int
    entries_to: int
    events: int
    events_to: int
    at: int
    key: str
    signature: str


class Consistency(Struct, frozen=True):
    """The proof that a later head's tree begins with an earlier one's (RFC 9162, section 2.1.4)."""

    object: Literal["consistency"]
    first: Head
    second: Head
    path: list[str]


class Leaf(Struct, frozen=True):
    """A sealed row and its way to the root (RFC 9162, section 2.1.3).

    `leaf` is its content in base64, or null where the caller may not see all of it: then `hash` still proves that it
    is there.
    """

    source: str
    id: str
    number: int
    leaf: str | None
    hash: str
    path: list[str]


class Receipt(Struct, frozen=True):
    """Proofs of what is booked about an object, to be checked offline: `handfast verify receipt FILE`."""

    object: Literal["receipt"]
    id: str
    head: Head
    leaves: list[Leaf]


class Keys(Struct, frozen=True):
    """The public Ed25519 key that signs heads, in hexadecimal; null before the first head."""

    object: Literal["keys"]
    head: str | None
