"""Lists: pages of at most a hundred, newest first, with the id of an item as the cursor."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Protocol

from msgspec import Meta, Struct

from handfast.core.errors import Invalid
from handfast.core.ids import Id
from handfast.gateways.native.calls import Call, Handler, Route, first_line, shape_of
from handfast.gateways.native.prefixes import PREFIXES, parse_kind
from handfast.gateways.native.reports import List
from handfast.gateways.native.wire import Currency, Ref, Word
from handfast.store.reader import Reader, page
from handfast.store.table import Table

Limit = Annotated[int, Meta(ge=1, le=100, description="How many at most.")]


class Query(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What may stand behind the question mark; the others derive from it."""


class Page(Query, frozen=True, kw_only=True):
    """Which page: older items than `starting_after`, or newer ones than `ending_before`."""

    limit: Limit = 10
    starting_after: Ref | None = None
    ending_before: Ref | None = None


class StatePage(Page, frozen=True, kw_only=True):
    """Those in a state."""

    state: Word | None = None


class PartyPage(StatePage, frozen=True, kw_only=True):
    """Those of a kind, in a state."""

    kind: Word | None = None


class PaymentPage(StatePage, frozen=True, kw_only=True):
    """Those in a state, those with a reference."""

    reference: Word | None = None


class TradePage(StatePage, frozen=True, kw_only=True):
    """Those of a payment, in a state."""

    payment: Ref | None = None


class QuarrelPage(StatePage, frozen=True, kw_only=True):
    """Those about a trade, those of a seller or of a buyer, in a state."""

    trade: Ref | None = None
    seller: Ref | None = None
    buyer: Ref | None = None


class PayoutPage(StatePage, frozen=True, kw_only=True):
    """Those in a state, those that a bank file orders."""

    file: Ref | None = None


class RefundPage(Page, frozen=True, kw_only=True):
    """Those of a payment, of a trade."""

    payment: Ref | None = None
    trade: Ref | None = None


class EventPage(Page, frozen=True, kw_only=True):
    """Those of a type."""

    type: Word | None = None


class EntryPage(Page, frozen=True, kw_only=True):
    """Those of one account ("wallet", "payout" …), in a currency, those of an object."""

    account: Word | None = None
    currency: Currency | None = None
    source: Ref | None = None


def cursor(query: Page, kind: str) -> tuple[Id | None, Id | None]:
    """Below and above which id the page lies. Raises Invalid(cursor_invalid)."""
    if query.starting_after is not None and query.ending_before is not None:
        raise Invalid("cursor_invalid", "give starting_after or ending_before", "ending_before")
    below = _cursor(query.starting_after, kind, "starting_after")
    return below, _cursor(query.ending_before, kind, "ending_before")


def _cursor(value: str | None, kind: str, param: str) -> Id | None:
    found = None if value is None else parse_kind(kind, value)
    if value is not None and found is None:
        raise no_cursor(kind, param)
    return found


def no_cursor(kind: str, param: str) -> Invalid:
    """What is said of a cursor that no such list gave out."""
    return Invalid("cursor_invalid", f"a cursor of this list is the id of one of its items, {PREFIXES[kind]}_…", param)


def listing(path: str, scope: str, run: Handler, item: Any, query: type[Query]) -> Route:
    """A route that lists what no table alone can tell; its words are the handler's own docstring."""
    return Route("GET", path, scope, run, first_line(run), item, query=query, listed=True)


async def listed(call: Call[Any], rows: Sequence[Any], limit: int) -> List:
    """The page of these rows, of which one too many was asked for; it is the farthest from the cursor."""
    newer = getattr(call.given, "ending_before", None) is not None
    kept = rows[-limit:] if newer else rows[:limit]
    return List("list", await call.show_all(kept), len(rows) > limit, call.path)


def conditions(query: Page, refs: Mapping[str, str]) -> dict[str, Any] | None:
    """The columns that the query names, with their values; None where an id is none. `refs` tells the kinds of ids."""
    equal: dict[str, Any] = {}
    for name in type(query).__struct_fields__:
        value = getattr(query, name)
        if name in Page.__struct_fields__ or value is None:
            continue
        if name in refs:
            value = parse_kind(refs[name], value)
            if value is None:
                return None
        equal[name] = value
    return equal


class Own(Protocol):
    """Finds a page of a party's objects, the newest first; None where the cursor is none of them."""

    def __call__(
        self, reader: Reader, party: Id, limit: int, *, below: Id | None, above: Id | None, equal: Mapping[str, Any]
    ) -> list[Any] | None:
        """At most `limit` objects below or above one, that meet `equal`."""


def pages(
    path: str,
    kind: str,
    table: Table[Any],
    owners: tuple[str, ...],
    query: type[Page] = Page,
    refs: Mapping[str, str] | None = None,
    scope: str = "read",
    by: str = "id",
    through: tuple[str, str] = ("", ""),
    own: Own | None = None,
) -> Route:
    """A route that lists objects of a table to whom one of the columns `owners` names; the operator sees all.

    `by` is the column that orders them, where it is not the id. `through` is a filter, and a further owner's column
    that counts where it is used: it has no index of its own. `own` finds a party's objects where no column can.
    """

    async def run(call: Call[Any]) -> List:
        given = call.given
        below, above = cursor(given, kind)
        equal = conditions(given, refs or {})
        if equal is None:
            return await listed(call, [], given.limit)
        columns = (*owners, through[1]) if through[0] in equal else owners
        mine = None if call.caller.operates else (columns, call.caller.party)

        def rows(reader: Reader) -> list[Any]:
            if own is not None and mine is not None:
                found = own(reader, call.caller.party, given.limit + 1, below=below, above=above, equal=equal)
                if found is None:
                    raise no_cursor(kind, "starting_after" if below else "ending_before")
                return found
            low, high = (below, above) if by == "id" else (_place(reader, below), _place(reader, above))
            return page(reader, table, given.limit + 1, owners=mine, equal=equal, by=by, below=low, above=high)

        def _place(reader: Reader, key: Id | None) -> Any:
            if key is None:
                return None
            found = page(reader, table, 1, owners=mine, equal={"id": key})
            if not found:
                raise no_cursor(kind, "starting_after" if below else "ending_before")
            return getattr(found[0], by)

        read = call.services.read.long if equal else call.services.read.short
        return await listed(call, await read(rows), given.limit)

    return Route(
        "GET", path, scope, run, f"List each {kind} that one may see.", shape_of(table.row), query=query, listed=True
    )
