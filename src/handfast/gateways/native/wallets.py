"""Transfers, top-ups, payouts, balances and statements of account: a party's own money."""

from collections import Counter
from typing import Any

from handfast.core.ids import Id, account_currency, account_id, account_purpose, owner_of, parse
from handfast.core.money import NUMBERS
from handfast.domain import payouts, topups, trades, transfers
from handfast.gateways.native import objects, reports, wire
from handfast.gateways.native.calls import Call
from handfast.gateways.native.lists import EntryPage, cursor, listed, no_cursor
from handfast.gateways.native.prefixes import PREFIXES, read, show
from handfast.gateways.native.render import SECOND
from handfast.gateways.native.reports import List
from handfast.ledger import Mode, Purpose
from handfast.ledger.journal import Booked, balances_of, entries_at, entries_of, place_of, places_touching
from handfast.store.reader import Reader

SOURCES = {
    "custody": "line",
    "deal": "deal",
    "payment": "payment",
    "payment.refund": "refund",
    "payout": "payout",
    "payout.book": "line",
    "payout.return": "line",
    "topup.book": "line",
    "trade": "trade",
    "transfer": "transfer",
}
"""What kind of object an entry derives from, by the entry's kind or by what stands before its dot."""


def create_transfer(call: Call[wire.NewTransfer]) -> transfers.CreateTransfer:
    """Move money from one's own wallet to another's."""
    given = call.given
    return transfers.CreateTransfer(
        payer=call.caller.party,
        payee=read("party", given.payee, "payee"),
        currency=given.currency,
        amount=given.amount,
        reference=given.reference,
        metadata=reports.encode(given.metadata),
    )


def create_topup(call: Call[wire.NewTopup]) -> topups.CreateTopup:
    """Announce a bank transfer into one's own wallet, and get the reference that it must carry."""
    return topups.CreateTopup(call.caller.party, call.given.currency, call.given.amount or 0)


def create_payout(call: Call[wire.NewPayout]) -> payouts.RequestPayout:
    """Have money of one's own wallet paid to one's bank account, with the next bank file."""
    return payouts.RequestPayout(call.caller.party, call.given.currency, call.given.amount)


def cancel_payout(call: Call[wire.Nothing]) -> payouts.CancelPayout:
    """Take back a payout that no bank file has ordered yet."""
    return payouts.CancelPayout(call.caller.party, call.id)


async def see_balances(call: Call[Any]) -> reports.Balances:
    """See one's own money, by currency."""
    party = call.caller.party
    amounts: Counter[tuple[str, str]] = Counter()

    def gather(reader: Reader) -> None:
        with reader.snapshot():
            for balance in balances_of(reader, party):
                currency = account_currency(balance.account)
                match account_purpose(balance.account):
                    case Purpose.WALLET:
                        amounts[currency, "available"] = balance.available
                        amounts[currency, "pending"] = balance.debits_pending
                    case Purpose.PAYOUT:
                        amounts[currency, "payout"] = balance.posted
            for currency, held in trades.held_for(reader, party):
                amounts[currency, "held"] = held

    await call.services.read.long(gather)
    columns = ("available", "pending", "payout", "held")
    data = [
        reports.Balance(currency, *(amounts[currency, column] for column in columns))
        for currency in sorted({currency for currency, _ in amounts})
    ]
    return reports.Balances("balances", show("party", party), data)


def source_of(entry: Id, kind: str) -> str:
    """The public id of the object that an entry derives from."""
    return show(SOURCES.get(kind) or SOURCES[kind.partition(".")[0]], owner_of(entry))


async def list_entries(call: Call[EntryPage]) -> List:
    """List the entries that moved one's own money: a statement of account."""
    given, party = call.given, call.caller.party
    below, above = cursor(given, "entry")

    def rows(reader: Reader) -> list[reports.Entry]:
        accounts = {
            balance.account
            for balance in balances_of(reader, party)
            if given.account in (None, _purpose(balance.account)) and given.currency in (None, account_currency(balance.account))
        }
        before, after = _place(reader, below, "starting_after"), _place(reader, above, "ending_before")
        if given.source is not None:
            places = _of_source(reader, given.source, before, after, given.limit + 1)
        else:
            places = places_touching(reader, list(accounts), given.limit + 1, before=before, after=after)
        found = [_entry(booked, accounts) for booked in entries_at(reader, places)]
        return [entry for entry in reversed(found) if entry.movements]

    entries = await call.services.read.long(rows)
    kept = entries[-given.limit :] if given.ending_before else entries[: given.limit]
    return List("list", kept, len(entries) > given.limit, call.path)
