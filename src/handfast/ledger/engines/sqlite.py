"""The embedded engine: entries and balances in the desk's own SQLite transaction."""

from collections.abc import Sequence
from typing import Protocol

import apsw

from handfast.core.ids import Id
from handfast.ledger.batch import Batch
from handfast.ledger.model import Balance, Entry, Outcome

_LAST = "SELECT coalesce(max(seq), 0) FROM entries"
_ACCOUNTS = (
    "SELECT id, debits_pending, debits_posted, credits_pending, credits_posted, newest"
    " FROM carray(?) AS asked CROSS JOIN accounts ON id = asked.value"
)
_PENDINGS = "SELECT id, debit, credit, amount, state FROM carray(?) AS asked CROSS JOIN pendings ON id = asked.value"
_ENTRIES = "SELECT id, kind, postings FROM carray(?) AS asked CROSS JOIN entries ON id = asked.value"
_NEWEST_ENTRY = "SELECT max(id) FROM entries"
_REFUSED = "SELECT id FROM carray(?) AS asked CROSS JOIN refused_entries ON id = asked.value"
_NEWEST_REFUSED = "SELECT max(id) FROM refused_entries"
_SAVE_ACCOUNTS = (
    "INSERT INTO accounts (id, debits_pending, debits_posted, credits_pending, credits_posted, newest)"
    " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET debits_pending = excluded.debits_pending,"
    " debits_posted = excluded.debits_posted, credits_pending = excluded.credits_pending,"
    " credits_posted = excluded.credits_posted, newest = excluded.newest"
)


class Connected(Protocol):
    """Whoever owns the connection and may replace it when it was lost."""

    @property
    def connection(self) -> apsw.Connection:
        """The one writing connection."""


class SqliteLedger:
    """Fills the Ledger port over the desk's connection; the caller begins and commits."""

    def __init__(self, source: Connected) -> None:
        self._source = source

    @property
    def _db(self) -> apsw.Connection:
        return self._source.connection

    def post(self, entries: Sequence[Entry], at: int) -> list[Outcome]:
        """Decide in order and write; see Ledger.post."""
        batch = Batch(entries, at)
        self.fill(batch)
        outcomes = batch.decide()
        self.write(batch)
        return outcomes

    def fill(self, batch: Batch) -> None:
        """Give a batch what it needs to see."""
        needs = batch.needs
        batch.fill(
            self._db.execute(_LAST).get,
            self._rows(_ACCOUNTS, needs.accounts),
            self._rows(_PENDINGS, needs.pendings),
            self._rows(_ENTRIES, self._until(_NEWEST_ENTRY, needs.entries)),
            [key for (key,) in self._rows(_REFUSED, self._until(_NEWEST_REFUSED, needs.entries))],
        )

    def balances(self, accounts: Sequence[Id]) -> list[Balance]:
        """See Ledger.balances."""
        found = {row[0]: Balance(*row[:5]) for row in self._rows(_ACCOUNTS, accounts)}
        return [found.get(account) or Balance(account) for account in accounts]

    def _until(self, newest: str, keys: Sequence[Id]) -> Sequence[Id]:
        """The keys that may be there: most are new, and above all that are."""
        last = self._db.execute(newest).get or b""
        return [key for key in keys if key <= last]

    def _rows(self, sql: str, keys: Sequence[Id]) -> list[tuple]:  # type: ignore[type-arg]
        return self._db.execute(sql, (apsw.carray(tuple(keys)),)).fetchall() if keys else []

    def write(self, batch: Batch) -> None:
        """Write what a batch holds after it was decided."""
        many = self._db.executemany
        if batch.entry_rows:
            many("INSERT INTO entries (id, seq, kind, at, postings) VALUES (?, ?, ?, ?, ?)", batch.entry_rows)
        fresh, changed = batch.account_rows()
        many(_SAVE_ACCOUNTS, fresh + changed)
        if batch.piece_rows:
            many("INSERT INTO statements (account, first, places) VALUES (?, ?, ?)", batch.piece_rows)
        pending_fresh, pending_changed = batch.pending_rows()
        if pending_fresh:
            many("INSERT INTO pendings (id, debit, credit, amount, state) VALUES (?, ?, ?, ?, ?)", pending_fresh)
        if pending_changed:
            many("UPDATE pendings SET state = ? WHERE id = ?", [(row[4], row[0]) for row in pending_changed])
        if batch.refused_rows:
            many("INSERT INTO refused_entries (id) VALUES (?)", batch.refused_rows)
