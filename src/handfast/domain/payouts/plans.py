"""Payout plans: a wallet that pays itself out every day, week or month, if there is enough in it."""

from datetime import UTC, date, datetime, time, timedelta

from msgspec import Struct
from msgspec.structs import replace

from handfast.core.clocks import DAY
from handfast.core.errors import Conflict, Declined, Invalid, NotFound
from handfast.core.ids import Id
from handfast.core.money import check_amount
from handfast.domain.custody import account_in
from handfast.domain.parties import PARTIES, Party, active_parties, must_belong
from handfast.domain.payouts import postings
from handfast.domain.payouts.model import EVERY, PayoutPlan
from handfast.domain.payouts.tables import PAYOUT_PLANS, plan_id
from handfast.domain.payouts.verbs import stage, stands_against
from handfast.ledger import Purpose
from handfast.store.verb import Tx, verb

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST = {"day": 0, "week": 7, "month": 31, "manual": 0}


class SetPlan(Struct, frozen=True):
    """How a party's balance in a currency is to be paid out from now on; see PayoutPlan."""

    by: Id
    party: Id
    currency: str
    every: str
    day: int = 0
    minimum: int = 0


class TurnPlan(Struct, frozen=True):
    """A plan whose day has come, in the version that was found, and what was seen to be payable (minor units)."""

    plan: Id
    version: int
    amount: int


def next_due(every: str, day: int, after: int) -> int | None:
    """The first moment later than `after` at which such a day begins, in UTC (µs → µs); None where it never comes.

    A day of the month that a month has not is its last one: 31 is always the last.
    """
    if every == "manual":
        return None
    today = (_EPOCH + timedelta(microseconds=after)).date()
    found = today + timedelta(days=1)
    if every == "week":
        found += timedelta(days=(day - found.isoweekday()) % 7)
    elif every == "month":
        found = next(day_ for day_ in (_in_month(today, day), _in_month(_next_month(today), day)) if day_ > today)
    return (datetime.combine(found, time(), UTC) - _EPOCH) // timedelta(days=1) * DAY


def _in_month(month: date, day: int) -> date:
    last = _next_month(month) - timedelta(days=1)
    return last.replace(day=min(day, last.day))


def _next_month(month: date) -> date:
    return (month.replace(day=28) + timedelta(days=4)).replace(day=1)


def withheld(plan: PayoutPlan, party: Party, amount: int) -> str:
    """Why a plan whose day has come would ask for nothing: "too_little", a refusal's code, or nothing."""
    return stands_against(party) or ("too_little" if amount < max(plan.minimum, 1) else "")


@verb("payouts.plan")
async def set_plan(tx: Tx, command: SetPlan) -> PayoutPlan:
    """Make or change the plan of a party and currency. Raises Invalid, NotFound, Forbidden(party_suspended)."""
    must_belong(command.by, "party", command.party)
    if command.every not in EVERY:
        raise Invalid("field_invalid", f"a plan is for every {', '.join(EVERY)}", "every")
    last = _LAST[command.every]
    if not min(last, 1) <= command.day <= last:
        raise Invalid("field_invalid", "a week's day is 1 to 7, a month's 1 to 31, any other 0", "day")
    if command.minimum:
        check_amount(command.minimum, "minimum")
    await account_in(tx, command.currency)
    await active_parties(tx, party=command.party)
    key = plan_id(command.party, command.currency)
    known = await tx.get(PAYOUT_PLANS, key)
    plan = PayoutPlan(
        id=key,
        party=command.party,
        currency=command.currency,
        every=command.every,
        day=command.day,
        minimum=command.minimum,
        due=next_due(command.every, command.day, tx.now),
        payout=known.payout if known else None,
        outcome=known.outcome if known else "",
        version=known.version + 1 if known else 1,
        created=known.created if known else tx.now,
    )
    tx.put(PAYOUT_PLANS, plan)
    tx.event("payout_plan.set", plan, owner=plan.party)
    return plan


@verb("payouts.turn_plan", about="plan")
async def turn_plan(tx: Tx, command: TurnPlan) -> PayoutPlan:
    """Ask for what was payable when the plan's day came, and wait for the next one, also where nothing can be paid.

    A balance that has moved since it was read is no refusal: it is paid the next time. Raises NotFound,
    Conflict(state_conflict) for a plan that was changed or turned meanwhile.
    """
    plan = await tx.get(PAYOUT_PLANS, command.plan)
    if plan is None:
        raise NotFound("object_not_found", "no such payout plan", "plan")
    if plan.version != command.version or plan.due is None or plan.due > tx.now:
        raise Conflict("state_conflict", "it is not this plan's day", "version")
    party = await tx.get(PARTIES, plan.party)
    if party is None:
        raise NotFound("object_not_found", "no such party", "party")
    no = withheld(plan, party, command.amount)
    if no:
        return _turned(tx, plan, party, None, no)
    payout = stage(tx, party, Purpose.WALLET, plan.currency, command.amount)
    turned = _turned(tx, plan, party, payout.id, "asked")
    try:
        await tx.post(postings.request(payout))
    except Declined as refused:
        return _turned(tx, plan, party, None, refused.code)
    return turned


def _turned(tx: Tx, plan: PayoutPlan, party: Party, payout: Id | None, outcome: str) -> PayoutPlan:
    due = None if party.state == "erased" else next_due(plan.every, plan.day, tx.now)
    turned = replace(plan, due=due, payout=payout, outcome=outcome, version=plan.version + 1)
    tx.put(PAYOUT_PLANS, turned)
    tx.event("payout_plan.turned", turned, owner=plan.party)
    return turned


VERBS = (set_plan, turn_plan)
