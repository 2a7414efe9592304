"""Events as they are told: an event's row becomes the body of a webhook, and the same wherever else it is shown."""

from collections.abc import Callable, Mapping
from typing import Any

from msgspec import msgpack

from handfast.domain import custody, exchange, parties, payments, payouts, topups, trades, transfers
from handfast.gateways.native.prefixes import show
from handfast.gateways.native.render import SECOND, encode, show_row
from handfast.gateways.native.reports import Event, EventData
from handfast.store import rows

ROWS: Mapping[str, type] = {
    "bank_line": custody.BankLine,
    "bank_statement": custody.BankStatement,
    "consent": payments.Consent,
    "custody_account": custody.CustodyAccount,
    "deal": exchange.Deal,
    "party": parties.Party,
    "payment": payments.Payment,
    "payout": payouts.Payout,
    "payout_file": payouts.PayoutFile,
    "quote": exchange.Quote,
    "refund": payments.Refund,
    "topup": topups.Topup,
    "trade": trades.Trade,
    "transfer": transfers.Transfer,
}
"""What an event's body holds, by what stands before the dot of its type."""

_DECODE: Mapping[str, Callable[[bytes], Any]] = {name: msgpack.Decoder(row).decode for name, row in ROWS.items()}


def event(row: rows.Event) -> Event:
    """An event with its object as it was then."""
    thing = _DECODE[row.type.partition(".")[0]](row.body)
    return Event(
        id=show("event", row.id),
        object="event",
        type=row.type,
        created=row.at // SECOND,
        sequence=int.from_bytes(row.id[-3:], "big"),
        data=EventData(show_row(thing)),
    )


def render_event(row: rows.Event) -> bytes:
    """The body of a webhook."""
    return encode(event(row))
