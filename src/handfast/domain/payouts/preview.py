"""A preview of a party's money: what can be paid out, what cannot yet, why, until when, and what ends that."""

from collections import defaultdict
from collections.abc import Sequence

from msgspec import Struct

from handfast.core.ids import Id, account_currency, account_purpose
from handfast.core.money import MAX_AMOUNT
from handfast.domain.parties import PARTIES, Party
from handfast.domain.payouts.model import PayoutPlan
from handfast.domain.payouts.plans import withheld
from handfast.domain.payouts.tables import plans_of
from handfast.domain.policies import POLICIES, Policy, policy_of
from handfast.domain.trades import Trade, held_left, settled, silent_step, waiting_trades
from handfast.ledger import Balance, Purpose
from handfast.ledger.journal import balances_of
from handfast.store.reader import Reader, get


class HeldFor(Struct, frozen=True):
    """Money of a trade that is held: minor units of the price currency, of which commission and tax are still a part.

    `waits_for` is "dispatch", "confirmation", "claim" or "dispute". At `until` (µs), where nothing happens before,
    silence means `then`: "release", "milestone" (a part of it), "refund", "extend" or "dispute". Neither is known while
    a claim or dispute stops the clock.
    """

    trade: Id
    amount: int
    waits_for: str
    until: int | None
    then: str


class ReservedFrom(Struct, frozen=True):
    """What was kept back of a trade's earnings: `share_bps` basis points of `of`, half to even, in minor units.

    It is freed at `until` (µs); None while not all of the trade is released, or while a claim or dispute is open.
    """

    trade: Id
    amount: int
    share_bps: int
    of: int
    until: int | None


class NextPayout(Struct, frozen=True):
    """What a plan would ask for at its next day (µs, None for a manual one) if nothing changed until then.

    `against` is why that is nothing: "too_little", or a refusal's code.
    """

    plan: Id
    due: int | None
    amount: int
    against: str


class Preview(Struct, frozen=True):
    """A party's money in one currency, in minor units, as of one instant.

    `available` can be spent or paid out, but for what is `owed` to the operator, which goes first: the rest is
    `payable`. `pending` is set aside by authorisations and `on_its_way` by payouts. `held` is the sum of `held_for`.
    `reserved` is what is left in reserve: the sum of `reserved_from` less `reserve_used`, which refunds took.
    """

    currency: str
    available: int
    pending: int
    owed: int
    payable: int
    on_its_way: int
    held: int
    held_for: tuple[HeldFor, ...]
    reserved: int
    reserve_used: int
    reserved_from: tuple[ReservedFrom, ...]
    next: NextPayout | None


def payable(balances: Sequence[Balance], currency: str) -> int:
    """What a party could ask for, of its balances: its wallet less what it owes the operator. Minor units."""
    sums = _by_purpose(balances, currency)
    return _payable(sums[Purpose.WALLET].available, -sums[Purpose.RECEIVABLE].posted)


def preview_of(reader: Reader, party: Id) -> list[Preview]:
    """The preview of each currency in which a party has, or waits for, money, or has a plan; by currency.

    Takes a snapshot of its own, so it cannot be called within one.
    """
    with reader.snapshot():
        row = get(reader, PARTIES, party)
        if row is None:
            return []
        balances = balances_of(reader, party)
        plans = {plan.currency: plan for plan in plans_of(reader, party)}
        held: dict[str, list[HeldFor]] = defaultdict(list)
        reserved: dict[str, list[ReservedFrom]] = defaultdict(list)
        known: dict[Id, Policy | None] = {}
        for trade in waiting_trades(reader, party):
            if trade.policy not in known:
                kept = get(reader, POLICIES, trade.policy)
                known[trade.policy] = policy_of(kept) if kept else None
            if trade.state != "released":
                held[trade.currency].append(_held_for(trade, known[trade.policy]))
            if trade.reserved:
                reserved[trade.settle_currency].append(_reserved_from(trade))
        with_money = {account_currency(each.account) for each in balances if each.posted or each.debits_pending}
        return [
            _preview(row, currency, balances, held[currency], reserved[currency], plans.get(currency))
            for currency in sorted(with_money | plans.keys() | held.keys() | reserved.keys())
        ]


def _preview(
    party: Party,
    currency: str,
    balances: Sequence[Balance],
    held: Sequence[HeldFor],
    reserved: Sequence[ReservedFrom],
    plan: PayoutPlan | None,
) -> Preview:
    sums = _by_purpose(balances, currency)
    wallet, left = sums[Purpose.WALLET], sums[Purpose.RESERVE].posted
    owed = -sums[Purpose.RECEIVABLE].posted
    amount = _payable(wallet.available, owed)
    return Preview(
        currency=currency,
        available=wallet.available,
        pending=wallet.debits_pending,
        owed=owed,
        payable=amount,
        on_its_way=sums[Purpose.PAYOUT].posted,
        held=sum(each.amount for each in held),
        held_for=tuple(held),
        reserved=left,
        reserve_used=sum(each.amount for each in reserved) - left,
        reserved_from=tuple(reserved),
        next=_next(plan, party, amount) if plan else None,
    )


def _next(plan: PayoutPlan, party: Party, amount: int) -> NextPayout:
    against = withheld(plan, party, amount)
    return NextPayout(plan.id, plan.due, 0 if against or plan.due is None else amount, against)


def _held_for(trade: Trade, policy: Policy | None) -> HeldFor:
    if trade.dispute or trade.claim:
        return HeldFor(trade.id, held_left(trade), "dispute" if trade.dispute else "claim", None, "")
    waits_for = "dispatch" if trade.state == "held" else "confirmation"
    then = silent_step(policy, trade).removeprefix("silent_") if policy else ""
    return HeldFor(trade.id, held_left(trade), waits_for, trade.due, then)


def _reserved_from(trade: Trade) -> ReservedFrom:
    until = trade.due if trade.state == "released" else None
    return ReservedFrom(trade.id, trade.reserved, trade.reserve_bps, settled(trade, trade.released), until)


def _by_purpose(balances: Sequence[Balance], currency: str) -> dict[int, Balance]:
    found: dict[int, Balance] = defaultdict(lambda: Balance(b""))
    found.update(
        (account_purpose(each.account), each) for each in balances if account_currency(each.account) == currency
    )
    return found


def _payable(available: int, owed: int) -> int:
    return min(max(available - owed, 0), MAX_AMOUNT)
