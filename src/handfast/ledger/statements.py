"""How an account's statement is kept: the places of the entries that touch it, the newest in its own row.

The row is rewritten by every entry anyway, so a statement costs no page of its own; an index on the postings' accounts
would cost one for each side of each posting. What no longer fits goes to the append-only table of statements.
"""

from collections.abc import Iterable, Sequence
from struct import pack, unpack

from handfast.core.ids import Id
from handfast.ledger.model import Posting

NEWEST = 32
"""How many places an account's own row holds at most."""

PIECE = 64
"""How many places a row of the statements holds at most."""

PieceRow = tuple[Id, int, bytes]
"""Account, the first of the places, the places."""


def touched(postings: Iterable[Posting]) -> set[Id]:
    """The accounts that an entry touches: those between which it moves something."""
    return {account for posting in postings if posting.amount for account in (posting.debit, posting.credit)}


def packed(places: Sequence[int]) -> bytes:
    """Places as they are kept: eight bytes each, big-endian, rising."""
    return pack(f">{len(places)}q", *places)


def unpacked(kept: bytes) -> tuple[int, ...]:
    """The places that are kept."""
    return unpack(f">{len(kept) // 8}q", kept)


def extended(account: Id, newest: bytes, places: bytes) -> tuple[bytes, list[PieceRow]]:
    """The newest places of an account with later ones added, and the pieces to put away where they are too many."""
    kept = newest + places
    if len(kept) <= 8 * NEWEST:
        return kept, []
    pieces = [kept[start : start + 8 * PIECE] for start in range(0, len(kept), 8 * PIECE)]
    return b"", [(account, int.from_bytes(piece[:8], "big"), piece) for piece in pieces]
