"""Signed heads as they are read from the books, from the published file and from receipts, and their signatures."""

import json
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from msgspec import Struct

COLUMNS = (
    "id, number, before, size, root, entries, entries_to, events, events_to, terms, key, signature, version, created"
)


class Head(Struct, frozen=True):
    """What a head says and signs; `terms` are the ids of the frozen terms in its slice, known from the books only."""

    number: int
    size: int
    root: bytes
    entries: int
    entries_to: int
    events: int
    events_to: int
    at: int
    key: bytes
    signature: bytes

    def signed(self) -> bool:
        """Whether its key signed it."""
        text = (
            f"handfast head\n{self.key.hex()}\n{self.number}\n{self.size}\n{self.root.hex()}\n{self.entries}\n"
            f"{self.entries_to}\n{self.events}\n{self.events_to}\n{self.at}\n"
        )
        try:
            Ed25519PublicKey.from_public_bytes(self.key).verify(self.signature, text.encode())
        except (InvalidSignature, ValueError):
            return False
        return True


FIRST = Head(0, 0, b"", 0, 0, 0, 0, 0, b"", b"")
"""What stands before the first head."""


def from_row(row: tuple[Any, ...]) -> Head:
    """The head in a row of COLUMNS."""
    _, number, _, size, root, entries, entries_to, events, events_to, _, key, signature, _, created = row
    return Head(number, size, root, entries, entries_to, events, events_to, created, key, signature)


def from_json(told: Any) -> Head:
    """The head that an object of the API or a line of the file tells. Raises ValueError, KeyError, TypeError."""
    numbers = [told[name] for name in ("number", "size", "entries", "entries_to", "events", "events_to", "at")]
    if any(type(number) is not int or number < 0 for number in numbers):
        raise ValueError("a head's numbers are whole and not negative")
    number, size, entries, entries_to, events, events_to, at = numbers
    root, key, signature = (bytes.fromhex(told[name]) for name in ("root", "key", "signature"))
    return Head(number, size, root, entries, entries_to, events, events_to, at, key, signature)


def published(file: Path) -> tuple[list[Head], list[tuple[int, str]]]:
    """The heads of a published file, and the lines that are none, by number.

    A last line without its end was torn by a crash: it is passed over, and the service writes that head again.
    """
    heads: list[Head] = []
    wrong: list[tuple[int, str]] = []
    lines = file.read_bytes().split(b"\n")
    for number, line in enumerate(lines[:-1], 1):
        try:
            heads.append(from_json(json.loads(line)))
        except (ValueError, KeyError, TypeError):
            # A torn line is followed by the same head, whole.
            wrong.append((number, line[:80].decode(errors="replace")))
    return heads, wrong
