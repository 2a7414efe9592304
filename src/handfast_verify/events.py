"""Events and operations: counted without a gap by object, equal to the rows that they tell of, named by operations."""

from collections.abc import Callable
from typing import Any

from msgspec import MsgspecError, msgpack

from handfast_verify.facts import TOLD, Told
from handfast_verify.findings import Findings
from handfast_verify.reading import Books

Watch = Callable[[int], None]
_STEP = 10_000
_encode = msgpack.Encoder().encode


def check_events(books: Books, findings: Findings, watch: Watch) -> None:
    """Check all events, and the rows that they tell of."""
    objects = _gapless(books, findings, watch)
    for told in TOLD:
        count = _rows(books, findings, told, watch)
        if count != objects.pop(told.kind, 0):
            _without_row(books, findings, told)
    for kind in sorted(objects):
        findings.add("events", "events", kind, "the kind of object", "a known one", kind)
    _operations(books, findings)


def _gapless(books: Books, findings: Findings, watch: Watch) -> dict[str, int]:
    """Hold each object's events against 1, 2, 3 …; how many objects there are of each kind."""
    objects: dict[str, int] = {}
    owner, version, kind = b"", 0, ""
    for seen, (key, type_) in enumerate(books.stream("SELECT id, type FROM events ORDER BY id"), 1):
        if key[:13] == owner:
            version += 1
            if not type_.startswith(kind):
                findings.add("events", "events", key, "the kind of object", kind, type_)
        else:
            owner, version = key[:13], 1
            name = type_.partition(".")[0]
            kind = name + "."
            objects[name] = objects.get(name, 0) + 1
        if int.from_bytes(key[13:], "big") != version or len(key) != 16:
            findings.add(
                "events",
                "events",
                key,
                "its number among its object's events",
                version,
                int.from_bytes(key[13:], "big"),
            )
            version = int.from_bytes(key[13:], "big")
        if seen % _STEP == 0:
            watch(_STEP)
    return objects


def _rows(books: Books, findings: Findings, told: Told, watch: Watch) -> int:
    """Hold each row against the event of its version; how many rows there are."""
    columns = books.columns(told.table)
    if not columns:
        return 0
    shown = ", ".join(f"t.{column}" for column in columns)
    sql = (
        f"SELECT e.type, e.body, {shown} FROM {told.table} t"
        f" LEFT JOIN events e ON e.id = {books.last_event('t')} ORDER BY t.id"
    )
    blank = [columns.index(column) for column in told.blank]
    silent = [columns.index(column) for column in told.silent]
    count = 0
    for type_, body, *row in books.stream(sql):
        count += 1
        if body is None:
            findings.add("events", told.table, row[0], "the event of its version", "one", "none")
            continue
        for n in blank:
            row[n] = b""
        if _encode(dict(zip(columns, row, strict=True))) != body and not silent:
            _differing(findings, told, columns, row, body)
        elif silent:
            _differing(findings, told, columns, row, body, silent)
        if not type_.startswith(f"{told.kind}."):
            findings.add("events", told.table, row[0], "the kind of its event", told.kind, type_)
        if count % _STEP == 0:
            watch(_STEP)
    return count


def _differing(
    findings: Findings, told: Told, columns: list[str], row: list[Any], body: bytes, silent: list[int] | None = None
) -> None:
    try:
        event = msgpack.decode(body)
    except MsgspecError:
        findings.add("events", told.table, row[0], "its last event", "a body that can be read", body)
        return
    if not isinstance(event, dict) or event.keys() != set(columns):
        findings.add("events", told.table, row[0], "the members of its last event", columns, event)
        return
    for n, column in enumerate(columns):
        if row[n] != event[column] and n not in (silent or ()):
            findings.add("events", told.table, row[0], f"{column}, as its last event tells", event[column], row[n])


def _without_row(books: Books, findings: Findings, told: Told) -> None:
    """Name the first object whose events are there, but not its row."""
    sql = (
        f"SELECT e.id FROM events e WHERE e.type LIKE '{told.kind}.%' AND NOT EXISTS"
        f" (SELECT 1 FROM {told.table} t WHERE {books.last_event('t')} >= e.id"
        " AND substr(t.id, 1, 13) = substr(e.id, 1, 13)) ORDER BY e.id LIMIT 1"
    )
    # As slow as it is rare: somebody took a row away.
    for (key,) in books.stream(sql):
        findings.add("events", told.table, key[:13], "the row that events tell of", "one", "none")
        return
    findings.add("events", told.table, told.kind, "its rows and its objects with events", "as many", "more rows")


def _operations(books: Books, findings: Findings) -> None:
    """Each event names the operation that made it; an operation's answer lies in an event of its own."""
    for key, operation in books.stream(
        "SELECT e.id, e.operation FROM events e LEFT JOIN operations o ON o.id = e.operation WHERE o.id IS NULL"
        " ORDER BY e.seq LIMIT 10"
    ):
        findings.add("operations", "events", key, "the operation that made it", operation, "none")
    for key, told in books.stream(
        "SELECT o.id, o.told FROM operations o LEFT JOIN events e ON e.id = o.told"
        " WHERE o.told IS NOT NULL AND (e.id IS NULL OR e.operation <> o.id) LIMIT 10"
    ):
        findings.add("operations", "operations", key, "the event that holds its answer", "one of its own", told)
    for key, count in books.stream("SELECT id, count(*) FROM operations GROUP BY id HAVING count(*) > 1 LIMIT 10"):
        findings.add("operations", "operations", key, "how often its key is there", 1, count)
    for key, told, length in books.stream(
        "SELECT id, told, length(body) FROM operations WHERE (outcome <> '' OR told IS NULL) AND length(body) = 0"
        " OR length(id) <> 16 LIMIT 10"
    ):
        findings.add("operations", "operations", key, "its answer", "a body or an event", (told, length))
