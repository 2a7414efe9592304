"""A ledger outside the desk's database: another database of its own, that commits at once and can fail on purpose."""

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.conftest import Engine, open_engine

from handfast.core.ids import Id
from handfast.ledger import Balance, Entry, Ledger, Outcome

BEFORE, AFTER = "before the ledger", "after the ledger"


class Elsewhere:
    """Decides in its own database; then the engine's takes the same over as a copy, in the transaction that is open.

    `at_place` is called with BEFORE and AFTER, and may raise.
    """

    def __init__(self, template: Path, path: Path, copy: Ledger) -> None:
        shutil.copyfile(template, path)
        self._own = open_engine(f"sqlite:///{path}")
        self._copy = copy
        self._why: dict[Id, Outcome] = {}
        self.at_place: Callable[[str], None] = lambda _place: None

    def post(self, entries: Sequence[Entry], at: int) -> list[Outcome]:
        self.at_place(BEFORE)
        self._own.store.begin()
        outcomes = self._own.ledger.post(entries, at)
        self._own.store.commit()
        for entry, outcome in zip(entries, outcomes, strict=True):
            self._why.setdefault(entry.id, outcome)
        self.at_place(AFTER)
        known = self._copy.post(entries, at)
        told: list[Outcome] = []
        for entry, outcome, before in zip(entries, outcomes, known, strict=True):
            spent = outcome is Outcome.ID_ALREADY_REFUSED
            # What the copy has not heard of yet is told as it was the first time.
            told.append(self._why[entry.id] if spent and before is not outcome else outcome)
        return told

    def balances(self, accounts: Sequence[Id]) -> list[Balance]:
        return self._own.ledger.balances(accounts)

    def close(self) -> None:
        self._own.store.close()


def moved_out(engine: Engine, template: Path, path: Path) -> tuple[Engine, Elsewhere]:
    """The engine with its ledger elsewhere."""
    elsewhere = Elsewhere(template, path, engine.ledger)
    return engine._replace(ledger=elsewhere), elsewhere
