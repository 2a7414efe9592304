"""The kinds of objects that the native API names, and the prefix of each one's id."""

from handfast.core.errors import NotFound
from handfast.core.ids import Id, parse, text
from handfast.domain.heads import head_id

PREFIXES = {
    "account": "acc",
    "claim": "clm",
    "client": "key",
    "consent": "con",
    "custody_account": "cac",
    "deal": "dea",
    "delivery": "del",
    "dispute": "dis",
    "endpoint": "whe",
    "entry": "ent",
    "event": "evt",
    "evidence": "evi",
    "file": "pof",
    "head": "hea",
    "line": "bli",
    "netting": "net",
    "operation": "opr",
    "party": "pty",
    "payment": "pay",
    "payout": "pot",
    "policy": "pol",
    "policy_book": "pob",
    "plan": "pop",
    "quote": "quo",
    "refund": "ref",
    "request": "req",
    "statement": "sta",
    "topup": "top",
    "trade": "trd",
    "transfer": "tra",
    "write_off": "wro",
}
"""By kind, which is also what the rooms of the domain call a missing one (a refusal's param)."""


def show(kind: str, value: Id) -> str:
    """The public form of an id of that kind."""
    return text(PREFIXES[kind], value)


def show_some(kind: str, value: Id | None) -> str | None:
    """The public form of an id that may be missing."""
    return None if value is None else text(PREFIXES[kind], value)


def parse_kind(kind: str, value: str) -> Id | None:
    """The id in a public form, or None where it is none of that kind. A head may go by its number."""
    if kind == "head" and value.isascii() and value.isdigit() and len(value) < 19:
        return head_id(int(value))
    return parse(PREFIXES[kind], value)


def read(kind: str, value: str, param: str | None = None) -> Id:
    """The id in a public form. Raises NotFound where it is none of that kind: it looks like one that nobody has.

    Several kinds stand in one word, separated by spaces.
    """
    kinds = kind.split()
    for each in kinds:
        if (found := parse_kind(each, value)) is not None:
            return found
    raise unknown(param or (kind if len(kinds) == 1 else "id"))


def read_some(kind: str, value: str | None, param: str | None = None) -> Id | None:
    """The id in a public form that may be missing. Raises NotFound."""
    return None if value is None else read(kind, value, param)


def unknown(param: str) -> NotFound:
    """What is said of an object that is not there, and of one that the caller may not see."""
    if param == "operation":
        return NotFound("operation_not_found", "there is no such operation: nothing was done by it", param)
    return NotFound("object_not_found", "there is no such object, or none that this key may see", param)
