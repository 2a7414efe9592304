"""What parties owe the operator: listed, paid out of their wallets, written off."""

from typing import Any

from handfast.core.ids import account_id
from handfast.domain import receivables
from handfast.domain.receivables import Owed
from handfast.gateways.native import reports
from handfast.gateways.native.calls import Call
from handfast.gateways.native.lists import Page, cursor
from handfast.gateways.native.prefixes import read, show
from handfast.gateways.native.render import netting
from handfast.gateways.native.reports import List
from handfast.gateways.native.wire_trades import NewNetting, NewWriteOff
from handfast.ledger import Purpose
from handfast.ledger.journal import entries_at, entries_of
from handfast.store.reader import Reader


async def list_receivables(call: Call[Page]) -> List:
    """List what is owed to the operator: by oneself or, as the operator, by all; the youngest party's first."""
    given, caller = call.given, call.caller
    below, above = cursor(given, "account")

    def look(reader: Reader) -> list[Owed]:
        if caller.operates:
            return receivables.outstanding(reader)
        return receivables.outstanding_of(reader, caller.party)

    found = {
        account_id(owed.party, Purpose.RECEIVABLE, owed.currency): owed for owed in await call.services.read.long(look)
    }
    keys = [key for key in found if (below is None or key < below) and (above is None or key > above)]
    keys = sorted(keys)[: given.limit + 1][::-1] if above else sorted(keys, reverse=True)[: given.limit + 1]
    kept = keys[-given.limit :] if above else keys[: given.limit]
    return List("list", [_receivable(key, found[key]) for key in kept], len(keys) > given.limit, call.path)


def _receivable(account: bytes, owed: Owed) -> reports.Receivable:
    return reports.Receivable(
        show("account", account), "receivable", show("party", owed.party), owed.currency, owed.amount
    )


def write_off(call: Call[NewWriteOff]) -> receivables.WriteOffReceivable:
    """Give up a part or all of what a party owes, at the operator's cost."""
    given = call.given
    party = read("party", given.party, "party")
    return receivables.WriteOffReceivable(call.caller.client, party, given.currency, given.amount, given.reason)


async def net(call: Call[NewNetting]) -> reports.Netting:
    """Have a party pay what it owes out of its wallet, as far as there is any of both."""
    command = receivables.NetReceivable(
        call.caller.client, read("party", call.given.party, "party"), call.given.currency
    )
    row: receivables.Netting = await call.do(receivables.net, command)

    def look(reader: Reader) -> tuple[int, int]:
        moved = sum(
            posting.amount for entry in entries_at(reader, entries_of(reader, row.id)) for posting in entry.postings
        )
        owed = sum(
            each.amount for each in receivables.outstanding_of(reader, row.party) if each.currency == row.currency
        )
        return moved, owed

    return netting(row, *await call.look(look))


def owner(row: receivables.WriteOff) -> tuple[Any, ...]:
    """For whom something was written off."""
    return (row.party,)
