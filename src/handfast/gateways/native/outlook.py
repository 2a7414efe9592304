"""What clients get to see of payouts to come: each currency's money, what it waits for, and the next planned payout."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Literal

from msgspec import Struct

from handfast.core.money import format_decimal
from handfast.domain import payouts
from handfast.domain.parties import Party
from handfast.gateways.native.objects import Seconds
from handfast.gateways.native.prefixes import show
from handfast.gateways.native.render import SECOND


class HeldMoney(Struct, frozen=True):
    """Money held in a trade: what it waits for, and what silence until then means."""

    trade: str
    amount: int
    waits_for: str
    until: Seconds | None
    then: str | None


class ReservedMoney(Struct, frozen=True):
    """What was kept back of a trade's earnings, with the formula that it was worked out by."""

    trade: str
    amount: int
    formula: str
    until: Seconds | None


class NextPayout(Struct, frozen=True):
    """What a plan would ask for at its next day if nothing changed; `against` is why that is nothing."""

    plan: str
    due: Seconds | None
    amount: int
    against: str | None


class CurrencyOutlook(Struct, frozen=True):
    """One currency. payable = available - owed, held = Σ held_for, reserved = Σ reserved_from - reserve_used."""

    currency: str
    available: int
    pending: int
    owed: int
    payable: int
    on_its_way: int
    held: int
    held_for: list[HeldMoney]
    reserved: int
    reserve_used: int
    reserved_from: list[ReservedMoney]
    next: NextPayout | None


class PayoutPreview(Struct, frozen=True):
    """A party's money, by currency; `id` is the party's, `payee_check` tells whether its bank account may be paid."""

    id: str
    object: Literal["payout_preview"]
    payee_check: str | None
    payee_reason: str | None
    data: list[CurrencyOutlook]


def preview(party: Party, found: Sequence[payouts.Preview]) -> PayoutPreview:
    """A party's preview."""
    return PayoutPreview(
        id=show("party", party.id),
        object="payout_preview",
        payee_check=party.payee_check or None,
        payee_reason=party.payee_reason or None,
        data=[_currency(each) for each in found],
    )


def _currency(each: payouts.Preview) -> CurrencyOutlook:
    return CurrencyOutlook(
        currency=each.currency,
        available=each.available,
        pending=each.pending,
        owed=each.owed,
        payable=each.payable,
        on_its_way=each.on_its_way,
        held=each.held,
        held_for=[
            HeldMoney(show("trade", held.trade), held.amount, held.waits_for, _seconds(held.until), held.then or None)
            for held in each.held_for
        ],
        reserved=each.reserved,
        reserve_used=each.reserve_used,
        reserved_from=[
            ReservedMoney(show("trade", kept.trade), kept.amount, _formula(kept, each.currency), _seconds(kept.until))
            for kept in each.reserved_from
        ],
        next=_next(each.next) if each.next else None,
    )


def _next(planned: payouts.NextPayout) -> NextPayout:
    return NextPayout(show("plan", planned.plan), _seconds(planned.due), planned.amount, planned.against or None)


def _formula(kept: payouts.ReservedFrom, currency: str) -> str:
    rate = f"{kept.share_bps // 100}.{kept.share_bps % 100:02} %"
    words = f"{rate} of {format_decimal(kept.of, currency)} {currency} from trade {show('trade', kept.trade)}"
    return words if kept.until is None else f"{words} until {_day(kept.until)}"


def _day(moment: int) -> str:
    return datetime.fromtimestamp(moment // SECOND, UTC).strftime("%Y-%m-%d %H:%M UTC")


def _seconds(moment: int | None) -> Seconds | None:
    return None if moment is None else moment // SECOND
