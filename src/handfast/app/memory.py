"""How the garbage collector runs in a process that serves: rarely, since rows and requests form no cycles."""

import gc

YOUNGEST = 50_000
"""Allocations between collections of the youngest objects; a batch of verbs makes some ten thousand that soon die."""


def settle() -> None:
    """Leave what has been loaded out of all later collections, and make those rarer. Called once, when all is up."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNGEST, 20, 50)
