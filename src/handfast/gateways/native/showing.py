"""What each type of row is shown as, events included, and the body of a webhook."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec import json, msgpack

from handfast.core.ids import Id
from handfast.domain import (
    claims,
    custody,
    disputes,
    exchange,
    heads,
    notifications,
    parties,
    payments,
    payouts,
    policies,
    receivables,
    topups,
    trades,
    transfers,
)
from handfast.domain.parties import HOUSE
from handfast.gateways.native import render, render_quarrels, render_sales
from handfast.gateways.native.agreed import NOTHING, Agreed, is_bargain, read_agreed
from handfast.gateways.native.prefixes import show
from handfast.gateways.native.reports import Event, EventData
from handfast.services import Readers
from handfast.store import rows
from handfast.store.reader import Reader

EVENT_ROWS: Mapping[str, type] = {
    "bank_line": custody.BankLine,
    "bank_statement": custody.BankStatement,
    "claim": claims.Claim,
    "consent": payments.Consent,
    "custody_account": custody.CustodyAccount,
    "deal": exchange.Deal,
    "dispute": disputes.Dispute,
    "evidence": disputes.Evidence,
    "head": heads.Head,
    "party": parties.Party,
    "payment": payments.Payment,
    "payout": payouts.Payout,
    "payout_file": payouts.PayoutFile,
    "payout_plan": payouts.PayoutPlan,
    "policy_book": policies.BookRow,
    "quote": exchange.Quote,
    "refund": payments.Refund,
    "topup": topups.Topup,
    "trade": trades.Trade,
    "transfer": transfers.Transfer,
    "write_off": receivables.WriteOff,
}
"""What an event's body holds, by what stands before the dot of its type."""

_DECODE: Mapping[str, Callable[[bytes], Any]] = {name: msgpack.Decoder(row).decode for name, row in EVENT_ROWS.items()}

encode = json.Encoder().encode

Sees = Callable[..., bool]
"""Whether whoever asks is one of some parties, or the operator."""


def event(row: rows.Event, its: Any) -> Event:
    """An event with its object as it was then."""
    return Event(
        id=show("event", row.id),
        object="event",
        type=row.type,
        created=row.at // render.SECOND,
        sequence=int.from_bytes(row.id[-3:], "big"),
        data=EventData(its),
    )


RENDER: Mapping[type, Callable[..., Any]] = {
    claims.Claim: render_quarrels.claim,
    custody.BankLine: render.bank_line,
    custody.BankStatement: render.bank_statement,
    custody.CustodyAccount: render.custody_account,
    disputes.Dispute: render_quarrels.dispute,
    disputes.Evidence: render_quarrels.evidence,
    exchange.Deal: render.deal,
    exchange.Quote: render.quote,
    heads.Head: render.head,
    notifications.Delivery: render.delivery,
    notifications.Endpoint: render.endpoint,
    parties.ApiClient: render.api_key,
    parties.Party: render.party,
    payments.Consent: render.consent,
    payments.Payment: render_sales.payment,
    payments.Refund: render_sales.refund,
    payouts.Payout: render.payout,
    payouts.PayoutFile: render.payout_file,
    payouts.PayoutPlan: render.payout_plan,
    policies.BookRow: render.policy_book,
    policies.PolicyRow: render.policy,
    receivables.Netting: render.netting,
    receivables.WriteOff: render.write_off,
    rows.Event: event,
    topups.Topup: render.topup,
    trades.Trade: render_sales.trade,
    transfers.Transfer: render.transfer,
}
"""By type of row."""


def _everybody(*_parties: Id | None) -> bool:
    return True


def _thing(row: Any) -> Any:
    """The row itself, or what an event was about, as it was then."""
    return _DECODE[row.type.partition(".")[0]](row.body) if isinstance(row, rows.Event) else row


def _shown(row: Any, thing: Any, agreed: Agreed, sees: Sees) -> Any:
    its = show_row(thing, agreed, sees)
    return event(row, its) if isinstance(row, rows.Event) else its


def show_row(row: Any, agreed: Agreed, sees: Sees = _everybody) -> Any:
    """The object that a row, which is no event, is to clients."""
    match row:
        case payments.Payment():
            return render_sales.payment(row, agreed, inner=sees(row.merchant))
        case trades.Trade():
            return render_sales.trade(row, agreed, inner=sees(row.merchant, row.seller))
        case claims.Claim():
            return render_quarrels.claim(row, agreed)
        case disputes.Dispute():
            return render_quarrels.dispute(row, agreed, inner=sees())
        case disputes.Evidence():
            return render_quarrels.evidence(row, readable=not row.confidential or sees(row.party))
        case _:
            return RENDER[type(row)](row)


def show_here(reader: Reader, found: Sequence[Any], sees: Sees = _everybody) -> list[Any]:
    """The objects that rows are to clients; events bring theirs."""
    things = [_thing(row) for row in found]
    agreed = read_agreed(reader, things)
    return [_shown(row, thing, agreed, sees) for row, thing in zip(found, things, strict=True)]


async def show_all(read: Readers, found: Sequence[Any], sees: Sees) -> list[Any]:
    """The same, for the loop. Raises Unavailable."""
    things = [_thing(row) for row in found]
    agreed = NOTHING
    if any(is_bargain(thing) for thing in things):
        agreed = await read.short(lambda reader: read_agreed(reader, things))
    return [_shown(row, thing, agreed, sees) for row, thing in zip(found, things, strict=True)]


async def render_event(read: Readers, row: rows.Event, receiver: Id) -> bytes:
    """The body of a webhook: the event as the API shows it to that party. Raises Unavailable."""
    (shown,) = await show_all(read, [row], lambda *parties: receiver == HOUSE or receiver in parties)
    return encode(shown)
