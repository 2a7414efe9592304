"""Tables as the desk sees them: a frozen struct's fields, in order, are the columns; the first is the 16-byte key."""

from types import UnionType
from typing import Any, Generic, TypeVar, get_args, get_type_hints

from msgspec import Struct
from msgspec.structs import fields

Row = TypeVar("Row", bound=Struct)
_KINDS = {bytes: "bytea", int: "bigint", str: "text"}

TABLES: dict[str, "Table[Any]"] = {}
"""All tables by name, for rows that are kept inside others."""


class Table(Generic[Row]):
    """A table whose rows are `row` structs. `kinds` are the columns' PostgreSQL types, `nullable` the optional ones."""

    def __init__(self, name: str, row: type[Row]) -> None:
        self.name = name
        self.row = row
        self.columns = tuple(field.name for field in fields(row))
        hints = get_type_hints(row)
        self.kinds = tuple(_kind(hints[column]) for column in self.columns)
        self.nullable = tuple(isinstance(hints[column], UnionType) for column in self.columns)
        TABLES[name] = self
        if self.columns[0] != "id" or self.kinds[0] != "bytea":
            raise TypeError(f"the first column of {name} must be its id")

    def __repr__(self) -> str:
        return f"Table({self.name})"


def _kind(hint: Any) -> str:
    if isinstance(hint, UnionType):
        (hint,) = (part for part in get_args(hint) if part is not type(None))
    return _KINDS[hint]
