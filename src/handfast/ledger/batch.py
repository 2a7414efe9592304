"""A batch of entries decided in order over what an SQL engine loaded: what is to be answered and what to be written."""

from collections.abc import Iterable, Sequence
from typing import Protocol

from msgspec.structs import replace

from handfast.core.ids import Id
from handfast.ledger.model import Entry, Mode, Outcome, Posting, decode_postings, encode_postings
from handfast.ledger.rules import Pending, apply_entry, create_entry
from handfast.ledger.statements import PieceRow, extended, packed, touched

EntryRow = tuple[Id, int, str, int, bytes]
StoredRow = tuple[Id, str, bytes]
_PENDING = int(Mode.PENDING)
AccountRow = tuple[Id, int, int, int, int, bytes]
PendingRow = tuple[Id, Id, Id, int, str]


class Needs:
    """The keys that a batch has to see."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self.entries = [entry.id for entry in entries]
        accounts: set[Id] = set()
        self.pendings: list[Id] = []
        for entry in entries:
            for posting in entry.postings:
                accounts.add(posting.debit)
                accounts.add(posting.credit)
                if posting.pending is not None:
                    self.pendings.append(posting.pending)
        self.accounts = sorted(accounts)


def _same(stored: tuple[Posting, ...], asked: tuple[Posting, ...]) -> bool:
    """Whether an entry asked for again is the stored one, of which an UP_TO posting tells what it moved."""
    if stored == asked or len(stored) != len(asked):
        return stored == asked
    return all(
        was == (replace(now, amount=was.amount) if now.mode == Mode.UP_TO and was.amount <= now.amount else now)
        for was, now in zip(stored, asked, strict=True)
    )


class Batch:
    """Decides entries in order. The engine fills it with what is stored, runs it, and writes what it holds then."""

    def __init__(self, entries: Sequence[Entry], at: int) -> None:
        self._entries = entries
        self._at = at
        self.last = 0
        self.needs = Needs(entries)
        self.balances: dict[Id, list[int]] = {}
        self._newest: dict[Id, bytes] = {}
        self._places: dict[Id, bytes] = {}
        self.pendings: dict[Id, Pending] = {}
        self._stored_pendings: set[Id] = set()
        self._stored: dict[Id, tuple[str, tuple[Posting, ...]]] = {}
        self._refused: set[Id] = set()
        self._moved: set[Id] = set()
        self.entry_rows: list[EntryRow] = []
        self.piece_rows: list[PieceRow] = []
        self.refused_rows: list[tuple[Id]] = []

    def fill(
        self,
        last: int,
        accounts: Iterable[AccountRow],
        pendings: Iterable[PendingRow],
        stored: Iterable[StoredRow],
        refused: Iterable[Id],
    ) -> None:
        """Take in what the database holds: the last entry's number, and the rows of the needed keys."""
        self.last = last
        balances = self.balances
        for account, *four, newest in accounts:
            balances[account] = four
            self._newest[account] = newest
        for account in self.needs.accounts:
            if account not in balances:
                balances[account] = [0, 0, 0, 0]
        for key, debit, credit, amount, state in pendings:
            self.pendings[key] = Pending(debit, credit, amount, state)
        self._stored_pendings.update(self.pendings)
        self._stored = {key: (kind, decode_postings(postings)) for key, kind, postings in stored}
        self._refused = set(refused)

    def decide(self) -> list[Outcome]:
        """One outcome for each entry, in order; the rows to write are left in the batch."""
        outcomes = []
        for entry in self._entries:
            outcome = self.replayed(entry) if entry.id in self._stored or entry.id in self._refused else None
            if outcome is None:
                outcome, moved = create_entry(entry, self.balances, self.pendings)
                if outcome is Outcome.CREATED:
                    self._record(entry, moved, self._at)
                else:
                    self._refused.add(entry.id)
                    self.refused_rows.append((entry.id,))
            outcomes.append(outcome)
        return outcomes

    def replayed(self, entry: Entry) -> Outcome | None:
        """The outcome for an id that is spent, or None."""
        stored = self._stored.get(entry.id)
        if stored is not None:
            same = stored[0] == entry.kind and _same(stored[1], entry.postings)
            return Outcome.EXISTS if same else Outcome.EXISTS_WITH_DIFFERENT_CONTENT
        if entry.id in self._refused:
            return Outcome.ID_ALREADY_REFUSED
        return None

    def take(self, entry: Entry, outcome: Outcome, moved: tuple[Posting, ...], at: int) -> None:
        """Take over what another ledger decided of an entry, with its postings as they moved there."""
        if outcome in (Outcome.CREATED, Outcome.EXISTS):
            apply_entry(entry.id, moved, self.balances, self.pendings)
            self._record(entry, moved, at)
        elif outcome is not Outcome.EXISTS_WITH_DIFFERENT_CONTENT:
            self._refused.add(entry.id)
            self.refused_rows.append((entry.id,))

    def unopened(self) -> list[Id]:
        """The needed accounts that the database does not know."""
        return [account for account in self.needs.accounts if account not in self._newest]

    def _record(self, entry: Entry, moved: tuple[Posting, ...], at: int) -> None:
        seq = self.last = self.last + 1
        self.entry_rows.append((entry.id, seq, entry.kind, at, encode_postings(moved)))
        place = packed((seq,))
        places = self._places
        for account in touched(moved):
            places[account] = places.get(account, b"") + place
        for posting in moved:
            if posting.mode == _PENDING:
                self._moved.add(entry.id)
            elif (resolved := posting.pending) is not None and resolved in self.pendings:
                self._moved.add(resolved)
        self._stored[entry.id] = (entry.kind, moved)

    def account_rows(self) -> tuple[list[AccountRow], list[AccountRow]]:
        """The rows of touched accounts: those to insert and those to update, each in id order.

        What their statements can no longer hold is left in `piece_rows`.
        """
        fresh: list[AccountRow] = []
        changed: list[AccountRow] = []
        for account, places in sorted(self._places.items()):
            stored = self._newest.get(account)
            newest, pieces = extended(account, stored or b"", places)
            debits_pending, debits, credits_pending, credits = self.balances[account]
            row = (account, debits_pending, debits, credits_pending, credits, newest)
            (fresh if stored is None else changed).append(row)
            self.piece_rows += pieces
        return fresh, changed

    def pending_rows(self) -> tuple[list[PendingRow], list[PendingRow]]:
        """The rows of pending postings: those to insert and those to update."""
        fresh: list[PendingRow] = []
        changed: list[PendingRow] = []
        for key in sorted(self._moved):
            pending = self.pendings[key]
            row = (key, pending.debit, pending.credit, pending.amount, pending.state)
            (changed if key in self._stored_pendings else fresh).append(row)
        return fresh, changed


class Copy(Protocol):
    """Rows in the desk's database, in its open transaction, for a batch that is decided elsewhere."""

    def fill(self, batch: Batch) -> None:
        """Give a batch what it needs to see."""

    def write(self, batch: Batch) -> None:
        """Write what a batch holds after it was decided."""
