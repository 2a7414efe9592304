"""The ledger: accounts, entries and the port that every engine fills; it alone says whose money is where."""

from handfast.ledger.model import (
    CAPPED,
    FLOORED,
    Balance,
    Entry,
    Ledger,
    Mode,
    Outcome,
    Posting,
    Purpose,
    refusal_of,
)

__all__ = ["CAPPED", "FLOORED", "Balance", "Entry", "Ledger", "Mode", "Outcome", "Posting", "Purpose", "refusal_of"]
