"""Transfers, top-ups, balances and statements of account: a party's own money."""

from collections import Counter
from typing import Any

from handfast.core.ids import Id, account_currency, account_purpose, owner_of, parse
from handfast.domain import topups, trades, transfers
from handfast.gateways.native import reports, wire
from handfast.gateways.native.calls import Call
from handfast.gateways.native.lists import EntryPage, cursor, no_cursor
from handfast.gateways.native.prefixes import PREFIXES, read, show
from handfast.gateways.native.render import SECOND
from handfast.gateways.native.reports import List
from handfast.gateways.native.showing import encode
from handfast.ledger import Mode, Purpose
from handfast.ledger.journal import Booked, balances_of, entries_at, entries_of, place_of, places_touching
from handfast.store.reader import Reader

SOURCES = {
    "custody.resolve": "line",
    "custody.suspense": "line",
    "deal.book": "line",
    "payment.authorise": "payment",
    "payment.capture": "payment",
    "payment.free": "payment",
    "payment.pay": "payment",
    "payment.refund": "refund",
    "payment.void": "payment",
    "payout.book": "line",
    "payout.give_back": "payout",
    "payout.request": "payout",
    "payout.return": "line",
    "receivable.net": "netting",
    "receivable.write_off": "write_off",
    "topup.book": "line",
    "trade.free_reserve": "trade",
    "trade.release": "trade",
    "trade.release_milestone": "trade",
    "trade.release_part": "trade",
    "transfer.create": "transfer",
}
"""What an entry derives from, by the entry's kind."""


def create_transfer(call: Call[wire.NewTransfer]) -> transfers.CreateTransfer:
    """Move money from one's own wallet to another's."""
    given = call.given
    return transfers.CreateTransfer(
        payer=call.caller.party,
        payee=read("party", given.payee, "payee"),
        currency=given.currency,
        amount=given.amount,
        reference=given.reference,
        metadata=encode(given.metadata),
    )


def create_topup(call: Call[wire.NewTopup]) -> topups.CreateTopup:
    """Announce a bank transfer into one's own wallet, and get the reference that it must carry."""
    return topups.CreateTopup(call.caller.party, call.given.currency, call.given.amount or 0)


async def see_balances(call: Call[Any]) -> reports.Balances:
    """See one's own money, by currency."""
    party = call.caller.party
    amounts: Counter[tuple[str, str]] = Counter()

    def gather(reader: Reader) -> None:
        with reader.snapshot():
            for balance in balances_of(reader, party):
                currency = account_currency(balance.account)
                if account_purpose(balance.account) == Purpose.WALLET:
                    amounts[currency, "available"] = balance.available
                    amounts[currency, "pending"] = balance.debits_pending
                elif account_purpose(balance.account) == Purpose.PAYOUT:
                    amounts[currency, "payout"] = balance.posted
                elif account_purpose(balance.account) == Purpose.RESERVE:
                    amounts[currency, "reserve"] = balance.posted
                elif account_purpose(balance.account) == Purpose.RECEIVABLE:
                    amounts[currency, "owed"] = -balance.posted
            for currency, held in trades.held_for(reader, party):
                amounts[currency, "held"] = held

    await call.services.read.long(gather)
    columns = ("available", "pending", "payout", "held", "reserve", "owed")
    data = [
        reports.Balance(currency, *(amounts[currency, column] for column in columns))
        for currency in sorted({currency for currency, _ in amounts})
    ]
    return reports.Balances("balances", show("party", party), data)


def source_of(entry: Id, kind: str) -> str | None:
    """The public id of the object that an entry derives from."""
    return show(SOURCES[kind], owner_of(entry)) if kind in SOURCES else None


async def list_entries(call: Call[EntryPage]) -> List:
    """List the entries that moved one's own money: a statement of account."""
    given, party = call.given, call.caller.party
    below, above = cursor(given, "entry")

    def rows(reader: Reader) -> list[reports.Entry]:
        own = {balance.account for balance in balances_of(reader, party)}
        before, after = _place(reader, own, below, "starting_after"), _place(reader, own, above, "ending_before")
        asked = {account for account in own if _is_asked(given, account)}
        if given.source is None:
            places = places_touching(reader, sorted(asked), given.limit + 1, before=before, after=after)
        else:
            places = [
                place
                for place in entries_of(reader, _read_source(given.source))
                if (before is None or place < before) and (after is None or place > after)
            ]
        shown = [_entry(booked, asked) for booked in reversed(entries_at(reader, places))]
        return [entry for entry in shown if entry.movements]

    found = await call.services.read.long(rows)
    kept = found[-given.limit :] if above else found[: given.limit]
    return List("list", kept, len(found) > given.limit, call.path)


def _is_asked(given: EntryPage, account: Id) -> bool:
    purpose = Purpose(account_purpose(account)).name.lower()
    return given.account in {None, purpose} and given.currency in {None, account_currency(account)}


def _place(reader: Reader, own: set[Id], entry: Id | None, param: str) -> int | None:
    """The place of the entry that a cursor names. Raises Invalid(cursor_invalid) where it is none of one's own."""
    if entry is None:
        return None
    place = place_of(reader, entry)
    if place is None or not _entry(entries_at(reader, [place])[0], own).movements:
        raise no_cursor("entry", param)
    return place


def _read_source(value: str) -> Id:
    """The id of an object of whatever kind; one that nobody has, where the text is none."""
    found = (parse(prefix, value) for prefix in PREFIXES.values())
    return next((key for key in found if key is not None), bytes(16))


def _entry(booked: Booked, accounts: set[Id]) -> reports.Entry:
    movements = [
        reports.Movement(
            account=Purpose(account_purpose(account)).name.lower(),
            currency=account_currency(account),
            amount=amount,
            mode=Mode(posting.mode).name.lower(),
        )
        for posting in booked.postings
        for account, amount in ((posting.debit, -posting.amount), (posting.credit, posting.amount))
        if account in accounts and posting.amount
    ]
    return reports.Entry(
        id=show("entry", booked.id),
        object="entry",
        sequence=booked.seq,
        kind=booked.kind,
        source=source_of(booked.id, booked.kind),
        movements=movements,
        created=booked.at // SECOND,
    )
