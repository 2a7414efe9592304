"""What each type of row is shown as, events included, and the body of a webhook."""

from collections.abc import Callable, Mapping
from typing import Any

from msgspec import json, msgpack

from handfast.domain import custody, exchange, notifications, parties, payments, payouts, topups, trades, transfers
from handfast.gateways.native import render
from handfast.gateways.native.prefixes import show
from handfast.gateways.native.reports import Event, EventData
from handfast.store import rows

EVENT_ROWS: Mapping[str, type] = {
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

_DECODE: Mapping[str, Callable[[bytes], Any]] = {name: msgpack.Decoder(row).decode for name, row in EVENT_ROWS.items()}

encode = json.Encoder().encode


def event(row: rows.Event) -> Event:
    """An event with its object as it was then."""
    thing = _DECODE[row.type.partition(".")[0]](row.body)
    return Event(
        id=show("event", row.id),
        object="event",
        type=row.type,
        created=row.at // render.SECOND,
        sequence=int.from_bytes(row.id[-3:], "big"),
        data=EventData(show_row(thing)),
    )


RENDER: Mapping[type, Callable[[Any], Any]] = {
    custody.BankLine: render.bank_line,
    custody.BankStatement: render.bank_statement,
    custody.CustodyAccount: render.custody_account,
    exchange.Deal: render.deal,
    exchange.Quote: render.quote,
    notifications.Delivery: render.delivery,
    notifications.Endpoint: render.endpoint,
    parties.ApiClient: render.api_key,
    parties.Party: render.party,
    payments.Consent: render.consent,
    payments.Payment: render.payment,
    payments.Refund: render.refund,
    payouts.Payout: render.payout,
    payouts.PayoutFile: render.payout_file,
    rows.Event: event,
    topups.Topup: render.topup,
    trades.Trade: render.trade,
    transfers.Transfer: render.transfer,
}
"""By type of row."""


def show_row(row: Any, sees: Callable[..., bool] = lambda *_parties: True) -> Any:
    """The object that a row is to clients; `sees` tells whether the caller is one of some parties."""
    if isinstance(row, payments.Payment):
        return render.payment(row, inner=sees(row.merchant))
    if isinstance(row, trades.Trade):
        return render.trade(row, inner=sees(row.merchant, row.seller))
    return RENDER[type(row)](row)


def render_event(row: rows.Event) -> bytes:
    """The body of a webhook: the event as the API shows it."""
    return encode(event(row))
