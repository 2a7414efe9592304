"""Chance that repeats: what people do is drawn from the seed and from what it is about, never from what ran before."""

from collections.abc import Sequence
from hashlib import blake2b
from typing import TypeVar

Item = TypeVar("Item")


class Dice:
    """A stream of draws that depends on the seed and the subject alone, on every machine."""

    def __init__(self, seed: int, *subject: str | int) -> None:
        self._name = "/".join(map(str, (seed, *subject))).encode()
        self._drawn = 0
        self._pool = b""

    def below(self, bound: int) -> int:
        """A whole number from 0 up to, not including, the bound; near enough to evenly (64 bits reduced)."""
        if not self._pool:
            self._pool = blake2b(self._name + b"#%d" % self._drawn).digest()
            self._drawn += 1
        word, self._pool = self._pool[:8], self._pool[8:]
        return int.from_bytes(word, "big") % bound

    def between(self, low: int, high: int) -> int:
        """A whole number from low to high, both included."""
        return low + self.below(high - low + 1)

    def chance(self, per_mille: int) -> bool:
        """True so many times in a thousand."""
        return self.below(1000) < per_mille

    def pick(self, items: Sequence[Item]) -> Item:
        """One of the items."""
        return items[self.below(len(items))]

    def weighted(self, items: Sequence[tuple[Item, int]]) -> Item:
        """One of the items, in proportion to its weight."""
        draw = self.below(sum(weight for _, weight in items))
        for item, weight in items:
            draw -= weight
            if draw < 0:
                return item
        raise AssertionError

    def shuffled(self, items: Sequence[Item]) -> list[Item]:
        """The items in another order."""
        mixed = list(items)
        for n in range(len(mixed) - 1, 0, -1):
            m = self.below(n + 1)
            mixed[n], mixed[m] = mixed[m], mixed[n]
        return mixed
