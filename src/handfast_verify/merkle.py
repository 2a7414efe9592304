"""The Merkle tree of RFC 9162 as a reader needs it: hashes, roots, and the two proofs' verification."""

from collections.abc import Sequence
from hashlib import sha256

EMPTY = sha256(b"").digest()


def leaf_hash(data: bytes) -> bytes:
    """The hash of a leaf (section 2.1.1)."""
    return sha256(b"\0" + data).digest()


def parent(left: bytes, right: bytes) -> bytes:
    """The hash of a node (section 2.1.1)."""
    return sha256(b"\1" + left + right).digest()


class Growing:
    """A tree to which leaves are added; each peak is the root of 2^level leaves, and levels fall.

    `full` has every whole subtree of 256 leaves or more, by level and number: one for 128 leaves.
    """

    def __init__(self) -> None:
        self.size = 0
        self.full: dict[tuple[int, int], bytes] = {}
        self._peaks: list[tuple[int, bytes]] = []

    def add(self, hashes: Sequence[bytes]) -> None:
        """Add leaves by their hashes: whole blocks of 256 level by level, which is faster, the others one by one."""
        place, count = 0, len(hashes)
        while place < count:
            if not self.size & 255 and count - place >= 256:
                level = list(hashes[place : place + 256])
                while len(level) > 1:
                    pairs = iter(level)
                    level = [sha256(b"\1" + left + right).digest() for left, right in zip(pairs, pairs, strict=True)]
                self._put(8, level[0])
                place += 256
            else:
                self._put(0, hashes[place])
                place += 1

    def _put(self, level: int, top: bytes) -> None:
        self.size += 1 << level
        peaks = self._peaks
        if level == 8:
            self.full[8, (self.size >> 8) - 1] = top
        while peaks and peaks[-1][0] == level:
            top = parent(peaks.pop()[1], top)
            level += 1
            if level >= 8:
                self.full[level, (self.size >> level) - 1] = top
        peaks.append((level, top))

    def root(self) -> bytes:
        """The hash of the tree as it is now."""
        if not self._peaks:
            return EMPTY
        found = self._peaks[-1][1]
        for _, peak in self._peaks[-2::-1]:
            found = parent(peak, found)
        return found


def root_from(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes | None:
    """The root that an inclusion proof leads to (section 2.1.3.2); None where it is not of the right length."""
    if not 0 <= index < size:
        return None
    place, last, found = index, size - 1, leaf
    for sibling in path:
        if last == 0:
            return None
        if place & 1 or place == last:
            found = parent(sibling, found)
            while not place & 1 and place:
                place >>= 1
                last >>= 1
        else:
            found = parent(found, sibling)
        place >>= 1
        last >>= 1
    return found if last == 0 else None


def consistent(first: int, first_root: bytes, second: int, second_root: bytes, path: Sequence[bytes]) -> bool:
    """Whether the second tree begins with the first one (section 2.1.4.2)."""
    if not 0 < first <= second:
        return False
    if first == second:
        return not path and first_root == second_root
    hashes = list(path)
    if first & (first - 1) == 0:
        hashes.insert(0, first_root)
    if not hashes:
        return False
    place, last = first - 1, second - 1
    while place & 1:
        place >>= 1
        last >>= 1
    old = new = hashes[0]
    for sibling in hashes[1:]:
        if last == 0:
            return False
        if place & 1 or place == last:
            old, new = parent(sibling, old), parent(sibling, new)
            while place and not place & 1:
                place >>= 1
                last >>= 1
        else:
            new = parent(new, sibling)
        place >>= 1
        last >>= 1
    return last == 0 and old == first_root and new == second_root
