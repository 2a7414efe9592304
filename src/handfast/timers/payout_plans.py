"""Payout plans whose day has come: what is payable is looked up, and the plan's verb asked for just that."""

from handfast.domain.payouts import PayoutPlan, TurnPlan, due_plans, payable
from handfast.ledger.journal import balances_of
from handfast.store.reader import Reader


def due_payouts(reader: Reader, now: int, limit: int) -> list[tuple[PayoutPlan, TurnPlan]]:
    """The plans due at market time `now` or earlier, the earliest first, each with what to ask of it."""
    return [
        (plan, TurnPlan(plan.id, plan.version, payable(balances_of(reader, plan.party), plan.currency)))
        for plan in due_plans(reader, now, limit)
    ]
