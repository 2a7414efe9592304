"""Reading beside the desk: lists and reports over connections that cannot write."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from operator import attrgetter
from typing import Any, Protocol

from handfast.core.ids import Id
from handfast.store.rows import EVENTS, Operation
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
    found = find(reader, table, "id = ? LIMIT 1", key)
    return found[0] if found else None


def find(reader: Reader, table: Table[Row], where: str, *params: Any) -> list[Row]:
    """The rows that meet a condition; `where` may go on with ORDER BY and LIMIT."""
    row = table.row
    return [row(*values) for values in reader.rows(f"{select(table)} WHERE {where}", params)]


def body_of(reader: Reader, operation: Operation) -> bytes:
    """The msgpack of what an operation answered."""
    event = get(reader, EVENTS, operation.told) if operation.told is not None else None
    return event.body if event is not None else operation.body


def page(
    reader: Reader,
    table: Table[Row],
    limit: int,
    *,
    owners: tuple[Sequence[str], Id] | None = None,
    equal: Mapping[str, Any] | None = None,
    by: str = "id",
    below: Any = None,
    above: Any = None,
) -> list[Row]:
    """At most `limit` rows, those with the highest `by` first: below a value, or the next ones above one.

    `owners` names columns of which one must hold that id, `equal` columns and their values.
    """
    order, bound = (by, above) if above is not None else (f"{by} DESC", below)
    conditions = [f"{column} = ?" for column in equal or {}]
    values = [*(equal or {}).values()]
    if bound is not None:
        conditions.append(f"{by} {'>' if above is not None else '<'} ?")
        values.append(bound)
    found: dict[Id, Row] = {}
    key_of = attrgetter("id")
    # One query for each owner's column, since each has an index of its own that gives the rows in order.
    for column in owners[0] if owners else [None]:
        mine, who = ([f"{column} = ?"], [owners[1]]) if owners else ([], [])
        where = " AND ".join([*mine, *conditions]) or "1 = 1"
        rows = find(reader, table, f"{where} ORDER BY {order} LIMIT ?", *who, *values, limit)
        found.update((key_of(row), row) for row in rows)
    newest_first = sorted(found.values(), key=attrgetter(by), reverse=True)
    return newest_first[-limit:] if above is not None else newest_first[:limit]
