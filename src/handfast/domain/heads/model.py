"""Signed heads: what the books' Merkle tree was at some moment, and what is kept so that proofs can be made from it."""

from typing import Any

from msgspec import Struct

from handfast.core.ids import Id


class Head(Struct, frozen=True, gc=False):
    """The tree at one moment (market time, µs), signed; `number` counts 1, 2, 3 … and `size` its leaves.

    The leaves from `before` on are this head's slice: first the entries up to the place `entries_to`, then the events
    up to `events_to`, then the frozen terms whose 16-byte ids `terms` holds. `entries` and `events` count those sealed
    in all. `key` is the public Ed25519 key whose `signature` is over `signed_text`.
    """

    id: Id
    number: int
    before: int
    size: int
    root: bytes
    entries: int
    entries_to: int
    events: int
    events_to: int
    terms: bytes
    key: bytes
    signature: bytes
    version: int
    created: int


class Slice(Struct, frozen=True, gc=False):
    """The hashes of a head's leaves, 32 bytes each, in order; `id` is the head's."""

    id: Id
    leaves: bytes


class Node(Struct, frozen=True, gc=False):
    """The hash of a full subtree of 256 leaves or more; `id` tells level and number."""

    id: Id
    hash: bytes


def head_id(number: int) -> Id:
    """The id of the head of that number."""
    return bytes(4) + b"\3" + number.to_bytes(8, "big") + bytes(3)


def node_id(level: int, number: int) -> Id:
    """The id of a full subtree."""
    return bytes(7) + bytes((level,)) + number.to_bytes(8, "big")


def signed_text(head: Head) -> bytes:
    """What a head's signature is over: lines of ASCII, each ended by a line feed."""
    lines = (
        "handfast head",
        head.key.hex(),
        head.number,
        head.size,
        head.root.hex(),
        head.entries,
        head.entries_to,
        head.events,
        head.events_to,
        head.created,
    )
    return "".join(f"{line}\n" for line in lines).encode()


def published(head: Head) -> dict[str, Any]:
    """The head as it is published: plain JSON, with all that its signature covers."""
    return {
        "object": "head",
        "number": head.number,
        "size": head.size,
        "root": head.root.hex(),
        "entries": head.entries,
        "entries_to": head.entries_to,
        "events": head.events,
        "events_to": head.events_to,
        "at": head.created,
        "key": head.key.hex(),
        "signature": head.signature.hex(),
    }
