"""Reading beside the desk: lists and reports over connections that cannot write."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from handfast.core.ids import Id
from handfast.store.table import Row, Table


class Reader(Protocol):
    """A read-only connection. SQL is written once for all stores: `?` marks, and only what both understand."""

    def rows(self, sql: str, params: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """All rows of a query."""

    def stream(self, sql: str, params: Sequence[Any] = ()) -> Iterator[tuple[Any, ...]]:
        """The rows of a query that may be too many to hold; inside a snapshot."""

    def snapshot(self) -> AbstractContextManager[None]:
        """A span in which all reads see one committed state."""

    def close(self) -> None:
        """Give the connection back."""


def select(table: Table[Row]) -> str:
    """The start of a query for whole rows: "SELECT all columns FROM table"."""
    return f"SELECT {', '.join(table.columns)} FROM {table.name}"


def get(reader: Reader, table: Table[Row], key: Id) -> Row | None:
    """The row of that key, or None."""
    found = find(reader, table, "id = ?", key)
    return found[0] if found else None


def find(reader: Reader, table: Table[Row], where: str, *params: Any) -> list[Row]:
    """The rows that meet a condition; `where` may go on with ORDER BY and LIMIT."""
    row = table.row
    return [row(*values) for values in reader.rows(f"{select(table)} WHERE {where}", params)]
