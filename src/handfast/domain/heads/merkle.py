"""The Merkle tree of RFC 9162 (section 2.1): hashes, a tree that grows, and which subtrees a proof is made of.

A subtree is a range [start, end) of leaves; one of 2^level leaves that begins at a multiple of that is full, and never
changes again.
"""

from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256

EMPTY = sha256(b"").digest()
BLOCK = 8
"""The lowest level whose full subtrees are kept: those of 256 leaves. What lies below is made anew from the leaves."""

Range = tuple[int, int]
Full = tuple[int, int]
"""A full subtree by level and number: its leaves begin at number * 2^level."""


def leaf_hash(data: bytes) -> bytes:
    """The hash of a leaf (section 2.1.1)."""
    return sha256(b"\0" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of an inner node (section 2.1.1)."""
    return sha256(b"\1" + left + right).digest()


def pair_up(hashes: Sequence[bytes]) -> list[bytes]:
    """The level above a whole number of pairs."""
    return [sha256(b"\1" + left + right).digest() for left, right in zip(hashes[::2], hashes[1::2], strict=True)]


class Tree:
    """A tree that only grows: how many leaves it has, and the full subtrees that make it up, the largest first."""

    def __init__(self, size: int, peaks: Sequence[bytes]) -> None:
        self.size = size
        self.peaks = list(peaks)

    @property
    def root(self) -> bytes:
        """The hash of the whole tree."""
        if not self.peaks:
            return EMPTY
        root = self.peaks[-1]
        for peak in reversed(self.peaks[:-1]):
            root = node_hash(peak, root)
        return root

    def extend(self, leaves: Sequence[bytes]) -> Iterator[tuple[Full, bytes]]:
        """Add leaves by their hashes; what comes out are the full subtrees from BLOCK up that this completes."""
        place, block = 0, 1 << BLOCK
        while place < len(leaves):
            if self.size % block == 0 and place + block <= len(leaves):
                level, hashes = BLOCK, list(leaves[place : place + block])
                while len(hashes) > 1:
                    hashes = pair_up(hashes)
                yield from self._push(hashes[0], level)
                place += block
            else:
                yield from self._push(leaves[place], 0)
                place += 1

    def _push(self, peak: bytes, level: int) -> Iterator[tuple[Full, bytes]]:
        number = self.size >> level
        self.size += 1 << level
        while True:
            if level >= BLOCK:
                yield (level, number), peak
            if not number & 1:
                break
            peak = node_hash(self.peaks.pop(), peak)
            number >>= 1
            level += 1
        self.peaks.append(peak)


def peaks_of(size: int) -> list[Full]:
    """The full subtrees that make up a tree of that size, the largest first."""
    return [(level, (size >> level) - 1) for level in reversed(range(size.bit_length())) if size >> level & 1]


def _split(start: int, end: int) -> int:
    """Where RFC 9162 splits a range: after the largest power of two below its length."""
    return start + (1 << ((end - start - 1).bit_length() - 1))


def inclusion(leaf: int, start: int, end: int) -> list[Range]:
    """The subtrees whose hashes are PATH(leaf, D[start:end]) (section 2.1.3.1), the lowest first."""
    if end - start == 1:
        return []
    middle = _split(start, end)
    if leaf < middle:
        return [*inclusion(leaf, start, middle), (middle, end)]
    return [*inclusion(leaf, middle, end), (start, middle)]


def consistency(first: int, second: int) -> list[Range]:
    """The subtrees whose hashes are PROOF(first, D[second]) (section 2.1.4.1), for 0 < first <= second."""

    def subproof(start: int, end: int, *, known: bool) -> list[Range]:
        if first == end:
            return [] if known else [(start, end)]
        middle = _split(start, end)
        if first <= middle:
            return [*subproof(start, middle, known=known), (middle, end)]
        return [*subproof(middle, end, known=False), (start, middle)]

    return subproof(0, second, known=True)


def parts(span: Range) -> list[Full]:
    """The full subtrees that make up a range that a proof names, the largest first."""
    start, end = span
    return [(level, number + (start >> level)) for level, number in peaks_of(end - start)]


def hash_of(span: Range, full: Callable[[Full], bytes]) -> bytes:
    """The hash of a range that a proof names, given the hashes of full subtrees."""
    return Tree(span[1] - span[0], [full(part) for part in parts(span)]).root
