"""The PostgreSQL engine: entries and balances in the desk's own PostgreSQL transaction, one pipeline each way."""

from collections.abc import Sequence
from typing import Any, Protocol

import psycopg

from handfast.core.ids import Id
from handfast.ledger.batch import Batch
from handfast.ledger.model import Balance, Entry, Outcome

_LAST = "SELECT coalesce(max(seq), 0) FROM entries"
_ACCOUNTS = (
    "SELECT id, debits_pending, debits_posted, credits_pending, credits_posted, newest FROM accounts"
    " WHERE id = ANY(%b::bytea[])"
)
_PENDINGS = "SELECT id, debit, credit, amount, state FROM pendings WHERE id = ANY(%b::bytea[])"
_ENTRIES = "SELECT id, kind, postings FROM entries WHERE id = ANY(%b::bytea[])"
_REFUSED = "SELECT id FROM refused_entries WHERE id = ANY(%b::bytea[])"


class Connected(Protocol):
    """Whoever owns the connection and may replace it when it was lost."""

    @property
    def connection(self) -> psycopg.Connection[Any]:
        """The one writing connection."""


class PostgresLedger:
    """Fills the Ledger port over the desk's connection; the caller begins and commits."""

    def __init__(self, source: Connected) -> None:
        self._source = source

    @property
    def _db(self) -> psycopg.Connection[Any]:
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
        with self._db.pipeline():
            last = self._db.execute(_LAST)
            cursors = [
                self._db.execute(sql, (list(keys),), binary=True)
                for sql, keys in (
                    (_ACCOUNTS, needs.accounts),
                    (_PENDINGS, needs.pendings),
                    (_ENTRIES, needs.entries),
                    (_REFUSED, needs.entries),
                )
            ]
            ((last_seq,),) = last.fetchall()
            accounts, pendings, stored, refused = (cursor.fetchall() for cursor in cursors)
        batch.fill(last_seq, accounts, pendings, stored, [key for (key,) in refused])

    def balances(self, accounts: Sequence[Id]) -> list[Balance]:
        """See Ledger.balances."""
        rows = self._db.execute(_ACCOUNTS, (list(accounts),), binary=True).fetchall()
        found = {row[0]: Balance(*row[:5]) for row in rows}
        return [found.get(account) or Balance(account) for account in accounts]

    def _many(self, sql: str, rows: Sequence[tuple[Any, ...]]) -> None:
        """Run a statement over rows given as one array for each column."""
        if rows:
            self._db.execute(sql, [list(column) for column in zip(*rows, strict=True)], binary=True)

    def write(self, batch: Batch) -> None:
        """Write what a batch holds after it was decided."""
        account_columns = "(id, debits_pending, debits_posted, credits_pending, credits_posted, newest)"
        account_arrays = "unnest(%b::bytea[], %b::bigint[], %b::bigint[], %b::bigint[], %b::bigint[], %b::bytea[])"
        fresh, changed = batch.account_rows()
        pending_fresh, pending_changed = batch.pending_rows()
        self._many(
            "INSERT INTO entries (id, seq, kind, at, postings) SELECT * FROM"
            " unnest(%b::bytea[], %b::bigint[], %b::text[], %b::bigint[], %b::bytea[])",
            batch.entry_rows,
        )
        self._many(f"INSERT INTO accounts {account_columns} SELECT * FROM {account_arrays}", fresh)
        self._many(
            "UPDATE accounts a SET debits_pending = u.dp, debits_posted = u.d, credits_pending = u.cp,"
            f" credits_posted = u.c, newest = u.n FROM {account_arrays} u(id, dp, d, cp, c, n) WHERE a.id = u.id",
            changed,
        )
        self._many(
            "INSERT INTO statements (account, first, places) SELECT * FROM"
            " unnest(%b::bytea[], %b::bigint[], %b::bytea[])",
            batch.piece_rows,
        )
        self._many(
            "INSERT INTO pendings (id, debit, credit, amount, state) SELECT * FROM"
            " unnest(%b::bytea[], %b::bytea[], %b::bytea[], %b::bigint[], %b::text[])",
            pending_fresh,
        )
        self._many(
            "UPDATE pendings p SET state = u.state FROM unnest(%b::bytea[], %b::text[]) u(id, state) WHERE p.id = u.id",
            [(row[0], row[4]) for row in pending_changed],
        )
        self._many("INSERT INTO refused_entries (id) SELECT * FROM unnest(%b::bytea[])", batch.refused_rows)
